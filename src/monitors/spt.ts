import { MEBIBYTE } from "../units.ts";
import type { Monitor } from "./monitor.ts";
import { SOLO5 } from "./solo5.ts";

/** Solo5's sandboxed process tender: the guest is a process behind a seccomp filter, no virtualisation. */
export const spt: Monitor = {
  ...SOLO5,
  program: () => "solo5-spt",
  accelerators: ["none"],
  memoryUnit: MEBIBYTE,
  maximumMemory: Number.MAX_SAFE_INTEGER,
};
