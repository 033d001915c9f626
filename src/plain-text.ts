/**
 * Text for people, with nothing in it that could steer a terminal or hide what it says: control characters of both sets
 * (ECMA-48: C0, DEL, C1), characters that reorder, join or break lines, and halves of surrogate pairs become escapes.
 */
const UNSAFE = /[\0-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]/gu;

export function isPlainText(text: string): boolean {
  return text.search(UNSAFE) < 0;
}

/** The text as it is but for unsafe characters. */
export function plainText(text: string): string {
  if (isPlainText(text)) return text;
  return text.replace(UNSAFE, (character) => {
    const point = character.codePointAt(0) ?? 0;
    // A surrogate that stands for a byte (see `urunc:sys`).
    if (point >= 0xdc80 && point < 0xdd00) return `\\x${hexadecimal(point - 0xdc00, 2)}`;
    return point < 0x80 ? `\\x${hexadecimal(point, 2)}` : `\\u${hexadecimal(point, 4)}`;
  });
}

function hexadecimal(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}
