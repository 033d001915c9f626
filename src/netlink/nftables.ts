/**
 * nftables by netlink (nfnetlink, linux/netfilter/nf_tables.h): tables, base chains, and rules of a few expressions.
 * Numbers of nftables are in network byte order; what a rule compares is as the kernel has it in a packet or a device.
 */
import { attribute, decodeAttributes, joined, NESTED, nest, text, textOf } from "./attribute.ts";
import { type Decoded, decoded, malformed } from "./decoded.ts";
import { NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, type Request } from "./message.ts";

/** NFNL_SUBSYS_NFTABLES, in the upper byte of a type. */
const SUBSYSTEM = 10;
const NFNL_MSG_BATCH_BEGIN = 0x10;
const NFNL_MSG_BATCH_END = 0x11;
const NFT_MSG_NEWTABLE = SUBSYSTEM << 8;
const NFT_MSG_GETTABLE = NFT_MSG_NEWTABLE + 1;
const NFT_MSG_DELTABLE = NFT_MSG_NEWTABLE + 2;
const NFT_MSG_NEWCHAIN = NFT_MSG_NEWTABLE + 3;
const NFT_MSG_NEWRULE = NFT_MSG_NEWTABLE + 6;
/** struct nfgenmsg */
const HEADER = 4;

const NFTA_TABLE_NAME = 1;
const NFTA_CHAIN_TABLE = 1;
const NFTA_CHAIN_NAME = 3;
const NFTA_CHAIN_HOOK = 4;
const NFTA_CHAIN_TYPE = 7;
const NFTA_HOOK_HOOKNUM = 1;
const NFTA_HOOK_PRIORITY = 2;
const NFTA_HOOK_DEV = 3;
const NFTA_RULE_TABLE = 1;
const NFTA_RULE_CHAIN = 2;
const NFTA_RULE_EXPRESSIONS = 4;
const NFTA_LIST_ELEM = 1;
const NFTA_EXPR_NAME = 1;
const NFTA_EXPR_DATA = 2;

/** NFPROTO_IPV4 and NFPROTO_NETDEV. */
export const FAMILY = { ip: 2, netdev: 5 } as const;
type FamilyName = keyof typeof FAMILY;

export interface Table {
  readonly family: FamilyName;
  readonly name: string;
}

/** Where packets enter a chain, and when among the others there: lower numbers first. */
export interface Hook {
  readonly type: "nat" | "filter";
  /** NF_INET_PRE_ROUTING 0, NF_INET_FORWARD 2, NF_INET_POST_ROUTING 4; NF_NETDEV_INGRESS 0. */
  readonly number: number;
  readonly priority: number;
  /** Of netdev: the interface. */
  readonly device?: string;
}

/** One step of a rule, encoded. */
export type Expression = Uint8Array;

/** Everything between these two holds or nothing does. */
export const BEGIN: Request = { type: NFNL_MSG_BATCH_BEGIN, flags: 0, payload: header(0, SUBSYSTEM) };
export const END: Request = { type: NFNL_MSG_BATCH_END, flags: 0, payload: header(0, SUBSYSTEM) };

export function addTableRequest({ family, name }: Table): Request {
  const payload = joined([header(FAMILY[family]), attribute(NFTA_TABLE_NAME, text(name))]);
  return { type: NFT_MSG_NEWTABLE, flags: NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, payload };
}

/** With all that is in it. */
export function deleteTableRequest({ family, name }: Table): Request {
  const payload = joined([header(FAMILY[family]), attribute(NFTA_TABLE_NAME, text(name))]);
  return { type: NFT_MSG_DELTABLE, flags: NLM_F_ACK, payload };
}

/** Of all families. */
export function tablesRequest(): Request {
  return { type: NFT_MSG_GETTABLE, flags: NLM_F_DUMP, payload: header(0) };
}

/** undefined for a table of a family that we have none in. */
export function decodeTable(type: number, payload: Uint8Array): Decoded<Table | undefined> {
  if (type !== NFT_MSG_NEWTABLE) return malformed(`a message of type ${type}, not ${NFT_MSG_NEWTABLE}`);
  if (payload.length < HEADER) return malformed(`a table of ${payload.length} bytes`);
  const attributes = decodeAttributes(payload.subarray(HEADER), [NFTA_TABLE_NAME]);
  if (!attributes.ok) return attributes;
  const name = textOf(attributes.value, NFTA_TABLE_NAME);
  if (name === undefined) return malformed("a table without name");
  const family = payload[0] === FAMILY.ip ? "ip" : payload[0] === FAMILY.netdev ? "netdev" : undefined;
  return decoded(family === undefined ? undefined : { family, name });
}

export function addChainRequest(table: Table, name: string, { type, number, priority, device }: Hook): Request {
  const hook = nest(
    NFTA_CHAIN_HOOK | NESTED,
    attribute(NFTA_HOOK_HOOKNUM, be32(number)),
    attribute(NFTA_HOOK_PRIORITY, be32(priority)),
    ...(device === undefined ? [] : [attribute(NFTA_HOOK_DEV, text(device))]),
  );
  const payload = joined([
    header(FAMILY[table.family]),
    attribute(NFTA_CHAIN_TABLE, text(table.name)),
    attribute(NFTA_CHAIN_NAME, text(name)),
    hook,
    attribute(NFTA_CHAIN_TYPE, text(type)),
  ]);
  return { type: NFT_MSG_NEWCHAIN, flags: NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, payload };
}

/** At the end of its chain. */
export function addRuleRequest(table: Table, chain: string, expressions: readonly Expression[]): Request {
  const payload = joined([
    header(FAMILY[table.family]),
    attribute(NFTA_RULE_TABLE, text(table.name)),
    attribute(NFTA_RULE_CHAIN, text(chain)),
    nest(NFTA_RULE_EXPRESSIONS | NESTED, ...expressions),
  ]);
  // NLM_F_APPEND has the number of NLM_F_EXCL's neighbour: 0x800.
  return { type: NFT_MSG_NEWRULE, flags: NLM_F_ACK | NLM_F_CREATE | NLM_F_APPEND, payload };
}

const NLM_F_APPEND = 0x800;

/** An expression of the kernel by its name. */
export function expression(name: string, ...data: readonly Uint8Array[]): Expression {
  return nest(NFTA_LIST_ELEM | NESTED, attribute(NFTA_EXPR_NAME, text(name)), nest(NFTA_EXPR_DATA | NESTED, ...data));
}

export function be32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, false);
  return bytes;
}

/** struct nfgenmsg */
function header(family: number, resource = 0): Uint8Array {
  return Uint8Array.of(family, 0, resource >>> 8, resource & 0xff);
}
