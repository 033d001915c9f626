import { RuntimeFailure } from "../failure.ts";
import {
  AT_SYMLINK_NOFOLLOW,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
} from "../sys/constants.ts";
import { isSysError } from "../sys/errors.ts";
import {
  close,
  fchmod,
  fchownat,
  fstat,
  mkdirat,
  openat,
  openat2,
  readdir,
  readlinkat,
  sendfile,
  symlinkat,
} from "../sys/file.ts";
import { reopen } from "../sys/regular-file.ts";

/** A directory is open for each level. */
const DEEPEST = 200;
const PERMISSIONS = 0o7777;

/** What may still be copied. */
export interface Budget {
  bytes: number;
  entries: number;
}

type Stat = ReturnType<typeof fstat>;

/**
 * Copies a file, or a directory tree with its links as they are, with owners and modes. No link is followed and nothing
 * that is mounted on the tree is entered. Devices, sockets and pipes have no copy.
 *
 * @param source open as a reference.
 * @param directory where the copy gets a new name.
 * @throws RuntimeFailure `bind-mount` when it is more than the budget.
 */
export function copyTree(source: number, directory: number, name: string, budget: Budget, depth = 0): void {
  if (budget.entries-- <= 0) throw tooMuch("too many files");
  if (depth > DEEPEST) throw tooMuch(`more than ${DEEPEST} directories deep`);
  const stat = fstat(source);
  const type = stat.mode & S_IFMT;
  if (type === S_IFDIR) copyDirectory(source, stat, directory, name, budget, depth);
  else if (type === S_IFREG) copyFile(source, stat, directory, name, budget);
  else if (type === S_IFLNK) {
    symlinkat(readlinkat(source, ""), directory, name);
    fchownat(directory, name, stat.uid, stat.gid, AT_SYMLINK_NOFOLLOW);
  }
}

function copyDirectory(
  source: number,
  stat: Stat,
  directory: number,
  name: string,
  budget: Budget,
  depth: number,
): void {
  mkdirat(directory, name, 0o700);
  const own = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  try {
    const from = openat(source, ".", O_RDONLY | O_DIRECTORY);
    try {
      for (const entry of readdir(from)) copyEntry(from, own, entry, budget, depth + 1);
    } finally {
      close(from);
    }
    takeOver(own, stat, directory, name);
  } finally {
    close(own);
  }
}

function copyEntry(from: number, to: number, name: string, budget: Budget, depth: number): void {
  let fd: number;
  try {
    fd = openat2(from, name, O_PATH | O_NOFOLLOW, 0, RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
  } catch (error) {
    if (isSysError(error, "EXDEV")) return;
    throw error;
  }
  try {
    copyTree(fd, to, name, budget, depth);
  } finally {
    close(fd);
  }
}

function copyFile(source: number, stat: Stat, directory: number, name: string, budget: Budget): void {
  const from = reopen(source);
  try {
    const own = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      // One byte more than allowed shows that there is more.
      for (let copied = 1; copied > 0; budget.bytes -= copied) {
        if (budget.bytes < 0) throw tooMuch("too large");
        copied = sendfile(own, from, budget.bytes + 1);
      }
      takeOver(own, stat, directory, name);
    } finally {
      close(own);
    }
  } finally {
    close(from);
  }
}

/** Owner before mode: a change of the owner clears bits of the mode (chown(2)). */
function takeOver(own: number, { uid, gid, mode }: Stat, directory: number, name: string): void {
  fchownat(directory, name, uid, gid, AT_SYMLINK_NOFOLLOW);
  fchmod(own, mode & PERMISSIONS);
}

function tooMuch(why: string): RuntimeFailure {
  return new RuntimeFailure("bind-mount", `it is ${why} to be copied into the guest's root`);
}
