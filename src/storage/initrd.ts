import { RuntimeFailure } from "../failure.ts";
import type { InitrdPart, MadeInitrd } from "../plan/launch-plan.ts";
import { S_IFDIR, S_IFMT, S_IFREG } from "../sys/constants.ts";
import { close, fstat, lseek } from "../sys/file.ts";
import { openRegular, openRegularInRoot } from "../sys/regular-file.ts";
import { utf8Size } from "../text-size.ts";
import { archiveTree, type TreeWalk, treeWalk } from "./archive-tree.ts";
import { type ArchiveWriter, archiveWriter } from "./archive-writer.ts";
import { cpioHead, cpioTrailer } from "./cpio.ts";
import { scanArchive, treeOfArchive } from "./cpio-scan.ts";
import { followLinks, type GuestTree, NO_TREE } from "./guest-tree.ts";
import { treeOfDirectory } from "./image-tree.ts";
import { addMount } from "./mount-entries.ts";

const CLOSED = "The initrd of the image is no plain cpio archive, it may be compressed";

/** Where the parts of an initrd are on their way into it. */
interface Writing {
  readonly writer: ArchiveWriter;
  readonly walk: TreeWalk;
  /** The container's rootfs. */
  readonly image: number;
  /** What entries that are already written leave in the guest, as far as it can be known. */
  tree: GuestTree;
  /** Directories made for what lies in them. */
  readonly made: Set<string>;
  /** What is written is no archive that anything could be added to. */
  isClosed: boolean;
  readonly warn: (message: string) => void;
}

/**
 * Writes the initrd of a plan to `out`: archives one after the other, which the kernel unpacks in that order over each
 * other.
 *
 * @param image the container's rootfs.
 * @param warn is told what cannot be part of it.
 * @returns its bytes.
 */
export function writeInitrd(out: number, initrd: MadeInitrd, image: number, warn: (message: string) => void): number {
  const writer = archiveWriter(out, initrd.limit, () => tooLarge(initrd));
  // Unikraft, which reads one archive only, does not know of links either (unikraft 0.17, lib/ukcpio/cpio.c).
  const walk = treeWalk(writer, !initrd.parts.some(({ kind }) => kind === "image-archive"));
  const writing: Writing = { writer, walk, image, tree: NO_TREE, made: new Set(), isClosed: false, warn };
  for (const part of initrd.parts) {
    if (writing.isClosed) {
      warn(`${CLOSED}: the guest does not get the bind mounts ${mountsOf(initrd).join(", ")}`);
      break;
    }
    writePart(writing, part);
  }
  return writer.finish();
}

function writePart(writing: Writing, part: InitrdPart): void {
  const { writer, image } = writing;
  switch (part.kind) {
    case "image-file":
      copy(writing, openOfImage(image, part.source), part.source);
      break;
    case "image-archive":
      copyEntries(writing, part.source, part.without);
      break;
    case "host-file":
      copy(writing, openOfHost(part.source), part.source);
      writing.tree = NO_TREE;
      break;
    case "rootfs":
      writing.tree = treeOfDirectory(image);
      archiveTree(writing.walk, image, "", places(writing.tree, part.without));
      break;
    case "mount":
      addMount(writing, part.source, part.path);
      break;
    case "directory":
      writer.text(ownHead(part.path, S_IFDIR | part.mode, 0));
      writing.made.add(part.path.slice(1));
      break;
    case "program":
      addProgram(writer, part.path, part.source);
      break;
    case "text":
      writer.text(ownHead(part.path, S_IFREG | part.mode, utf8Size(part.text)));
      writer.text(part.text);
      writer.align();
      break;
    case "end":
      writer.text(cpioTrailer());
      break;
    case "raw":
      writer.text(part.text);
      break;
    default:
      part satisfies never;
  }
}

/** Where paths of the guest are in a tree. */
function places(tree: GuestTree, paths: readonly string[]): ReadonlySet<string> {
  return new Set(paths.flatMap((path) => followLinks(tree, path) ?? []));
}

/** A whole file; what it leaves in the guest is known when it is an archive that is not compressed. */
function copy(writing: Writing, fd: number, name: string): void {
  const { writer } = writing;
  try {
    writer.content(fd, sizeOf(fd, name), name);
    // The kernel looks for the next archive at multiples of four.
    writer.align();
    const entries = scanArchive(fd);
    writing.tree = entries === undefined ? NO_TREE : treeOfArchive(entries);
  } finally {
    close(fd);
  }
}

/**
 * The archive of the image without its end, so that what comes next is in the same one. What is none is left as it is:
 * guests that read one archive only do not find another behind it.
 */
function copyEntries(writing: Writing, source: string, without: readonly string[]): void {
  const { writer } = writing;
  const fd = openOfImage(writing.image, source);
  try {
    const size = sizeOf(fd, source);
    const entries = scanArchive(fd);
    if (entries === undefined) {
      writer.content(fd, size, source);
      writing.isClosed = true;
      return;
    }
    writing.tree = treeOfArchive(entries);
    const left = [...places(writing.tree, without)];
    for (const { path, offset, length } of entries) {
      if (left.some((place) => path === place || path.startsWith(`${place}/`))) continue;
      lseek(fd, offset, 0);
      writer.content(fd, length, source);
    }
  } finally {
    close(fd);
  }
}

function addProgram(writer: ArchiveWriter, path: string, source: string): void {
  const fd = openOfHost(source);
  try {
    const size = sizeOf(fd, source);
    writer.text(ownHead(path, S_IFREG | 0o755, size));
    writer.content(fd, size, source);
    writer.align();
  } finally {
    close(fd);
  }
}

function sizeOf(fd: number, name: string): number {
  const { mode, size } = fstat(fd);
  if ((mode & S_IFMT) !== S_IFREG) throw notRegular(name);
  return size;
}

function openOfImage(image: number, path: string): number {
  const fd = openRegularInRoot(image, path);
  if (fd === undefined) throw notRegular(path);
  return fd;
}

function openOfHost(path: string): number {
  const fd = openRegular(path);
  if (fd === undefined) throw notRegular(path);
  return fd;
}

function notRegular(name: string): RuntimeFailure {
  return new RuntimeFailure("initrd", `${name}: not a regular file`);
}

/** An entry of ours: it belongs to root and is as old as time. */
function ownHead(path: string, mode: number, size: number): string {
  const nothing = { uid: 0, gid: 0, mtime: 0, ino: 0, nlink: 1, rdevMajor: 0, rdevMinor: 0 };
  return cpioHead({ name: path.slice(1), mode, size, ...nothing });
}

function mountsOf({ parts }: MadeInitrd): readonly string[] {
  return parts.flatMap((part) => (part.kind === "mount" ? [part.path] : []));
}

function tooLarge(initrd: MadeInitrd): RuntimeFailure {
  const { limit, limitSource } = initrd;
  const mounts = mountsOf(initrd);
  const copied = mounts.length === 0 ? "" : ` with the bind mounts ${mounts.join(", ")}`;
  return new RuntimeFailure(
    "initrd",
    `The guest's initrd${copied} would have more than ${limit} bytes, which ${limitSource} allows: raise that, or bring the file system as a block image (annotation com.urunc.unikernel.block)`,
  );
}
