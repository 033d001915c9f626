// Ethernet frames as a guest may send them, of every kind that a decent one would not.

export type Bytes = readonly number[];

const BROADCAST: Bytes = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
const ETH_P_IP = 0x0800;
const ETH_P_ARP = 0x0806;
const ETH_P_IPV6 = 0x86dd;
const ICMP = 1;
const UDP = 17;
const ICMPV6 = 58;

export function macBytes(mac: string): Bytes {
  return mac.split(":").map((part) => Number.parseInt(part, 16));
}

/** A dotted IPv4 address, or an IPv6 address with all of its eight groups. */
export function addressBytes(address: string): Bytes {
  if (!address.includes(":")) return address.split(".").map(Number);
  return address.split(":").flatMap((group) => be16(Number.parseInt(group, 16)));
}

function be16(value: number): Bytes {
  return [value >>> 8, value & 0xff];
}

function be32(value: number): Bytes {
  return [...be16(value >>> 16), ...be16(value & 0xffff)];
}

/** RFC 1071. */
function checksum(bytes: Bytes): Bytes {
  let sum = 0;
  bytes.forEach((byte, index) => {
    sum += index % 2 === 0 ? byte << 8 : byte;
  });
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return be16(~sum & 0xffff);
}

function withChecksum(bytes: Bytes, at: number, pseudo: Bytes = []): Bytes {
  return [...bytes.slice(0, at), ...checksum([...pseudo, ...bytes]), ...bytes.slice(at + 2)];
}

export function ethernet(from: Bytes, to: Bytes, type: number, payload: Bytes): string {
  return [...to, ...from, ...be16(type), ...payload].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** An ARP packet to everybody. @param operation 1: who has it; 2: I do. */
export function arp(mac: string, operation: 1 | 2, from: string, asked: string): string {
  const [own, sender, target] = [macBytes(mac), addressBytes(from), addressBytes(asked)];
  const head = [0, 1, ...be16(ETH_P_IP), 6, 4, ...be16(operation)];
  return ethernet(own, BROADCAST, ETH_P_ARP, [...head, ...own, ...sender, 0, 0, 0, 0, 0, 0, ...target]);
}

interface Packet {
  readonly mac: string;
  /** Of the next hop. */
  readonly to: string;
  readonly source: string;
  readonly destination: string;
}

function ipv4(source: string, destination: string, protocol: number, payload: Bytes): Bytes {
  const head = [0x45, 0, ...be16(20 + payload.length), 0, 1, 0, 0, 64, protocol, 0, 0];
  return [...withChecksum([...head, ...addressBytes(source), ...addressBytes(destination)], 10), ...payload];
}

export function udp({ mac, to, source, destination }: Packet, port: number, text: string): string {
  const payload = [...text].map((letter) => letter.charCodeAt(0));
  const datagram = [...be16(40000), ...be16(port), ...be16(8 + payload.length), 0, 0, ...payload];
  return ethernet(macBytes(mac), macBytes(to), ETH_P_IP, ipv4(source, destination, UDP, datagram));
}

/** ICMP redirect for a host: what goes from `destination` to `host` is to go by `gateway`. */
export function icmpRedirect({ mac, to, source, destination }: Packet, host: string, gateway: string): string {
  // Of an answer to a ping the kernel looks for no socket that it may belong to.
  const about = ipv4(destination, host, ICMP, [0, 0, 0, 0, 0, 0, 0, 0]);
  const message = withChecksum([5, 1, 0, 0, ...addressBytes(gateway), ...about], 2);
  return ethernet(macBytes(mac), macBytes(to), ETH_P_IP, ipv4(source, destination, ICMP, message));
}

const ROUTER = "fe80:0:0:0:0:0:0:bad";
const ALL_NODES = "ff02:0:0:0:0:0:0:1";

/** A router advertisement (RFC 4861) of a default route, and of a prefix of 64 bits to make an address of. */
export function routerAdvertisement(mac: string, prefix: string): string {
  const option = [3, 4, 64, 0xc0, ...be32(86400), ...be32(86400), 0, 0, 0, 0, ...addressBytes(prefix)];
  const message = [134, 0, 0, 0, 64, 0x08, ...be16(1800), ...be32(0), ...be32(0), ...option];
  const [source, destination] = [addressBytes(ROUTER), addressBytes(ALL_NODES)];
  const pseudo = [...source, ...destination, ...be32(message.length), 0, 0, 0, ICMPV6];
  const head = [0x60, 0, 0, 0, ...be16(message.length), ICMPV6, 255];
  const packet = [...head, ...source, ...destination, ...withChecksum(message, 2, pseudo)];
  return ethernet(macBytes(mac), macBytes("33:33:00:00:00:01"), ETH_P_IPV6, packet);
}
