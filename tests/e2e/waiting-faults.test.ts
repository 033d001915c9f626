// Faults in the init of a container around the moment when create says that it is made: what the wait for start needs
// is there before, and what fails in the wait is told to start, which never waits for nothing.
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Outcome, Running } from "../lib/command.ts";
import { run, start, succeed, until } from "../lib/command.ts";
import { isAlive, names, processStatus } from "../lib/host.ts";
import { atEnd, scratch } from "../lib/hygiene.ts";
import { lightBundle, lightRuntime } from "../lib/light.ts";
import type { Runtime } from "../lib/runtime.ts";

const TIMEOUT = 60_000;
const ID = "faulty";

/** `create` with a fault in its init, which is the first process after it that makes the call. */
function createWith(runtime: Runtime, call: string, error: string): Outcome {
  const words = ["strace", "-f", "-D", "-qq", "-o", join(scratch(), "strace.txt")];
  const fault = ["-e", `trace=${call}`, "-e", `inject=${call}:error=${error}:when=1+`];
  const verb = [runtime.program, "--root", runtime.root, "--log", runtime.log, "--log-format", "json"];
  runtime.expectLeftover(ID);
  return run(scratch(), [...words, ...fault, ...verb, "create", "--bundle", lightBundle(), ID], {
    env: { URUNC_CONFIG_FILE: join(scratch(), "config.toml") },
  });
}

/** Puts a fault into a waiting init. */
async function faultIn(pid: number, call: string, error: string, when: string): Promise<Running> {
  const fault = ["-e", `trace=${call}`, "-e", `inject=${call}:error=${error}:when=${when}`];
  const tracer = start(scratch(), ["strace", "-qq", "-o", join(scratch(), "trace.txt"), ...fault, "-p", String(pid)]);
  atEnd(() => void tracer.child.kill("SIGKILL"));
  await until("it is traced", () => processStatus(pid)?.state !== "t" && hasTracer(pid));
  return tracer;
}

function hasTracer(pid: number): boolean {
  return !run(scratch(), ["grep", "-P", "TracerPid:\\t0$", `/proc/${pid}/status`])
    .stdout()
    .includes("TracerPid");
}

describe("what the init needs to wait", () => {
  it.each([
    ["signalfd4", "EMFILE"],
    ["rt_sigprocmask", "EINVAL"],
    ["getsockopt", "ENOPROTOOPT"],
  ])("and does not get (%s: %s) makes create fail, says so, and leaves nothing", (call, error) => {
    const runtime = lightRuntime();
    const outcome = createWith(runtime, call, error);
    expect(outcome.status, outcome.stderr()).toBe(1);
    expect(runtime.lastError()).toContain(call);
    expect(runtime.lastError()).toContain(error);
    expect(names(runtime.root)).toEqual([]);
  });

  it("does not include that the kernel takes its pages", () => {
    const runtime = lightRuntime();
    succeed(createWith(runtime, "madvise", "EINVAL"));
    succeed(runtime.verb("start", ID));
    expect(runtime.status(ID)).toBe("running");
  });
});

describe("a fault in the wait for start", () => {
  it.each([
    ["accept4", "EMFILE"],
    ["accept4", "ECONNABORTED"],
  ])("that passes (%s: %s) is waited out", async (call, error) => {
    const runtime = lightRuntime();
    const { pid } = runtime.create(ID, lightBundle());
    const tracer = await faultIn(pid, call, error, "1..3");
    succeed(runtime.verb("start", ID));
    tracer.child.kill("SIGTERM");
    await tracer.ended();
    expect(runtime.status(ID)).toBe("running");
  });

  it.each([
    ["recvmsg", "EIO"],
    ["getsockopt", "EPERM"],
  ])("that meets start itself (%s: %s) is told by start", async (call, error) => {
    const runtime = lightRuntime();
    const { pid } = runtime.create(ID, lightBundle());
    await faultIn(pid, call, error, "1+");
    expect(runtime.verb("start", ID).status).toBe(1);
    expect(runtime.lastError()).toContain(error);
    await until("the init has ended", () => !isAlive(pid));
    expect(runtime.status(ID)).toBe("stopped");
  });

  it.each([
    ["accept4", "EMFILE"],
    ["accept4", "EPERM"],
    ["poll", "ENOMEM"],
  ])(
    "that lasts (%s: %s) ends the init, which says why on the container's standard error",
    async (call, error) => {
      const runtime = lightRuntime();
      const { pid, outcome } = runtime.create(ID, lightBundle());
      await faultIn(pid, call, error, "1+");
      expect(runtime.verb("start", ID).status).toBe(1);
      await until("the init has ended", () => !isAlive(pid));
      expect(`${runtime.lastError()} ${outcome.stderr()}`).toContain(error);
      expect(runtime.lastError()).not.toBe("");
      expect(runtime.status(ID)).toBe("stopped");
      expect(runtime.verb("start", ID).status).toBe(1);
      expect(runtime.lastError()).toContain("cannot start a container that has stopped");
    },
    TIMEOUT,
  );

  it("in the reading of a signal that asks for the end is an end too", async () => {
    const runtime = lightRuntime();
    const { pid, outcome } = runtime.create(ID, lightBundle());
    await faultIn(pid, "read", "EIO", "1+");
    succeed(runtime.verb("kill", ID, "TERM"));
    await until("the init has ended", () => !isAlive(pid));
    expect(outcome.stderr()).toContain("cannot wait for start");
  });
});
