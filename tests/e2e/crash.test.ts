// The crash matrix: every verb, and the init, killed before each of its system calls, or with one of them failing. After
// that `state` answers, `delete --force` works and nothing is left. In CI a sample of the places, with
// URUNC_TEST_EXHAUSTIVE=1 all of them. A program that only waits stands in the monitor's place, since what is tested is
// the runtime; its tap is one that stays until somebody removes it.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { run, succeed, until } from "../lib/command.ts";
import { isAlive, names } from "../lib/host.ts";
import { atEnd, leftovers, scratch } from "../lib/hygiene.ts";
import {
  type Effect,
  EXHAUSTIVE,
  faultIn,
  faulty,
  faultyWithChildren,
  type Step,
  sample,
  stepsIn,
  stepsOf,
} from "../lib/inject.ts";
import { solo5File } from "../lib/kernels.ts";
import { lightBundle, lightRuntime } from "../lib/light.ts";
import { type NetworkNamespace, podNetwork } from "../lib/network.ts";
import type { Runtime } from "../lib/runtime.ts";

const TIMEOUT = EXHAUSTIVE ? 1_800_000 : 60_000;
const ID = "cut";
// Of this run alone: what another one left is made anew, which takes more calls than the matrix counts.
const CGROUP = `/urunc-crash-${process.pid}`;

interface World {
  readonly runtime: Runtime;
  readonly bundle: string;
  readonly network: NetworkNamespace;
  readonly untouched: string;
}

/** A container with hooks and a cgroup in a pod's network, so that every kind of thing is made that can be left behind. */
function world(): World {
  const network = podNetwork();
  network.script("ip route add default via 10.4.0.1");
  const hook = { path: "/bin/busybox", args: ["true"] };
  const namespaces = ["pid", "ipc", "uts", "mount"].map((type) => ({ type }));
  const bundle = lightBundle("light", {
    hooks: { createRuntime: [hook], createContainer: [hook], poststart: [hook], poststop: [hook] },
    linux: {
      namespaces: [...namespaces, { type: "network", path: network.path }],
      cgroupsPath: CGROUP,
      resources: { pids: { limit: 100 } },
    },
  });
  writeFileSync(join(bundle, "rootfs", "kernel"), solo5File("spt", [{ kind: "net", name: "service" }]));
  return { runtime: lightRuntime(), bundle, network, untouched: network.describe() };
}

/** What must hold after any crash. */
async function expectRecovery({ runtime, network, untouched }: World, where: string): Promise<void> {
  const state = runtime.verb("state", ID);
  if (state.status !== 0) expect(state.stderr(), where).toContain("container does not exist");
  else expect(state.stdout(), where).toMatch(/"status": "(creating|created|running|stopped)"/);
  expect(runtime.verb("list").status, where).toBe(0);
  // The test runner wants to be heard now and then.
  await sleep(0);
  const deleted = runtime.verb("delete", "--force", ID);
  expect(deleted.status, `${where}: ${deleted.stderr()}`).toBe(0);
  expect(names(runtime.root), where).toEqual([]);
  await expectNothingLeft(where);
  expect(network.describe(untouched), where).toBe(untouched);
}

async function expectNothingLeft(where: string): Promise<void> {
  const limit = Date.now() + 5000;
  const ours = () => leftovers().filter((line) => !line.includes("net-pod"));
  while (ours().length > 0 && Date.now() < limit) await sleep(10);
  expect(ours(), where).toEqual([]);
}

const KILL = "signal=KILL";

describe("a verb that is killed before any of its system calls leaves what delete --force removes", () => {
  /** `prepare` brings the container to where the verb begins. */
  const verb = (
    name: string,
    stride: number,
    prepare: (world: World) => void,
    args: (world: World) => readonly string[],
  ) =>
    it(name, { timeout: TIMEOUT }, async () => {
      const here = world();
      prepare(here);
      const steps = stepsOf(here.runtime, ...args(here));
      await expectRecovery(here, `${name} traced`);
      let cuts = 0;
      for (const step of sample(steps, stride)) {
        prepare(here);
        const outcome = faulty(here.runtime, step, KILL, ...args(here));
        if (outcome.signal === "SIGKILL") cuts += 1;
        await expectRecovery(here, `${name} killed before ${step.call} ${step.nth}`);
      }
      // A call or two may have another number in another run.
      expect(cuts).toBeGreaterThanOrEqual(0.8 * sample(steps, stride).length);
    });
  const create = ({ runtime, bundle }: World) => void succeed(runtime.verb("create", "--bundle", bundle, ID));
  const start = (here: World) => {
    create(here);
    succeed(here.runtime.verb("start", ID));
  };
  const nothing = () => undefined;
  const createArgs = ({ bundle }: World) => ["create", "--bundle", bundle, "--pid-file", join(scratch(), "pid"), ID];

  verb("create", 5, nothing, createArgs);
  verb("start", 3, create, () => ["start", ID]);
  verb("kill", 4, start, () => ["kill", ID, "TERM"]);
  verb("delete --force of a running container", 7, start, () => ["delete", "--force", ID]);
  verb("delete of a created container", 5, create, () => ["delete", ID]);
  verb("run --detach", 11, nothing, ({ bundle }) => ["run", "--detach", "--bundle", bundle, ID]);
});

/** The system calls of the init from the wait for `start` to execve. */
async function stepsOfInit({ runtime, bundle }: World): Promise<readonly Step[]> {
  const { pid } = runtime.create(ID, bundle);
  const steps = await stepsIn(pid, () => void succeed(runtime.verb("start", ID)));
  succeed(runtime.verb("delete", "--force", ID));
  return steps.slice(0, steps.findIndex(({ call }) => call === "execve") + 1);
}

describe("an init that is killed before any of its system calls", () => {
  it("in create, with create itself: leaves what delete --force removes", { timeout: TIMEOUT }, async () => {
    const here = world();
    const args = ["create", "--bundle", here.bundle, ID];
    const steps = stepsOf(here.runtime, ...args);
    await expectRecovery(here, "create traced");
    for (const step of sample(steps, 5)) {
      faultyWithChildren(here.runtime, step, KILL, ...args);
      await expectRecovery(here, `create and init killed before ${step.call} ${step.nth}`);
    }
  });

  it("in start: makes start fail, and leaves what delete --force removes", { timeout: TIMEOUT }, async () => {
    const here = world();
    const steps = await stepsOfInit(here);
    expect(steps.at(-1)?.call).toBe("execve");
    for (const step of sample(steps, 7)) {
      const { pid } = here.runtime.create(ID, here.bundle);
      const tracer = await faultIn(pid, step, KILL);
      const outcome = here.runtime.verb("start", ID);
      const where = `init killed before ${step.call} ${step.nth}`;
      if (outcome.status !== 0) {
        expect(outcome.stderr(), where).toMatch(/nit|has stopped/);
        await until(`${where}: it has ended`, () => !isAlive(pid));
      }
      tracer.child.kill("SIGTERM");
      await tracer.ended();
      await expectRecovery(here, where);
    }
  });

  it("while it waits: is a stopped container", async () => {
    const here = world();
    const { pid } = here.runtime.create(ID, here.bundle);
    process.kill(pid, "SIGKILL");
    await until("it has ended", () => !isAlive(pid));
    expect(here.runtime.status(ID)).toBe("stopped");
    expect(here.runtime.verb("start", ID).status).toBe(1);
    await expectRecovery(here, "init killed");
  });
});

describe("a monitor that is killed", () => {
  it("is a stopped container, of which nothing stays after delete", async () => {
    const here = world();
    const { pid } = here.runtime.create(ID, here.bundle);
    // What the whole matrix is about is there to be left behind.
    expect(leftovers().filter((line) => line.startsWith("cgroup") && line.includes(CGROUP))).not.toEqual([]);
    succeed(here.runtime.verb("start", ID));
    process.kill(pid, "SIGKILL");
    await until("it has ended", () => !isAlive(pid));
    expect(here.runtime.status(ID)).toBe("stopped");
    succeed(here.runtime.verb("delete", ID));
    await expectRecovery(here, "monitor killed");
  });
});

/** Calls that can fail for want of something, with the error each fails with first on a real machine. */
const SHORTAGES: Readonly<Record<string, Effect>> = {
  ...shortage("EMFILE", "open openat openat2 socket socketpair pipe2 memfd_create pidfd_open accept4"),
  ...shortage("EMFILE", "open_tree fsopen fsmount"),
  ...shortage("ENOSPC", "mkdirat symlinkat write writev mknodat renameat2 bind"),
  ...shortage("ENOMEM", "clone3 unshare mount move_mount mount_setattr fsconfig ioctl sendto sendmsg setns pivot_root"),
  ...shortage("ENOMEM", "read pread64 recvmsg recvfrom fstat newfstatat umount2 connect listen poll flock setsid"),
  ...shortage("EPERM", "sethostname capset setgroups setresuid setresgid prctl fcntl chdir fchdir prlimit64"),
};

function shortage(error: string, calls: string): Readonly<Record<string, Effect>> {
  return Object.fromEntries(calls.split(" ").map((call) => [call, `error=${error}`]));
}

/** The steps that can fail, with how. */
function failures(steps: readonly Step[], stride: number): readonly (readonly [Step, Effect])[] {
  return sample(steps, stride).flatMap((step) => {
    const effect = SHORTAGES[step.call];
    return effect === undefined ? [] : [[step, effect] as const];
  });
}

describe("a system call that fails", () => {
  it("in create: is said, and everything is undone without another verb", { timeout: TIMEOUT }, async () => {
    const here = world();
    const args = ["create", "--bundle", here.bundle, ID];
    const steps = stepsOf(here.runtime, ...args);
    await expectRecovery(here, "create traced");
    let failed = 0;
    for (const [step, effect] of failures(steps, 2)) {
      const outcome = faulty(here.runtime, step, effect, ...args);
      const where = `create with ${effect} in ${step.call} ${step.nth}: ${outcome.stderr()}`;
      expect(outcome.signal, where).toBe(null);
      if (outcome.status !== 0) {
        failed += 1;
        // The libc of a process that cannot even begin says nothing.
        if (step.at > 20) expect(outcome.stderr(), where).not.toBe("");
        expect(names(here.runtime.root), where).toEqual([]);
      }
      await expectRecovery(here, where);
    }
    expect(failed).toBeGreaterThan(5);
  });

  it("in the init: makes start fail with the reason, and the container end", { timeout: TIMEOUT }, async () => {
    const here = world();
    let failed = 0;
    for (const [step, effect] of failures(await stepsOfInit(here), 4)) {
      const { pid } = here.runtime.create(ID, here.bundle);
      const tracer = await faultIn(pid, step, effect);
      const outcome = here.runtime.verb("start", ID);
      tracer.child.kill("SIGTERM");
      await tracer.ended();
      const where = `init with ${effect} in ${step.call} ${step.nth}: ${outcome.stderr()}`;
      if (outcome.status === 0) expect(here.runtime.status(ID), where).toBe("running");
      else {
        failed += 1;
        expect(outcome.stderr(), where).not.toBe("");
        await until(`${where}: it has ended`, () => !isAlive(pid));
      }
      await expectRecovery(here, where);
    }
    expect(failed).toBeGreaterThan(5);
  });

  it("in delete --force: is said, and the next one succeeds", { timeout: TIMEOUT }, async () => {
    const here = world();
    const begin = () => {
      here.runtime.create(ID, here.bundle);
      succeed(here.runtime.verb("start", ID));
    };
    begin();
    const steps = stepsOf(here.runtime, "delete", "--force", ID);
    for (const [step, effect] of failures(steps, 3)) {
      begin();
      faulty(here.runtime, step, effect, "delete", "--force", ID);
      await expectRecovery(here, `delete --force with ${effect} in ${step.call} ${step.nth}`);
    }
  });
});

describe("a disk that is full", () => {
  it("makes create fail with the reason, or not; nothing is left either way", { timeout: TIMEOUT }, async () => {
    const here = world();
    const disk = here.runtime.root;
    mkdirSync(disk);
    // Pages and inodes of a tmpfs, from nothing to plenty.
    for (let inodes = 1; inodes <= 6; inodes += 1) {
      for (let pages = 1; pages <= 3; pages += 1) {
        succeed(
          run(scratch(), ["mount", "-t", "tmpfs", "-o", `size=${pages * 4096},nr_inodes=${inodes}`, "tmpfs", disk]),
        );
        const created = here.runtime.verb("create", "--bundle", here.bundle, ID);
        const where = `${inodes} inodes, ${pages} pages`;
        if (created.status === 0) {
          expect(here.runtime.verb("start", ID).status, where).toBe(0);
          expect(here.runtime.status(ID), where).toBe("running");
        } else {
          expect(here.runtime.lastError(), where).toContain("ENOSPC");
          expect(names(disk), where).toEqual([]);
        }
        expect(here.runtime.verb("delete", "--force", ID).status, where).toBe(0);
        expect(names(disk), where).toEqual([]);
        succeed(run(scratch(), ["umount", disk]));
        await expectNothingLeft(where);
      }
    }
    expect(here.network.describe(here.untouched)).toBe(here.untouched);
  });
});

describe("too few descriptors", () => {
  it("make create fail with the reason and leave nothing", { timeout: TIMEOUT }, async () => {
    const here = world();
    const globals = ["--root", here.runtime.root, "--log", here.runtime.log];
    const env = { URUNC_CONFIG_FILE: join(scratch(), "config.toml") };
    let succeeded = false;
    for (let limit = 4; limit <= 24; limit += 1) {
      const command = ["prlimit", `--nofile=${limit}:${limit}`, here.runtime.program, ...globals];
      const created = run(scratch(), [...command, "create", "--bundle", here.bundle, ID], { env });
      succeeded = created.status === 0;
      if (!succeeded) expect(names(here.runtime.root), `limit ${limit}`).toEqual([]);
      else run(scratch(), [...command, "start", ID], { env });
      await expectRecovery(here, `limit ${limit}`);
    }
    expect(succeeded).toBe(true);
  });
});

describe("a hook that hangs", () => {
  it("is ended after its timeout, and everything is undone", async () => {
    const here = world();
    const hang = { path: "/bin/busybox", args: ["sleep", "1000"], timeout: 1 };
    for (const kind of ["prestart", "createRuntime", "createContainer"]) {
      const bundle = lightBundle(kind, { hooks: { [kind]: [hang] } });
      expect(here.runtime.verb("create", "--bundle", bundle, ID).status).toBe(1);
      expect(here.runtime.lastError()).toContain("no end within 1 s");
      expect(names(here.runtime.root)).toEqual([]);
      await expectNothingLeft(kind);
    }
    const bundle = lightBundle("poststart", { hooks: { poststart: [hang], poststop: [hang] } });
    const { pid } = here.runtime.create(ID, bundle);
    expect(here.runtime.verb("start", ID).status).toBe(1);
    await until("the monitor has ended", () => !isAlive(pid));
    await expectRecovery(here, "hanging poststart and poststop");
  });

  const hanging = (kind: string): { bundle: string; hook: () => number } => {
    const mark = join(scratch(), `mark-${kind}`);
    const hang = { path: "/bin/sh", args: ["sh", "-c", `echo $$ > ${mark}; exec sleep 1000`], env: ["PATH=/bin"] };
    const bundle = lightBundle(`hanging-${kind}`, { hooks: { [kind]: [hang] } });
    return { bundle, hook: () => (existsSync(mark) ? Number(readFileSync(mark, "utf8")) : 0) };
  };

  it.each(["prestart", "createRuntime", "createContainer"])(
    "in %s without a timeout gives way to delete --force, and ends with its create",
    async (kind) => {
      const here = world();
      for (const end of ["delete", "kill"]) {
        const { bundle, hook } = hanging(kind);
        const creating = here.runtime.begin("create", "--bundle", bundle, ID);
        atEnd(() => void creating.child.kill("SIGKILL"));
        await until("the hook runs", () => hook() !== 0);
        // It has the container's numbers where the container has its own.
        const pid = kind === "createContainer" ? here.runtime.state(ID).pid : hook();
        expect(here.runtime.status(ID)).toBe("creating");
        if (end === "delete") {
          succeed(here.runtime.verb("delete", "--force", ID));
          expect(names(here.runtime.root)).toEqual([]);
        } else creating.child.kill("SIGKILL");
        await creating.ended();
        if (kind !== "createContainer" || end === "delete") await until("it has ended", () => !isAlive(pid));
        await expectRecovery(here, `hanging ${kind}: ${end}`);
        rmSync(bundle, { recursive: true });
        rmSync(join(scratch(), `mark-${kind}`));
      }
    },
  );

  it("in poststart without a timeout gives way to delete --force", async () => {
    const here = world();
    const { bundle, hook } = hanging("poststart");
    here.runtime.create(ID, bundle);
    const starting = here.runtime.begin("start", ID);
    atEnd(() => void starting.child.kill("SIGKILL"));
    await until("the hook runs", () => hook() !== 0);
    succeed(here.runtime.verb("delete", "--force", ID));
    await starting.ended();
    await until("it has ended", () => !isAlive(hook()));
    await expectRecovery(here, "hanging poststart");
  });
});
