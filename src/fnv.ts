/**
 * FNV-1a with 32 bits, unsigned, over the bytes of a text of ASCII characters; of any other character it takes both
 * bytes of its UTF-16 unit, so that the answer is as good but is not that of its UTF-8.
 */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    if (unit > 0x7f) hash = Math.imul(hash ^ (unit >> 8), 0x01000193);
  }
  return hash >>> 0;
}
