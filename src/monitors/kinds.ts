/** Monitor kinds by their value of `com.urunc.unikernel.hypervisor` (REFERENCE §1.1). */
export const MONITOR_KINDS = ["qemu", "hvt", "spt"] as const;
export type MonitorKind = (typeof MONITOR_KINDS)[number];
