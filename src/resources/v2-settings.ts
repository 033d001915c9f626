/** Limits as files of cgroup v2 (kernel, Documentation/admin-guide/cgroup-v2.rst). */
import {
  type BlockIoResources,
  type CpuResources,
  type MemoryResources,
  type Resources,
  THROTTLES,
} from "../oci/resources.ts";
import { rdmaSettings } from "./rdma.ts";
import { integerText, type Setting } from "./setting.ts";
import { pidsSetting } from "./v1-settings.ts";

/** Devices are apart, see device-program.ts; net_cls and net_prio do not exist here. */
export function v2Settings(resources: Resources): readonly Setting[] {
  const { cpu, memory, pids, blockIO } = resources;
  return [
    ...(cpu === undefined ? [] : cpuSettings(cpu)),
    ...(memory === undefined ? [] : memorySettings(memory)),
    ...(pids === undefined ? [] : [pidsSetting(pids.limit)]),
    ...(blockIO === undefined ? [] : ioSettings(blockIO)),
    ...(resources.hugepageLimits ?? []).map(({ pageSize, limit }) =>
      setting("hugetlb", `${pageSize}.max`, integerText(limit)),
    ),
    ...rdmaSettings(resources.rdma),
    // Last: they are the exact wish.
    ...Object.entries(resources.unified ?? {}).map(
      ([file, value]): Setting => ({ controller: file.slice(0, file.indexOf(".")), file, value }),
    ),
  ];
}

function setting(controller: string, file: string, value: string): Setting {
  return { controller, file: `${controller}.${file}`, value };
}

function orMax(value: number): string {
  return value < 0 ? "max" : integerText(value);
}

/** Shares from 2 to 262144 as a weight from 1 to 10000, runc's conversion; 0: not given. */
export function cpuWeight(shares: number): number {
  if (shares === 0) return 0;
  const within = Math.min(Math.max(shares, 2), 262144);
  return 1 + Math.floor(((within - 2) * 9999) / 262142);
}

const DEFAULT_PERIOD = 100_000;

function cpuSettings(cpu: CpuResources): readonly Setting[] {
  const { shares, quota, period, burst, idle, cpus, mems } = cpu;
  const limits = quota || period;
  return [
    ...(shares ? [setting("cpu", "weight", String(cpuWeight(shares)))] : []),
    ...(limits
      ? [
          setting(
            "cpu",
            "max",
            `${quota && quota > 0 ? integerText(quota) : "max"} ${integerText(period || DEFAULT_PERIOD)}`,
          ),
        ]
      : []),
    ...(burst ? [setting("cpu", "max.burst", integerText(burst))] : []),
    ...(idle ? [setting("cpu", "idle", String(idle))] : []),
    ...(cpus === undefined ? [] : [setting("cpuset", "cpus", cpus)]),
    ...(mems === undefined ? [] : [setting("cpuset", "mems", mems)]),
  ];
}

function memorySettings({ limit, reservation, swap }: MemoryResources): readonly Setting[] {
  const swapOnly = v2Swap(limit, swap);
  return [
    ...(limit ? [setting("memory", "max", orMax(limit))] : []),
    ...(swapOnly === undefined ? [] : [setting("memory", "swap.max", orMax(swapOnly))]),
    ...(reservation ? [setting("memory", "low", orMax(reservation))] : []),
  ];
}

/**
 * The specification's limit is of memory and swap together, the file's of swap alone: bytes, -1 for none, undefined
 * when nothing is to be written.
 */
export function v2Swap(limit: number | undefined, swap: number | undefined): number | undefined {
  if (!swap) return limit === -1 ? -1 : undefined;
  if (swap < 0) return -1;
  return limit !== undefined && limit > 0 ? Math.max(0, swap - limit) : undefined;
}

/** Weights from 10 to 1000 as one from 1 to 10000, runc's conversion. */
function ioWeight(weight: number): number {
  return 1 + Math.floor(((Math.max(weight, 10) - 10) * 9999) / 990);
}

const THROTTLE_KEYS: Readonly<Record<(typeof THROTTLES)[number], string>> = {
  throttleReadBpsDevice: "rbps",
  throttleWriteBpsDevice: "wbps",
  throttleReadIOPSDevice: "riops",
  throttleWriteIOPSDevice: "wiops",
};

function ioSettings(blockIO: BlockIoResources): readonly Setting[] {
  const weight = (value: number, device: string): Setting => ({
    ...setting("io", "weight", `${device}${ioWeight(value)}`),
    instead: { file: "io.bfq.weight", value: `${device}${value}` },
  });
  return [
    ...(blockIO.weight ? [weight(blockIO.weight, "")] : []),
    ...(blockIO.weightDevice ?? []).flatMap((device) =>
      device.weight ? [weight(device.weight, `${device.major}:${device.minor} `)] : [],
    ),
    ...THROTTLES.flatMap((key) =>
      (blockIO[key] ?? []).map(({ major, minor, rate }) =>
        // 0 takes a limit away.
        setting("io", "max", `${major}:${minor} ${THROTTLE_KEYS[key]}=${rate === 0 ? "max" : integerText(rate)}`),
      ),
    ),
  ];
}
