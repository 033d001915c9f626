/** Limits as files of cgroup v1 (kernel, Documentation/admin-guide/cgroup-v1). */
import type { BlockIoResources, CpuResources, MemoryResources, Resources } from "../oci/resources.ts";
import { THROTTLES } from "../oci/resources.ts";
import { rdmaSettings } from "./rdma.ts";
import { integerText, type Setting } from "./setting.ts";

/** In the order in which a new cgroup takes them. Devices are apart, see device-rules.ts. */
export function v1Settings(resources: Resources): readonly Setting[] {
  const { cpu, memory, pids, blockIO, network } = resources;
  return [
    ...(cpu === undefined ? [] : cpuSettings(cpu)),
    ...(memory === undefined ? [] : memorySettings(memory)),
    ...(pids === undefined ? [] : [pidsSetting(pids.limit)]),
    ...(blockIO === undefined ? [] : blockIoSettings(blockIO)),
    ...(resources.hugepageLimits ?? []).map(({ pageSize, limit }) =>
      setting("hugetlb", `${pageSize}.limit_in_bytes`, limit),
    ),
    ...(network?.classID ? [setting("net_cls", "classid", network.classID)] : []),
    ...(network?.priorities ?? []).map(({ name, priority }) => setting("net_prio", "ifpriomap", `${name} ${priority}`)),
    ...rdmaSettings(resources.rdma),
  ];
}

function setting(controller: string, file: string, value: number | string): Setting {
  return {
    controller,
    file: `${controller}.${file}`,
    value: typeof value === "number" ? integerText(value) : value,
  };
}

/** `max` for what is not positive: there is no other way to say that there is no limit. */
export function pidsSetting(limit: number): Setting {
  return setting("pids", "max", limit > 0 ? limit : "max");
}

/** 0 stands for "not given" in all of these, as in runc, whose callers fill in zeros. */
function cpuSettings(cpu: CpuResources): readonly Setting[] {
  const files: readonly [keyof CpuResources, string][] = [
    ["shares", "shares"],
    ["realtimePeriod", "rt_period_us"],
    ["realtimeRuntime", "rt_runtime_us"],
    ["period", "cfs_period_us"],
    ["quota", "cfs_quota_us"],
    ["burst", "cfs_burst_us"],
    ["idle", "idle"],
  ];
  return [
    ...files.flatMap(([key, file]) => {
      const value = cpu[key];
      return value ? [setting("cpu", file, value)] : [];
    }),
    ...(cpu.cpus === undefined ? [] : [setting("cpuset", "cpus", cpu.cpus)]),
    ...(cpu.mems === undefined ? [] : [setting("cpuset", "mems", cpu.mems)]),
  ];
}

function memorySettings(memory: MemoryResources): readonly Setting[] {
  const { limit, reservation, swap, swappiness, disableOOMKiller } = memory;
  // Without a limit of memory there can be none of memory and swap together.
  const both = swap || (limit === -1 ? -1 : 0);
  return [
    ...(limit ? [setting("memory", "limit_in_bytes", limit)] : []),
    ...(both ? [setting("memory", "memsw.limit_in_bytes", both)] : []),
    ...(reservation ? [setting("memory", "soft_limit_in_bytes", reservation)] : []),
    ...(swappiness === undefined ? [] : [setting("memory", "swappiness", swappiness)]),
    ...(disableOOMKiller ? [setting("memory", "oom_control", 1)] : []),
  ];
}

const THROTTLE_FILES: Readonly<Record<(typeof THROTTLES)[number], string>> = {
  throttleReadBpsDevice: "throttle.read_bps_device",
  throttleWriteBpsDevice: "throttle.write_bps_device",
  throttleReadIOPSDevice: "throttle.read_iops_device",
  throttleWriteIOPSDevice: "throttle.write_iops_device",
};

function blockIoSettings(blockIO: BlockIoResources): readonly Setting[] {
  const weighted = (blockIO.weightDevice ?? []).flatMap(({ major, minor, weight, leafWeight }) => [
    ...(weight ? [bfq("weight_device", `${major}:${minor} ${weight}`)] : []),
    ...(leafWeight ? [setting("blkio", "leaf_weight_device", `${major}:${minor} ${leafWeight}`)] : []),
  ]);
  return [
    ...(blockIO.weight ? [bfq("weight", String(blockIO.weight))] : []),
    ...(blockIO.leafWeight ? [setting("blkio", "leaf_weight", blockIO.leafWeight)] : []),
    ...weighted,
    ...THROTTLES.flatMap((key) =>
      (blockIO[key] ?? []).map(({ major, minor, rate }) =>
        setting("blkio", THROTTLE_FILES[key], `${major}:${minor} ${integerText(rate)}`),
      ),
    ),
  ];
}

/** Since Linux 5.0 the weights are those of the scheduler BFQ, under names of its own. */
function bfq(file: string, value: string): Setting {
  return { ...setting("blkio", file, value), instead: { file: `blkio.bfq.${file}`, value } };
}
