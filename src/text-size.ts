/**
 * Bytes that a text has outside of this program: UTF-8, and one for each lone surrogate that stands for a byte (U+DC80 to
 * U+DCFF, see `urunc:sys`). Any other lone surrogate counts as the three bytes of U+FFFD.
 */
export function utf8Size(text: string): number {
  let size = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80 || isByte(unit)) continue;
    size += unit < 0x800 ? 1 : 2;
    const isPair = unit >= 0xd800 && unit < 0xdc00 && isLowSurrogate(text.charCodeAt(index + 1));
    if (isPair) index++;
  }
  return size;
}

/** Whether a text is UTF-8 outside of this program, without a byte that is none. */
export function isUtf8(text: string): boolean {
  return !/[\ud800-\udfff]/u.test(text);
}

/** Second halves of pairs are skipped together with the first. */
function isByte(unit: number): boolean {
  return unit >= 0xdc80 && unit < 0xdd00;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}
