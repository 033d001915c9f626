import { O_NOFOLLOW, O_PATH, RESOLVE_NO_SYMLINKS, S_IFLNK, S_IFMT } from "../sys/constants.ts";
import { isSysError } from "../sys/errors.ts";
import { close, fstat, openat2, readlinkat } from "../sys/file.ts";
import type { GuestTree } from "./guest-tree.ts";

/** A directory tree as it lies below a descriptor; no link of it is followed. */
export function treeOfDirectory(root: number): GuestTree {
  return {
    linkAt: (path) =>
      look(root, path, (fd) => ((fstat(fd).mode & S_IFMT) === S_IFLNK ? readlinkat(fd, "") : undefined)),
    has: (path) => look(root, path, () => true) === true,
  };
}

function look<T>(root: number, path: string, use: (fd: number) => T): T | undefined {
  let fd: number;
  try {
    fd = openat2(root, path, O_PATH | O_NOFOLLOW, 0, RESOLVE_NO_SYMLINKS);
  } catch (error) {
    if (isSysError(error)) return undefined;
    throw error;
  }
  try {
    return use(fd);
  } finally {
    close(fd);
  }
}
