/** Random numbers that are the same for the same seed (xorshift32). */
export interface Random {
  /** From 0 to below the limit. */
  (limit: number): number;
  pick<T>(values: readonly T[]): T;
  /** Numbers that programs stumble over, and any of 32 bits. */
  number(): number;
}

const EDGES = [0, 1, 7, 8, 9, 15, 16, 4095, 4096, 65535, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];

export function random(seed: number): Random {
  let state = seed >>> 0 || 1;
  const next = (limit: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % limit;
  };
  const pick = <T>(values: readonly T[]): T => {
    const value = values[next(values.length)];
    if (value === undefined && values.length === 0) throw new RangeError("Nothing to pick from");
    return value as T;
  };
  return Object.assign(next, { pick, number: () => (next(2) === 0 ? pick(EDGES) : next(2 ** 32)) });
}
