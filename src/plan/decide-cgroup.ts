/** The container's cgroup: where it lies and what its limits are. */
import type { MonitorKind } from "../monitors/kinds.ts";
import type { Accelerator } from "../monitors/monitor.ts";
import { TRANSLATION_CACHE } from "../monitors/qemu.ts";
import type { MemoryResources } from "../oci/resources.ts";
import { MEBIBYTE } from "../units.ts";
import type { CgroupPlan } from "./launch-plan.ts";
import type { Planning } from "./plan-input.ts";

/**
 * MiB a monitor may have for itself, beside the guest's memory: several times what was measured (docs/resources.md),
 * since a limit is no reservation, and a monitor that meets it is killed with its guest.
 */
const OVERHEAD: Readonly<Record<MonitorKind, number>> = {
  qemu: 256,
  hvt: 32,
  spt: 32,
  firecracker: 64,
  "cloud-hypervisor": 128,
  "hyperlight-unikraft": 64,
  uhyve: 64,
};

/** The tables of pages, the host's and the processor's for the guest, take 8 bytes for each page of 4 KiB. */
const MEMORY_PER_PAGE_TABLES = 256;

/** None for a bundle that says nothing of cgroups: the monitor then stays in the caller's. */
export function decideCgroup(
  planning: Planning,
  memory: number,
  accelerator: Accelerator,
  initrdLimit: number,
): CgroupPlan | undefined {
  const { cgroupsPath, resources } = planning.spec.linux;
  if (cgroupsPath === undefined && resources === undefined) return undefined;
  const overhead = decideOverhead(planning, memory, accelerator) + initrdLimit;
  return {
    ...(cgroupsPath === undefined ? {} : { path: cgroupsPath }),
    overhead,
    resources:
      resources?.memory === undefined
        ? (resources ?? {})
        : { ...resources, memory: withOverhead(resources.memory, overhead) },
  };
}

/** Bytes. */
function decideOverhead({ settings, metadata }: Planning, memory: number, accelerator: Accelerator): number {
  const ofMonitor = OVERHEAD[metadata.monitor] + (accelerator === "tcg" ? TRANSLATION_CACHE : 0);
  const mebibytes = settings.memoryOverheadMb > 0 ? settings.memoryOverheadMb : ofMonitor;
  return mebibytes * MEBIBYTE + Math.ceil(memory / MEMORY_PER_PAGE_TABLES);
}

/** The bundle's limits are of the guest's memory; those of the cgroup have room for the monitor. */
export function withOverhead(memory: MemoryResources, overhead: number): MemoryResources {
  const raised: { -readonly [K in keyof MemoryResources]: MemoryResources[K] } = { ...memory };
  for (const key of ["limit", "reservation", "swap"] as const) {
    const value = memory[key];
    if (value !== undefined && value > 0) raised[key] = value + overhead;
  }
  return raised;
}
