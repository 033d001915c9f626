/** The expressions of our rules. Each loads into a register, compares one, or acts on the packet. */
import { attribute, NESTED, nest, u32 } from "./attribute.ts";
import { be32, type Expression, expression, FAMILY } from "./nftables.ts";

/** Registers of 16 bytes. */
const FIRST = 1;
const SECOND = 2;

const NFTA_DATA_VALUE = 1;
const NFT_CMP_EQ = 0;
const NFT_NAT_DNAT = 1;
/** Of masq only: the kernel sets it by itself for nat. */
const NF_NAT_RANGE_PROTO_SPECIFIED = 2;
const NFT_PAYLOAD_NETWORK_HEADER = 1;
const NFT_PAYLOAD_TRANSPORT_HEADER = 2;
const NFT_META_PROTOCOL = 1;
const NFT_META_IIF = 4;
const NFT_META_OIF = 5;
const NFT_META_L4PROTO = 16;

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
  return expression(
    "cmp",
    attribute(1, be32(FIRST)),
    attribute(2, be32(NFT_CMP_EQ)),
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

function be16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value & 0xff);
}
