/** The expressions of our rules. Each loads into a register, compares one, or acts on the packet. */
import { attribute, NESTED, nest, u32 } from "./attribute.ts";
import { be32, type Expression, expression, FAMILY } from "./nftables.ts";

/** Registers of 16 bytes. */
const FIRST = 1;
const SECOND = 2;

const NFTA_DATA_VALUE = 1;
const NFTA_DATA_VERDICT = 2;
const NFTA_VERDICT_CODE = 1;
/** Register of what becomes of the packet. */
const VERDICT = 0;
const NF_DROP = 0;
const NF_ACCEPT = 1;
const NFT_CMP_EQ = 0;
const NFT_CMP_NEQ = 1;
const NFT_NAT_DNAT = 1;
/** Of masq only: the kernel sets it by itself for nat. */
const NF_NAT_RANGE_PROTO_SPECIFIED = 2;
const NFT_PAYLOAD_NETWORK_HEADER = 1;
const NFT_PAYLOAD_TRANSPORT_HEADER = 2;
const NFT_META_PROTOCOL = 1;
const NFT_META_IIF = 4;
const NFT_META_OIF = 5;
const NFT_META_L4PROTO = 16;
const NFT_META_OIFGROUP = 22;
const NFT_CT_STATE = 0;
/** NF_CT_STATE_BIT of IP_CT_ESTABLISHED and IP_CT_RELATED. */
const ESTABLISHED_RELATED = 2 | 4;

const IPPROTO_ICMP = 1;
const ICMP_REDIRECT = 5;
/** First byte of 127.0.0.0/8. */
const LOOPBACK = 127;

const ETH_P_IP = 0x0800;

export const PROTOCOL = { tcp: 6, udp: 17 } as const;

/** `iif INDEX` */
export function comesInOn(link: number): readonly Expression[] {
  return [meta(NFT_META_IIF), isEqual(u32(link))];
}

/** `oif INDEX` */
export function goesOutOf(link: number): readonly Expression[] {
  return [meta(NFT_META_OIF), isEqual(u32(link))];
}

/** `oif != INDEX` */
export function goesOutOfOther(link: number): readonly Expression[] {
  return [meta(NFT_META_OIF), isOther(u32(link))];
}

/** `oifgroup != GROUP` */
export function goesOutOfNone(group: number): readonly Expression[] {
  return [meta(NFT_META_OIFGROUP), isOther(u32(group))];
}

/** `ip saddr != ADDRESS` */
export function isFromOther(address: Uint8Array): readonly Expression[] {
  return [payload(NFT_PAYLOAD_NETWORK_HEADER, 12, 4), isOther(address)];
}

/** `ip daddr 127.0.0.0/8` */
export function isToLoopback(): readonly Expression[] {
  return [payload(NFT_PAYLOAD_NETWORK_HEADER, 16, 1), isEqual(Uint8Array.of(LOOPBACK))];
}

/** `icmp type redirect` */
export function isIcmpRedirect(): readonly Expression[] {
  return [
    meta(NFT_META_L4PROTO),
    isEqual(Uint8Array.of(IPPROTO_ICMP)),
    payload(NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1),
    isEqual(Uint8Array.of(ICMP_REDIRECT)),
  ];
}

/** `ct state established,related` */
export function belongsToConnection(): readonly Expression[] {
  return [
    expression("ct", attribute(1, be32(FIRST)), attribute(2, be32(NFT_CT_STATE))),
    expression(
      "bitwise",
      attribute(1, be32(FIRST)),
      attribute(2, be32(FIRST)),
      attribute(3, be32(4)),
      nest(4 | NESTED, attribute(NFTA_DATA_VALUE, u32(ESTABLISHED_RELATED))),
      nest(5 | NESTED, attribute(NFTA_DATA_VALUE, u32(0))),
    ),
    isOther(u32(0)),
  ];
}

/** Ends this chain only: others may still drop the packet. */
export function accept(): readonly Expression[] {
  return [verdict(NF_ACCEPT)];
}

export function drop(): readonly Expression[] {
  return [verdict(NF_DROP)];
}

/** `ip saddr ADDRESS` */
export function isFrom(address: Uint8Array): readonly Expression[] {
  return [payload(NFT_PAYLOAD_NETWORK_HEADER, 12, 4), isEqual(address)];
}

/** `ip daddr ADDRESS`, on a hook that sees every protocol. */
export function isTo(address: Uint8Array): readonly Expression[] {
  return [
    meta(NFT_META_PROTOCOL),
    isEqual(be16(ETH_P_IP)),
    payload(NFT_PAYLOAD_NETWORK_HEADER, 16, 4),
    isEqual(address),
  ];
}

/** `tcp dport PORT` */
export function isToPort(protocol: keyof typeof PROTOCOL, port: number): readonly Expression[] {
  return [
    meta(NFT_META_L4PROTO),
    isEqual(Uint8Array.of(PROTOCOL[protocol])),
    payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2),
    isEqual(be16(port)),
  ];
}

/** `dnat to ADDRESS` */
export function sendTo(address: Uint8Array): readonly Expression[] {
  return [
    load(FIRST, address),
    expression("nat", attribute(1, be32(NFT_NAT_DNAT)), attribute(2, be32(FAMILY.ip)), attribute(3, be32(FIRST))),
  ];
}

/** `masquerade`, or `masquerade to :FROM-TO`; of ICMP the range is that of the identifiers. */
export function masquerade(ports: { readonly from: number; readonly to: number } | undefined): readonly Expression[] {
  if (ports === undefined) return [expression("masq")];
  return [
    load(FIRST, be16(ports.from)),
    load(SECOND, be16(ports.to)),
    expression(
      "masq",
      attribute(1, be32(NF_NAT_RANGE_PROTO_SPECIFIED)),
      attribute(2, be32(FIRST)),
      attribute(3, be32(SECOND)),
    ),
  ];
}

/** `fwd ip to ADDRESS device INDEX`: to the neighbour of this address, without asking the routes. */
export function forwardTo(address: Uint8Array, link: number): readonly Expression[] {
  return [
    load(FIRST, u32(link)),
    load(SECOND, address),
    expression("fwd", attribute(1, be32(FIRST)), attribute(2, be32(SECOND)), attribute(3, be32(FAMILY.ip))),
  ];
}

function meta(key: number): Expression {
  return expression("meta", attribute(1, be32(FIRST)), attribute(2, be32(key)));
}

function isEqual(value: Uint8Array): Expression {
  return compared(NFT_CMP_EQ, value);
}

function isOther(value: Uint8Array): Expression {
  return compared(NFT_CMP_NEQ, value);
}

function compared(how: number, value: Uint8Array): Expression {
  return expression(
    "cmp",
    attribute(1, be32(FIRST)),
    attribute(2, be32(how)),
    nest(3 | NESTED, attribute(NFTA_DATA_VALUE, value)),
  );
}

function payload(base: number, offset: number, length: number): Expression {
  return expression(
    "payload",
    attribute(1, be32(FIRST)),
    attribute(2, be32(base)),
    attribute(3, be32(offset)),
    attribute(4, be32(length)),
  );
}

function load(register: number, value: Uint8Array): Expression {
  return expression("immediate", attribute(1, be32(register)), nest(2 | NESTED, attribute(NFTA_DATA_VALUE, value)));
}

function verdict(code: number): Expression {
  const data = nest(NFTA_DATA_VERDICT | NESTED, attribute(NFTA_VERDICT_CODE, be32(code)));
  return expression("immediate", attribute(1, be32(VERDICT)), nest(2 | NESTED, data));
}

function be16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value & 0xff);
}
