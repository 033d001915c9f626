// Hooks of the runtime-spec beyond what is asked of runc too (hooks-namespaces.test.ts): what a hook is given, what a
// failing one of each kind undoes, and what others see while one runs.
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Hook } from "../lib/bundle.ts";
import { run, succeed, until } from "../lib/command.ts";
import { isAlive, names, namespaceOf } from "../lib/host.ts";
import { leftovers, scratch } from "../lib/hygiene.ts";
import { member, number, parseJson, text } from "../lib/json.ts";
import { lightBundle, lightRuntime } from "../lib/light.ts";
import { lightConfiguration } from "../lib/light-bundle.ts";
import { urunc } from "../lib/runtime.ts";

/** Its real path: the monitor's root has no link to it. */
const BUSYBOX = realpathSync("/bin/busybox");
const KINDS = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"] as const;
const ANNOTATION = "org.example.note";

const journal = () => join(scratch(), "journal");

/** Lines that {@link noting} hooks have written. */
function noted(): readonly string[] {
  return existsSync(journal()) ? readFileSync(journal(), "utf8").trimEnd().split("\n") : [];
}

function shell(script: string, more: Partial<Hook> = {}): Hook {
  return { path: "/bin/sh", args: ["sh", "-c", script], env: ["PATH=/usr/bin:/bin"], ...more };
}

/** A hook that writes the name and the state it is given, and ends with a status. */
function noting(name: string, status = 0): Hook {
  return shell(`echo "${name} $(cat)" >> ${journal()}; echo "${name} says" >&2; exit ${status}`);
}

function withAnnotation(hooks: Readonly<Record<string, readonly Hook[]>>, name = "hooks"): string {
  const bundle = lightBundle(name, { hooks });
  const config = parseJson(readFileSync(join(bundle, "config.json"), "utf8"));
  const annotations = { ...(member(config, "annotations") as object), [ANNOTATION]: "of the bundle" };
  return lightBundle(name, { hooks, annotations });
}

describe("a hook", () => {
  it("is given the whole state: version, id, status, bundle, annotations, and the pid as it is seen there", async () => {
    const runtime = lightRuntime();
    const kinds = KINDS.filter((kind) => kind !== "startContainer");
    const bundle = withAnnotation(Object.fromEntries(kinds.map((kind) => [kind, [noting(kind)]])));
    const { pid } = runtime.create("whole", bundle);
    succeed(runtime.verb("start", "whole"));
    succeed(runtime.verb("delete", "--force", "whole"));
    const states = noted().map((line) => ({
      kind: line.slice(0, line.indexOf(" ")),
      state: parseJson(line.slice(line.indexOf(" "))),
    }));
    expect(states.map(({ kind }) => kind)).toEqual(kinds);
    for (const { kind, state } of states) {
      expect(text(state, "id"), kind).toBe("whole");
      expect(text(state, "bundle"), kind).toBe(bundle);
      expect(text(state, "ociVersion"), kind).toMatch(/^1\.\d+\.\d+/);
      expect(text(member(state, "annotations"), ANNOTATION), kind).toBe("of the bundle");
    }
    expect(states.map(({ state }) => text(state, "status"))).toEqual([
      "creating",
      "creating",
      "creating",
      "running",
      "stopped",
    ]);
    // The init is the first of the container's pid namespace.
    expect(states.map(({ state }) => number(state, "pid"))).toEqual([pid, pid, 1, pid, 0]);
  });

  it("has the arguments and the environment of the bundle and nothing else, and no descriptor but three", () => {
    const runtime = lightRuntime();
    const show = `tr '\\0' '\\n' < /proc/$$/environ > ${journal()}; tr '\\0' '|' < /proc/$$/cmdline >> ${journal()}`;
    const fds = `; echo >> ${journal()}; ls /proc/$$/fd | tr '\\n' ' ' >> ${journal()}`;
    for (const kind of KINDS.filter((kind) => kind !== "startContainer")) {
      const args = ["the name", "-c", show + fds, "second"];
      const hook = { path: "/bin/sh", args, env: ["ONE=1", "PATH=/usr/bin:/bin", "TWO=a b"] };
      const bundle = lightBundle(kind, { hooks: { [kind]: [hook] } });
      runtime.expectLeftover(kind);
      for (const verb of [`create --preserve-fds 3 --bundle ${bundle}`, "start", "delete --force"]) {
        const command = `exec 3</ 4</ 5</ 9</; exec ${runtime.program} --root ${runtime.root} ${verb} ${kind}`;
        const env = { URUNC_CONFIG_FILE: join(scratch(), "config.toml"), SECRET: "of the caller" };
        succeed(run(scratch(), ["sh", "-c", command], { env }));
      }
      const [one, path, two, words, open] = noted();
      expect([one, path, two], kind).toEqual(["ONE=1", "PATH=/usr/bin:/bin", "TWO=a b"]);
      expect(words, kind).toBe(`${args.join("|")}|`);
      // The shell of the pipe has its own end of it open.
      expect(open?.trim().replace(" 3", ""), kind).toBe("0 1 2");
    }
  });

  it("need not read its state, may say much, and may leave a process behind that holds its output", () => {
    const runtime = lightRuntime();
    const script = `exec 0<&-; head -c 300000 /dev/zero; sleep 5 & echo $! > ${journal()}`;
    const bundle = lightBundle("loud", { hooks: { createRuntime: [shell(script)] } });
    const begin = Date.now();
    runtime.create("loud", bundle);
    expect(Date.now() - begin).toBeLessThan(4000);
    process.kill(Number(noted()[0]), "SIGKILL");
  });

  it("of a program that is not there is named with its kind and path", () => {
    const runtime = lightRuntime();
    const bundle = lightBundle("absent", { hooks: { createRuntime: [{ path: "/nonexistent/hook" }] } });
    expect(runtime.verb("create", "--bundle", bundle, "absent").status).toBe(1);
    expect(runtime.lastError()).toMatch(/createRuntime \/nonexistent\/hook.*ENOENT/);
    expect(names(runtime.root)).toEqual([]);
  });
});

// The monitor's root has the monitor: here it is busybox, so that there is a program to look around with.
describe("a startContainer hook", () => {
  const inside = (script: string): Hook => ({
    path: BUSYBOX,
    args: ["busybox", "sh", "-c", script],
    env: ["WHERE=inside"],
  });
  const runtimeWithBusybox = () => urunc(lightConfiguration(BUSYBOX));

  it("runs in the container's namespaces and the monitor's root, with the state, in order, before the monitor", () => {
    const runtime = runtimeWithBusybox();
    const busybox = (...words: string[]) => [BUSYBOX, ...words].join(" ");
    // What one of them says is told when it fails: the second one does, so that the first one's file can be seen.
    const look = [
      "echo env=$WHERE pid=$$",
      `echo host=$(${busybox("hostname")})`,
      `echo links=$(${busybox("ip", "-o", "link")} | ${busybox("wc", "-l")})`,
      `echo first=$(${busybox("cat", "/tmp/first")})`,
      `echo root=$(${busybox("ls", "/")})`,
      `echo id=$(${busybox("id", "-u")})`,
      `echo state=$(${busybox("cat")})`,
      "exit 9",
    ].join("; ");
    const first = inside(`echo was here > /tmp/first`);
    const hooks = { startContainer: [first, inside(look)], poststart: [noting("poststart")] };
    const bundle = lightBundle("inside", { hooks, hostname: "guest-host" });
    const { pid } = runtime.create("inside", bundle);
    expect(namespaceOf(pid, "net")).not.toBe(namespaceOf("self", "net"));
    expect(runtime.verb("start", "inside").status).toBe(1);
    const said = runtime.lastError() ?? "";
    expect(said).toContain("startContainer");
    expect(said).toContain("exit status 9");
    expect(said).toMatch(/env=inside pid=[23]\n/);
    expect(said).toContain("host=guest-host\n");
    expect(said).toContain("links=1\n");
    expect(said).toContain("first=was here\n");
    expect(said).not.toMatch(/root=.*\b(etc|home|proc|sys)\b/);
    expect(said).toContain("id=0\n");
    const state = parseJson(said.slice(said.indexOf("state=") + "state=".length));
    expect(text(state, "id")).toBe("inside");
    expect(text(state, "status")).toBe("created");
    expect(number(state, "pid")).toBe(1);
    expect(text(state, "bundle")).toBe(bundle);
    expect(runtime.status("inside")).toBe("stopped");
    // No poststart hook, since nothing was started.
    expect(noted()).toEqual([]);
  });

  it("is found in the monitor's root only, and one that hangs is ended after its timeout", async () => {
    const runtime = runtimeWithBusybox();
    const hooks = [
      [shell("true"), "ENOENT"],
      [{ path: BUSYBOX, args: ["busybox", "sleep", "1000"], timeout: 1 }, "no end within 1 s"],
    ] as const;
    for (const [index, [hook, reason]] of hooks.entries()) {
      const id = `hook${index}`;
      const { pid } = runtime.create(id, lightBundle(id, { hooks: { startContainer: [hook] } }));
      expect(runtime.verb("start", id).status).toBe(1);
      expect(runtime.lastError()).toContain(`startContainer ${hook.path}`);
      expect(runtime.lastError()).toContain(reason);
      await until("the init has ended", () => !isAlive(pid));
    }
  });
});

describe("a hook that fails", () => {
  it.each(["prestart", "createRuntime", "createContainer"])(
    "as %s hook: nothing after it runs but poststop, and create has undone everything",
    (kind) => {
      const runtime = lightRuntime();
      const all = Object.fromEntries(KINDS.map((other) => [other, [noting(other)]]));
      const hooks = { ...all, [kind]: [noting(kind, 4), noting("never")] };
      const outcome = runtime.verb("create", "--bundle", lightBundle("failing", { hooks }), "failing");
      expect(outcome.status).toBe(1);
      expect(runtime.lastError()).toMatch(new RegExp(`${kind} /bin/sh: exit status 4: ${kind} says`));
      const before = KINDS.slice(0, KINDS.indexOf(kind as (typeof KINDS)[number]) + 1);
      expect(noted().map((line) => line.split(" ")[0])).toEqual([...before, "poststop"]);
      const last = noted().at(-1) ?? "";
      expect(text(parseJson(last.slice(last.indexOf(" "))), "status")).toBe("stopped");
      expect(names(runtime.root)).toEqual([]);
      expect(leftovers()).toEqual([]);
    },
  );

  it.each([
    ["startContainer", "start"],
    ["poststart", "start"],
  ])("as %s hook: start fails, the container is stopped, and delete runs poststop", async (kind) => {
    const runtime = lightRuntime();
    const hooks = { [kind]: [noting(kind, 4), noting("never")], poststop: [noting("poststop")] };
    const { pid } = runtime.create("failing", lightBundle("failing", { hooks }));
    expect(runtime.verb("start", "failing").status).toBe(1);
    expect(runtime.lastError()).toContain(`Hook ${kind} /bin/sh`);
    await until("the container has ended", () => !isAlive(pid));
    expect(runtime.status("failing")).toBe("stopped");
    succeed(runtime.verb("delete", "failing"));
    const ran = noted().map((line) => line.split(" ")[0]);
    expect(ran).toEqual(kind === "poststart" ? [kind, "poststop"] : ["poststop"]);
    expect(names(runtime.root)).toEqual([]);
  });

  it.each(["createRuntime", "startContainer", "poststart"])("as %s hook of run: run has undone everything", (kind) => {
    const runtime = lightRuntime();
    const hooks = { [kind]: [noting(kind, 4)], poststop: [noting("poststop")] };
    const bundle = lightBundle("failing", { hooks });
    for (const options of [[], ["--detach"]]) {
      expect(runtime.verb("run", ...options, "--bundle", bundle, "failing").status).toBe(1);
      expect(runtime.lastError()).toContain(`Hook ${kind} /bin/sh`);
      expect(names(runtime.root)).toEqual([]);
      expect(leftovers()).toEqual([]);
    }
    expect(noted().filter((line) => line.startsWith("poststop"))).toHaveLength(2);
  });
});

describe("while a hook runs", () => {
  it("it can ask for the state itself: creating, then running, then none", () => {
    const runtime = lightRuntime();
    const ask = (kind: string): Hook =>
      shell(
        `s=$(${runtime.program} --root ${runtime.root} state asked 2>/dev/null | grep '"status"'); echo "${kind} $s" >> ${journal()}`,
        { timeout: 10 },
      );
    const kinds = KINDS.filter((kind) => kind !== "startContainer");
    const hooks = Object.fromEntries(kinds.map((kind) => [kind, [ask(kind)]]));
    runtime.create("asked", lightBundle("asked", { hooks }));
    succeed(runtime.verb("start", "asked"));
    succeed(runtime.verb("delete", "--force", "asked"));
    expect(noted().map((line) => line.replace(/\s+"status": "(\w+)",/, " $1"))).toEqual([
      "prestart creating",
      "createRuntime creating",
      "createContainer creating",
      "poststart running",
      "poststop",
    ]);
  });

  it("state and list of others answer, start is refused, and delete --force ends it", async () => {
    const runtime = lightRuntime();
    const wait = shell(`echo here >> ${journal()}; exec sleep 1000`);
    const bundle = lightBundle("slow", { hooks: { createContainer: [wait], poststop: [noting("poststop")] } });
    const creating = runtime.begin("create", "--bundle", bundle, "slow");
    await until("the hook runs", () => noted().includes("here"));
    expect(runtime.status("slow")).toBe("creating");
    expect(runtime.verb("list").stdout()).toMatch(/slow\s+\d+\s+creating/);
    succeed(runtime.verb("delete", "--force", "slow"));
    expect(await creating.ended()).toBe(1);
    await until("nothing is left", () => leftovers().length === 0);
    expect(names(runtime.root)).toEqual([]);
  });

  it("a startContainer hook leaves the container created for others", async () => {
    const runtime = urunc(lightConfiguration(BUSYBOX));
    const wait = { path: BUSYBOX, args: ["busybox", "sleep", "1"] };
    const { pid } = runtime.create("slow", lightBundle("slow", { hooks: { startContainer: [wait] } }));
    const starting = runtime.begin("start", "slow");
    await until("the hook runs", () => names(`/proc/${pid}/task/${pid}`).length > 0 && childOf(pid));
    expect(runtime.status("slow")).toBe("created");
    expect(await starting.ended()).toBe(0);
  });
});

/** Whether a process has a child. */
function childOf(pid: number): boolean {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim() !== "";
}
