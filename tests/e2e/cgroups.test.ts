// The cgroup of a container, driver cgroupfs, on whatever version of cgroups the host has the controllers in.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { type BundleOptions, busyboxBundle, helloBundle } from "../lib/bundle.ts";
import { succeed, until } from "../lib/command.ts";
import { cgroups, isAlive } from "../lib/host.ts";
import { atEnd, leftovers, scratch } from "../lib/hygiene.ts";
import { faulty, stepsOf } from "../lib/inject.ts";
import { parseJson } from "../lib/json.ts";
import { type Runtime, runc, urunc } from "../lib/runtime.ts";

const MIB = 1024 * 1024;
/** QEMU without KVM, and the tables of pages of a guest of 64 MiB. */
const OVERHEAD = (256 + 128) * MIB + 64 * (MIB / 256);
const V1 = existsSync("/sys/fs/cgroup/memory/tasks");

function staying(options: BundleOptions = {}): string {
  return helloBundle({ args: ["hello", "--stay"], memoryLimit: 64 * MIB, ...options });
}

/** A file of a container's cgroup, by the names of cgroup v1 and v2. */
function cgroupFile(path: string, v1: string, v2: string): string {
  const controller = v1.slice(0, v1.indexOf("."));
  return readFileSync(V1 ? `/sys/fs/cgroup/${controller}${path}/${v1}` : `/sys/fs/cgroup${path}/${v2}`, "utf8").trim();
}

/** Where a cgroup can be, of each version of cgroups that the host has. */
function hierarchies(): readonly string[] {
  if (!V1) return ["/sys/fs/cgroup"];
  return ["/sys/fs/cgroup/unified", "/sys/fs/cgroup/pids"].filter((root) => existsSync(`${root}/cgroup.procs`));
}

/** A process that is none of ours in a cgroup. */
function stranger(root: string, below: string): { readonly path: string; readonly pid: number } {
  const path = `/urunc-test-${process.pid}`;
  mkdirSync(`${root}${path}${below}`, { recursive: true });
  const child = spawn("sleep", ["60"], { stdio: "ignore" });
  const pid = child.pid ?? 0;
  writeFileSync(`${root}${path}${below}/cgroup.procs`, String(pid));
  atEnd(async () => {
    child.kill("SIGKILL");
    await until("the stranger has ended", () => !isAlive(pid));
    for (let at = `${path}${below}`; at !== ""; at = at.slice(0, at.lastIndexOf("/"))) {
      await until("its cgroup goes", () => tryRemove(`${root}${at}`));
    }
  });
  return { path, pid };
}

function tryRemove(directory: string): boolean {
  try {
    rmdirSync(directory);
  } catch {
    return !existsSync(directory);
  }
  return true;
}

describe("the cgroup of a container", () => {
  it("holds init and then the monitor, in every hierarchy, and goes with the container", async () => {
    const runtime = urunc();
    const path = `/urunc-test-${process.pid}`;
    const { pid, outcome } = runtime.create("placed", staying({ cgroupsPath: path }));
    const memberships = () => readFileSync(`/proc/${pid}/cgroup`, "utf8").trim().split("\n");
    const mounted = (line: string) => {
      const controllers = line.split(":")[1] ?? "";
      const name = controllers === "" ? (V1 ? "/unified" : "") : `/${controllers.replace("name=", "")}`;
      return existsSync(`/sys/fs/cgroup${name}/cgroup.procs`);
    };
    expect(memberships().filter((line) => mounted(line) && !line.endsWith(`:${path}`))).toEqual([]);
    succeed(runtime.verb("start", "placed"));
    await until("the guest ticks", () => outcome.stdout().includes("tick 1"));
    expect(memberships().filter((line) => mounted(line) && !line.endsWith(`:${path}`))).toEqual([]);
    succeed(runtime.verb("delete", "--force", "placed"));
    expect(leftovers()).toEqual([]);
  });

  it("has the limits of the bundle, memory with room for the monitor", () => {
    const path = `/urunc-test-${process.pid}`;
    const runtime = urunc();
    const resources = {
      memory: { limit: 64 * MIB, swap: 128 * MIB, reservation: 32 * MIB },
      cpu: { shares: 512, quota: 50_000, period: 100_000, cpus: "0", mems: "0" },
      pids: { limit: 64 },
      devices: [
        { allow: false, access: "rwm" },
        { allow: true, type: "c", major: 1, minor: 5, access: "r" },
      ],
    };
    runtime.create("limited", staying({ cgroupsPath: path, resources }));
    expect(cgroupFile(path, "memory.limit_in_bytes", "memory.max")).toBe(String(64 * MIB + OVERHEAD));
    expect(cgroupFile(path, "memory.memsw.limit_in_bytes", "memory.swap.max")).toBe(
      String(V1 ? 128 * MIB + OVERHEAD : 64 * MIB),
    );
    expect(cgroupFile(path, "memory.soft_limit_in_bytes", "memory.low")).toBe(String(32 * MIB + OVERHEAD));
    expect(cgroupFile(path, "cpu.shares", "cpu.weight")).toBe(V1 ? "512" : "20");
    if (V1) expect(cgroupFile(path, "cpu.cfs_quota_us", "")).toBe("50000");
    else expect(cgroupFile(path, "", "cpu.max")).toBe("50000 100000");
    expect(cgroupFile(path, "cpuset.cpus", "cpuset.cpus")).toBe("0");
    expect(cgroupFile(path, "pids.max", "pids.max")).toBe("64");
    if (V1) {
      expect(cgroupFile(path, "devices.list", "").split("\n")).toEqual(
        expect.arrayContaining(["c 1:5 r", "c 1:3 rwm", "c 1:9 rwm", "c 10:200 rwm"]),
      );
      expect(cgroupFile(path, "devices.list", "")).not.toContain("a *:*");
    }
  });

  it("is not made for a bundle that says nothing of cgroups", () => {
    const before = cgroups();
    urunc().create("none", helloBundle({ args: ["hello", "--stay"] }));
    expect(cgroups()).toEqual(before);
  });

  it.each(["/", "/a/..", "a.slice:urunc:x"])("is refused at %j, and nothing is made", (path) => {
    const runtime = urunc();
    const outcome = runtime.verb("create", "--bundle", staying({ cgroupsPath: path }), "refused");
    expect(outcome.status).toBe(1);
    expect(runtime.lastError()).toContain("linux.cgroupsPath");
    expect(leftovers()).toEqual([]);
  });

  it("stays inside the hierarchies whatever the path says", () => {
    const name = `urunc-test-${process.pid}`;
    urunc().create("inside", staying({ cgroupsPath: `/../../../${name}` }));
    expect(existsSync(V1 ? `/sys/fs/cgroup/memory/${name}` : `/sys/fs/cgroup/${name}`)).toBe(true);
  });

  it("is not shared with a container that is there already", () => {
    const runtime = urunc();
    const cgroupsPath = `/urunc-test-${process.pid}`;
    const { pid } = runtime.create("first", staying({ cgroupsPath }));
    expect(runtime.verb("create", "--bundle", staying({ cgroupsPath, name: "other" }), "second").status).toBe(1);
    expect(runtime.lastError()).toContain("has processes in it already");
    expect(runtime.state("first")).toMatchObject({ status: "created", pid });
  });

  it.each(hierarchies().flatMap((root) => [[root, ""] as const, [root, "/below/deep"] as const]))(
    "is refused where a stranger is in %s%s, who lives on",
    (root, below) => {
      const runtime = urunc();
      const { path, pid } = stranger(root, below);
      const outcome = runtime.verb("create", "--bundle", staying({ cgroupsPath: path }), "intruder");
      expect(outcome.status).toBe(1);
      expect(runtime.lastError()).toContain(`${root}${path} has processes in it already`);
      expect(isAlive(pid)).toBe(true);
    },
  );

  it("is made anew where an empty one is, and is refused where that has others below", () => {
    const runtime = urunc();
    const path = `/urunc-test-${process.pid}`;
    const [root = ""] = hierarchies();
    mkdirSync(`${root}${path}/below`, { recursive: true });
    const bundle = staying({ cgroupsPath: path });
    expect(runtime.verb("create", "--bundle", bundle, "anew").status).toBe(1);
    expect(runtime.lastError()).toContain(`${root}${path} has processes or cgroups in it already`);
    expect(existsSync(`${root}${path}/below`)).toBe(true);
    rmdirSync(`${root}${path}/below`);
    runtime.create("anew", bundle);
    succeed(runtime.verb("delete", "--force", "anew"));
    expect(existsSync(`${root}${path}`)).toBe(false);
  });

  it("belongs to the last container of its name: kill --all and delete of one that has ended spare it", async () => {
    const runtime = urunc();
    const cgroupsPath = `/urunc-test-${process.pid}`;
    const ended = runtime.create("ended", staying({ cgroupsPath }));
    succeed(runtime.verb("kill", "ended", "KILL"));
    await until("the first has ended", () => runtime.status("ended") === "stopped");
    const { pid } = runtime.create("living", staying({ cgroupsPath, name: "other" }));
    expect(pid).not.toBe(ended.pid);
    succeed(runtime.verb("kill", "--all", "ended", "KILL"));
    expect(parseJson(succeed(runtime.verb("ps", "--format", "json", "ended")).stdout())).toEqual([]);
    succeed(runtime.verb("delete", "ended"));
    expect(runtime.state("living")).toMatchObject({ status: "created", pid });
    expect(parseJson(succeed(runtime.verb("ps", "--format", "json", "living")).stdout())).toEqual([pid]);
  });

  it("is left alone by delete where another has made it anew", async () => {
    const runtime = urunc();
    const path = `/urunc-test-${process.pid}`;
    const first = runtime.create("gone", staying({ cgroupsPath: path }));
    succeed(runtime.verb("kill", "gone", "KILL"));
    await until("the first has ended", () => !isAlive(first.pid));
    for (const directory of cgroups().filter((one) => one.endsWith(path))) {
      await until("its cgroup goes", () => tryRemove(directory));
    }
    const [root = ""] = hierarchies().slice(-1);
    const { pid } = stranger(root, "/below");
    succeed(runtime.verb("delete", "gone"));
    expect(isAlive(pid)).toBe(true);
  });

  it("may go away while it is looked at, as systemd takes it away at the end of its processes", () => {
    const runtime = urunc();
    runtime.create("looked-at", staying());
    const args = ["ps", "--format", "json", "looked-at"];
    const steps = stepsOf(runtime, ...args);
    const looks = steps.filter(({ call }) => call === "getdents64");
    expect(looks.length).toBeGreaterThan(0);
    for (const look of looks) {
      const outcome = faulty(runtime, look, "error=ENOENT", ...args);
      expect(outcome.status, outcome.stderr()).toBe(0);
    }
  });

  it("is removed when a limit cannot be had, and the error names the file", () => {
    const runtime = urunc();
    const resources = { cpu: { cpus: "4000" } };
    expect(runtime.verb("create", "--bundle", staying({ resources }), "wrong").status).toBe(1);
    expect(runtime.lastError()).toMatch(/Write "4000" to \/sys\/fs\/cgroup\/.*cpuset\.cpus/);
    expect(leftovers()).toEqual([]);
  });

  it("leaves the cgroups above it, which others may share", () => {
    const runtime = urunc();
    const parent = V1 ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup";
    const name = `urunc-test-${process.pid}`;
    mkdirSync(`${parent}/${name}`);
    atEnd(() => {
      for (const path of cgroups().filter((one) => one.endsWith(`/${name}`))) rmdirSync(path);
    });
    runtime.create("below", staying({ cgroupsPath: `/${name}/below` }));
    expect(existsSync(`${parent}/${name}/below`)).toBe(true);
    succeed(runtime.verb("delete", "below"));
    expect(existsSync(`${parent}/${name}/below`)).toBe(false);
    expect(existsSync(`${parent}/${name}`)).toBe(true);
  });
});

describe("what a killed create leaves", () => {
  it.each(["before init is ready", "while a hook runs"])("is removed by delete --force: %s", async (moment) => {
    const runtime = urunc();
    const begun = join(scratch(), "begun");
    const script = `touch ${begun}; exec sleep 3`;
    const hooks = { createRuntime: [{ path: "/bin/sh", args: ["sh", "-c", script] }] };
    const before = cgroups().length;
    const create = runtime.begin("create", "--bundle", staying({ hooks }), "killed");
    const isThere = () => (moment === "while a hook runs" ? existsSync(begun) : cgroups().length > before);
    await until("create has come so far", isThere);
    create.child.kill("SIGKILL");
    await create.ended();
    expect(cgroups().length).toBeGreaterThan(before);
    succeed(runtime.verb("delete", "--force", "killed"));
    expect(cgroups().length).toBe(before);
    if (existsSync(begun)) await sleep(3100);
  });
});

describe("pause and resume", () => {
  it("stop the guest and let it go on", async () => {
    const runtime = urunc();
    const { pid, outcome } = runtime.create("paused", staying());
    succeed(runtime.verb("start", "paused"));
    await until("the guest ticks", () => outcome.stdout().includes("tick 1"));
    succeed(runtime.verb("pause", "paused"));
    expect(runtime.state("paused")).toMatchObject({ status: "paused", pid });
    const before = outcome.stdout();
    await sleep(1500);
    expect(outcome.stdout()).toBe(before);
    expect(runtime.verb("pause", "paused").status).toBe(1);
    expect(runtime.verb("delete", "paused").status).toBe(1);
    expect(runtime.lastError()).toContain("not stopped: paused");
    succeed(runtime.verb("resume", "paused"));
    expect(runtime.status("paused")).toBe("running");
    await until("the guest goes on", () => outcome.stdout().length > before.length);
    expect(runtime.verb("resume", "paused").status).toBe(1);
    expect(runtime.lastError()).toContain("container not paused");
  });

  it.each([
    ["kill", "paused", "KILL"],
    ["kill", "--all", "paused", "KILL"],
    ["delete", "--force", "paused"],
  ])("does not shield a container from its end: %s %s %s", async (...verb) => {
    const runtime = urunc();
    const { pid } = runtime.create("paused", staying());
    succeed(runtime.verb("start", "paused"));
    succeed(runtime.verb("pause", "paused"));
    succeed(runtime.verb(...verb.filter((word) => word !== undefined)));
    await until("the monitor has ended", () => !isAlive(pid));
  });

  it("say what is missing when there is no cgroup", () => {
    const runtime = urunc();
    runtime.create("bare", helloBundle({ args: ["hello", "--stay"] }));
    expect(runtime.verb("pause", "bare").status).toBe(1);
    expect(runtime.lastError()).toContain("it has no cgroup of its own");
  });
});

/** Names of all members, lists and counters by what they are only. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return "list";
  if (typeof value !== "object" || value === null) return value === null ? "null" : typeof value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, shape(Reflect.get(value, key))]),
  );
}

describe("events", () => {
  it("have runc's members", async () => {
    const stats = async (runtime: Runtime, bundle: string, sign: string) => {
      const { outcome } = runtime.create("stats", bundle);
      succeed(runtime.verb("start", "stats"));
      await until("it runs", () => outcome.stdout().includes(sign));
      return parseJson(succeed(runtime.verb("events", "--stats", "stats")).stdout());
    };
    const resources = { pids: { limit: 99 } };
    const theirs = await stats(runc(), busyboxBundle({ args: ["/bin/sleep", "60"], resources }), "");
    const cgroupsPath = `/urunc-test-${process.pid}`;
    const ours = await stats(urunc(), staying({ resources, name: "unikernel", cgroupsPath }), "tick 1");
    for (const member of ["type", "id"])
      expect(Reflect.get(Object(ours), member)).toBe(Reflect.get(Object(theirs), member));
    const data = (event: unknown) => Object(Reflect.get(Object(event), "data"));
    expect(Object.keys(data(ours))).toEqual(Object.keys(data(theirs)));
    for (const member of ["pids", "cpuset", "hugetlb", "intel_rdt", "network_interfaces"]) {
      expect(shape(data(ours)[member])).toEqual(shape(data(theirs)[member]));
    }
    expect(Object.keys(data(ours).memory.raw).sort()).toEqual(Object.keys(data(theirs).memory.raw).sort());
    expect(shape(data(ours).cpu.usage)).toEqual(shape(data(theirs).cpu.usage));
    expect(Object.keys(data(ours).memory.usage)).toEqual(Object.keys(data(theirs).memory.usage));
    expect(data(ours).memory.usage.usage).toBeGreaterThan(1_000_000);
    expect(data(ours).cpu.usage.total).toBeGreaterThan(1_000_000);
    // Its own figures: no machine has so little of its memory in use, or has worked for less than a minute.
    expect(data(ours).memory.usage.usage).toBeLessThan(64 * MIB + OVERHEAD);
    expect(data(ours).cpu.usage.total).toBeLessThan(60e9);
    expect(data(ours).pids.current).toBeLessThan(20);
  });

  it("come in their interval and end with the container", async () => {
    const runtime = urunc();
    runtime.create("follow", staying());
    succeed(runtime.verb("start", "follow"));
    const events = runtime.begin("events", "--interval=200ms", "follow");
    await until("there are statistics", () => events.stdout().split("\n").length > 2);
    succeed(runtime.verb("kill", "follow", "KILL"));
    await until("the events end", () => events.child.exitCode !== null);
    expect(events.stdout()).toContain('{"type":"stats","id":"follow","data":{"cpu"');
  });

  it("tell when the kernel killed the monitor for want of memory", async () => {
    const runtime = urunc("memory_overhead_mb = 1\n");
    const path = `/urunc-test-${process.pid}`;
    const { pid } = runtime.create("oom", staying({ cgroupsPath: path }));
    const events = runtime.begin("events", "--interval=1h", "oom");
    await sleep(500);
    // The guest alone does not take what it may have; so less is left than QEMU needs.
    writeFileSync(V1 ? `/sys/fs/cgroup/memory${path}/memory.limit_in_bytes` : `/sys/fs/cgroup${path}/memory.max`, "6M");
    runtime.verb("start", "oom");
    await until("the monitor has ended", () => !isAlive(pid));
    await until("the kill is told", () => events.stdout().includes('{"type":"oom","id":"oom"}'));
    await until("the events end", () => events.child.exitCode !== null);
  });

  it("refuse a container that is not there or has no cgroup", () => {
    const runtime = urunc();
    expect(runtime.verb("events", "--stats", "nobody").status).toBe(1);
    runtime.create("bare", helloBundle({ args: ["hello", "--stay"] }));
    expect(runtime.verb("events", "--stats", "bare").status).toBe(1);
    expect(runtime.lastError()).toContain("it has no cgroup of its own");
    expect(runtime.verb("events", "--interval", "soon", "bare").status).toBe(1);
  });
});

describe("update", () => {
  const path = `/urunc-test-${process.pid}`;

  it("changes limits by options and by a file", () => {
    const runtime = urunc();
    runtime.create("update", staying({ cgroupsPath: path }));
    succeed(
      runtime.verb("update", "--cpu-share", "256", "--pids-limit", "77", "--memory-reservation", "16m", "update"),
    );
    expect(cgroupFile(path, "cpu.shares", "cpu.weight")).toBe(V1 ? "256" : "10");
    expect(cgroupFile(path, "pids.max", "pids.max")).toBe("77");
    expect(cgroupFile(path, "memory.soft_limit_in_bytes", "memory.low")).toBe(String(16 * MIB + OVERHEAD));
    const input = JSON.stringify({
      pids: { limit: -1 },
      cpu: { cpus: "0" },
      memory: { limit: 64 * MIB, swap: 96 * MIB },
    });
    writeFileSync(join(scratch(), "resources.json"), input);
    succeed(runtime.verbWith({ stdin: join(scratch(), "resources.json") }, "update", "--resources", "-", "update"));
    expect(cgroupFile(path, "pids.max", "pids.max")).toBe("max");
    expect(cgroupFile(path, "cpuset.cpus", "cpuset.cpus")).toBe("0");
    expect(cgroupFile(path, "memory.limit_in_bytes", "memory.max")).toBe(String(64 * MIB + OVERHEAD));
    succeed(runtime.verb("update", "--memory", "-1", "update"));
  });

  it("takes the bundle's own limit of memory, of which the guest got whole units", () => {
    const runtime = urunc();
    const limit = 100_000_000;
    runtime.create("update", staying({ cgroupsPath: path, resources: { memory: { limit } } }));
    const written = () => cgroupFile(path, "memory.limit_in_bytes", "memory.max");
    const before = written();
    succeed(runtime.verb("update", "--memory", String(limit), "update"));
    expect(written()).toBe(before);
    expect(runtime.verb("update", "--memory", String(limit - 1), "update").status).toBe(1);
  });

  it.each([
    [["--memory", "128M"], "cannot grow"],
    [["--memory", "32M"], "cannot shrink"],
    [["--memory", "much"], "memory.limit"],
    [["--cpuset-cpus", "a"], "cpu.cpus"],
    [["--l3-cache-schema", "x"], "not supported"],
    [["--resources", "/nonexistent"], "/nonexistent"],
  ])("refuses %j and changes nothing", (options, words) => {
    const runtime = urunc();
    runtime.create("update", staying({ cgroupsPath: path }));
    const before = cgroupFile(path, "pids.max", "pids.max");
    expect(runtime.verb("update", "--pids-limit", "5", ...options, "update").status).toBe(1);
    expect(runtime.lastError()).toContain(words);
    expect(cgroupFile(path, "pids.max", "pids.max")).toBe(before);
  });
});
