/** Guest kinds by their value of the annotation `com.urunc.unikernel.unikernelType`. */
export const GUEST_KINDS = [
  "unikraft",
  "mirage",
  "rumprun",
  "linux",
  "mewz",
  "hermit",
  "includeos",
  "nanos",
  "osv",
  "freebsd",
] as const;
export type GuestKind = (typeof GUEST_KINDS)[number];

/** The kind of that name, if we know one. */
export function guestKind(name: string): GuestKind | undefined {
  return GUEST_KINDS.find((kind) => kind === name);
}
