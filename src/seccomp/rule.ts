/** What one system call filter is made of: calls that are let through, some of them with certain arguments only. */
export interface CallRule {
  /** Names of system calls; those another architecture has are left out there. */
  readonly calls: readonly string[];
  /** Each must hold; without any the call is let through whatever its arguments are. */
  readonly conditions?: readonly ArgumentCondition[];
}

/** `(argument & mask) === value`. A pointer's target cannot be looked at (seccomp(2)). */
export interface ArgumentCondition {
  /** From 0. */
  readonly argument: number;
  readonly mask: number;
  readonly value: number;
}

/** Arguments the kernel takes as 32 bits: what stands in the upper half is not looked at by it either. */
export const INT = 0xffffffff;

/** The call with one of these values as its argument. */
export function withArgument(call: string, argument: number, values: readonly number[]): readonly CallRule[] {
  return values.map((value) => ({ calls: [call], conditions: [{ argument, mask: INT, value }] }));
}
