import { MEBIBYTE } from "../units.ts";
import type { Monitor } from "./monitor.ts";
import { SOLO5 } from "./solo5.ts";

/** Solo5's hardware virtualised tender: a small monitor over KVM. It maps guest memory in pages of 2 MiB, 4 GiB at most. */
export const hvt: Monitor = {
  ...SOLO5,
  program: () => "solo5-hvt",
  accelerators: ["kvm"],
  memoryUnit: 2 * MEBIBYTE,
  maximumMemory: 4096 * MEBIBYTE,
};
