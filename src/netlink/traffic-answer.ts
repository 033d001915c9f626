/** What the kernel answers about traffic control: disciplines on the ingress side of a link and the filters there. */
import { bytesOf, decodeAttributes, textOf, u32Of } from "./attribute.ts";
import { type Decoded, decoded, malformed } from "./decoded.ts";

const RTM_NEWQDISC = 36;
const RTM_NEWTFILTER = 44;
const HEADER = 20;

const TCA_KIND = 1;
const TCA_OPTIONS = 2;
const TCA_U32_CLASSID = 1;
const TCA_U32_SEL = 5;
const TCA_U32_ACT = 7;
const TCA_ACT_KIND = 1;
const TCA_ACT_OPTIONS = 2;
const TCA_ACT_COOKIE = 6;
const TCA_MIRRED_PARMS = 2;
const TCA_EGRESS_REDIR = 1;
/** struct tc_mirred */
const MIRRED = 28;

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
  /** The class of what matches, where there is no action; else 0. */
  readonly mark: number;
  /** It lists something that matches: it is no mere head. */
  readonly matches: boolean;
}

/** The lesser one is asked first. */
export function priorityOf({ info }: Filter): number {
  return info >>> 16;
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
    return decoded({ ...filter, cookie: "", target: 0, mark: 0, matches: options !== undefined });
  }
  const inner = decodeAttributes(options ?? new Uint8Array(0));
  if (!inner.ok) return inner;
  const matches = bytesOf(inner.value, TCA_U32_SEL) !== undefined;
  const actions = bytesOf(inner.value, TCA_U32_ACT);
  if (actions === undefined) {
    return decoded({ ...filter, cookie: "", target: 0, mark: u32Of(inner.value, TCA_U32_CLASSID) ?? 0, matches });
  }
  const action = firstAction(actions);
  return action.ok ? decoded({ ...filter, matches, mark: 0, ...action.value }) : action;
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
  const view = new DataView(parameters.buffer, parameters.byteOffset);
  return decoded({ cookie, target: view.getInt32(20, true) === TCA_EGRESS_REDIR ? view.getUint32(24, true) : 0 });
}
