// How a container is asked to end: signals, and the guest's power button.
import { chmodSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { annotation, busyboxBundle, helloBundle } from "../lib/bundle.ts";
import { run, succeed, until } from "../lib/command.ts";
import { isAlive } from "../lib/host.ts";
import { atEnd, reaped, scratch } from "../lib/hygiene.ts";
import { faulty, type Step, stepsOf } from "../lib/inject.ts";
import { lightBundle, lightRuntime, PAUSE } from "../lib/light.ts";
import { cpioOf, debianKernel, type LinuxKernel } from "../lib/linux-kernel.ts";
import { type Created, type Runtime, urunc } from "../lib/runtime.ts";
import { fillQueue } from "../lib/unix-socket.ts";

const SOCKET = "tmp/urunc-vmm-api.sock";

describe("a stop signal", () => {
  it("ends a monitor at once that is pid 1 of its namespace and has no handler for it", async () => {
    const runtime = lightRuntime();
    for (const signal of ["TERM", "INT", "QUIT"]) {
      const { pid } = runtime.create(signal, lightBundle());
      succeed(runtime.verb("start", signal));
      succeed(runtime.verb("kill", signal, signal));
      expect(await until("it is reaped", () => reaped(pid))).toBe("signal 9");
    }
  });

  it("is sent as it is where the kernel delivers it", async () => {
    const runtime = lightRuntime();
    const namespaces = ["ipc", "uts", "mount", "network"].map((type) => ({ type }));
    const { pid } = runtime.create("host", lightBundle("host", { linux: { namespaces } }));
    succeed(runtime.verb("start", "host"));
    succeed(runtime.verb("kill", "host"));
    expect(await until("it is reaped", () => reaped(pid))).toBe("signal 15");
  });

  it("for a process that ends in this moment says that the container is not running", () => {
    const runtime = lightRuntime();
    runtime.create("ending", lightBundle());
    succeed(runtime.verb("start", "ending"));
    const look = statusOpened(runtime, "kill", "ending");
    runtime.create("ended", lightBundle());
    succeed(runtime.verb("start", "ended"));
    const outcome = faulty(runtime, look, "error=ESRCH", "kill", "ended");
    expect(outcome.status).toBe(1);
    expect(outcome.stderr()).toContain("container not running");
  });

  it("is sent to a process that /proc hides as it was asked for", async () => {
    const runtime = lightRuntime();
    runtime.create("seen", lightBundle());
    succeed(runtime.verb("start", "seen"));
    const look = statusOpened(runtime, "kill", "seen", "TERM");
    const { pid } = runtime.create("hidden", lightBundle());
    succeed(runtime.verb("start", "hidden"));
    for (const error of ["ENOENT", "EPERM"]) succeed(faulty(runtime, look, `error=${error}`, "kill", "hidden", "TERM"));
    succeed(runtime.verb("kill", "hidden", "KILL"));
    expect(await until("it is reaped", () => reaped(pid))).toBe("signal 9");
  });

  it("ends a container that was created and not started", async () => {
    const runtime = lightRuntime();
    const { pid } = runtime.create("waiting", lightBundle());
    succeed(runtime.verb("kill", "waiting", "TERM"));
    expect(await until("it is reaped", () => reaped(pid))).toBe("exit 143");
  });
});

describe("another signal", () => {
  it.each(["WINCH", "USR1", "HUP", "CHLD", "CONT"])("SIG%s harms no monitor that does not know it", (signal) => {
    const runtime = lightRuntime();
    const { pid } = runtime.create("light", lightBundle());
    succeed(runtime.verb("start", "light"));
    for (let time = 0; time < 3; time += 1) succeed(runtime.verb("kill", "light", signal));
    succeed(runtime.verb("kill", "--all", "light", signal));
    expect(isAlive(pid)).toBe(true);
    expect(runtime.status("light")).toBe("running");
  });
});

describe("SIGTERM with graceful_shutdown", () => {
  let kernel: LinuxKernel;
  beforeAll(() => {
    kernel = debianKernel();
  });

  it("reaches the application of a Linux guest through the power button of QEMU", async () => {
    const initrd = join(scratch(), "modules.initrd");
    writeFileSync(initrd, cpioOf(kernel.modules));
    const runtime = urunc(
      `graceful_shutdown = true\n[container_boot]\ndirectories = ["${kernel.directory}"]\ninitrd = "${initrd}"\n`,
    );
    const script = "trap 'echo got TERM; exit 9' TERM; echo up; while :; do sleep 1; done";
    const bundle = busyboxBundle({
      args: ["/bin/sh", "-c", script],
      annotations: { [annotation("bootKernel")]: kernel.image, [annotation("bootInitrd")]: "default" },
    });
    const running = runtime.begin("run", "--bundle", bundle, "linux");
    runtime.expectLeftover("linux");
    await until("the application is up", () => running.stdout().includes("up"), 40_000);
    succeed(runtime.verb("kill", "linux", "TERM"));
    expect(await running.ended(), running.stdout()).toBe(9);
    expect(running.stdout()).toContain("got TERM");
  });

  it("ends a unikernel that handles the power button by its own power-off", async () => {
    const runtime = urunc("graceful_shutdown = true\n");
    const { pid, outcome } = await ticking(runtime);
    succeed(runtime.verb("kill", "hello"));
    expect(await until("it is reaped", () => reaped(pid))).toBe("exit 0");
    expect(outcome.stdout()).toContain("power button");
  });

  it("waits as long as it is configured for a guest that does not end, then ends it", async () => {
    const runtime = urunc("graceful_shutdown = true\nshutdown_timeout = 1\n");
    const { pid } = await ticking(runtime);
    await pauseGuest(pid);
    const begin = Date.now();
    succeed(runtime.verb("kill", "hello"));
    expect(Date.now() - begin).toBeGreaterThan(900);
    expect(await until("it is reaped", () => reaped(pid))).toBe("signal 9");
  });

  it("returns at once without a time to wait, and leaves the end to the caller", async () => {
    const runtime = urunc("graceful_shutdown = true\n");
    const { pid } = await ticking(runtime);
    await pauseGuest(pid);
    succeed(runtime.verb("kill", "hello"));
    expect(isAlive(pid)).toBe(true);
    succeed(runtime.verb("kill", "hello", "KILL"));
    expect(await until("it is reaped", () => reaped(pid))).toBe("signal 9");
  });
});

/** The opening of /proc/PID/status, by which a verb ends what it does but for the signal. */
function statusOpened(runtime: Runtime, ...args: readonly string[]): Step {
  const opened = stepsOf(runtime, ...args).filter(({ call }) => call === "openat" || call === "open");
  const last = opened.at(-1);
  if (last === undefined) throw new Error("nothing is opened");
  return last;
}

async function ticking(runtime: Runtime): Promise<Created> {
  const created = runtime.create("hello", helloBundle({ args: ["hello", "--stay"] }));
  succeed(runtime.verb("start", "hello"));
  await until("the guest ticks", () => created.outcome.stdout().includes("tick 1"));
  return created;
}

/** A guest whose processor stands still hears nothing. */
async function pauseGuest(pid: number): Promise<void> {
  const client = createConnection(`/proc/${pid}/root/${SOCKET}`);
  let said = "";
  client.on("data", (data) => {
    said += String(data);
  });
  client.write('{"execute":"qmp_capabilities"}\n{"execute":"stop","id":1}\n');
  await until("the guest is paused", () => said.includes('"id": 1'));
  client.destroy();
}

// The monitor may belong to the guest's attacker: what it does with its socket must lead nowhere and hold nobody up.
describe("a control socket that is not what it should be", () => {
  /** A program that only waits in QEMU's place; what it could do, the test does in its root. */
  function waiting(): { readonly runtime: Runtime; readonly pid: number; readonly socket: string } {
    const runtime = urunc(`graceful_shutdown = true\npath = "${PAUSE}"\n`);
    const { pid } = runtime.create("hostile", helloBundle());
    succeed(runtime.verb("start", "hostile"));
    return { runtime, pid, socket: `/proc/${pid}/root/${SOCKET}` };
  }

  async function listen(path: string, onConnection: (socket: Socket) => void): Promise<Server> {
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.on("error", () => undefined);
      onConnection(socket);
    });
    await new Promise<void>((done, failed) => server.on("error", failed).listen(path, done));
    chmodSync(path, 0o777);
    atEnd(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return server;
  }

  /** kill TERM in a process of its own, since the server is in this one; milliseconds until it has ended. */
  async function kill(runtime: Runtime): Promise<number> {
    const begin = Date.now();
    expect(await runtime.begin("kill", "hostile", "TERM").ended()).toBe(0);
    return Date.now() - begin;
  }

  it("missing: the signal is sent", async () => {
    const { runtime, pid } = waiting();
    await kill(runtime);
    expect(await until("it is reaped", () => reaped(pid))).toBe("signal 9");
  });

  it("a link to a socket of the host: nobody connects to it", async () => {
    const { runtime, pid, socket } = waiting();
    const host = join(scratch(), "host.sock");
    let connected = 0;
    await listen(host, () => {
      connected += 1;
    });
    symlinkSync(host, socket);
    await kill(runtime);
    expect(await until("it is reaped", () => reaped(pid))).toBe("signal 9");
    expect(connected).toBe(0);
  });

  it("a FIFO: nobody opens it", async () => {
    const { runtime, pid, socket } = waiting();
    succeed(run(scratch(), ["mkfifo", socket]));
    expect(await kill(runtime)).toBeLessThan(2000);
    expect(await until("it is reaped", () => reaped(pid))).toBe("signal 9");
  });

  it("silent: the signal is sent after two seconds", async () => {
    const { runtime, pid, socket } = waiting();
    await listen(socket, () => undefined);
    const took = await kill(runtime);
    expect(took).toBeGreaterThan(1500);
    expect(took).toBeLessThan(10_000);
    expect(await until("it is reaped", () => reaped(pid))).toBe("signal 9");
  });

  it("talking without end: the signal is sent after as many bytes as an answer may have", async () => {
    const { runtime, pid, socket } = waiting();
    await listen(socket, (client) => void client.write("x".repeat(1 << 20)));
    expect(await kill(runtime)).toBeLessThan(10_000);
    expect(await until("it is reaped", () => reaped(pid))).toBe("signal 9");
  });

  it("with a queue that is full: nobody waits", async () => {
    const { runtime, pid, socket } = waiting();
    rmSync(socket, { force: true });
    await fillQueue(socket);
    expect(await kill(runtime)).toBeLessThan(2000);
    expect(await until("it is reaped", () => reaped(pid))).toBe("signal 9");
  });
});
