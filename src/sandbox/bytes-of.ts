/** Bytes of hexadecimal digits, with zeros behind them up to `size` bytes. */
export function bytesOf(digits: string, size: number): ArrayBuffer {
  const bytes = new Uint8Array(size);
  for (let index = 0; index < size && 2 * index < digits.length; index++) {
    bytes[index] = Number.parseInt(digits.slice(2 * index, 2 * index + 2), 16);
  }
  return bytes.buffer;
}
