/**
 * Base64 (RFC 4648 section 4) of UTF-8 text, strict in both layers: padding is demanded, unused bits are zero, and the
 * bytes are well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates). Anything else is `undefined`.
 */
export function decodeBase64Text(text: string): string | undefined {
  const bytes = decodeBase64(text);
  return bytes === undefined ? undefined : decodeUtf8(bytes);
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

function decodeBase64(text: string): readonly number[] | undefined {
  if (text.length % 4 !== 0) return undefined;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const bytes: number[] = [];
  let bits = 0;
  let held = 0;
  for (let index = 0; index < text.length - padding; index++) {
    const digit = ALPHABET.indexOf(text.charAt(index));
    if (digit < 0) return undefined;
    bits = (bits << 6) | digit;
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes.push((bits >> held) & 0xff);
      bits &= (1 << held) - 1;
    }
  }
  return bits === 0 ? bytes : undefined;
}

/** Least code point of a sequence with that many continuation bytes. */
const LEAST = [0, 0x80, 0x800, 0x10000] as const;

function decodeUtf8(bytes: readonly number[]): string | undefined {
  let text = "";
  for (let index = 0; index < bytes.length; index++) {
    const lead = bytes[index] ?? 0;
    const more = lead < 0x80 ? 0 : lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (more > 0 && (lead < 0xc2 || lead > 0xf4)) return undefined;
    let point = more === 0 ? lead : lead & (0x3f >> more);
    for (let count = 0; count < more; count++) {
      index++;
      const next = bytes[index];
      if (next === undefined || (next & 0xc0) !== 0x80) return undefined;
      point = (point << 6) | (next & 0x3f);
    }
    if (point < (LEAST[more] ?? 0) || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return undefined;
    text += String.fromCodePoint(point);
  }
  return text;
}
