/**
 * Traffic control of rtnetlink(7): the ingress queueing discipline of a link and filters of the kind u32 on it. The same
 * by tc(8):
 *
 *   tc qdisc add dev A ingress
 *   tc filter add dev A parent ffff: protocol all u32 match u32 0 0 action mirred egress redirect dev B cookie C
 *   tc filter add dev A parent ffff: protocol arp u32 match u16 2 0xffff at 6 action mirred egress mirror dev B cookie C
 *   tc filter add dev A parent ffff: protocol ip u32 match ... flowid M
 */
import { attribute, joined, NESTED, nest, text, u32 } from "./attribute.ts";
import { NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_ECHO, NLM_F_EXCL, type Request } from "./message.ts";
import type { Filter, IngressSide } from "./traffic-answer.ts";

const RTM_NEWQDISC = 36;
const RTM_DELQDISC = 37;
const RTM_GETQDISC = 38;
const RTM_NEWTFILTER = 44;
const RTM_DELTFILTER = 45;
const RTM_GETTFILTER = 46;

const HEADER = 20;
/** TC_H_INGRESS: where the discipline is attached. */
const INGRESS = 0xfffffff1;
/** ffff: is the discipline itself, to which the filters of `ingress` belong. */
const INGRESS_HANDLE = 0xffff0000;
/**
 * TC_H_MIN_INGRESS: the ingress side of `clsact`, which stands in the same place. Of `ingress` it names the filters too,
 * but one that is made by this name lets tc(8) show all of them in another way.
 */
const CLSACT_INGRESS = 0xfffffff2;
/** Protocols in network byte order, as tcm_info has them. */
const ETH_P_ALL = 0x0300;
const ETH_P_IP = 0x0008;
const ETH_P_ARP = 0x0608;

const TCA_KIND = 1;
const TCA_OPTIONS = 2;
const TCA_U32_CLASSID = 1;
const TCA_U32_SEL = 5;
const TCA_U32_ACT = 7;
const TC_U32_TERMINAL = 1;
const TCA_ACT_KIND = 1;
const TCA_ACT_OPTIONS = 2;
const TCA_ACT_COOKIE = 6;
const TCA_MIRRED_PARMS = 2;
const TCA_EGRESS_REDIR = 1;
const TCA_EGRESS_MIRROR = 2;
const TC_ACT_PIPE = 3;
const TC_ACT_STOLEN = 4;
/** struct tc_u32_sel without keys, struct tc_u32_key, struct tc_mirred. */
const SELECTOR = 16;
const KEY = 16;
const MIRRED = 28;
/** A cookie may have 16; one length makes one layout. */
export const COOKIE_LENGTH = 15;

/** One 32-bit word of a frame, counted from its network header, in network byte order. */
export interface Key {
  /** Bytes, a multiple of four. */
  readonly at: number;
  readonly mask: number;
  readonly value: number;
}

/** Made when the heap is frozen, as {@link REDIRECT}. */
const DISCIPLINE = joined([header(0, 0, INGRESS_HANDLE, INGRESS), attribute(TCA_KIND, text("ingress"))]);

/** Fails with EEXIST where there is one. */
export function addIngressRequest(link: number): Request {
  const payload = DISCIPLINE.slice();
  new DataView(payload.buffer).setInt32(4, link, true);
  return { type: RTM_NEWQDISC, flags: NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, payload };
}

/** Fails with ENOENT or EINVAL where there is none. */
export function ingressRequest(link: number): Request {
  return { type: RTM_GETQDISC, flags: NLM_F_ACK | NLM_F_ECHO, payload: header(link, 0, INGRESS_HANDLE, INGRESS) };
}

/** Takes the discipline with all filters away. */
export function deleteIngressRequest(link: number): Request {
  return { type: RTM_DELQDISC, flags: NLM_F_ACK, payload: header(link, 0, INGRESS_HANDLE, INGRESS) };
}

/** Made when the heap is frozen: at `start` only four fields are filled in. */
const REDIRECT = filterPayload(ETH_P_ALL, [{ at: 0, mask: 0, value: 0 }], mirred(TCA_EGRESS_REDIR, TC_ACT_STOLEN));
/** The action's parameters come last, and their last field is the link; the cookie's padded value stands before them. */
const TARGET_AT = REDIRECT.length - 4;
const COOKIE_AT = REDIRECT.length - (4 + 4 + MIRRED) - (COOKIE_LENGTH + 1);

/**
 * Sends everything out of another link.
 *
 * @param priority 0: before all filters there are.
 */
export function addRedirectRequest(from: IngressSide, to: number, cookie: string, priority = 0): Request {
  if (cookie.length !== COOKIE_LENGTH) throw new RangeError(`Cookie of ${cookie.length} characters`);
  const payload = REDIRECT.slice();
  const view = new DataView(payload.buffer);
  view.setInt32(4, from.link, true);
  view.setUint32(12, parentOf(from), true);
  view.setUint32(16, ((priority << 16) | ETH_P_ALL) >>> 0, true);
  for (let index = 0; index < COOKIE_LENGTH; index++) payload[COOKIE_AT + index] = cookie.charCodeAt(index);
  view.setUint32(TARGET_AT, to, true);
  return { type: RTM_NEWTFILTER, flags: NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, payload };
}

/** Before all filters there are: the stack gets every ARP reply, and another link a copy of it. */
export function addArpMirrorRequest(from: IngressSide, to: number, cookie: string): Request {
  const isReply: Key = { at: 4, mask: 0xffff, value: 2 };
  const payload = filterPayload(ETH_P_ARP, [isReply], mirred(TCA_EGRESS_MIRROR, TC_ACT_PIPE, to, cookie));
  return addFilter(from, payload);
}

/** Before all filters there are: what all keys match goes to the stack. It has no action that a cookie could stand in. */
export function addPassRequest(from: IngressSide, keys: readonly Key[], mark: number): Request {
  return addFilter(from, filterPayload(ETH_P_IP, keys, attribute(TCA_U32_CLASSID, u32(mark))));
}

function addFilter(from: IngressSide, payload: Uint8Array): Request {
  const view = new DataView(payload.buffer);
  view.setInt32(4, from.link, true);
  view.setUint32(12, parentOf(from), true);
  return { type: RTM_NEWTFILTER, flags: NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, payload };
}

/** Lists nothing where there is no discipline. */
export function filtersRequest(link: number): Request {
  return { type: RTM_GETTFILTER, flags: NLM_F_DUMP, payload: header(link, 0, 0, CLSACT_INGRESS) };
}

/** Takes all filters of that filter's priority away, the heads of its tables with them. */
export function deleteFilterRequest(link: number, { info }: Filter): Request {
  return { type: RTM_DELTFILTER, flags: NLM_F_ACK, payload: header(link, info, 0, CLSACT_INGRESS) };
}

function parentOf({ kind }: IngressSide): number {
  return kind === "clsact" ? CLSACT_INGRESS : INGRESS_HANDLE;
}

/** A filter of the kind u32, whose link and parent are still to be filled in. */
function filterPayload(protocol: number, keys: readonly Key[], outcome: Uint8Array): Uint8Array {
  return joined([
    header(0, protocol, 0, 0),
    attribute(TCA_KIND, text("u32")),
    nest(TCA_OPTIONS, attribute(TCA_U32_SEL, selector(keys)), outcome),
  ]);
}

/** The action of sending to a link. */
function mirred(kind: number, verdict: number, link = 0, cookie = " ".repeat(COOKIE_LENGTH)): Uint8Array {
  const parameters = new Uint8Array(MIRRED);
  const view = new DataView(parameters.buffer);
  view.setInt32(8, verdict, true);
  view.setInt32(20, kind, true);
  view.setUint32(24, link, true);
  return nest(
    TCA_U32_ACT,
    nest(
      1,
      attribute(TCA_ACT_KIND, text("mirred")),
      attribute(TCA_ACT_COOKIE, text(cookie).subarray(0, cookie.length)),
      nest(TCA_ACT_OPTIONS | NESTED, attribute(TCA_MIRRED_PARMS, parameters)),
    ),
  );
}

/** struct tcmsg */
function header(link: number, info: number, handle: number, parent: number): Uint8Array {
  const bytes = new Uint8Array(HEADER);
  const view = new DataView(bytes.buffer);
  view.setInt32(4, link, true);
  view.setUint32(8, handle, true);
  view.setUint32(12, parent, true);
  view.setUint32(16, info, true);
  return bytes;
}

/** struct tc_u32_sel with its keys. */
function selector(keys: readonly Key[]): Uint8Array {
  const bytes = new Uint8Array(SELECTOR + KEY * keys.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = TC_U32_TERMINAL;
  bytes[2] = keys.length;
  keys.forEach(({ at, mask, value }, index) => {
    const start = SELECTOR + KEY * index;
    view.setUint32(start, mask, false);
    view.setUint32(start + 4, value, false);
    view.setInt32(start + 8, at, true);
  });
  return bytes;
}
