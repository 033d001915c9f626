/** Internet addresses as bytes and as text. */

export type Family = "ipv4" | "ipv6";

export const AF_INET = 2;
export const AF_INET6 = 10;

/** undefined for what is neither of the two. */
export function familyOf(number: number): Family | undefined {
  return number === AF_INET ? "ipv4" : number === AF_INET6 ? "ipv6" : undefined;
}

/** Four bytes as IPv4, sixteen as IPv6 in the form of RFC 5952; undefined for any other length. */
export function addressText(bytes: Uint8Array): string | undefined {
  if (bytes.length === 4) return bytes.join(".");
  return bytes.length === 16 ? ipv6Text(bytes) : undefined;
}

function ipv6Text(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, index) => ((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0));
  const { start, length } = longestZeros(groups);
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(":");
  if (length < 2) return hex(groups);
  return `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

function longestZeros(groups: readonly number[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let end = start;
    while (groups[end] === 0) end++;
    if (end - start > best.length) best = { start, length: end - start };
  }
  return best;
}

/** The 32 bits of dotted IPv4 text; undefined for anything else. */
export function ipv4Number(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  const parts = match.slice(1).map(Number);
  return parts.every((part) => part < 256) ? parts.reduce((sum, part) => sum * 256 + part, 0) : undefined;
}

/** Whether a text is an IPv6 address (RFC 4291, section 2.2), without a zone. */
export function isIpv6(text: string): boolean {
  if (text.length > 45) return false;
  const halves = text.split("::");
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  // IPv4 may stand for the last two groups.
  const endsInIpv4 = groups.at(-1)?.includes(".") === true && !text.endsWith("::");
  const last = endsInIpv4 ? groups.pop() : undefined;
  if (last !== undefined && ipv4Number(last) === undefined) return false;
  const count = groups.length + (last === undefined ? 0 : 2);
  return groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group)) && (halves.length === 2 ? count < 8 : count === 8);
}

/** The four bytes of dotted IPv4 text. @throws RangeError for anything else. */
export function ipv4Bytes(text: string): Uint8Array {
  const number = ipv4Number(text);
  if (number === undefined) throw new RangeError(`IPv4 address ${text}`);
  return Uint8Array.of(number >>> 24, number >>> 16, number >>> 8, number);
}

/** Dotted text of 32 bits. */
export function ipv4Text(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff).join(".");
}

function ipv4Mask(prefix: number): number {
  return prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0;
}

export function ipv4MaskText(prefix: number): string {
  return ipv4Text(ipv4Mask(prefix));
}

/** Whether two IPv4 addresses lie in one subnet of that prefix. */
export function isSameSubnet(left: string, right: string, prefix: number): boolean {
  const [a, b] = [ipv4Number(left), ipv4Number(right)];
  if (a === undefined || b === undefined) return false;
  return ((a ^ b) & ipv4Mask(prefix)) === 0;
}

export function macText(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}
