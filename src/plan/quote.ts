/**
 * Text of a plan as people may read it and paste it: a word for the shell, with nothing in it that could steer a
 * terminal. Control characters and those that reorder or break lines become escapes.
 */
const UNSAFE = /[\0-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]/gu;

export function shellWord(word: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word)) return word;
  if (word.search(UNSAFE) < 0) return `'${word.replaceAll("'", "'\\''")}'`;
  return `$'${escapeUnsafe(word.replace(/[\\']/g, "\\$&"))}'`;
}

/** The text as it is but for unsafe characters. */
export function plainText(text: string): string {
  return text.search(UNSAFE) < 0 ? text : escapeUnsafe(text);
}

function escapeUnsafe(text: string): string {
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
