/** Guest kinds by their value of `com.urunc.unikernel.unikernelType` (REFERENCE §1.1). */
export const GUEST_KINDS = ["unikraft", "mirage", "rumprun", "linux"] as const;
export type GuestKind = (typeof GUEST_KINDS)[number];
