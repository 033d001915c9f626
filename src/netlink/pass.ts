/** What the namespace's own stack must get where a unikernel has the interface, as keys of u32 filters. */
import type { GuestPort } from "../plan/network-settings.ts";
import type { Key } from "./traffic.ts";

/**
 * Ports, and identifiers of ICMP, of a guest's connections behind the container's address. What the guest that has the
 * interface uses by itself lies elsewhere: Linux begins at 32768, lwIP, the BSDs and smoltcp at 49152. One mask matches
 * them.
 */
export const SHARED_PORTS = { from: 0x7800, to: 0x7fff, mask: 0xf800 } as const;

const NUMBER = { icmp: 1, tcp: 6, udp: 17 } as const;
type Protocol = keyof typeof NUMBER;

const ICMP_ECHO_REPLY = 0;
/** Unreachable (3) and time exceeded (11), in one mask. */
const ICMP_ERRORS = { value: 3, mask: 0xf7 } as const;

/** Replies to a guest's own connections, with errors about them, and what comes to its ports. */
export function passKeys(ports: readonly GuestPort[]): readonly (readonly Key[])[] {
  const { from, mask } = SHARED_PORTS;
  return [
    toPorts("tcp", from, mask),
    toPorts("udp", from, mask),
    [
      ...packet("icmp"),
      { at: 20, mask: 0xff000000, value: ICMP_ECHO_REPLY },
      { at: 24, mask: upper(mask), value: upper(from) },
    ],
    errorAbout(from, mask),
    ...ports.flatMap(({ protocol, port }) => [toPorts(protocol, port, 0xffff), errorAbout(port, 0xffff)]),
  ];
}

/** An IPv4 packet without options, whole or the first of its fragments. */
function packet(protocol: Protocol): readonly Key[] {
  return [
    { at: 0, mask: 0xff000000, value: 0x45000000 },
    { at: 4, mask: 0x1fff, value: 0 },
    { at: 8, mask: 0xff0000, value: NUMBER[protocol] << 16 },
  ];
}

function toPorts(protocol: "tcp" | "udp", port: number, mask: number): readonly Key[] {
  return [...packet(protocol), { at: 20, mask, value: port }];
}

/** ICMP has the packet that went wrong in it, after its own eight bytes. */
function errorAbout(port: number, mask: number): readonly Key[] {
  return [
    ...packet("icmp"),
    { at: 20, mask: upper(ICMP_ERRORS.mask << 8), value: upper(ICMP_ERRORS.value << 8) },
    { at: 28, mask: 0xff000000, value: 0x45000000 },
    { at: 48, mask: upper(mask), value: upper(port) },
  ];
}

/** In the upper half of a word. */
function upper(value: number): number {
  return (value << 16) >>> 0;
}
