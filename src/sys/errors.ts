import type { SysError } from "urunc:sys";
import { denialOf } from "./denied.ts";

/** Whether a thrown value is a failed system call, with one of these errno codes when any are given. */
export function isSysError(error: unknown, ...codes: string[]): error is SysError {
  if (!(error instanceof Error) || error.name !== "SysError" || !("code" in error)) return false;
  return codes.length === 0 || (typeof error.code === "string" && codes.includes(error.code));
}

/** Whether a call may have failed because the kernel is too old for it, or a system call filter around us denies it. */
export function isDenied(error: unknown): boolean {
  return isSysError(error, "ENOSYS", "EPERM");
}

/** What a thrown value says; of a call that is denied, what may be the reason. */
export function messageOf(error: unknown): string {
  if (isSysError(error, "ENOSYS", "EPERM")) return `${error.message}${denialOf(error)}`;
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
