/** Links, addresses and routes of rtnetlink(7): the requests for them and what the kernel answers. */

import { addressText, type Family, familyOf, macText } from "./address.ts";
import { type Attribute, attribute, bytesOf, decodeAttributes, joined, textOf, u32, u32Of } from "./attribute.ts";
import { type Decoded, decoded, malformed } from "./decoded.ts";
import { NLM_F_DUMP, type Request } from "./message.ts";

const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
const RTM_NEWADDR = 20;
const RTM_GETADDR = 22;
const RTM_NEWROUTE = 24;
const RTM_GETROUTE = 26;

const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_TXQLEN = 13;
const IFLA_EXT_MASK = 29;
const RTEXT_FILTER_SKIP_STATS = 8;
const IFF_NOARP = 0x80;
const IFF_LOWER_UP = 0x10000;
const ARPHRD_ETHER = 1;
const MAC_LENGTH = 6;

const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_FLAGS = 8;
/** Of IPv6: temporary (RFC 8981). */
const IFA_F_SECONDARY = 0x01;
const IFA_F_DADFAILED = 0x08;
const IFA_F_DEPRECATED = 0x20;
const IFA_F_TENTATIVE = 0x40;
const RT_SCOPE_LINK = 253;

const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RTA_MULTIPATH = 9;
const RTA_TABLE = 15;
const ROUTE_ATTRIBUTES = [RTA_OIF, RTA_GATEWAY, RTA_PRIORITY, RTA_MULTIPATH, RTA_TABLE];
const RT_TABLE_MAIN = 254;
const RTN_UNICAST = 1;
const NEXT_HOP = 8;

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly mtu: number;
  /** Absent for a device that has no Ethernet addresses or does not resolve them (no ARP): there are no frames. */
  readonly mac?: string;
  /** There is somebody at the other end; of a tap: a program has it open. */
  readonly carrier: boolean;
  /** Its queue has the length 0, which the kernel takes for a mistake and changes where a discipline is added. */
  readonly queueless?: true;
}

/**
 * `lasting`: one that others can be told; `passing`: a further one of its subnet, a temporary, deprecated or tentative
 * one; `local`: it holds on its link only.
 */
export type AddressRank = "lasting" | "passing" | "local";

export interface Address {
  readonly family: Family;
  /** Index of the link. */
  readonly link: number;
  readonly address: string;
  readonly prefix: number;
  /** How well it stands for the host. */
  readonly rank: AddressRank;
}

/** A default route of the main table. */
export interface DefaultRoute {
  readonly family: Family;
  /** Index of the link. */
  readonly link: number;
  readonly gateway?: string;
  /** The least one is taken. */
  readonly metric: number;
}

export function linksRequest(): Request {
  const mask = attribute(IFLA_EXT_MASK, u32(RTEXT_FILTER_SKIP_STATS));
  return { type: RTM_GETLINK, flags: NLM_F_DUMP, payload: joined([new Uint8Array(16), mask]) };
}

export function addressesRequest(): Request {
  return { type: RTM_GETADDR, flags: NLM_F_DUMP, payload: new Uint8Array(8) };
}

export function routesRequest(): Request {
  return { type: RTM_GETROUTE, flags: NLM_F_DUMP, payload: new Uint8Array(12) };
}

export function decodeLink(type: number, payload: Uint8Array): Decoded<Link> {
  const parts = split(type, RTM_NEWLINK, payload, 16, [IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_TXQLEN]);
  if (!parts.ok) return parts;
  const { view, attributes } = parts.value;
  const name = textOf(attributes, IFLA_IFNAME);
  const mtu = u32Of(attributes, IFLA_MTU);
  if (name === undefined || mtu === undefined) return malformed("a link without name or MTU");
  const mac = bytesOf(attributes, IFLA_ADDRESS);
  const flags = view.getUint32(8, true);
  const hasFrames = view.getUint16(2, true) === ARPHRD_ETHER && (flags & IFF_NOARP) === 0;
  return decoded({
    index: view.getInt32(4, true),
    name,
    mtu,
    ...(hasFrames && mac?.length === MAC_LENGTH ? { mac: macText(mac) } : {}),
    carrier: (flags & IFF_LOWER_UP) !== 0,
    ...(u32Of(attributes, IFLA_TXQLEN) === 0 ? { queueless: true } : {}),
  });
}

/** undefined for an address that is neither IPv4 nor IPv6, or that somebody else has too (DADFAILED). */
export function decodeAddress(type: number, payload: Uint8Array): Decoded<Address | undefined> {
  const parts = split(type, RTM_NEWADDR, payload, 8, [IFA_ADDRESS, IFA_LOCAL, IFA_FLAGS]);
  if (!parts.ok) return parts;
  const { view, attributes } = parts.value;
  const family = familyOf(view.getUint8(0));
  if (family === undefined) return decoded(undefined);
  // On a point-to-point link IFA_ADDRESS is the other end's.
  const address = addressOf(family, bytesOf(attributes, IFA_LOCAL) ?? bytesOf(attributes, IFA_ADDRESS));
  const prefix = view.getUint8(1);
  if (address === undefined || prefix > (family === "ipv4" ? 32 : 128))
    return malformed("an address of a wrong length");
  const flags = u32Of(attributes, IFA_FLAGS) ?? view.getUint8(2);
  if ((flags & IFA_F_DADFAILED) !== 0) return decoded(undefined);
  const isPassing = (flags & (IFA_F_SECONDARY | IFA_F_DEPRECATED | IFA_F_TENTATIVE)) !== 0;
  const rank = view.getUint8(3) >= RT_SCOPE_LINK ? "local" : isPassing ? "passing" : "lasting";
  return decoded({ family, link: view.getUint32(4, true), address, prefix, rank });
}

/** undefined for every other route. */
export function decodeDefaultRoute(type: number, payload: Uint8Array): Decoded<DefaultRoute | undefined> {
  // Most routes lead to somewhere: a destination that has a length is looked at no further.
  if (type === RTM_NEWROUTE && payload.length >= 12 && payload[1] !== 0) return decoded(undefined);
  const parts = split(type, RTM_NEWROUTE, payload, 12, ROUTE_ATTRIBUTES);
  if (!parts.ok) return parts;
  const { view, attributes } = parts.value;
  const family = familyOf(view.getUint8(0));
  const table = u32Of(attributes, RTA_TABLE) ?? view.getUint8(4);
  const isDefault = table === RT_TABLE_MAIN && view.getUint8(7) === RTN_UNICAST;
  if (family === undefined || !isDefault) return decoded(undefined);
  const metric = u32Of(attributes, RTA_PRIORITY) ?? 0;
  const hop = nextHop(attributes);
  if (!hop.ok) return hop;
  if (hop.value === undefined) return decoded(undefined);
  const gateway = addressOf(family, hop.value.gateway);
  return decoded({ family, link: hop.value.link, ...(gateway === undefined ? {} : { gateway }), metric });
}

interface NextHop {
  readonly link: number;
  readonly gateway: Uint8Array | undefined;
}

/** Of several next hops the first. */
function nextHop(attributes: readonly Attribute[]): Decoded<NextHop | undefined> {
  const link = u32Of(attributes, RTA_OIF);
  if (link !== undefined) return decoded({ link, gateway: bytesOf(attributes, RTA_GATEWAY) });
  const hops = bytesOf(attributes, RTA_MULTIPATH);
  if (hops === undefined) return decoded(undefined);
  if (hops.length < NEXT_HOP) return malformed(`a next hop of ${hops.length} bytes`);
  const view = new DataView(hops.buffer, hops.byteOffset);
  const length = view.getUint16(0, true);
  if (length < NEXT_HOP || length > hops.length) return malformed(`a next hop of ${length} bytes in ${hops.length}`);
  const own = decodeAttributes(hops.subarray(NEXT_HOP, length));
  return own.ok ? decoded({ link: view.getInt32(4, true), gateway: bytesOf(own.value, RTA_GATEWAY) }) : own;
}

function addressOf(family: Family, bytes: Uint8Array | undefined): string | undefined {
  return bytes?.length === (family === "ipv4" ? 4 : 16) ? addressText(bytes) : undefined;
}

/** The fixed part of a payload and the attributes after it. */
function split(type: number, wanted: number, payload: Uint8Array, size: number, types: readonly number[]) {
  if (type !== wanted) return malformed<never>(`a message of type ${type}, not ${wanted}`);
  if (payload.length < size) return malformed<never>(`a message of ${payload.length} bytes, not ${size} or more`);
  const attributes = decodeAttributes(payload.subarray(size), types);
  if (!attributes.ok) return attributes;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  return decoded({ view, attributes: attributes.value });
}
