import { RuntimeFailure } from "../failure.ts";
import {
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
} from "../sys/constants.ts";
import { isSysError } from "../sys/errors.ts";
import { close, fstat, openat, openat2, readdir, readlinkat } from "../sys/file.ts";
import { reopen } from "../sys/regular-file.ts";
import { utf8Size } from "../text-size.ts";
import type { ArchiveWriter } from "./archive-writer.ts";
import { cpioHead } from "./cpio.ts";

/** PATH_MAX of the kernel that unpacks, with the NUL. */
const LONGEST_NAME = 4095;
/** A directory is open for each level. */
const DEEPEST = 200;
/** Each takes time at start: about 0.04 ms. */
const MOST_ENTRIES = 200_000;
/** The last entry of an archive by its name, so that no file may have it (cpio(5), newc). */
const TRAILER = "TRAILER!!!";
/** Names that our init and its configuration have in an initrd: an image must not stand in their way, nor for them. */
const OURS: readonly string[] = [".urunc", "urunit.conf"];
/** Below the descriptor only: no link, and nothing that is mounted on the tree, were it of the same file system. */
const STAY = RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;

type Stat = ReturnType<typeof fstat>;

/** Trees on their way into one archive. */
export interface TreeWalk {
  readonly writer: ArchiveWriter;
  /** Numbers of the files with several links that are in the archive; without it each link gets a copy. */
  readonly linked?: Map<string, number>;
  count: number;
}

/** Far from the numbers that an archive of the image gives its files. */
const FIRST_NUMBER = 0x40000000;

/** @param knowsLinks whether who unpacks it makes one file of the entries with the same number. */
export function treeWalk(writer: ArchiveWriter, knowsLinks: boolean): TreeWalk {
  return { writer, count: FIRST_NUMBER, ...(knowsLinks ? { linked: new Map() } : {}) };
}

interface Walk extends TreeWalk {
  readonly without: ReadonlySet<string>;
}

/**
 * Writes a directory tree as archive entries: directories, files, links, device nodes and pipes, with owners, modes and
 * times. Every name is opened by its parent's descriptor and no symbolic link is followed, so nothing outside of the
 * tree is read, whatever somebody does to it meanwhile. Sockets are left out; extended attributes have no place in the
 * format.
 *
 * @param path where the tree is in the guest, without a slash at its start; empty for the root.
 * @param without paths of the guest that are left out with what lies in them.
 */
export function archiveTree(walk: TreeWalk, root: number, path: string, without: ReadonlySet<string>): void {
  const directory = openat(root, ".", O_RDONLY | O_DIRECTORY);
  const all: Walk = { ...walk, without };
  try {
    const stat = fstat(directory);
    // The first entry of an archive is its root; its mode and owner become those of the guest's root.
    walk.writer.text(head(path === "" ? "." : path, stat, 0, 1, all.count++));
    addDirectory(all, directory, path === "" ? "" : `${path}/`, 0);
  } finally {
    walk.count = all.count;
    close(directory);
  }
}

function addDirectory(walk: Walk, directory: number, path: string, depth: number): void {
  if (depth > DEEPEST) throw refusal(path, `is more than ${DEEPEST} directories deep`);
  for (const name of readdir(directory).sort()) addName(walk, directory, name, `${path}${name}`, depth);
}

function addName(walk: Walk, directory: number, name: string, path: string, depth: number): void {
  if (walk.without.has(path)) return;
  if (utf8Size(path) >= LONGEST_NAME) throw refusal(path, "has too long a path");
  if (OURS.includes(path)) return;
  if (path === TRAILER) throw refusal(path, "has the name that ends an archive");
  if (walk.count >= FIRST_NUMBER + MOST_ENTRIES)
    throw refusal(path, `is beyond the ${MOST_ENTRIES} files that are possible`);
  const entry = openOwn(directory, name);
  if (entry === undefined) return;
  let below: number | undefined;
  try {
    below = addEntry(walk, entry, path);
  } finally {
    close(entry);
  }
  if (below === undefined) return;
  try {
    addDirectory(walk, below, `${path}/`, depth + 1);
  } finally {
    close(below);
  }
}

/**
 * A reference to what is the tree's own; undefined for what is mounted on it, which is not the image's. Nothing is opened
 * before its type is known, whatever takes its name meanwhile: a pipe would wait, a device may begin to do something.
 */
function openOwn(directory: number, name: string): number | undefined {
  try {
    return openat2(directory, name, O_PATH | O_NOFOLLOW, 0, STAY);
  } catch (error) {
    if (isSysError(error, "EXDEV")) return undefined;
    throw error;
  }
}

/** @returns a directory, open: what lies in it comes next. */
function addEntry(walk: Walk, entry: number, path: string): number | undefined {
  const stat = fstat(entry);
  const type = stat.mode & S_IFMT;
  if (type === S_IFSOCK) return undefined;
  if (type === S_IFREG) addFile(walk, entry, path);
  else if (type === S_IFLNK) addLink(walk, entry, path, stat);
  else walk.writer.text(head(path, stat, 0, 1, walk.count++));
  return type === S_IFDIR ? openat(entry, ".", O_RDONLY | O_DIRECTORY) : undefined;
}

function addFile(walk: TreeWalk, entry: number, path: string): void {
  const fd = reopen(entry);
  try {
    archiveFile(walk, fd, path);
  } finally {
    close(fd);
  }
}

/** One regular file, open, as an entry. */
export function archiveFile(walk: TreeWalk, fd: number, path: string): void {
  const stat = fstat(fd);
  const number = numberOf(walk, stat);
  const isFirst = number === undefined;
  const size = isFirst ? stat.size : 0;
  walk.writer.text(head(path, stat, size, stat.nlink, number ?? walk.count++));
  if (size === 0) return;
  walk.writer.content(fd, size, path);
  walk.writer.align();
}

/** Number of the entry that has the data of this file; undefined for the first name of a file. */
function numberOf(walk: TreeWalk, stat: Stat): number | undefined {
  const { linked, count } = walk;
  if (stat.nlink === 1 || linked === undefined) return undefined;
  const key = `${stat.dev}:${stat.ino}`;
  const number = linked.get(key);
  if (number === undefined) linked.set(key, count);
  return number;
}

function addLink(walk: Walk, entry: number, path: string, stat: Stat): void {
  const text = readlinkat(entry, "");
  walk.writer.text(head(path, stat, utf8Size(text), 1, walk.count++));
  walk.writer.text(text);
  walk.writer.align();
}

function head(name: string, stat: Stat, size: number, nlink: number, ino: number): string {
  const { mode, uid, gid, mtime, rdevMajor, rdevMinor } = stat;
  return cpioHead({ name, mode, uid, gid, mtime, size, ino, nlink, rdevMajor, rdevMinor });
}

function refusal(path: string, reason: string): RuntimeFailure {
  return new RuntimeFailure("initrd", `/${path} of the guest ${reason}: it cannot be part of an initrd`);
}
