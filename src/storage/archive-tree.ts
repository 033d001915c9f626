import { RuntimeFailure } from "../failure.ts";
import { utf8Size } from "../guests/text-size.ts";
import {
  AT_SYMLINK_NOFOLLOW,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
} from "../sys/constants.ts";
import { isSysError } from "../sys/errors.ts";
import { close, fstat, fstatat, openat, readdir, readlinkat } from "../sys/file.ts";
import type { ArchiveWriter } from "./archive-writer.ts";
import { cpioHead } from "./cpio.ts";

/** PATH_MAX of the kernel that unpacks, with the NUL. */
const LONGEST_NAME = 4095;
/** A directory is open for each level. */
const DEEPEST = 200;

type Stat = ReturnType<typeof fstat>;

interface Walk {
  readonly writer: ArchiveWriter;
  /** Device of the tree: mounts below it are other file systems, and not the image's. */
  readonly dev: number;
  /** Numbers of the files with several links that are in the archive. */
  readonly linked: Map<string, number>;
  count: number;
}

/**
 * Writes a directory tree as archive entries: directories, files, links, device nodes and pipes, with owners, modes and
 * times. Every name is opened by its parent's descriptor and no symbolic link is followed, so nothing outside of the
 * tree is read, whatever somebody does to it meanwhile. Sockets are left out; extended attributes have no place in the
 * format.
 */
export function archiveTree(writer: ArchiveWriter, root: number): void {
  const directory = openat(root, ".", O_RDONLY | O_DIRECTORY);
  try {
    const stat = fstat(directory);
    // The first entry of an archive is its root; its mode and owner become those of the guest's root.
    writer.text(head(".", stat, 0, 1, 0));
    addDirectory({ writer, dev: stat.dev, linked: new Map(), count: 1 }, directory, "", 0);
  } finally {
    close(directory);
  }
}

function addDirectory(walk: Walk, directory: number, path: string, depth: number): void {
  if (depth > DEEPEST) throw refusal(path, `is more than ${DEEPEST} directories deep`);
  for (const name of readdir(directory).sort()) addName(walk, directory, name, `${path}${name}`, depth);
}

function addName(walk: Walk, directory: number, name: string, path: string, depth: number): void {
  if (utf8Size(path) >= LONGEST_NAME) throw refusal(path, "has too long a path");
  const stat = statOf(directory, name, path);
  const type = stat.mode & S_IFMT;
  if (type === S_IFSOCK) return;
  if (type === S_IFDIR) addSubdirectory(walk, directory, name, path, depth);
  else if (type === S_IFREG) addFile(walk, directory, name, path);
  else if (type === S_IFLNK) addText(walk, path, stat, readlinkat(directory, name));
  else walk.writer.text(head(path, stat, 0, 1, walk.count++));
}

function statOf(directory: number, name: string, path: string): Stat {
  try {
    return fstatat(directory, name, AT_SYMLINK_NOFOLLOW);
  } catch (error) {
    if (isSysError(error, "ENOENT") && name.includes("\ufffd")) throw refusal(path, "has a name that is no UTF-8");
    throw error;
  }
}

function addSubdirectory(walk: Walk, parent: number, name: string, path: string, depth: number): void {
  const directory = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  try {
    const stat = fstat(directory);
    walk.writer.text(head(path, stat, 0, 1, walk.count++));
    if (stat.dev === walk.dev) addDirectory(walk, directory, `${path}/`, depth + 1);
  } finally {
    close(directory);
  }
}

/** O_NONBLOCK: a pipe that takes the file's place must not make us wait. */
function addFile(walk: Walk, directory: number, name: string, path: string): void {
  const fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const stat = fstat(fd);
    if ((stat.mode & S_IFMT) !== S_IFREG) throw refusal(path, "changed while it was read");
    const number = numberOf(walk, stat);
    const isFirst = number === undefined;
    const size = isFirst ? stat.size : 0;
    walk.writer.text(head(path, stat, size, stat.nlink, number ?? walk.count++));
    if (size === 0) return;
    walk.writer.content(fd, size, path);
    walk.writer.align();
  } finally {
    close(fd);
  }
}

/** Number of the entry that has the data of this file; undefined for the first name of a file. */
function numberOf(walk: Walk, stat: Stat): number | undefined {
  if (stat.nlink === 1) return undefined;
  const key = `${stat.dev}:${stat.ino}`;
  const number = walk.linked.get(key);
  if (number === undefined) walk.linked.set(key, walk.count);
  return number;
}

function addText(walk: Walk, path: string, stat: Stat, text: string): void {
  walk.writer.text(head(path, stat, utf8Size(text), 1, walk.count++));
  walk.writer.text(text);
  walk.writer.align();
}

function head(name: string, stat: Stat, size: number, nlink: number, ino: number): string {
  const { mode, uid, gid, mtime, rdevMajor, rdevMinor } = stat;
  return cpioHead({ name, mode, uid, gid, mtime, size, ino, nlink, rdevMajor, rdevMinor });
}

function refusal(path: string, reason: string): RuntimeFailure {
  return new RuntimeFailure("initrd", `/${path} of the container's rootfs ${reason}: it cannot be part of an initrd`);
}
