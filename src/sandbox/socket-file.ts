import { RuntimeFailure } from "../failure.ts";
import { AT_FDCWD, O_PATH, RESOLVE_NO_SYMLINKS, S_IFMT, S_IFSOCK } from "../sys/constants.ts";
import { close, fstat, openat2 } from "../sys/file.ts";

/**
 * A reference to a socket of the host. Symbolic links are refused in all of the path: whoever may name a socket may be
 * able to write in its directory, and must not lead us to another one.
 *
 * @throws RuntimeFailure `socket` when it is something else; SysError when it cannot be opened.
 */
export function openSocketFile(path: string): number {
  const fd = openat2(AT_FDCWD, path, O_PATH, 0, RESOLVE_NO_SYMLINKS);
  if ((fstat(fd).mode & S_IFMT) === S_IFSOCK) return fd;
  close(fd);
  throw new RuntimeFailure("socket", `${path} is not a socket`);
}
