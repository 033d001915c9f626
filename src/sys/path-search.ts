import { AT_FDCWD, S_IFMT, S_IFREG, X_OK } from "./constants.ts";
import { isSysError } from "./errors.ts";
import { access, fstatat } from "./file.ts";
import { getenv } from "./process.ts";

const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The first executable of that name in PATH that is accepted; relative entries of PATH are passed over. */
export function findInPath(name: string, accept: (path: string) => boolean = () => true): string | undefined {
  for (const directory of (getenv("PATH") ?? DEFAULT_PATH).split(":")) {
    if (!directory.startsWith("/")) continue;
    const path = `${directory}/${name}`;
    if (isExecutable(path) && accept(path)) return path;
  }
  return undefined;
}

/** Whether the path leads to a regular file that this process may execute. */
export function isExecutable(path: string): boolean {
  try {
    access(path, X_OK);
    return (fstatat(AT_FDCWD, path, 0).mode & S_IFMT) === S_IFREG;
  } catch (error) {
    if (isSysError(error)) return false;
    throw error;
  }
}
