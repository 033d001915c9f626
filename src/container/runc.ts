import { RuntimeFailure } from "../failure.ts";
import { AT_FDCWD } from "../sys/constants.ts";
import { fstatat } from "../sys/file.ts";
import { findInPath } from "../sys/path-search.ts";
import { environ, execve } from "../sys/process.ts";

/**
 * Becomes runc with the caller's arguments and environment: the container is not a unikernel's.
 *
 * @throws RuntimeFailure `no-runc` when runc is not installed.
 */
export function becomeRunc(argv: readonly string[]): never {
  const runc = findRunc();
  if (runc === undefined) {
    throw new RuntimeFailure("no-runc", "this container is no unikernel and runc is not in PATH: install runc", {
      kind: "system",
    });
  }
  execve(runc, [runc, ...argv.slice(1)], environ());
}

/** Path of runc; names that lead back to this program are passed over (the shim calls us `runc`). */
export function findRunc(): string | undefined {
  const own = fstatat(AT_FDCWD, "/proc/self/exe", 0);
  return findInPath("runc", (path) => {
    const found = fstatat(AT_FDCWD, path, 0);
    return found.ino !== own.ino || found.dev !== own.dev;
  });
}
