import type { Problem } from "./failure.ts";

/** Outcome of a pure step: a value with warnings for the log, or every reason why there is none. */
export type Result<T> =
  | { readonly ok: true; readonly value: T; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export function success<T>(value: T, warnings: readonly string[] = []): Result<T> {
  return { ok: true, value, warnings };
}

export function refusal<T>(problems: readonly Problem[]): Result<T> {
  return { ok: false, problems };
}
