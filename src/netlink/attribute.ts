/**
 * Attributes of a netlink message (netlink(7), libnetlink's `struct rtattr`): a length of two bytes that counts its own
 * header, a type of two bytes, the value, and padding to four bytes. Numbers are in the machine's byte order, which is
 * little-endian on every machine the engine is built for.
 */
import { type Decoded, decoded, malformed } from "./decoded.ts";

const HEADER = 4;
const LONGEST = 0xffff - HEADER;
/** The upper two bits of a type say that the value is a list, or in network byte order. */
const TYPE_MASK = 0x3fff;
/** The value is a list of attributes. */
export const NESTED = 0x8000;

export interface Attribute {
  readonly type: number;
  readonly value: Uint8Array;
}

/** @throws RangeError for a type or a value that its field has no room for. */
export function attribute(type: number, value: Uint8Array): Uint8Array {
  if (!Number.isInteger(type) || type < 0 || type > 0xffff) throw new RangeError(`Attribute type ${type}`);
  if (value.length > LONGEST) throw new RangeError(`Attribute ${type} has ${value.length} bytes, more than ${LONGEST}`);
  const bytes = new Uint8Array(padded(HEADER + value.length));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, HEADER + value.length, true);
  view.setUint16(2, type, true);
  bytes.set(value, HEADER);
  return bytes;
}

export function nest(type: number, ...attributes: readonly Uint8Array[]): Uint8Array {
  return attribute(type, joined(attributes));
}

/**
 * The attributes in `bytes`, types without their flags. Where a list is given: only those of the wanted types, and
 * nothing is looked at any more when there is one of each. Numbers are read byte by byte, which is twice as fast here as
 * by a DataView: a link of the kernel has fifty attributes.
 */
export function decodeAttributes(bytes: Uint8Array, wanted?: readonly number[]): Decoded<readonly Attribute[]> {
  const attributes: Attribute[] = [];
  const end = bytes.length;
  for (let offset = 0; offset < end; ) {
    const left = end - offset;
    if (left < HEADER) return malformed(`${left} bytes left where an attribute begins`);
    const length = (bytes[offset] ?? 0) | ((bytes[offset + 1] ?? 0) << 8);
    if (length < HEADER || length > left) return malformed(`an attribute of ${length} bytes where ${left} are left`);
    const type = ((bytes[offset + 2] ?? 0) | ((bytes[offset + 3] ?? 0) << 8)) & TYPE_MASK;
    if (wanted === undefined) {
      attributes.push({ type, value: bytes.subarray(offset + HEADER, offset + length) });
    } else if (wanted.includes(type)) {
      attributes.push({ type, value: bytes.subarray(offset + HEADER, offset + length) });
      if (attributes.length === wanted.length) break;
    }
    offset += (length + 3) & ~3;
  }
  return decoded(attributes);
}

export function bytesOf(attributes: readonly Attribute[], type: number): Uint8Array | undefined {
  return attributes.find((entry) => entry.type === type)?.value;
}

/** undefined for a value that is missing or has not four bytes. */
export function u32Of(attributes: readonly Attribute[], type: number): number | undefined {
  const value = bytesOf(attributes, type);
  if (value?.length !== 4) return undefined;
  return new DataView(value.buffer, value.byteOffset).getUint32(0, true);
}

/** Bytes up to the first NUL as text; what is not printable ASCII becomes `?`. */
export function textOf(attributes: readonly Attribute[], type: number): string | undefined {
  const value = bytesOf(attributes, type);
  if (value === undefined) return undefined;
  let printable = "";
  for (const byte of value) {
    if (byte === 0) break;
    printable += byte > 0x1f && byte < 0x7f ? String.fromCharCode(byte) : "?";
  }
  return printable;
}

export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** Text in ASCII with a NUL. */
export function text(value: string): Uint8Array {
  const bytes = new Uint8Array(value.length + 1);
  for (let index = 0; index < value.length; index++) bytes[index] = value.charCodeAt(index);
  return bytes;
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

export function padded(length: number): number {
  return (length + 3) & ~3;
}
