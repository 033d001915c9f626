/**
 * Where a member stands in the text of a JSON document that is known to parse. What has to be changed is cut out and put
 * in as text, since a number of 64 bits does not survive JSON.parse.
 */

/** From the first character of the value up to the one after its last. */
export interface Place {
  readonly start: number;
  readonly end: number;
}

/** The value of a member, of several with this name the last; undefined where there is none, or no object at `start`. */
export function placeOfMember(text: string, start: number, name: string): Place | undefined {
  let at = blanksAfter(text, start);
  if (text[at] !== "{") return undefined;
  let found: Place | undefined;
  at = blanksAfter(text, at + 1);
  while (at < text.length && text[at] !== "}") {
    const key = text.slice(at, endOfValue(text, at));
    const value = blanksAfter(text, blanksAfter(text, at + key.length) + 1);
    const end = endOfValue(text, value);
    if (JSON.parse(key) === name) found = { start: value, end };
    at = blanksAfter(text, end);
    if (text[at] === ",") at = blanksAfter(text, at + 1);
  }
  return found;
}

function blanksAfter(text: string, start: number): number {
  let at = start;
  while (at < text.length && " \t\r\n".includes(text[at] ?? "")) at++;
  return at;
}

function endOfValue(text: string, start: number): number {
  const first = text[start];
  if (first === '"') return endOfString(text, start);
  if (first !== "{" && first !== "[") {
    let at = start;
    while (at < text.length && !",]} \t\r\n".includes(text[at] ?? "")) at++;
    return at;
  }
  let depth = 0;
  for (let at = start; at < text.length; ) {
    const character = text[at];
    if (character === '"') {
      at = endOfString(text, at);
      continue;
    }
    if (character === "{" || character === "[") depth++;
    if (character === "}" || character === "]") depth--;
    at++;
    if (depth === 0) return at;
  }
  return text.length;
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}
