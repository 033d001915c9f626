/** Statistics out of the files of cgroup v1. */
import {
  type BlockIoEntry,
  type Count,
  count,
  counts,
  type MemoryEntry,
  memoryEntry,
  numbersOf,
  type ReadFile,
  type Statistics,
  times,
  withoutZeros,
} from "./statistics.ts";

/** cpuacct.stat counts in ticks of USER_HZ, which is 100 on every architecture this runs on. */
const NANOSECONDS_PER_TICK = 10_000_000;

export function v1Statistics(read: ReadFile, pageSizes: readonly string[]): Statistics {
  const limit = read("pids", "pids.max")?.trim();
  return {
    cpu: { usage: cpuUsage(read), throttling: throttling(read) },
    cpuset: cpuset(read),
    memory: memory(read),
    pids: withoutZeros({ current: count(read("pids", "pids.current")), limit: limit === "max" ? 0 : count(limit) }),
    blkio: {
      ...blockIo("ioServiceBytesRecursive", read("blkio", "blkio.throttle.io_service_bytes_recursive")),
      ...blockIo("ioServicedRecursive", read("blkio", "blkio.throttle.io_serviced_recursive")),
    },
    hugetlb: Object.fromEntries(
      pageSizes.map((size) => {
        const file = (name: string) => count(read("hugetlb", `hugetlb.${size}.${name}`));
        const used = withoutZeros({ usage: file("usage_in_bytes"), max: file("max_usage_in_bytes") });
        return [size, { ...used, failcnt: file("failcnt") }];
      }),
    ),
    intel_rdt: {},
    network_interfaces: null,
  };
}

function cpuUsage(read: ReadFile): Statistics["cpu"]["usage"] {
  const ticks = counts(read("cpuacct", "cpuacct.stat"));
  const perCpu = (read("cpuacct", "cpuacct.usage_percpu") ?? "").split(/\s+/).filter((word) => word !== "");
  const [, ...all] = (read("cpuacct", "cpuacct.usage_all") ?? "").trim().split("\n");
  const column = (index: number) => all.map((line) => count(line.split(/\s+/)[index]));
  return {
    ...withoutZeros({ total: count(read("cpuacct", "cpuacct.usage")) }),
    ...(perCpu.length === 0 ? {} : { percpu: perCpu.map(count) }),
    ...(all.length === 0 ? {} : { percpu_kernel: column(2), percpu_user: column(1) }),
    kernel: times(ticks["system"], NANOSECONDS_PER_TICK),
    user: times(ticks["user"], NANOSECONDS_PER_TICK),
  };
}

function throttling(read: ReadFile): Statistics["cpu"]["throttling"] {
  const {
    nr_periods: periods,
    nr_throttled: throttledPeriods,
    throttled_time: throttledTime,
  } = counts(read("cpu", "cpu.stat"));
  return withoutZeros({ periods, throttledPeriods, throttledTime });
}

const CPUSET_FLAGS = [
  "cpu_exclusive",
  "mem_hardwall",
  "mem_exclusive",
  "memory_migrate",
  "memory_spread_page",
  "memory_spread_slab",
  "memory_pressure",
  "sched_load_balance",
] as const;

function cpuset(read: ReadFile): Readonly<Record<string, unknown>> {
  const flags = CPUSET_FLAGS.map((name) => [name, count(read("cpuset", `cpuset.${name}`))] as const);
  return {
    cpus: numbersOf(read("cpuset", "cpuset.cpus")),
    mems: numbersOf(read("cpuset", "cpuset.mems")),
    ...Object.fromEntries(flags),
    // The only one that may be negative.
    sched_relax_domain_level: Number(read("cpuset", "cpuset.sched_relax_domain_level") ?? 0),
  };
}

function memory(read: ReadFile): Statistics["memory"] {
  const raw = counts(read("memory", "memory.stat"));
  const entry = (prefix: string): MemoryEntry => {
    const file = (name: string): Count => count(read("memory", `memory.${prefix}${name}`));
    return memoryEntry(file("limit_in_bytes"), file("usage_in_bytes"), file("max_usage_in_bytes"), file("failcnt"));
  };
  return {
    ...withoutZeros({ cache: raw["cache"] }),
    usage: entry(""),
    swap: entry("memsw."),
    kernel: entry("kmem."),
    kernelTCP: entry("kmem.tcp."),
    ...(Object.keys(raw).length === 0 ? {} : { raw }),
  };
}

/** Lines such as `8:0 Read 4096`; the sum at the end has no device. */
function blockIo<K extends string>(name: K, text: string | undefined): Partial<Record<K, readonly BlockIoEntry[]>> {
  const entries = (text ?? "").split("\n").flatMap((line): readonly BlockIoEntry[] => {
    const match = /^(\d+):(\d+) (\w+) (\d+)$/.exec(line);
    if (match === null) return [];
    const [, major, minor, op = "", value] = match;
    return [{ major: Number(major), minor: Number(minor), op, value: count(value) }];
  });
  const found: Partial<Record<K, readonly BlockIoEntry[]>> = {};
  if (entries.length > 0) found[name] = entries;
  return found;
}
