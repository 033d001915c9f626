/** Names by which what a container has made in a namespace is known again, all from eight digits of its own. */
import { fnv1a } from "../fnv.ts";
import { COOKIE_LENGTH } from "../netlink/traffic.ts";

/** Begins the cookie of each filter of ours. */
const COOKIE = "urunc-";
const TABLE = "urunc_";
/** Ends the name of a table that needs forwarding which we made: the last such one to leave takes it away. */
const FORWARDING = "_f";
/** Whether the link's discipline was made by one of us: the last one to leave takes it away. */
const OURS = "+";
const THEIRS = "-";

/** Eight hexadecimal digits that stand for a text. */
export function shortHash(text: string): string {
  return fnv1a(text).toString(16).padStart(8, "0");
}

/** At most 15 bytes. */
export function tapName(hash: string): string {
  return `u${hash}`;
}

/** The hash; undefined for what is not ours. */
export function parseTapName(name: string): string | undefined {
  const hash = name.slice(1);
  return name.startsWith("u") && isHash(hash) ? hash : undefined;
}

/** Of a filter with an action. */
export function cookieOf(hash: string, madeIngress: boolean): string {
  return `${COOKIE}${hash}${madeIngress ? OURS : THEIRS}`;
}

/** undefined for what is not ours. */
export function parseCookie(cookie: string): { readonly hash: string; readonly madeIngress: boolean } | undefined {
  if (cookie.length !== COOKIE_LENGTH || !cookie.startsWith(COOKIE)) return undefined;
  const hash = cookie.slice(COOKIE.length, -1);
  return isHash(hash) ? { hash, madeIngress: cookie.endsWith(OURS) } : undefined;
}

/** Of a filter without action: its class. */
export function markOf(hash: string): number {
  return Number.parseInt(hash, 16);
}

/** Name of a table of nftables, in the letters that nft(8) reads. */
export function tableName(hash: string, madeForwarding: boolean): string {
  return `${TABLE}${hash}${madeForwarding ? FORWARDING : ""}`;
}

/** undefined for what is not ours. */
export function parseTableName(name: string): { readonly hash: string; readonly madeForwarding: boolean } | undefined {
  const madeForwarding = name.endsWith(FORWARDING);
  const hash = name.slice(TABLE.length, madeForwarding ? -FORWARDING.length : undefined);
  return name.startsWith(TABLE) && isHash(hash) ? { hash, madeForwarding } : undefined;
}

function isHash(text: string): boolean {
  return /^[0-9a-f]{8}$/.test(text);
}
