import { describe, expect, it } from "vitest";
import { findings } from "../../src/oci/decode.ts";
import { parseResources } from "../../src/oci/parse-resources.ts";
import type { DeviceRule } from "../../src/oci/resources.ts";
import { cgroupfsPlace, directoryOf, parseMemberships } from "../../src/resources/cgroup-place.ts";
import { deviceProgram } from "../../src/resources/device-program.ts";
import { deviceRules } from "../../src/resources/device-rules.ts";
import { limitProperties, parseScope, scopePlace } from "../../src/resources/scope.ts";
import { integerText } from "../../src/resources/setting.ts";
import { v1DeviceSettings } from "../../src/resources/v1-device-settings.ts";
import { v1Settings } from "../../src/resources/v1-settings.ts";
import { cpuWeight, v2Settings, v2Swap } from "../../src/resources/v2-settings.ts";

const HYBRID = "3:memory:/pod/me\n2:cpu,cpuacct:/\n1:name=systemd:/pod\n0::/pod/me\n";

function place(path: string | undefined, memberships = HYBRID) {
  const result = cgroupfsPlace(path, "id", parseMemberships(memberships));
  return result.ok ? result.value : result.problems[0]?.message;
}

function plain(properties: ReturnType<typeof limitProperties>) {
  return properties.map(([name, { type, ...rest }]) => [name, type, "value" in rest ? rest.value : ""]);
}

describe("the place of a cgroup", () => {
  it("is below the root of each hierarchy for an absolute path", () => {
    expect(place("/a/b")).toEqual({
      v2: "/sys/fs/cgroup/unified/a/b",
      v1: {
        memory: "/sys/fs/cgroup/memory/a/b",
        "cpu,cpuacct": "/sys/fs/cgroup/cpu,cpuacct/a/b",
        "name=systemd": "/sys/fs/cgroup/systemd/a/b",
      },
    });
  });

  it("is below the caller's own cgroup for a relative path and for none", () => {
    expect(place("a")).toMatchObject({ v1: { memory: "/sys/fs/cgroup/memory/pod/me/a" } });
    expect(place(undefined)).toMatchObject({ v1: { "cpu,cpuacct": "/sys/fs/cgroup/cpu,cpuacct/id" } });
  });

  it("is beside the caller's own cgroup where there is cgroup v2 alone", () => {
    expect(place("a", "0::/user/me\n")).toEqual({ v1: {}, v2: "/sys/fs/cgroup/user/a" });
    expect(place("/a", "0::/user/me\n")).toEqual({ v1: {}, v2: "/sys/fs/cgroup/a" });
    expect(place(undefined, "0::/\n")).toEqual({ v1: {}, v2: "/sys/fs/cgroup/id" });
  });

  it.each(["../../x", "/../../x", "/a/../../../x", "a/../../x"])("never leaves the hierarchy: %s", (path) => {
    expect(place(path)).toMatchObject({
      v1: { "name=systemd": expect.stringMatching(/^\/sys\/fs\/cgroup\/systemd(\/pod)?\/x$/) },
    });
  });

  it.each(["/", "..", "/a/..", "a\nb", "machine.slice:urunc:id"])("is refused for %j", (path) => {
    expect(place(path)).toContain("linux.cgroupsPath");
  });

  it("knows which hierarchy has a controller", () => {
    const found = place("/a");
    if (typeof found !== "object") throw new Error("no place");
    expect(directoryOf(found, "cpuacct")).toBe("/sys/fs/cgroup/cpu,cpuacct/a");
    expect(directoryOf(found, "pids")).toBeUndefined();
  });
});

function parsed(value: Record<string, unknown>) {
  const into = findings("config.json", "invalid-config");
  const resources = parseResources(into, value, "linux.resources");
  return { resources, problems: into.problems.map(({ message }) => message) };
}

describe("resources", () => {
  it.each([
    [{ cpu: { cpus: "0;1" } }, "cpu.cpus"],
    [{ cpu: { quota: "1" } }, "cpu.quota"],
    [{ pids: { limit: 1.5 } }, "pids.limit"],
    [{ unified: { "../memory.max": "1" } }, "unified"],
    [{ unified: { "cgroup.procs": "1" } }, "unified"],
    [{ hugepageLimits: [{ pageSize: "../x", limit: 1 }] }, "hugepageLimits[0].pageSize"],
    [{ devices: [{ allow: true, type: "x" }] }, "devices[0].type"],
    [{ devices: [{ allow: true, type: "u", access: "r" }] }, "devices[0].type"],
    [{ devices: [{ allow: true, access: "rx" }] }, "devices[0].access"],
    [{ devices: [{ allow: true, type: "c", access: "" }] }, "devices[0].access"],
    [{ devices: [{ allow: true, type: "c", major: 1 }] }, "devices[0].access"],
    [{ network: { priorities: [{ name: "a b", priority: 1 }] } }, "network.priorities[0].name"],
    [{ rdma: { "a/b": {} } }, "rdma"],
    [{ memory: { swappiness: -1 } }, "memory.swappiness"],
    [{ blockIO: { weight: 100_000 } }, "blockIO.weight"],
  ])("of the wrong kind are refused: %j", (value, place) => {
    expect(parsed(value).problems.join()).toContain(`linux.resources.${place}`);
  });

  const RESOURCES = parsed({
    memory: { limit: 1000, swap: 3000, reservation: 500, swappiness: 0 },
    cpu: { shares: 1024, quota: 50_000, period: 100_000, cpus: "0-1", mems: "0", idle: 0 },
    pids: { limit: 7 },
    blockIO: { weight: 500, throttleWriteIOPSDevice: [{ major: 8, minor: 16, rate: 9 }] },
    hugepageLimits: [{ pageSize: "2MB", limit: 4194304 }],
    rdma: { mlx5_1: { hcaHandles: 3 } },
    network: { classID: 5, priorities: [{ name: "eth0", priority: 2 }] },
  });

  it("become files of cgroup v1", () => {
    expect(RESOURCES.problems).toEqual([]);
    expect(v1Settings(RESOURCES.resources).map(({ file, value }) => `${file} ${value}`)).toEqual([
      "cpu.shares 1024",
      "cpu.cfs_period_us 100000",
      "cpu.cfs_quota_us 50000",
      "cpuset.cpus 0-1",
      "cpuset.mems 0",
      "memory.limit_in_bytes 1000",
      "memory.memsw.limit_in_bytes 3000",
      "memory.soft_limit_in_bytes 500",
      "memory.swappiness 0",
      "pids.max 7",
      "blkio.weight 500",
      "blkio.throttle.write_iops_device 8:16 9",
      "hugetlb.2MB.limit_in_bytes 4194304",
      "net_cls.classid 5",
      "net_prio.ifpriomap eth0 2",
      "rdma.max mlx5_1 hca_handle=3",
    ]);
  });

  it("become files of cgroup v2", () => {
    const unified = { "memory.high": "900" };
    expect(v2Settings({ ...RESOURCES.resources, unified }).map(({ file, value }) => `${file} ${value}`)).toEqual([
      "cpu.weight 39",
      "cpu.max 50000 100000",
      "cpuset.cpus 0-1",
      "cpuset.mems 0",
      "memory.max 1000",
      "memory.swap.max 2000",
      "memory.low 500",
      "pids.max 7",
      "io.weight 4950",
      "io.max 8:16 wiops=9",
      "hugetlb.2MB.max 4194304",
      "rdma.max mlx5_1 hca_handle=3",
      "memory.high 900",
    ]);
  });

  it("without a limit say so in the words of each version", () => {
    const { resources } = parsed({ memory: { limit: -1 }, pids: { limit: -1 }, cpu: { quota: -1 } });
    const values = (settings: readonly { value: string }[]) => settings.map(({ value }) => value);
    expect(values(v1Settings(resources))).toEqual(["-1", "-1", "-1", "max"]);
    expect(values(v2Settings(resources))).toEqual(["max 100000", "max", "max", "max"]);
  });

  it("keep to the kernel's ranges when they are converted", () => {
    expect([0, 1, 2, 1024, 262144, 1e9].map(cpuWeight)).toEqual([0, 1, 1, 39, 10000, 10000]);
    expect([v2Swap(10, 30), v2Swap(10, 10), v2Swap(10, -1), v2Swap(-1, 0), v2Swap(undefined, 5)]).toEqual([
      20,
      0,
      -1,
      -1,
      undefined,
    ]);
    expect(integerText(2 ** 63)).toBe("9223372036854775808");
  });
});

/** What the program answers: the few instructions it uses, as the kernel runs them. */
function runProgram(program: Uint8Array, type: "b" | "c", access: string, major: number, minor: number): number {
  const asked = [...access].reduce((mask, one) => mask | { m: 1, r: 2, w: 4 }[one as "m" | "r" | "w"], 0);
  const context = [(asked << 16) | (type === "b" ? 1 : 2), major, minor];
  const registers = [0, 0, 0, 0, 0, 0];
  const view = new DataView(program.buffer, program.byteOffset);
  for (let at = 0; at < program.length; at += 8) {
    const [to, from] = [view.getUint8(at + 1) & 15, view.getUint8(at + 1) >> 4];
    const [offset, value] = [view.getInt16(at + 2, true), view.getInt32(at + 4, true)];
    const left = registers[to] ?? 0;
    const right = registers[from] ?? 0;
    const jump = (condition: boolean) => {
      if (condition) at += offset * 8;
    };
    switch (view.getUint8(at)) {
      case 0x61:
        registers[to] = context[offset / 4] ?? 0;
        break;
      case 0xbc:
        registers[to] = right;
        break;
      case 0x54:
        registers[to] = left & value;
        break;
      case 0x74:
        registers[to] = left >>> value;
        break;
      case 0xb7:
        registers[to] = value;
        break;
      case 0x56:
        jump(left !== value);
        break;
      case 0x5e:
        jump(left !== right);
        break;
      case 0x16:
        jump(left === value);
        break;
      case 0x95:
        return registers[0] ?? 0;
      default:
        throw new Error(`opcode ${view.getUint8(at)}`);
    }
  }
  throw new Error("the program has no end");
}

describe("device rules", () => {
  const kvm = { type: "c", major: 10, minor: 232 } as const;
  const given: readonly DeviceRule[] = [
    { allow: false, type: "a", access: "rwm" },
    { allow: true, type: "c", major: 1, access: "r" },
    { allow: false, type: "c", major: 1, minor: 8, access: "r" },
    { allow: true, type: "b", major: 8, minor: 0, access: "rw" },
  ];
  const program = deviceProgram(deviceRules(given, [kvm]));

  it.each([
    ["c", "rw", 10, 232, 1],
    ["c", "rwm", 10, 232, 1],
    ["b", "r", 10, 232, 0],
    ["c", "r", 10, 231, 0],
    ["c", "r", 1, 3, 1],
    ["c", "rw", 1, 3, 0],
    ["c", "r", 1, 8, 0],
    ["b", "w", 8, 0, 1],
    ["b", "m", 8, 0, 0],
    ["b", "r", 8, 1, 0],
  ] as const)("as a program answer for %s %s %i:%i: %i", (type, access, major, minor, answer) => {
    expect(runProgram(program, type, access, major, minor)).toBe(answer);
  });

  it("end the program at a rule for everything", () => {
    const everything = deviceRules([{ allow: true, type: "a", access: "rwm" }], []);
    expect(runProgram(deviceProgram(everything), "b", "rwm", 7, 7)).toBe(1);
    expect(deviceProgram(everything).length).toBe((6 + 2) * 8);
    expect(runProgram(deviceProgram([]), "c", "r", 1, 3)).toBe(0);
  });

  const v1 = (rules: readonly DeviceRule[]) => {
    const settings = v1DeviceSettings(deviceRules(rules, [kvm]));
    return settings.ok
      ? settings.value.map(({ file, value }) => `${file} ${value}`)
      : settings.problems.map(({ message }) => message);
  };

  it("are taken back one by one on cgroup v1 however many there are, and what was allowed twice goes at once", () => {
    const numbers = Array.from({ length: 6000 }, (_, minor) => minor);
    const each = (allow: boolean, access: string): readonly DeviceRule[] =>
      numbers.map((minor) => ({ allow, type: "c", major: 7, minor, access }));
    const lines = v1([...each(true, "r"), ...each(true, "rw"), ...each(false, "rwm")]);
    expect(lines.length).toBe(1 + 3 * numbers.length + 1);
    expect(lines.at(-2)).toBe("devices.deny c 7:5999 rwm");
    expect(v1([...each(true, "rw"), ...each(false, "w"), { allow: false, type: "c", access: "m" }]).at(-2)).toBe(
      "devices.deny c 7:5999 w",
    );
  });

  it("are one line each for cgroup v1, everything denied first", () => {
    expect(v1(given.filter((rule) => rule.minor !== 8))).toEqual([
      "devices.deny a *:* rwm",
      "devices.allow c 1:* r",
      "devices.allow b 8:0 rw",
      "devices.allow c 10:232 rwm",
    ]);
  });

  it.each([
    ["deny c 1:8 r", "c 1:* r is allowed", given],
    [
      "allow c 10:232 rwm",
      "c 10:* w is denied",
      [
        { allow: true, type: "a", access: "rwm" },
        { allow: false, type: "c", major: 10, access: "w" },
      ],
    ],
    [
      "deny b 7:* r",
      "b *:0 rm is allowed",
      [
        { allow: true, type: "b", minor: 0, access: "rm" },
        { allow: false, type: "a", major: 7, access: "r" },
      ],
    ],
  ] as const)("are refused for cgroup v1, which would ignore it: %s while %s", (rule, other, rules) => {
    expect(v1(rules).join()).toContain(`cgroup v1 cannot ${rule} while ${other}`);
  });

  it("take what was allowed back by its own numbers in cgroup v1, since any others are ignored there", () => {
    const rules = [
      { allow: true, type: "c", major: 1, minor: 3, access: "rwm" },
      { allow: true, type: "c", major: 5, minor: 0, access: "r" },
      { allow: false, type: "c", major: 1, access: "wm" },
      { allow: false, type: "c", major: 1, access: "w" },
    ] as const;
    expect(v1(rules)).toEqual([
      "devices.deny a *:* rwm",
      "devices.allow c 1:3 rwm",
      "devices.allow c 5:0 r",
      "devices.deny c 1:3 wm",
      "devices.allow c 10:232 rwm",
    ]);
  });
});

describe("a scope of systemd", () => {
  const scope = (path: string | undefined, isRoot = true) => {
    const result = parseScope(path, "id", isRoot);
    return result.ok ? result.value : result.problems[0]?.message;
  };

  it("is named by slice, prefix and name", () => {
    expect(scope("kubepods-pod1.slice:cri:abc")).toEqual({ slice: "kubepods-pod1.slice", unit: "cri-abc.scope" });
    expect(scope("::abc")).toEqual({ slice: "system.slice", unit: "abc.scope" });
    expect(scope(undefined)).toEqual({ slice: "system.slice", unit: "urunc-id.scope" });
    expect(scope(undefined, false)).toMatchObject({ slice: "user.slice" });
  });

  it.each([
    "/a/b",
    "a:b",
    "a:b:c:d",
    "a.slice:b:",
    "../a.slice:b:c",
    "a:b:c",
    "a.slice:b:c/d",
    "-a.slice:b:c",
    "a--b.slice:b:c",
  ])("is refused for %j", (path) => {
    expect(scope(path)).toContain("linux.cgroupsPath");
  });

  it("lies where systemd puts it", () => {
    const found = { slice: "kubepods-burstable-pod1.slice", unit: "cri-a.scope" };
    const inner = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/cri-a.scope";
    const v2 = parseMemberships("0::/user.slice/user-7.slice/user@7.service/app.slice/x.scope\n");
    expect(scopePlace(found, v2, true)).toEqual({ v1: {}, v2: `/sys/fs/cgroup${inner}`, unit: "cri-a.scope" });
    expect(scopePlace(found, v2, false).v2).toBe(`/sys/fs/cgroup/user.slice/user-7.slice/user@7.service${inner}`);
    expect(scopePlace({ ...found, slice: "-.slice" }, v2, true).v2).toBe("/sys/fs/cgroup/cri-a.scope");
  });

  it.each([
    ["system.slice::memory", "/system.slice/_memory.scope"],
    ["memory.slice:u:x", "/_memory.slice/u-x.scope"],
    ["a-io.slice:u:x", "/a.slice/a-io.slice/u-x.scope"],
    ["cgroup.x.slice::tasks", "/_cgroup.x.slice/tasks.scope"],
    ["_a-b.slice::_x", "/__a.slice/__a-b.slice/__x.scope"],
    ["system.slice::.x", "/system.slice/_.x.scope"],
    ["system.slice:bpf:devices", "/system.slice/_bpf-devices.scope"],
    ["system.slice::memoryx", "/system.slice/memoryx.scope"],
  ])("lies where systemd puts names that could be the kernel's: %s", (path, inner) => {
    const found = scope(path);
    if (typeof found !== "object") throw new Error(`refused: ${found}`);
    expect(scopePlace(found, parseMemberships("0::/init.scope\n"), true).v2).toBe(`/sys/fs/cgroup${inner}`);
  });

  it("knows the limits as properties", () => {
    const { resources } = parsed({
      memory: { limit: 100, swap: 150, reservation: 50 },
      cpu: { shares: 1024, quota: 12_345, period: 100_000, cpus: "0-2,8" },
      pids: { limit: -1 },
    });
    const values = (isV1: boolean) => plain(limitProperties(resources, isV1));
    expect(values(false)).toEqual([
      ["MemoryMax", "t", 100n],
      ["MemoryLow", "t", 50n],
      ["MemorySwapMax", "t", 50n],
      ["CPUWeight", "t", 39n],
      ["CPUQuotaPerSecUSec", "t", 130_000n],
      ["CPUQuotaPeriodUSec", "t", 100_000n],
      ["TasksMax", "t", 2n ** 64n - 1n],
      ["AllowedCPUs", "ay", [7, 1]],
    ]);
    expect(values(true)[0]).toEqual(["MemoryLimit", "t", 100n]);
  });

  it("knows the files of cgroup v2 that are properties, before the other members", () => {
    const unified = {
      "memory.max": "300",
      "memory.high": "max",
      "cpu.max": "50000",
      "cpuset.cpus": "1",
      "io.max": "8:0 rbps=1",
      "pids.max": "a few",
    };
    const { resources } = parsed({ memory: { limit: 100 }, unified });
    expect(plain(limitProperties(resources, false))).toEqual([
      ["MemoryMax", "t", 300n],
      ["MemoryHigh", "t", 2n ** 64n - 1n],
      ["CPUQuotaPerSecUSec", "t", 500_000n],
      ["CPUQuotaPeriodUSec", "t", 100_000n],
      ["AllowedCPUs", "ay", [2]],
    ]);
    expect(plain(limitProperties(resources, true))).toEqual([["MemoryLimit", "t", 100n]]);
  });
});
