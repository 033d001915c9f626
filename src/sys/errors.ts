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

/**
 * Whether a call failed for want of something that may be there the next time. What such a failure left undone must stay
 * on record, so that it can be done again. An error that was given more words is judged by what caused it.
 */
export function isShortage(error: unknown): boolean {
  if (isSysError(error, "EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "EAGAIN")) return true;
  return error instanceof Error && error.cause !== undefined && isShortage(error.cause);
}
