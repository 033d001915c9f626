import { openat2 as openOnce } from "urunc:sys";
import { RuntimeFailure } from "../failure.ts";
import { isSysError } from "./errors.ts";
import { monotonicMs, poll } from "./process.ts";

/** For how long a path is tried. Somebody who renames in a loop spoils about every fourth try. */
const LIMIT_MS = 5000;
/** Tries without a pause: a rename takes microseconds. */
const AT_ONCE = 64;
const PAUSE_MS = 1;

/**
 * openat2(2); O_CLOEXEC is added. While a path stays below a directory (RESOLVE_IN_ROOT, RESOLVE_BENEATH), the kernel
 * answers EAGAIN when anything on the machine is renamed or mounted during a `..`, since it cannot tell then whether the
 * `..` led out; openat2(2) says to try again.
 *
 * @throws SysError; RuntimeFailure `contended` when that went on for five seconds.
 */
export function openat2(dirfd: number, path: string, flags: number, mode: number, resolve: number): number {
  try {
    return openOnce(dirfd, path, flags, mode, resolve);
  } catch (error) {
    if (!isSysError(error, "EAGAIN")) throw error;
  }
  const deadline = monotonicMs() + LIMIT_MS;
  for (let tries = 2; ; tries += 1) {
    try {
      return openOnce(dirfd, path, flags, mode, resolve);
    } catch (error) {
      if (!isSysError(error, "EAGAIN")) throw error;
      if (monotonicMs() >= deadline) {
        const reason = `files or mounts of this machine were renamed during each of ${tries} tries in ${LIMIT_MS / 1000} s`;
        throw new RuntimeFailure("contended", `Open ${path}: ${reason}: try again`, { kind: "system", cause: error });
      }
    }
    if (tries > AT_ONCE) poll([], PAUSE_MS);
  }
}
