import { MEBIBYTE } from "../units.ts";
import type { Monitor, MonitorInput } from "./monitor.ts";
import { SOLO5 } from "./solo5.ts";
import type { NeededVersion } from "./versions.ts";

/** What the page tables of older ones map on x86 (solo5, tenders/hvt/hvt_cpu_x86_64.c). */
const OLD_MAXIMUM = 1024 * MEBIBYTE;

/** Solo5's hardware virtualised tender: a small monitor over KVM. It maps guest memory in pages of 2 MiB, 4 GiB at most. */
export const hvt: Monitor = {
  ...SOLO5,
  program: () => "solo5-hvt",
  versions: { ...SOLO5.versions, needs },
  accelerators: ["kvm"],
  memoryUnit: 2 * MEBIBYTE,
  maximumMemory: 4096 * MEBIBYTE,
};

function needs({ arch, memory }: MonitorInput): readonly NeededVersion[] {
  if (arch !== "x86_64" || memory <= OLD_MAXIMUM) return [];
  return [{ since: { major: 0, minor: 9, patch: 0 }, what: "a guest with more than 1024 MiB of memory" }];
}
