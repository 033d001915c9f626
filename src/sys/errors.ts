import type { SysError } from "urunc:sys";

/** Whether a thrown value is a failed system call, with one of these errno codes when any are given. */
export function isSysError(error: unknown, ...codes: string[]): error is SysError {
  if (!(error instanceof Error) || error.name !== "SysError" || !("code" in error)) return false;
  return codes.length === 0 || (typeof error.code === "string" && codes.includes(error.code));
}

/** What a thrown value says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
