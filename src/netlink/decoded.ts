/** What became of bytes that somebody else wrote: a value, or what is wrong with them. */
export type Decoded<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

export function decoded<T>(value: T): Decoded<T> {
  return { ok: true, value };
}

export function malformed<T>(reason: string): Decoded<T> {
  return { ok: false, reason };
}
