import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { helloBundle } from "../lib/bundle.ts";
import { type Outcome, run, succeed } from "../lib/command.ts";
import { names } from "../lib/host.ts";
import { atEnd, scratch } from "../lib/hygiene.ts";
import { list, member, parseJson, readJson, text } from "../lib/json.ts";
import { URUNC } from "../lib/paths.ts";
import { urunc } from "../lib/runtime.ts";

const VERBS = ["create", "start", "state", "kill", "delete", "run", "list", "ps", "spec", "features", "plan"] as const;

/** Without any global option. */
function bare(...args: readonly string[]): Outcome {
  return run(scratch(), [URUNC, ...args]);
}

describe("the command line", () => {
  it("tells its version in the lines that callers parse", () => {
    const lines = succeed(bare("--version")).stdout().trimEnd().split("\n");
    expect(lines[0]).toMatch(/^(urunc|runc) version \d+\.\d+\.\d+/);
    expect(lines.find((line) => line.startsWith("spec: "))).toMatch(/^spec: 1\.\d+\.\d+$/);
  });

  it("lists every verb in its help", () => {
    const help = succeed(bare("--help")).stdout();
    for (const verb of VERBS) {
      expect(help).toMatch(new RegExp(`^\\s+${verb}\\b`, "m"));
    }
  });

  it("says defaults, units and what is refused in the help", () => {
    expect(succeed(bare("events", "--help")).stdout()).toMatch(/--interval TIME.*default 5s/);
    const update = succeed(bare("update", "--help")).stdout();
    for (const name of ["cpu-period", "cpu-quota"]) expect(update).toMatch(new RegExp(`--${name} US .*microseconds`));
    for (const name of ["l3-cache-schema", "mem-bw-schema"]) expect(update).toMatch(new RegExp(`--${name} .*refused`));
  });

  it.each(VERBS)("has a help page with every flag, %s", (verb) => {
    const help = succeed(bare(verb, "--help")).stdout();
    expect(help).toContain(verb);
    expect(help.length).toBeGreaterThan(60);
  });

  it.each([
    [["create", "--bundel", "x", "id"], "--bundle"],
    [["delete", "--forse", "id"], "--force"],
    [["list", "--formt", "json"], "--format"],
    [["--rot", "/x", "list"], "--root"],
    [["creat", "id"], "create"],
  ])("names the nearest known word for %j", (args, nearest) => {
    const outcome = bare(...args);
    expect(outcome.status).toBe(1);
    expect(outcome.stdout() + outcome.stderr()).toContain(nearest);
  });

  it.each([
    [["state"]],
    [["state", "a", "b"]],
    [["create"]],
    [["start"]],
    [["kill"]],
    [["kill", "a", "KILL", "c"]],
    [["delete"]],
    [["list", "a"]],
    [["--log-format", "xml", "list"]],
    [["--root", "/", "list"]],
    [[]],
  ])("refuses %j", (args) => {
    if (args.length === 0) {
      expect(bare().stdout() + bare().stderr()).toContain("create");
      return;
    }
    const outcome = bare(...args);
    expect(outcome.status).toBe(1);
    expect(outcome.stderr().length).toBeGreaterThan(5);
  });

  it.each([
    ["the log", ["--log", "/nowhere/log", "list"], "Open log: openat /nowhere/log: No such file"],
    ["a config.json", ["spec", "--bundle", "/nowhere"], "Write config.json: openat /nowhere/config.json: No such file"],
    ["an option that nobody knows", ["list", "--formt"], "did you mean --format? '--help' lists all"],
  ])("says what it was doing, and what to do, for %s", (_, args, said) => {
    const outcome = bare(...args);
    expect(outcome.status).toBe(1);
    expect(outcome.stderr()).toContain(said);
  });

  it("names the pid file that cannot be written, and leaves no container", () => {
    const runtime = urunc();
    const outcome = runtime.verb("create", "--bundle", helloBundle({}), "--pid-file", "/nowhere/pid", "unwritten");
    expect(outcome.status).toBe(1);
    expect(runtime.lastError()).toContain("Write pid file /nowhere/pid: openat /nowhere/: No such file");
    expect(runtime.verb("list", "--quiet").stdout()).toBe("");
  });

  it("takes flags of runc in every spelling that callers use", () => {
    const runtime = urunc();
    const bundle = helloBundle({ args: ["hello"] });
    const globals = [
      `--root=${runtime.root}`,
      "--debug",
      `--log=${runtime.log}`,
      "--log-format=json",
      "--systemd-cgroup=false",
      "--rootless=auto",
    ];
    const pidFile = join(scratch(), "the.pid");
    const outcome = run(
      scratch(),
      [
        runtime.program,
        ...globals,
        "create",
        "-b",
        bundle,
        "--pid-file",
        pidFile,
        "--no-pivot",
        "--no-new-keyring",
        "--preserve-fds",
        "0",
        "spelling",
      ],
      { env: { URUNC_CONFIG_FILE: join(scratch(), "config.toml") } },
    );
    if (outcome.status === 0) {
      runtime.expectLeftover("spelling");
    }
    succeed(outcome);
    expect(runtime.state("spelling").pid).toBe(Number(readFileSync(pidFile, "utf8")));
  });

  it("writes text lines to the log by default and to standard error without one", () => {
    const log = join(scratch(), "text.log");
    bare("--root", join(scratch(), "r"), "--log", log, "state", "nobody");
    expect(readFileSync(log, "utf8")).toMatch(/^time="[^"]+" level=error msg="container does not exist"?/m);
    const outcome = bare("--root", join(scratch(), "r"), "state", "nobody");
    expect(outcome.stderr()).toContain("container does not exist");
    expect(outcome.stdout()).toBe("");
  });
});

describe("features", () => {
  it("prints the runtime-spec's document with our monitors and guests", () => {
    const features = parseJson(succeed(bare("features")).stdout());
    expect(text(features, "ociVersionMin")).toBe("1.0.0");
    expect(text(features, "ociVersionMax")).toMatch(/^1\.\d/);
    expect(list(features, "hooks")).toEqual(
      expect.arrayContaining([
        "prestart",
        "createRuntime",
        "createContainer",
        "startContainer",
        "poststart",
        "poststop",
      ]),
    );
    expect(list(features, "linux", "namespaces")).toEqual(expect.arrayContaining(["pid", "network", "mount"]));
    const annotations = JSON.stringify(member(features, "annotations"));
    for (const kind of ["qemu", "hvt", "spt", "unikraft", "mirage", "rumprun", "linux"]) {
      expect(annotations).toContain(kind);
    }
  });
});

describe("spec", () => {
  it("writes a config.json to start from, once", () => {
    const runtime = urunc();
    const bundle = join(scratch(), "new");
    mkdirSync(bundle);
    succeed(runtime.verb("spec", "--bundle", bundle));
    const config = readJson(join(bundle, "config.json"));
    expect(text(config, "ociVersion")).toMatch(/^1\./);
    expect(text(config, "root", "path")).toBe("rootfs");
    expect(JSON.stringify(member(config, "annotations"))).toContain("com.urunc.unikernel.");
    writeFileSync(join(bundle, "config.json"), "mine");
    expect(runtime.verb("spec", "--bundle", bundle).status).toBe(1);
    expect(readFileSync(join(bundle, "config.json"), "utf8")).toBe("mine");
  });
});

describe("what is executed", () => {
  const TRAPS = [
    "main.js",
    "index.js",
    "urunc.js",
    "sys.js",
    "std.js",
    "package.json",
    ".env",
    ".npmrc",
    "tsconfig.json",
    "a.mjs",
  ];

  it("comes from the executable alone: no verb opens a script, a package or an environment file", () => {
    const runtime = urunc();
    const bundle = helloBundle({ args: ["hello", "--stay"] });
    const trap = join(scratch(), "trap");
    mkdirSync(join(trap, "node_modules", "sys"), { recursive: true });
    for (const name of TRAPS) {
      writeFileSync(join(trap, name), "throw new Error('executed')");
    }
    writeFileSync(join(trap, "node_modules", "sys", "index.js"), "throw new Error('executed')");
    const globals = ["--root", runtime.root, "--log", runtime.log, "--log-format", "json"];
    const calls = [
      ["create", "--bundle", bundle, "traced"],
      ["state", "traced"],
      ["start", "traced"],
      ["list"],
      ["ps", "--format", "json", "traced"],
      ["plan", "--bundle", bundle],
      ["kill", "traced", "KILL"],
      ["delete", "--force", "traced"],
      ["features"],
      ["--version"],
      ["create", "--help"],
    ];
    atEnd(() => void runtime.verb("delete", "--force", "traced"));
    for (const [index, call] of calls.entries()) {
      const trace = join(scratch(), `trace-${index}`);
      const outcome = run(
        trap,
        [
          "strace",
          "-D",
          "-f",
          "-qq",
          "-o",
          trace,
          "-e",
          "trace=open,openat,openat2,execve,readlink,access,stat,newfstatat",
          runtime.program,
          ...globals,
          ...call,
        ],
        {
          env: {
            URUNC_CONFIG_FILE: join(scratch(), "config.toml"),
            NODE_OPTIONS: "--require ./main.js",
            NODE_PATH: trap,
            QJS_PATH: trap,
            QUICKJS_PATH: trap,
          },
        },
      );
      succeed(outcome);
      const lines = readFileSync(trace, "utf8").split("\n");
      const suspicious = lines.filter(
        (line) => /\.m?js"|package\.json|\.env"|\.npmrc|tsconfig|node_modules/.test(line) || line.includes(trap),
      );
      expect(suspicious, call.join(" ")).toEqual([]);
      expect(lines.length).toBeGreaterThan(1);
    }
    expect(names(runtime.root)).toEqual([]);
  });

  it("is one static program", () => {
    expect(run(scratch(), ["sh", "-c", 'LC_ALL=C ldd "$1" 2>&1', "sh", URUNC]).stdout()).toMatch(
      /not a dynamic executable|statically linked/,
    );
    expect(readFileSync(URUNC).length).toBeLessThanOrEqual(4 * 1024 * 1024);
  });
});
