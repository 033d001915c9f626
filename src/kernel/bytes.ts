/** Reading numbers out of bytes that nobody vouches for: what lies outside is undefined, nothing throws. */

/** Bytes of a file from an offset on; fewer than asked for at its end, none beyond. */
export type ReadBytes = (offset: number, length: number) => ArrayBuffer;

export interface Bytes {
  readonly length: number;
  u16(offset: number): number | undefined;
  u32(offset: number): number | undefined;
  /** Undefined for numbers from 2^53 on too: no file is that large. */
  u64(offset: number): number | undefined;
  /** Latin-1 up to the first NUL, at most `limit` characters. */
  text(offset: number, limit: number): string;
  /** Offset of the first 32-bit word of that value at or after `from`, both multiples of four. */
  find(word: number, from: number): number | undefined;
}

/** All numbers are little-endian, as on every machine we know. */
export function bytesOf(buffer: ArrayBuffer): Bytes {
  const view = new DataView(buffer);
  const words = new Uint32Array(buffer, 0, buffer.byteLength >>> 2);
  const fits = (offset: number, size: number) =>
    Number.isSafeInteger(offset) && offset >= 0 && offset + size <= view.byteLength;
  return {
    length: view.byteLength,
    u16: (offset) => (fits(offset, 2) ? view.getUint16(offset, true) : undefined),
    u32: (offset) => (fits(offset, 4) ? view.getUint32(offset, true) : undefined),
    u64: (offset) => {
      if (!fits(offset, 8)) return undefined;
      const value = view.getUint32(offset, true) + view.getUint32(offset + 4, true) * 2 ** 32;
      return Number.isSafeInteger(value) ? value : undefined;
    },
    text: (offset, limit) => {
      let text = "";
      for (let at = offset; at < offset + limit && fits(at, 1); at++) {
        const unit = view.getUint8(at);
        if (unit === 0) break;
        text += String.fromCharCode(unit);
      }
      return text;
    },
    find: (word, from) => {
      const index = words.indexOf(word, from >>> 2);
      return index < 0 ? undefined : index * 4;
    },
  };
}
