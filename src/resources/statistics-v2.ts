/** Statistics out of the files of cgroup v2, in the members of cgroup v1 as far as they can be had. */
import {
  type BlockIoEntry,
  count,
  counts,
  memoryEntry,
  numbersOf,
  plus,
  type ReadFile,
  type Statistics,
  times,
  withoutZeros,
} from "./statistics.ts";

const NANOSECONDS = 1000;

export function v2Statistics(read: ReadFile, pageSizes: readonly string[]): Statistics {
  const cpu = counts(read("cpu", "cpu.stat"));
  const limit = read("pids", "pids.max")?.trim();
  return {
    cpu: {
      usage: {
        ...withoutZeros({ total: times(cpu["usage_usec"], NANOSECONDS) }),
        kernel: times(cpu["system_usec"], NANOSECONDS),
        user: times(cpu["user_usec"], NANOSECONDS),
      },
      throttling: withoutZeros({
        periods: cpu["nr_periods"],
        throttledPeriods: cpu["nr_throttled"],
        throttledTime: times(cpu["throttled_usec"], NANOSECONDS),
      }),
    },
    cpuset: cpuset(read),
    memory: memory(read),
    pids: withoutZeros({ current: count(read("pids", "pids.current")), limit: limit === "max" ? 0 : count(limit) }),
    blkio: blockIo(read("io", "io.stat")),
    hugetlb: Object.fromEntries(
      pageSizes.map((size) => {
        const used = withoutZeros({ usage: count(read("hugetlb", `hugetlb.${size}.current`)) });
        return [size, { ...used, failcnt: counts(read("hugetlb", `hugetlb.${size}.events`))["max"] ?? 0 }];
      }),
    ),
    intel_rdt: {},
    network_interfaces: null,
  };
}

function cpuset(read: ReadFile): Readonly<Record<string, unknown>> {
  const cpus = numbersOf(read("cpuset", "cpuset.cpus.effective"));
  const mems = numbersOf(read("cpuset", "cpuset.mems.effective"));
  return { ...(cpus.length === 0 ? {} : { cpus }), ...(mems.length === 0 ? {} : { mems }) };
}

function memory(read: ReadFile): Statistics["memory"] {
  const raw = counts(read("memory", "memory.stat"));
  const file = (name: string) => count(read("memory", `memory.${name}`));
  const [limit, usage] = [file("max"), file("current")];
  const swapLimit = read("memory", "memory.swap.max")?.trim() ?? "0";
  const unlimited = count("max");
  const both = swapLimit === "max" || limit === unlimited ? unlimited : plus(limit, count(swapLimit));
  const none = memoryEntry(0, 0, 0, 0);
  return {
    ...withoutZeros({ cache: raw["file"] }),
    usage: memoryEntry(limit, usage, file("peak"), counts(read("memory", "memory.events"))["max"] ?? 0),
    swap: memoryEntry(both, plus(usage, file("swap.current")), 0, 0),
    kernel: none,
    kernelTCP: none,
    ...(Object.keys(raw).length === 0 ? {} : { raw }),
  };
}

/** Names of io.stat with runc's. */
const OPERATIONS = {
  ioServiceBytesRecursive: { rbytes: "Read", wbytes: "Write", dbytes: "Discard" },
  ioServicedRecursive: { rios: "Read", wios: "Write", dios: "Discard" },
} as const;

/** Lines such as `8:0 rbytes=4096 wbytes=0 rios=1 …`. */
function blockIo(text: string | undefined): Statistics["blkio"] {
  const lines = (text ?? "").split("\n").flatMap((line) => {
    const match = /^(\d+):(\d+) (.*)$/.exec(line);
    return match === null ? [] : [{ major: Number(match[1]), minor: Number(match[2]), values: match[3] ?? "" }];
  });
  const entries = (operations: Readonly<Record<string, string>>): readonly BlockIoEntry[] =>
    lines.flatMap(({ major, minor, values }) =>
      Object.entries(operations).flatMap(([key, op]) => {
        const value = new RegExp(`(?:^| )${key}=(\\d+)`).exec(values)?.[1];
        return value === undefined ? [] : [{ major, minor, op, value: count(value) }];
      }),
    );
  if (lines.length === 0) return {};
  return {
    ioServiceBytesRecursive: entries(OPERATIONS.ioServiceBytesRecursive),
    ioServicedRecursive: entries(OPERATIONS.ioServicedRecursive),
  };
}
