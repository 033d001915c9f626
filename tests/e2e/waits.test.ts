// Nobody is waited for without end: whoever a verb needs, a caller who does not accept, a bus that hangs, an init that is
// stopped, a program that does not end, a verb that has the lock. A wait that has no end is a command that the tests kill.
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Outcome, start, succeed, until } from "../lib/command.ts";
import { isAlive, names, openFiles, processStatus } from "../lib/host.ts";
import { atEnd, scratch } from "../lib/hygiene.ts";
import { parseJson } from "../lib/json.ts";
import { lightBundle, lightRuntime, PAUSE } from "../lib/light.ts";
import { lightConfiguration } from "../lib/light-bundle.ts";
import { type Runtime, urunc } from "../lib/runtime.ts";
import { fillQueue, listenAt } from "../lib/unix-socket.ts";

/** Longer than every limit of the product. */
const TIMEOUT = 120_000;
const patiently = (runtime: Runtime, ...args: readonly string[]): Outcome =>
  runtime.verbWith({ timeoutMs: TIMEOUT }, ...args);

function terminal(): string {
  const process = { user: { uid: 0, gid: 0 }, args: ["light"], env: [], cwd: "/", terminal: true };
  return lightBundle("terminal", { process });
}

describe("a caller's socket", () => {
  it.each([
    ["console", terminal],
    ["pidfd", lightBundle],
  ] as const)(
    "of whose queue (--%s-socket) nobody takes us makes create fail, with nothing made",
    async (kind, bundle) => {
      const runtime = lightRuntime();
      const socket = join(scratch(), "callers.sock");
      await fillQueue(socket);
      const creating = runtime.begin("create", "--bundle", bundle(), `--${kind}-socket`, socket, "unheard");
      // There is nothing yet that somebody else would have to wait for.
      succeed(runtime.verb("delete", "--force", "unheard"));
      expect(await creating.ended()).toBe(1);
      expect(runtime.lastError()).toContain(`Connect to ${kind} socket ${socket}`);
      expect(runtime.lastError()).toContain("10 s");
      expect(names(runtime.root)).toEqual([]);
    },
    TIMEOUT,
  );

  it("that is accepted and never read keeps nobody waiting", async () => {
    const runtime = lightRuntime();
    const socket = join(scratch(), "callers.sock");
    await listenAt(socket);
    // The test accepts only once it has the processor again.
    runtime.create("unread", terminal(), "--console-socket", socket, "--pidfd-socket", socket);
    expect(runtime.status("unread")).toBe("created");
  });
});

describe("an init that is stopped", () => {
  it(
    "makes start fail, and is not left to go on later",
    async () => {
      const runtime = lightRuntime();
      const { pid } = runtime.create("stopped", lightBundle());
      process.kill(pid, "SIGSTOP");
      expect(patiently(runtime, "start", "stopped").status).toBe(1);
      expect(runtime.lastError()).toContain(`pid ${pid}`);
      expect(runtime.lastError()).toContain("stopped by a signal");
      await until("the init has ended", () => !isAlive(pid));
      expect(runtime.status("stopped")).toBe("stopped");
    },
    TIMEOUT,
  );

  it(
    "does not hang a caller who says nothing, nor hear one",
    async () => {
      const runtime = lightRuntime();
      const { pid } = runtime.create("mute", lightBundle());
      const mute = start(scratch(), [
        "python3",
        "-c",
        "import socket, sys, time; s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.connect(sys.argv[1]); print('connected', flush=True); time.sleep(100)",
        join(runtime.root, "mute", "init.sock"),
      ]);
      atEnd(() => void mute.child.kill("SIGKILL"));
      await until("it is connected", () => mute.stdout().includes("connected"));
      succeed(patiently(runtime, "start", "mute"));
      expect(runtime.status("mute")).toBe("running");
      expect(isAlive(pid)).toBe(true);
    },
    TIMEOUT,
  );
});

describe("the lock of a container", () => {
  /** A start that stands still with the lock. */
  async function heldByStart(runtime: Runtime): Promise<{ readonly pid: number; readonly init: number }> {
    const { pid: init } = runtime.create("held", lightBundle());
    process.kill(init, "SIGSTOP");
    const starting = runtime.begin("start", "held");
    const pid = starting.child.pid ?? 0;
    atEnd(() => void starting.child.kill("SIGKILL"));
    const directory = join(runtime.root, "held");
    await until("start has the lock and waits", () => openFiles(pid).some((file) => file === directory));
    await until("it has been told", () => processStatus(pid)?.state === "S");
    process.kill(pid, "SIGSTOP");
    await until("it is stopped", () => processStatus(pid)?.state === "T");
    return { pid, init };
  }

  it(
    "that a stopped verb has is not in the way of delete --force, which ends that verb",
    async () => {
      const runtime = lightRuntime();
      const { pid, init } = await heldByStart(runtime);
      succeed(patiently(runtime, "delete", "--force", "held"));
      await until("the verb has ended", () => !isAlive(pid));
      expect(isAlive(init)).toBe(false);
      expect(names(runtime.root)).toEqual([]);
    },
    TIMEOUT,
  );

  it(
    "that a stopped verb has makes another verb fail, which names the limit and the way out",
    async () => {
      const runtime = lightRuntime();
      const { pid } = await heldByStart(runtime);
      expect(patiently(runtime, "delete", "held").status).toBe(1);
      expect(runtime.lastError()).toMatch(/Lock of .*\/held: not free within 10 s.*delete --force/);
      expect(isAlive(pid)).toBe(true);
      succeed(patiently(runtime, "delete", "--force", "held"));
    },
    TIMEOUT,
  );

  it(
    "that no verb of ours has is left to its holder, whom delete --force names",
    async () => {
      const runtime = lightRuntime();
      runtime.create("foreign", lightBundle());
      const holder = start(scratch(), [
        "flock",
        "--no-fork",
        join(runtime.root, "foreign"),
        "sh",
        "-c",
        "echo held; exec sleep 100",
      ]);
      await until("it is held", () => holder.stdout().includes("held"));
      try {
        expect(patiently(runtime, "delete", "--force", "foreign").status).toBe(1);
        expect(runtime.lastError()).toMatch(new RegExp(`process ${holder.child.pid} \\(sleep\\) has it`));
      } finally {
        holder.child.kill("SIGKILL");
      }
      await until("it is free", () => runtime.verb("delete", "--force", "foreign").status === 0);
    },
    TIMEOUT,
  );
});

describe("a program that is run", () => {
  it(
    "and does not end is ended, and named",
    () => {
      const runtime = lightRuntime();
      runtime.create("asked", lightBundle());
      const path = join(scratch(), "bin");
      mkdirSync(path);
      writeFileSync(join(path, "ps"), "#!/bin/sh\nexec sleep 1000\n");
      chmodSync(join(path, "ps"), 0o755);
      const options = { timeoutMs: TIMEOUT, env: { PATH: `${path}:${process.env.PATH}` } };
      expect(runtime.verbWith(options, "ps", "asked").status).toBe(1);
      expect(runtime.lastError()).toContain(`Run ${path}/ps: no end within 10 s`);
    },
    TIMEOUT,
  );
});

describe("a system bus that hangs", () => {
  const BUS = "system_bus_socket";

  /** A runtime in whose mount namespace /run/dbus is a directory of the test's. */
  function onBus(): { readonly runtime: Runtime; readonly socket: string } {
    const dbus = join(scratch(), "dbus");
    mkdirSync(dbus);
    const script = 'mkdir -p /run/dbus && mount --bind "$0" /run/dbus && exec "$@"';
    const prefix = ["unshare", "--mount", "--propagation", "slave", "sh", "-c", script, dbus];
    return { runtime: urunc(lightConfiguration(PAUSE), prefix), socket: join(dbus, BUS) };
  }

  const withCgroup = () =>
    lightBundle("grouped", {
      linux: { namespaces: [{ type: "pid" }, { type: "mount" }], cgroupsPath: `/urunc-test-${process.pid}` },
    });

  it.each(["never accepts", "never answers"])(
    "and %s makes create fail, and leaves nothing",
    async (how) => {
      const { runtime, socket } = onBus();
      if (how === "never accepts") await fillQueue(socket);
      else await holdSilently(socket);
      const linux = { namespaces: [{ type: "pid" }, { type: "mount" }], cgroupsPath: "system.slice:urunc:hung" };
      const bundle = lightBundle("hung", { linux });
      expect(patiently(runtime, "--systemd-cgroup", "create", "--bundle", bundle, "hung").status).toBe(1);
      expect(runtime.lastError()).toMatch(/Start unit urunc-hung\.scope: .*system_bus_socket.*in time/);
      expect(names(runtime.root)).toEqual([]);
    },
    TIMEOUT,
  );

  it(
    "does not keep delete --force from removing a container of a unit, which is said",
    async () => {
      const { runtime, socket } = onBus();
      const { pid } = runtime.create("unit", withCgroup());
      const note = join(runtime.root, "unit", "cgroup.json");
      const cgroup = parseJson(readFileSync(note, "utf8")) as { place: object };
      writeFileSync(note, JSON.stringify({ ...cgroup, place: { ...cgroup.place, unit: "urunc-unit.scope" } }));
      await holdSilently(socket);
      succeed(patiently(runtime, "delete", "--force", "unit"));
      expect(readFileSync(runtime.log, "utf8")).toMatch(/warning.*Stop unit urunc-unit\.scope/);
      expect(isAlive(pid)).toBe(false);
      expect(names(runtime.root)).toEqual([]);
    },
    TIMEOUT,
  );
});

/** Somebody who accepts and says nothing, in a process of its own, since the test's is held up by the verb. */
async function holdSilently(path: string): Promise<void> {
  const script =
    "import socket, sys\ns = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(8); print('listens', flush=True)\nheld = []\nwhile True: held.append(s.accept())";
  const holder = start(scratch(), ["python3", "-c", script, path]);
  atEnd(() => void holder.child.kill("SIGKILL"));
  await until("it listens", () => holder.stdout().includes("listens"));
}
