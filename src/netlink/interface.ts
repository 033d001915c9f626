/** Changes of one link by rtnetlink(7): state, settings of IPv4, addresses, neighbours. */
import { AF_INET, ipv4Bytes } from "./address.ts";
import { attribute, bytesOf, decodeAttributes, joined, nest, text, u32 } from "./attribute.ts";
import { type Decoded, decoded, malformed } from "./decoded.ts";
import { NLM_F_ACK, NLM_F_CREATE, NLM_F_REPLACE, type Request } from "./message.ts";

const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const RTM_NEWADDR = 20;
const RTM_NEWNEIGH = 28;
const RTM_SETNEIGHTBL = 67;

const IFINFO = 16;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_TXQLEN = 13;
const IFLA_AF_SPEC = 26;
const IFLA_GROUP = 27;
const IFLA_INET_CONF = 1;
const IFF_UP = 0x1;

const RT_SCOPE_LINK = 253;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const NDA_DST = 1;
const NDA_LLADDR = 2;
const NUD_PERMANENT = 0x80;
const NDTA_NAME = 1;
const NDTA_PARMS = 6;
const NDTPA_IFINDEX = 1;
const NDTPA_PROXY_DELAY = 13;

/** Settings below /proc/sys/net/ipv4/conf/LINK by their numbers in linux/ip.h. */
export const IPV4_CONF = {
  forwarding: 1,
  proxyArp: 3,
  acceptRedirects: 4,
  secureRedirects: 5,
  sendRedirects: 6,
  sharedMedia: 7,
  rpFilter: 8,
  acceptSourceRoute: 9,
  bootpRelay: 10,
  arpAnnounce: 18,
  arpIgnore: 19,
  arpAccept: 21,
  acceptLocal: 23,
  proxyArpPvlan: 25,
  routeLocalnet: 26,
  dropUnicastInL2Multicast: 30,
  dropGratuitousArp: 31,
  bcForwarding: 32,
} as const;

/** Setting and value. */
type Ipv4Settings = readonly (readonly [number, number])[];

export function deleteLinkRequest(name: string): Request {
  const payload = joined([new Uint8Array(IFINFO), attribute(IFLA_IFNAME, text(name))]);
  return { type: RTM_DELLINK, flags: NLM_F_ACK, payload };
}

/** Answered by one link. */
export function linkRequest(index: number): Request {
  return { type: RTM_GETLINK, flags: NLM_F_ACK, payload: ifinfo(index, 0) };
}

/** Takes a link up with this MTU. */
export function linkUpRequest(index: number, mtu: number): Request {
  const payload = joined([ifinfo(index, IFF_UP), attribute(IFLA_MTU, u32(mtu))]);
  return { type: RTM_NEWLINK, flags: NLM_F_ACK, payload };
}

/** What `ip link set LINK txqueuelen LENGTH` does. */
export function queueLengthRequest(index: number, length: number): Request {
  const payload = joined([ifinfo(index, 0), attribute(IFLA_TXQLEN, u32(length))]);
  return { type: RTM_NEWLINK, flags: NLM_F_ACK, payload };
}

/** What `ip link set LINK group GROUP` does. */
export function groupRequest(index: number, group: number): Request {
  const payload = joined([ifinfo(index, 0), attribute(IFLA_GROUP, u32(group))]);
  return { type: RTM_NEWLINK, flags: NLM_F_ACK, payload };
}

/** The same as writing below /proc/sys/net/ipv4/conf, which may be read-only where this runs. */
export function ipv4SettingsRequest(index: number, settings: Ipv4Settings): Request {
  const payload = joined([ifinfo(index, 0), nest(IFLA_AF_SPEC, ipv4Settings(settings))]);
  return { type: RTM_NEWLINK, flags: NLM_F_ACK, payload };
}

function ipv4Settings(settings: Ipv4Settings): Uint8Array {
  return nest(AF_INET, nest(IFLA_INET_CONF, ...settings.map(([type, value]) => attribute(type, u32(value)))));
}

/** Whether packets that come in on the answered link are forwarded; undefined where the link has no IPv4 at all. */
export function decodeForwarding(type: number, payload: Uint8Array): Decoded<boolean | undefined> {
  if (type !== RTM_NEWLINK) return malformed(`a message of type ${type}, not ${RTM_NEWLINK}`);
  let bytes: Uint8Array = payload.subarray(Math.min(IFINFO, payload.length));
  for (const level of [IFLA_AF_SPEC, AF_INET, IFLA_INET_CONF]) {
    const attributes = decodeAttributes(bytes);
    if (!attributes.ok) return attributes;
    const inner = bytesOf(attributes.value, level);
    if (inner === undefined) return decoded(undefined);
    bytes = inner;
  }
  // In an answer the settings are an array that begins with the first of them.
  if (bytes.length < 4 * IPV4_CONF.forwarding) return decoded(undefined);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return decoded(view.getUint32(4 * (IPV4_CONF.forwarding - 1), true) !== 0);
}

/** `ip address add ADDRESS/PREFIX dev LINK scope SCOPE`; one of the scope link stands for nothing beyond it. */
export function addAddressRequest(
  link: number,
  address: string,
  prefix: number,
  scope: "global" | "link" = "global",
): Request {
  const header = new Uint8Array(8);
  header[0] = AF_INET;
  header[1] = prefix;
  header[3] = scope === "link" ? RT_SCOPE_LINK : 0;
  new DataView(header.buffer).setUint32(4, link, true);
  const bytes = ipv4Bytes(address);
  const payload = joined([header, attribute(IFA_LOCAL, bytes), attribute(IFA_ADDRESS, bytes)]);
  return { type: RTM_NEWADDR, flags: NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, payload };
}

/** `ip neighbour replace ADDRESS lladdr MAC dev LINK nud permanent` */
export function addNeighbourRequest(link: number, address: string, mac: string): Request {
  const header = new Uint8Array(12);
  const view = new DataView(header.buffer);
  header[0] = AF_INET;
  view.setInt32(4, link, true);
  view.setUint16(8, NUD_PERMANENT, true);
  const bytes = Uint8Array.from(mac.split(":"), (part) => Number.parseInt(part, 16));
  const payload = joined([header, attribute(NDA_DST, ipv4Bytes(address)), attribute(NDA_LLADDR, bytes)]);
  return { type: RTM_NEWNEIGH, flags: NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, payload };
}

/** Questions that are answered for others (proxy ARP) are answered at once, and not within 0.8 seconds. */
export function promptProxyRequest(link: number): Request {
  const header = new Uint8Array(4);
  header[0] = AF_INET;
  const never = new Uint8Array(8);
  const payload = joined([
    header,
    attribute(NDTA_NAME, text("arp_cache")),
    nest(NDTA_PARMS, attribute(NDTPA_IFINDEX, u32(link)), attribute(NDTPA_PROXY_DELAY, never)),
  ]);
  return { type: RTM_SETNEIGHTBL, flags: NLM_F_ACK | NLM_F_REPLACE, payload };
}

/** struct ifinfomsg that sets these flags. */
function ifinfo(index: number, flags: number): Uint8Array {
  const header = new Uint8Array(IFINFO);
  const view = new DataView(header.buffer);
  view.setInt32(4, index, true);
  view.setUint32(8, flags, true);
  view.setUint32(12, flags, true);
  return header;
}
