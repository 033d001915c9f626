import {
  close,
  closeRange,
  encodeUtf8,
  fstat,
  fstatat,
  fsync,
  mkdirat,
  open,
  openat,
  readdir,
  readText,
  renameat2,
  setCloexec,
  unlinkat,
  write,
  writeText,
} from "urunc:sys";
import { RuntimeFailure } from "../failure.ts";
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_SYMLINK_NOFOLLOW,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_XDEV,
} from "./constants.ts";
import { isDenied, isSysError } from "./errors.ts";
import { openat2 } from "./open-scoped.ts";

export {
  access,
  close,
  dup2,
  dupCloexec,
  fchmod,
  fchownat,
  fileIdentity,
  flock,
  fstat,
  fstatat,
  fstatfsType,
  lseek,
  memfdCreate,
  mkdirat,
  mknodat,
  open,
  openat,
  pipe,
  pread,
  read,
  readdir,
  readlinkat,
  readText,
  renameat2,
  sendfile,
  setCloexec,
  setNonblock,
  setSignalOnInput,
  symlinkat,
  umask,
  unlinkat,
  write,
  writeText,
} from "urunc:sys";
export { openat2 };

const STDERR = 2;
/** The highest number that close_range(2) takes. */
const LAST_DESCRIPTOR = 0xffffffff;

/** Opens `path`, hands the descriptor to `use` and closes it in any case. */
export function withFile<T>(path: string, flags: number, use: (fd: number) => T): T {
  const fd = open(path, flags);
  try {
    return use(fd);
  } finally {
    close(fd);
  }
}

/** The whole file as UTF-8 text, at most `limit` bytes; throws as {@link readWhole}. */
export function readTextFile(path: string, limit: number): string {
  // Opening a FIFO would wait for a writer.
  return withFile(path, O_RDONLY | O_NONBLOCK, (fd) => readWhole(fd, limit, path));
}

/**
 * What is left of an open file as UTF-8 text.
 *
 * @param name what the failure calls the file.
 * @throws RuntimeFailure `too-large` beyond `limit` bytes, `unreadable` for a directory.
 */
export function readWhole(fd: number, limit: number, name: string): string {
  try {
    return readText(fd, limit);
  } catch (error) {
    if (isSysError(error, "EFBIG")) throw new RuntimeFailure("too-large", `${name} is larger than ${limit} bytes`);
    if (isSysError(error, "EISDIR")) throw new RuntimeFailure("unreadable", `${name} is a directory`, { cause: error });
    throw error;
  }
}

/** Closes all descriptors from `first` on but those that are kept. */
export function closeAllBut(first: number, kept: readonly number[]): void {
  try {
    closeRangesBut(first, kept);
  } catch (error) {
    if (!isDenied(error)) throw error;
    closeEachBut(first, kept);
  }
}

/** By the list of them: the way before close_range(2), or where it is denied. */
function closeEachBut(first: number, kept: readonly number[]): void {
  const fds = withFile("/proc/self/fd", O_RDONLY | O_DIRECTORY, readdir).map(Number);
  // The descriptor of the list itself is closed by now.
  for (const fd of fds) if (fd >= first && !kept.includes(fd)) closeQuietly(fd);
}

function closeRangesBut(first: number, kept: readonly number[]): void {
  let next = first;
  for (const fd of kept.filter((one) => one >= first).sort((a, b) => a - b)) {
    if (fd > next) closeRange(next, fd - 1);
    next = fd + 1;
  }
  closeRange(next, LAST_DESCRIPTOR);
}

/** Opens /dev/null for every standard descriptor the caller left closed: no file of ours may get its number. */
export function openStandardDescriptors(): void {
  for (;;) {
    const fd = open("/dev/null", O_RDWR);
    if (fd > STDERR) {
      close(fd);
      return;
    }
    setCloexec(fd, false);
  }
}

/** As {@link readTextFile}; undefined when the file does not exist. */
export function readTextFileIfPresent(path: string, limit: number): string | undefined {
  return ifPresent(() => readTextFile(path, limit));
}

/** What `read` answers; undefined when the file that it reads does not exist. */
export function ifPresent<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isSysError(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}

/** Writes the whole text, however many write(2) calls it takes. */
export function writeAll(fd: number, text: string): void {
  writeBytes(fd, encodeUtf8(text));
}

/** As {@link writeAll}. */
export function writeBytes(fd: number, bytes: ArrayBuffer): void {
  for (let offset = 0; offset < bytes.byteLength; ) offset += write(fd, bytes, offset, bytes.byteLength - offset);
}

/**
 * Replaces a file as one step: temporary file in the same directory, then rename(2). `durable` adds fsync(2): state
 * below /run does not survive a power cut anyway, so only files that should survive one need it.
 */
export function replaceFile(
  dirfd: number,
  name: string,
  text: string,
  options: { mode: number; durable: boolean },
): void {
  const temporary = `.${name}.tmp`;
  const fd = createAnew(dirfd, temporary, options.mode);
  try {
    writeAll(fd, text);
    if (options.durable) fsync(fd);
    renameat2(dirfd, temporary, dirfd, name, 0);
  } catch (error) {
    removeIfPresent(dirfd, temporary);
    throw error;
  } finally {
    close(fd);
  }
}

/** A new file; one of the name that a killed process left is removed first. */
function createAnew(dirfd: number, name: string, mode: number): number {
  const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
  try {
    return openat(dirfd, name, flags, mode);
  } catch (error) {
    if (!isSysError(error, "EEXIST")) throw error;
    unlinkat(dirfd, name, 0);
    return openat(dirfd, name, flags, mode);
  }
}

/** One write(2), so that lines of several processes do not mix in one O_APPEND file. */
export function writeLine(fd: number, line: string): void {
  writeText(fd, `${line}\n`);
}

export function removeIfPresent(dirfd: number, name: string): void {
  try {
    unlinkat(dirfd, name, 0);
  } catch (error) {
    if (!isSysError(error, "ENOENT")) throw error;
  }
}

export function exists(path: string): boolean {
  try {
    fstatat(AT_FDCWD, path, 0);
    return true;
  } catch (error) {
    if (isSysError(error)) return false;
    throw error;
  }
}

/** Whether a directory has an entry of this name, whatever that is. */
export function hasEntry(directory: number, name: string): boolean {
  try {
    fstatat(directory, name, AT_SYMLINK_NOFOLLOW);
    return true;
  } catch (error) {
    if (isSysError(error, "ENOENT")) return false;
    throw error;
  }
}

/** mkdir -p; directories that exist are left as they are. */
export function makeDirectories(path: string, mode: number): void {
  try {
    mkdirat(AT_FDCWD, path, mode);
  } catch (error) {
    if (isSysError(error, "EEXIST")) return;
    const cut = path.lastIndexOf("/");
    if (!isSysError(error, "ENOENT") || cut <= 0) throw error;
    makeDirectories(path.slice(0, cut), mode);
    mkdirat(AT_FDCWD, path, mode);
  }
}

/**
 * rm -r of one name below a directory, following no symbolic link and leaving no file system. A name that is gone is no
 * error. A name that cannot be removed keeps no other from being removed.
 *
 * @throws SysError of the first name that cannot be removed, after all others are gone.
 */
export function removeTree(dirfd: number, name: string): void {
  if (removeLeaf(dirfd, name)) return;
  // A path from the root crosses mounts on its way.
  const directory = openat2(dirfd, name, LEVEL, 0, name.startsWith("/") ? 0 : RESOLVE_NO_XDEV);
  try {
    emptyDirectory(directory);
  } finally {
    close(directory);
  }
  unlinkat(dirfd, name, AT_REMOVEDIR);
}

const LEVEL = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

/** Removes what is no directory, or an empty one; false for a directory that has something in it. */
function removeLeaf(dirfd: number, name: string): boolean {
  try {
    removeIfPresent(dirfd, name);
    return true;
  } catch (error) {
    if (!isSysError(error, "EISDIR")) throw error;
  }
  try {
    unlinkat(dirfd, name, AT_REMOVEDIR);
    return true;
  } catch (error) {
    if (!isSysError(error, "ENOTEMPTY", "EEXIST")) throw error;
    return false;
  }
}

/** A directory on the way down to the one that is being emptied. */
interface Level {
  /** What is left to be removed in it. */
  readonly names: string[];
  readonly ino: number;
  /** The name in it that the way takes. */
  readonly below: string;
}

/**
 * Removes all that is in an open directory, following no symbolic link and leaving no file system. A guest may have made
 * the tree, as deep as it liked: there is one descriptor for all levels, and the way back goes by `..`, to the directory
 * that it came from and no other.
 *
 * @throws SysError of the first name that cannot be removed, after all others are gone.
 */
export function emptyDirectory(directory: number): void {
  const above: Level[] = [];
  const failures: unknown[] = [];
  let here = directory;
  let names = readdir(here);
  /** What `step` answers; undefined when it fails, which is kept for the end. */
  const attempt = <T>(step: () => T): T | undefined => {
    try {
      return step();
    } catch (error) {
      if (!isSysError(error)) throw error;
      failures.push(error);
      return undefined;
    }
  };
  try {
    for (;;) {
      const name = names.pop();
      if (name !== undefined) {
        if (attempt(() => removeLeaf(here, name)) !== false) continue;
        const next = attempt(() => openat2(here, name, LEVEL, 0, RESOLVE_NO_XDEV));
        if (next === undefined) continue;
        above.push({ names, ino: fstat(here).ino, below: name });
        if (here !== directory) close(here);
        here = next;
        names = readdir(here);
        continue;
      }
      const level = above.pop();
      if (level === undefined) break;
      const next = above.length === 0 ? directory : openat2(here, "..", LEVEL, 0, RESOLVE_NO_XDEV);
      close(here);
      here = next;
      if (fstat(here).ino !== level.ino) {
        throw new RuntimeFailure("moved", `Remove ${level.below}: somebody has moved it meanwhile`, { kind: "system" });
      }
      attempt(() => unlinkat(here, level.below, AT_REMOVEDIR));
      names = level.names;
    }
  } finally {
    if (here !== directory) close(here);
  }
  if (failures.length > 0) throw failures[0];
}

/**
 * Opens a path of the image below its root: `..` and absolute symbolic links stay inside, links of procfs are refused
 * (openat2(2), RESOLVE_IN_ROOT).
 */
export function openInRoot(rootfd: number, path: string, flags: number): number {
  return openat2(rootfd, path, flags, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

/** A directory as a reference only: for the `…at` calls. */
export function openDirectory(path: string): number {
  return open(path, O_PATH | O_DIRECTORY);
}

/** Closes a descriptor that may be closed already. */
export function closeQuietly(fd: number): void {
  try {
    close(fd);
  } catch (error) {
    if (!isSysError(error)) throw error;
  }
}
