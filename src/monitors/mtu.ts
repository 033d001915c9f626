import type { MonitorInput } from "./monitor.ts";

/** What a guest takes for the MTU of a nic when nobody tells it. */
const USUAL = 1500;

/** Warnings of a monitor that cannot tell the guest its MTU: packets that are larger than the way out are lost. */
export function untoldMtu(monitor: string, { nics, guest }: MonitorInput): readonly string[] {
  if (guest.knowsMtu === true) return [];
  return nics
    .filter(({ mtu }) => mtu < USUAL)
    .map(
      ({ interface: name, mtu }) =>
        `${monitor}: the guest is not told the MTU of ${name}, ${mtu}: packets of up to ${USUAL} bytes that it sends are lost`,
    );
}
