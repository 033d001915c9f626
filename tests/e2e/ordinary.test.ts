// A bundle that goes to runc although somebody meant it for a unikernel has no virtual machine around it: whoever runs it
// hears of that, and with `ordinary = "refuse"` nobody runs it.
import { existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { annotation, busyboxBundle, helloBundle, putFile } from "../lib/bundle.ts";
import { type Outcome, run, succeed } from "../lib/command.ts";
import { names } from "../lib/host.ts";
import { scratch } from "../lib/hygiene.ts";
import { list, member, parseJson, text } from "../lib/json.ts";
import { type Runtime, urunc } from "../lib/runtime.ts";

const REFUSE = '[runtime]\nordinary = "refuse"\n';
const SLEEP = { args: ["/bin/sleep", "1000"] };

const SANDBOXES: readonly (readonly [string, string])[] = [
  ["io.kubernetes.cri.container-type", "sandbox"],
  ["io.kubernetes.cri-o.ContainerType", "sandbox"],
  ["io.kubernetes.docker.type", "podsandbox"],
];

/** Messages of the log's lines with this level. */
function logged(runtime: Runtime, level: string): readonly string[] {
  const log = existsSync(runtime.log) ? readFileSync(runtime.log, "utf8") : "";
  return log
    .split("\n")
    .filter((line) => line !== "")
    .map(parseJson)
    .filter((line) => text(line, "level") === level)
    .map((line) => text(line, "msg"));
}

/** Other global options than those of the test's runtime, whose configuration stays in the environment. */
function withOption(runtime: Runtime, options: readonly string[], ...args: readonly string[]): Outcome {
  const env = { URUNC_CONFIG_FILE: join(scratch(), "config.toml") };
  return run(scratch(), [runtime.program, ...options, "--root", runtime.root, "--log", runtime.log, ...args], { env });
}

describe("a bundle with a key of ours that goes to runc", () => {
  it.each([
    ["misspelled", { [annotation("bootkernel")]: "default" }, "did you mean com.urunc.unikernel.bootKernel?"],
    [
      "one of three",
      { [annotation("hypervisor")]: "qemu" },
      "com.urunc.unikernel.unikernelType, com.urunc.unikernel.binary are missing",
    ],
    ["with another prefix", { "com.urunc.unikernal.binary": "/k" }, "did you mean com.urunc.unikernel.binary?"],
  ])("is warned of by create, run and plan: %s", (_, annotations, expected) => {
    const runtime = urunc();
    const bundle = busyboxBundle({ ...SLEEP, annotations });
    runtime.create("plain", bundle);
    expect(logged(runtime, "warning").join("\n")).toContain(expected);
    expect(logged(runtime, "warning").at(-1)).toContain("runc runs this bundle as an ordinary container");
    const plan = parseJson(succeed(runtime.verb("plan", "--bundle", bundle, "--format", "json")).stdout());
    expect(text(plan, "runtime")).toBe("runc");
    expect(list(member(plan, "warnings"))).toEqual(logged(runtime, "warning"));
    expect(succeed(runtime.verb("plan", "--bundle", bundle)).stdout()).toContain(expected);
    const quick = busyboxBundle({ name: "quick", args: ["/bin/true"], annotations });
    succeed(runtime.verb("run", "--bundle", quick, "quick"));
    expect(logged(runtime, "warning").filter((line) => line.includes(expected)).length).toBeGreaterThan(1);
  });

  it("is warned of where the image's urunc.json is the one that lacks something", () => {
    const runtime = urunc();
    const bundle = busyboxBundle(SLEEP);
    const value = Buffer.from("linux").toString("base64");
    putFile(
      bundle,
      "urunc.json",
      JSON.stringify({ [annotation("unikernelType")]: value, [annotation("Binary")]: value }),
    );
    runtime.create("plain", bundle);
    const warnings = logged(runtime, "warning").join("\n");
    expect(warnings).toContain(
      "urunc.json of the image: com.urunc.unikernel.Binary ignored: it is not known: did you mean",
    );
    expect(warnings).toContain("com.urunc.unikernel.hypervisor, com.urunc.unikernel.binary are missing");
  });

  it("is an error where the image's urunc.json is a link that leads nowhere", () => {
    const runtime = urunc();
    const bundle = busyboxBundle(SLEEP);
    symlinkSync("not-there.json", join(bundle, "rootfs", "urunc.json"));
    expect(runtime.verb("create", "--bundle", bundle, "plain").status).toBe(1);
    expect(runtime.lastError()).toContain("Open urunc.json of the image");
  });

  it("is not warned of where it has none", () => {
    const runtime = urunc();
    runtime.create("plain", busyboxBundle({ ...SLEEP, annotations: { "org.example.binary": "/bin/true" } }));
    expect(logged(runtime, "warning")).toEqual([]);
  });
});

describe("with ordinary bundles refused", () => {
  it.each(["create", "run", "restore", "plan"])("%s of one fails and says why", (verb) => {
    const runtime = urunc(REFUSE);
    const bundle = busyboxBundle({ ...SLEEP, annotations: { [annotation("bootkernel")]: "default" } });
    const outcome = runtime.verb(verb, "--bundle", bundle, ...(verb === "plan" ? [] : ["plain"]));
    expect(outcome.status).toBe(1);
    const said = verb === "plan" ? outcome.stdout() : (runtime.lastError() ?? "");
    expect(said).toContain('it names no unikernel, and runtime.ordinary of the configuration is "refuse"');
    expect(said).toContain("did you mean com.urunc.unikernel.bootKernel?");
    expect(names(runtime.root)).toEqual([]);
  });

  it("one without any key of ours, and Knative's queue-proxy, are refused alike", () => {
    const runtime = urunc(REFUSE);
    const proxy = { "io.kubernetes.cri.container-name": "queue-proxy" };
    for (const [name, annotations] of Object.entries({ plain: {}, proxy })) {
      expect(runtime.verb("create", "--bundle", busyboxBundle({ name, ...SLEEP, annotations }), name).status).toBe(1);
      expect(runtime.lastError()).toContain("it names no unikernel");
    }
  });

  it.each(SANDBOXES)("a pod's own container still goes to runc: %s", (key, value) => {
    const runtime = urunc(REFUSE);
    const annotations = { [key]: value, [annotation("hypervisor")]: "qemu" };
    runtime.create("pause", busyboxBundle({ ...SLEEP, annotations }));
    expect(runtime.status("pause")).toBe("created");
    expect(logged(runtime, "warning")).toEqual([]);
  });

  it.each(SANDBOXES)("one that its engine calls ordinary is refused, whatever others say: %s", (key) => {
    const runtime = urunc(REFUSE);
    const annotations = { ...Object.fromEntries(SANDBOXES), [key]: "container" };
    expect(runtime.verb("create", "--bundle", busyboxBundle({ ...SLEEP, annotations }), "x").status).toBe(1);
    expect(runtime.lastError()).toContain("it names no unikernel");
  });

  it("a unikernel is made as ever", () => {
    const runtime = urunc(REFUSE);
    runtime.create("guest", helloBundle({ args: ["hello", "--stay"] }));
    expect(runtime.status("guest")).toBe("created");
  });

  it("a container that runc has already is managed to its end", () => {
    const runtime = urunc();
    runtime.create("plain", busyboxBundle(SLEEP));
    const file = join(scratch(), "refuse.toml");
    writeFileSync(file, REFUSE);
    for (const verb of [
      ["start", "plain"],
      ["exec", "plain", "/bin/true"],
      ["kill", "plain", "KILL"],
    ]) {
      succeed(withOption(runtime, ["--config", file], ...verb));
    }
    succeed(withOption(runtime, ["--config", file], "delete", "--force", "plain"));
    expect(names(runtime.root)).toEqual([]);
  });

  it("a file that cannot be read stops ordinary bundles, and no pod's own container", () => {
    const runtime = urunc();
    const file = join(scratch(), "broken.toml");
    writeFileSync(file, '[runtime]\nordinary = "refuse\n');
    const plain = busyboxBundle({ name: "plain", ...SLEEP });
    expect(withOption(runtime, ["--config", file], "create", "--bundle", plain, "plain").status).toBe(1);
    const [[key, value] = ["", ""]] = SANDBOXES;
    const pause = busyboxBundle({ name: "pause", ...SLEEP, annotations: { [key]: value } });
    succeed(withOption(runtime, ["--config", file], "create", "--bundle", pause, "pause"));
    runtime.expectLeftover("pause");
  });
});

describe("the configuration file that --config names", () => {
  it.each([
    ["in two words", (file: string) => ["--config", file]],
    ["in one word", (file: string) => [`--config=${file}`]],
    ["with one dash", (file: string) => ["-config", file]],
    ["by a relative path", () => ["--config", "own.toml"]],
  ])("is read before the environment's, %s", (_, options) => {
    const runtime = urunc();
    const file = join(scratch(), "own.toml");
    writeFileSync(file, REFUSE);
    const bundle = busyboxBundle(SLEEP);
    const refused = withOption(runtime, options(file), "plan", "--bundle", bundle);
    expect([refused.status, refused.stdout()]).toEqual([1, expect.stringContaining("it names no unikernel")]);
    expect(succeed(withOption(runtime, [], "plan", "--bundle", bundle)).stdout()).toContain("runc runs this bundle");
  });

  it("is not passed on to runc, by any verb", () => {
    const runtime = urunc();
    const file = join(scratch(), "own.toml");
    writeFileSync(file, "");
    const bundle = busyboxBundle(SLEEP);
    const verbs = [
      ["create", "--bundle", bundle, "plain"],
      ["start", "plain"],
      ["state", "plain"],
      ["exec", "plain", "/bin/echo", "--config", "x"],
      ["ps", "plain"],
      ["pause", "plain"],
      ["resume", "plain"],
      ["events", "--stats", "plain"],
      ["update", "--pids-limit", "77", "plain"],
      ["kill", "plain", "KILL"],
      ["delete", "--force", "plain"],
    ];
    runtime.expectLeftover("plain");
    for (const verb of verbs) succeed(withOption(runtime, [`--config=${file}`], ...verb));
    succeed(
      withOption(
        runtime,
        ["--config", file],
        "run",
        "--bundle",
        busyboxBundle({ name: "q", args: ["/bin/true"] }),
        "q",
      ),
    );
  });

  it("is an error where it is missing, which names it", () => {
    const runtime = urunc();
    const outcome = withOption(runtime, ["--config", "/not/there.toml"], "create", "--bundle", helloBundle(), "guest");
    expect(outcome.status).toBe(1);
    expect(outcome.stderr()).toContain("/not/there.toml");
    expect(outcome.stderr()).toContain("--config");
  });
});
