// A bundle that is no unikernel goes to runc: whatever runc answers, urunc answers.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { busyboxBundle, helloBundle } from "../lib/bundle.ts";
import { type Outcome, run, start, succeed, until } from "../lib/command.ts";
import { isAlive, names, processStatus } from "../lib/host.ts";
import { reaped, scratch } from "../lib/hygiene.ts";
import { list, parseJson, text } from "../lib/json.ts";
import { HELPERS } from "../lib/paths.ts";
import { type Runtime, readState, urunc } from "../lib/runtime.ts";

const SLEEP = ["/bin/sleep", "1000"];

/** runc itself on urunc's containers. */
function directly(runtime: Runtime, ...args: readonly string[]): Outcome {
  return run(scratch(), ["runc", "--root", runtime.root, ...args]);
}

describe("an ordinary container through urunc", () => {
  it("is made, started, killed and deleted by runc", async () => {
    const runtime = urunc();
    const bundle = busyboxBundle({ args: SLEEP });
    const { pid } = runtime.create("plain", bundle);
    expect(readState(parseJson(succeed(directly(runtime, "state", "plain")).stdout()))).toMatchObject({
      status: "created",
      pid,
    });
    expect(runtime.verb("state", "plain").stdout()).toBe(directly(runtime, "state", "plain").stdout());
    succeed(runtime.verb("start", "plain"));
    expect(runtime.verb("state", "plain").stdout()).toBe(directly(runtime, "state", "plain").stdout());
    succeed(runtime.verb("kill", "plain", "KILL"));
    expect(await until("the container is reaped", () => reaped(pid))).toBe("signal 9");
    succeed(runtime.verb("delete", "plain"));
    expect(names(runtime.root)).toEqual([]);
  });

  it("runs in the foreground with output, input and exit status", async () => {
    const runtime = urunc();
    const bundle = busyboxBundle({ args: ["/bin/sh", "-c", "read line; echo got $line; exit 42"] });
    const running = runtime.begin("run", "--bundle", bundle, "plain");
    running.write("a line\n");
    running.endInput();
    expect(await running.ended()).toBe(42);
    expect(running.stdout()).toBe("got a line\n");
  });

  // runc passes on what LISTEN_FDS names (sd_listen_fds(3)): were it closed by then, files of runc's own had its numbers.
  it("gets the caller's descriptors of socket activation, and none of runc's", () => {
    const runtime = urunc();
    const bundle = busyboxBundle({ args: ["/bin/sh", "-c", "cat <&3; cat <&4"] });
    for (const name of ["one", "two"]) writeFileSync(join(scratch(), name), `the caller's ${name}\n`);
    const env = { URUNC_CONFIG_FILE: join(scratch(), "config.toml") };
    const script = 'export LISTEN_PID=$$ LISTEN_FDS=2; exec 3<one 4<two; exec "$@"';
    const words = [runtime.program, "--root", runtime.root, "--log", runtime.log, "run", "--bundle", bundle, "plain"];
    const done = succeed(run(scratch(), ["sh", "-c", script, "sh", ...words], { env }));
    expect(done.stdout()).toBe("the caller's one\nthe caller's two\n");
  });

  it("executes processes with their exit status", () => {
    const runtime = urunc();
    runtime.create("plain", busyboxBundle({ args: SLEEP }));
    succeed(runtime.verb("start", "plain"));
    expect(succeed(runtime.verb("exec", "plain", "/bin/echo", "--flag", "-x")).stdout()).toBe("--flag -x\n");
    expect(runtime.verb("exec", "plain", "/bin/sh", "-c", "exit 5").status).toBe(5);
    const process = join(scratch(), "process.json");
    writeFileSync(
      process,
      JSON.stringify({ args: ["/bin/echo", "by file"], cwd: "/", user: { uid: 0, gid: 0 }, env: ["A=b"] }),
    );
    expect(succeed(runtime.verb("exec", "--process", process, "plain")).stdout()).toBe("by file\n");
  });

  it("pauses, resumes, is updated and tells its statistics", () => {
    const runtime = urunc();
    const { pid } = runtime.create("plain", busyboxBundle({ args: SLEEP }));
    succeed(runtime.verb("start", "plain"));
    succeed(runtime.verb("pause", "plain"));
    expect(runtime.status("plain")).toBe("paused");
    succeed(runtime.verb("resume", "plain"));
    expect(runtime.status("plain")).toBe("running");
    succeed(runtime.verb("update", "--pids-limit", "77", "plain"));
    const stats = parseJson(succeed(runtime.verb("events", "--stats", "plain")).stdout());
    expect(text(stats, "type")).toBe("stats");
    expect(JSON.stringify(stats)).toContain('"limit":77');
    expect(isAlive(pid)).toBe(true);
  });

  it("reads an update from standard input", () => {
    const runtime = urunc();
    runtime.create("plain", busyboxBundle({ args: SLEEP }));
    const resources = join(scratch(), "resources.json");
    writeFileSync(resources, JSON.stringify({ pids: { limit: 66 } }));
    succeed(runtime.verbWith({ stdin: resources }, "update", "--resources", "-", "plain"));
    const stats = succeed(runtime.verb("events", "--stats", "plain")).stdout();
    expect(stats).toContain('"limit":66');
  });

  it("shows its processes as runc does", () => {
    const runtime = urunc();
    const { pid } = runtime.create("plain", busyboxBundle({ args: SLEEP }));
    expect(parseJson(succeed(runtime.verb("ps", "--format", "json", "plain")).stdout())).toEqual([pid]);
    expect(succeed(runtime.verb("ps", "plain")).stdout()).toContain(String(pid));
  });

  it("gets a terminal over the console socket", async () => {
    const runtime = urunc();
    const socket = join(scratch(), "console.sock");
    const receiver = start(scratch(), [join(HELPERS, "console"), socket]);
    await until("the receiver listens", () => receiver.stdout().includes("listening"));
    runtime.create(
      "plain",
      busyboxBundle({ args: ["/bin/echo", "on a terminal"], terminal: true }),
      "--console-socket",
      socket,
    );
    succeed(runtime.verb("start", "plain"));
    await until("the terminal hangs up", () => receiver.stdout().includes("hung up"));
    expect(receiver.stdout()).toContain("on a terminal");
  });

  it("fails with runc's own words in the log", () => {
    const runtime = urunc();
    const outcome = runtime.verb("create", "--bundle", busyboxBundle({ args: ["/not/there"] }), "plain");
    expect(outcome.status).toBe(1);
    expect(runtime.lastError()).toContain("/not/there");
    expect(names(runtime.root)).toEqual([]);
  });

  it("is handed over with the same pid, so that no process of ours stays between", async () => {
    const runtime = urunc();
    const running = runtime.begin("run", "--bundle", busyboxBundle({ args: SLEEP }), "plain");
    runtime.expectLeftover("plain");
    const pid = running.child.pid ?? 0;
    await until("it runs", () => processStatus(pid)?.name === "runc");
    await until("it runs", () => directly(runtime, "state", "plain").stdout().includes('"running"'));
    succeed(runtime.verb("kill", "plain", "KILL"));
    expect(await running.ended()).toBe(137);
  });

  it("fails with a clear message when runc is not installed", () => {
    const runtime = urunc();
    const outcome = runtime.verbWith(
      { env: { PATH: "/nonexistent" } },
      ...["create", "--bundle", busyboxBundle({ args: SLEEP }), "plain"],
    );
    expect(outcome.status).toBe(1);
    expect(runtime.lastError()).toContain("runc");
    expect(names(runtime.root)).toEqual([]);
  });

  it("has its id to itself, whichever kind had it first", () => {
    const runtime = urunc();
    const plain = busyboxBundle({ name: "plain", args: SLEEP });
    const hello = helloBundle({ name: "hello", args: ["hello", "--stay"] });
    runtime.create("one", plain);
    expect(runtime.verb("create", "--bundle", hello, "one").status).toBe(1);
    expect(runtime.lastError()).toContain("container with given ID already exists");
    runtime.create("two", hello);
    expect(runtime.verb("create", "--bundle", plain, "two").status).toBe(1);
    expect(runtime.lastError()).toContain("container with given ID already exists");
    expect(runtime.status("one")).toBe("created");
    expect(runtime.status("two")).toBe("created");
  });

  it("stands in one list with unikernels", () => {
    const runtime = urunc();
    const plain = runtime.create("plain", busyboxBundle({ name: "plain", args: SLEEP }));
    const hello = runtime.create("hello", helloBundle({ name: "hello", args: ["hello", "--stay"] }));
    succeed(runtime.verb("start", "plain"));
    const states = list(parseJson(succeed(runtime.verb("list", "--format", "json")).stdout())).map(readState);
    expect(states).toMatchObject([
      { id: "hello", status: "created", pid: hello.pid },
      { id: "plain", status: "running", pid: plain.pid },
    ]);
    const table = succeed(runtime.verb("list")).stdout();
    expect(table).toMatch(/^hello +\d+ +created/m);
    expect(table).toMatch(/^plain +\d+ +running/m);
    expect(succeed(runtime.verb("list", "--quiet")).stdout()).toBe("hello\nplain\n");
  });
});

describe("a verb that only ordinary containers have, on a unikernel", () => {
  it.each([
    ["exec", ["guest", "/bin/true"], 255],
    ["checkpoint", ["guest"], 1],
  ])("fails at once and says so, %s", (verb, args, status) => {
    const runtime = urunc();
    const { pid } = runtime.create("guest", helloBundle({ args: ["hello", "--stay"] }));
    const outcome = runtime.verb(verb, ...args);
    expect(outcome.status).toBe(status);
    expect(runtime.lastError()).toMatch(/unikernel/);
    expect(runtime.state("guest")).toMatchObject({ status: "created", pid });
  });
});
