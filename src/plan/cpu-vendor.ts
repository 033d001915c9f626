import type { CpuVendor } from "../monitors/monitor.ts";

/**
 * The processor's maker from /sys/devices/system/cpu/modalias, which reads `cpu:type:x86,ven0002fam0019mod0011:…`; the
 * number is X86_VENDOR_* of the kernel. One line, unlike /proc/cpuinfo.
 */
export function cpuVendor(modalias: string): CpuVendor | undefined {
  const match = /^cpu:type:x86,ven([0-9A-F]{4})fam/.exec(modalias);
  if (match === null) return undefined;
  return match[1] === "0002" ? "amd" : match[1] === "0000" ? "intel" : "other";
}
