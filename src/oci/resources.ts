/** `linux.resources` of config.json (runtime-spec 1.2, config-linux.md, section "Control groups"). */

/** A rule of the device cgroup; absent numbers stand for all. */
export interface DeviceRule {
  readonly allow: boolean;
  /** a: character and block devices. */
  readonly type: "a" | "b" | "c";
  readonly major?: number;
  readonly minor?: number;
  /** A mix of r, w and m (mknod). */
  readonly access: string;
}

export interface ThrottledDevice {
  readonly major: number;
  readonly minor: number;
  readonly rate: number;
}

export interface WeightedDevice {
  readonly major: number;
  readonly minor: number;
  readonly weight?: number;
  readonly leafWeight?: number;
}

export interface MemoryResources {
  /** Bytes; -1: none. */
  readonly limit?: number;
  /** Bytes; -1: none. */
  readonly reservation?: number;
  /** Memory and swap together, bytes; -1: none. */
  readonly swap?: number;
  readonly swappiness?: number;
  readonly disableOOMKiller?: boolean;
}

export interface CpuResources {
  readonly shares?: number;
  /** Microseconds of each period; -1: no limit. */
  readonly quota?: number;
  /** Microseconds. */
  readonly burst?: number;
  /** Microseconds. */
  readonly period?: number;
  /** Microseconds. */
  readonly realtimeRuntime?: number;
  /** Microseconds. */
  readonly realtimePeriod?: number;
  readonly cpus?: string;
  readonly mems?: string;
  readonly idle?: number;
}

export const THROTTLES = [
  "throttleReadBpsDevice",
  "throttleWriteBpsDevice",
  "throttleReadIOPSDevice",
  "throttleWriteIOPSDevice",
] as const;
export type Throttle = (typeof THROTTLES)[number];

export interface BlockIoResources extends Readonly<Partial<Record<Throttle, readonly ThrottledDevice[]>>> {
  readonly weight?: number;
  readonly leafWeight?: number;
  readonly weightDevice?: readonly WeightedDevice[];
}

export interface Resources {
  readonly devices?: readonly DeviceRule[];
  readonly memory?: MemoryResources;
  readonly cpu?: CpuResources;
  readonly pids?: { readonly limit: number };
  readonly blockIO?: BlockIoResources;
  readonly hugepageLimits?: readonly { readonly pageSize: string; readonly limit: number }[];
  readonly network?: {
    readonly classID?: number;
    readonly priorities?: readonly { readonly name: string; readonly priority: number }[];
  };
  readonly rdma?: Readonly<Record<string, { readonly hcaHandles?: number; readonly hcaObjects?: number }>>;
  /** Files of the cgroup v2 directory and what to write into them. */
  readonly unified?: Readonly<Record<string, string>>;
}
