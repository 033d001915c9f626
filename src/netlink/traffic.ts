/**
 * Traffic control of rtnetlink(7): the ingress queueing discipline of a link and the one filter that sends every frame
 * which comes in on it out of another link. The same by tc(8):
 *
 *   tc qdisc add dev A ingress
 *   tc filter add dev A parent ffff: protocol all u32 match u32 0 0 action mirred egress redirect dev B cookie C
 */
import { attribute, bytesOf, decodeAttributes, joined, NESTED, nest, text, textOf } from "./attribute.ts";
import { type Decoded, decoded, malformed } from "./decoded.ts";
import { NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_ECHO, NLM_F_EXCL, type Request } from "./message.ts";

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
/** TC_H_MIN_INGRESS: the ingress side of `clsact`, which stands in the same place. */
const CLSACT_INGRESS = 0xfffffff2;
/** ETH_P_ALL in network byte order, as tcm_info has it. */
const EVERY_PROTOCOL = 0x0300;

const TCA_KIND = 1;
const TCA_OPTIONS = 2;
const TCA_U32_SEL = 5;
const TCA_U32_ACT = 7;
const TC_U32_TERMINAL = 1;
const TCA_ACT_KIND = 1;
const TCA_ACT_OPTIONS = 2;
const TCA_ACT_COOKIE = 6;
const TCA_MIRRED_PARMS = 2;
const TCA_EGRESS_REDIR = 1;
const TC_ACT_STOLEN = 4;
/** struct tc_u32_sel with one key, struct tc_mirred. */
const SELECTOR = 32;
const MIRRED = 28;
const MOST_COOKIE = 16;

/** The ingress side of a link that has a discipline there. */
export interface IngressSide {
  /** Index of the link. */
  readonly link: number;
  readonly kind: "ingress" | "clsact";
}

/** A filter on the ingress side of a link. */
export interface Filter {
  /** 0 for the heads of the hash tables that u32 keeps. */
  readonly handle: number;
  /** Priority and protocol, as the kernel wants them back. */
  readonly info: number;
  /** Of the first action: who made it, in ASCII. Empty: nobody says. */
  readonly cookie: string;
  /** Index of the link that frames are redirected to; 0 when it has gone or when this filter does not redirect. */
  readonly target: number;
  /** It lists something that matches: it is no mere head. */
  readonly matches: boolean;
}

/** Fails with EEXIST where there is one. */
export function addIngressRequest(link: number): Request {
  const payload = joined([header(link, INGRESS_HANDLE, INGRESS, 0), attribute(TCA_KIND, text("ingress"))]);
  return { type: RTM_NEWQDISC, flags: NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, payload };
}

/** Fails with ENOENT or EINVAL where there is none. */
export function ingressRequest(link: number): Request {
  return { type: RTM_GETQDISC, flags: NLM_F_ACK | NLM_F_ECHO, payload: header(link, INGRESS_HANDLE, INGRESS, 0) };
}

/** Takes the discipline with all filters away. */
export function deleteIngressRequest(link: number): Request {
  return { type: RTM_DELQDISC, flags: NLM_F_ACK, payload: header(link, INGRESS_HANDLE, INGRESS, 0) };
}

export function addRedirectRequest(from: IngressSide, to: number, cookie: string): Request {
  if (cookie.length > MOST_COOKIE) throw new RangeError(`Cookie of ${cookie.length} characters`);
  const action = nest(
    1,
    attribute(TCA_ACT_KIND, text("mirred")),
    attribute(TCA_ACT_COOKIE, text(cookie).subarray(0, cookie.length)),
    nest(TCA_ACT_OPTIONS | NESTED, attribute(TCA_MIRRED_PARMS, redirectTo(to))),
  );
  const payload = joined([
    header(from.link, 0, parentOf(from), EVERY_PROTOCOL),
    attribute(TCA_KIND, text("u32")),
    nest(TCA_OPTIONS, nest(TCA_U32_ACT, action), attribute(TCA_U32_SEL, matchAll())),
  ]);
  return { type: RTM_NEWTFILTER, flags: NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, payload };
}

export function filtersRequest(side: IngressSide): Request {
  return { type: RTM_GETTFILTER, flags: NLM_F_DUMP, payload: header(side.link, 0, parentOf(side), 0) };
}

/** Takes all filters of that filter's priority away, the heads of its tables with them. */
export function deleteFilterRequest(side: IngressSide, filter: Filter): Request {
  return { type: RTM_DELTFILTER, flags: NLM_F_ACK, payload: header(side.link, 0, parentOf(side), filter.info) };
}

function parentOf({ kind }: IngressSide): number {
  return kind === "clsact" ? CLSACT_INGRESS : INGRESS_HANDLE;
}

/** What stands on the ingress side of a link. */
export function decodeIngress(type: number, payload: Uint8Array): Decoded<IngressSide> {
  if (type !== RTM_NEWQDISC) return malformed(`a message of type ${type}, not ${RTM_NEWQDISC}`);
  if (payload.length < HEADER) return malformed(`a discipline of ${payload.length} bytes`);
  const attributes = decodeAttributes(payload.subarray(HEADER));
  if (!attributes.ok) return attributes;
  const link = new DataView(payload.buffer, payload.byteOffset).getInt32(4, true);
  return decoded({ link, kind: textOf(attributes.value, TCA_KIND) === "clsact" ? "clsact" : "ingress" });
}

export function decodeFilter(type: number, payload: Uint8Array): Decoded<Filter> {
  if (type !== RTM_NEWTFILTER) return malformed(`a message of type ${type}, not ${RTM_NEWTFILTER}`);
  if (payload.length < HEADER) return malformed(`a filter of ${payload.length} bytes`);
  const view = new DataView(payload.buffer, payload.byteOffset);
  const attributes = decodeAttributes(payload.subarray(HEADER));
  if (!attributes.ok) return attributes;
  const filter = { handle: view.getUint32(8, true), info: view.getUint32(16, true) };
  // Only u32 filters are ours; the options of others have other types.
  const options = bytesOf(attributes.value, TCA_OPTIONS);
  if (textOf(attributes.value, TCA_KIND) !== "u32") {
    return decoded({ ...filter, cookie: "", target: 0, matches: options !== undefined });
  }
  const inner = decodeAttributes(options ?? new Uint8Array(0));
  if (!inner.ok) return inner;
  const matches = bytesOf(inner.value, TCA_U32_SEL) !== undefined;
  const action = firstAction(bytesOf(inner.value, TCA_U32_ACT) ?? new Uint8Array(0));
  return action.ok ? decoded({ ...filter, matches, ...action.value }) : action;
}

type Action = Pick<Filter, "cookie" | "target">;

function firstAction(bytes: Uint8Array): Decoded<Action> {
  const none: Action = { cookie: "", target: 0 };
  const actions = decodeAttributes(bytes);
  if (!actions.ok) return actions;
  const [first] = actions.value;
  if (first === undefined) return decoded(none);
  const parts = decodeAttributes(first.value);
  if (!parts.ok) return parts;
  const cookie = textOf(parts.value, TCA_ACT_COOKIE) ?? none.cookie;
  if (textOf(parts.value, TCA_ACT_KIND) !== "mirred") return decoded({ ...none, cookie });
  const options = decodeAttributes(bytesOf(parts.value, TCA_ACT_OPTIONS) ?? new Uint8Array(0));
  if (!options.ok) return options;
  const parameters = bytesOf(options.value, TCA_MIRRED_PARMS);
  if (parameters === undefined || parameters.length < MIRRED) return malformed("a redirection without its parameters");
  const target = new DataView(parameters.buffer, parameters.byteOffset).getUint32(24, true);
  return decoded({ cookie, target });
}

/** struct tcmsg */
function header(link: number, handle: number, parent: number, info: number): Uint8Array {
  const bytes = new Uint8Array(HEADER);
  const view = new DataView(bytes.buffer);
  view.setInt32(4, link, true);
  view.setUint32(8, handle, true);
  view.setUint32(12, parent, true);
  view.setUint32(16, info, true);
  return bytes;
}

/** struct tc_u32_sel: one key of value 0 and mask 0 at offset 0. */
function matchAll(): Uint8Array {
  const bytes = new Uint8Array(SELECTOR);
  bytes[0] = TC_U32_TERMINAL;
  bytes[2] = 1;
  return bytes;
}

/** struct tc_mirred */
function redirectTo(link: number): Uint8Array {
  const bytes = new Uint8Array(MIRRED);
  const view = new DataView(bytes.buffer);
  view.setInt32(8, TC_ACT_STOLEN, true);
  view.setInt32(20, TCA_EGRESS_REDIR, true);
  view.setUint32(24, link, true);
  return bytes;
}
