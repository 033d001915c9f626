/**
 * JSON as it leaves this program, for programs and terminals: characters that could steer a terminal are escapes
 * (RFC 8259 section 7: the same value to every reader), and what stands for a byte that is no UTF-8 is U+FFFD, since
 * strict readers refuse a lone surrogate.
 */
const STEERS = /[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
/** Every escape, so that the one of a backslash is never taken for a part of the next. */
const ESCAPE = /\\(?:u(d[89a-f][0-9a-f]{2})|.)/g;

/** @param indent blanks of each level; without it there is one line. */
export function jsonText(value: unknown, indent?: number): string {
  return presentable(JSON.stringify(value, undefined, indent));
}

/** The same of JSON that is text already. */
export function presentable(json: string): string {
  const text = json.search(STEERS) < 0 ? json : json.replace(STEERS, asEscape);
  if (!text.includes("\\ud")) return text;
  return text.replace(ESCAPE, (whole, lone: string | undefined) => (lone === undefined ? whole : "\ufffd"));
}

function asEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
