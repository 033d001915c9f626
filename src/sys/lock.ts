import { LOCK_EX, LOCK_NB } from "./constants.ts";
import { deadlineIn, waitUntil } from "./deadline.ts";
import { isSysError } from "./errors.ts";
import { flock } from "./file.ts";

const STEP_MS = 2;

/** Waits for the flock(2) of an open file; false when the time is up without it. */
export function lockWithin(fd: number, milliseconds: number): boolean {
  return tryLock(fd) || waitUntil(() => tryLock(fd), deadlineIn(milliseconds), STEP_MS);
}

/** Whether the lock could be had at once. */
function tryLock(fd: number): boolean {
  try {
    flock(fd, LOCK_EX | LOCK_NB);
    return true;
  } catch (error) {
    if (isSysError(error, "EWOULDBLOCK", "EAGAIN")) return false;
    throw error;
  }
}
