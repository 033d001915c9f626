/** Monitor kinds by their value of the annotation `com.urunc.unikernel.hypervisor`. */
export const MONITOR_KINDS = [
  "qemu",
  "hvt",
  "spt",
  "firecracker",
  "cloud-hypervisor",
  "hyperlight-unikraft",
  "uhyve",
] as const;
export type MonitorKind = (typeof MONITOR_KINDS)[number];

/** The kind of that name, if we know one. */
export function monitorKind(name: string): MonitorKind | undefined {
  return MONITOR_KINDS.find((kind) => kind === name);
}
