import { RuntimeFailure } from "../failure.ts";
import { AT_FDCWD, X_OK } from "../sys/constants.ts";
import { isSysError } from "../sys/errors.ts";
import { access, fstatat } from "../sys/file.ts";
import { environ, execve, getenv } from "../sys/process.ts";

const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

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

/** The first executable of that name in PATH that is accepted. */
export function findInPath(name: string, accept: (path: string) => boolean = () => true): string | undefined {
  for (const directory of (getenv("PATH") ?? DEFAULT_PATH).split(":")) {
    if (!directory.startsWith("/")) continue;
    const path = `${directory}/${name}`;
    try {
      access(path, X_OK);
      if (accept(path)) return path;
    } catch (error) {
      if (!isSysError(error)) throw error;
    }
  }
  return undefined;
}
