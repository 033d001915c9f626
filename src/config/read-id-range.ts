import type { IdRange } from "./configuration.ts";

/** The greatest id: the one above means "leave as it is" in setresuid(2). */
const GREATEST = 4294967294;

/** `first-last`, both included, root not among them; undefined for anything else. */
export function readIdRange(text: string): IdRange | undefined {
  const [, first, last] = /^\s*(\d{1,10})\s*-\s*(\d{1,10})\s*$/.exec(text) ?? [];
  const range = { first: Number(first), last: Number(last) };
  return range.first > 0 && range.first <= range.last && range.last <= GREATEST ? range : undefined;
}
