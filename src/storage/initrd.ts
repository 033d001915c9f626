import { RuntimeFailure } from "../failure.ts";
import type { InitrdPart, MadeInitrd } from "../plan/launch-plan.ts";
import { O_NONBLOCK, O_RDONLY, S_IFDIR, S_IFMT, S_IFREG } from "../sys/constants.ts";
import { close, fstat, open, openInRoot } from "../sys/file.ts";
import { utf8Size } from "../text-size.ts";
import { archiveTree } from "./archive-tree.ts";
import { type ArchiveWriter, archiveWriter } from "./archive-writer.ts";
import { cpioHead, cpioTrailer } from "./cpio.ts";

/**
 * Writes the initrd of a plan to `out`: archives one after the other, which the kernel unpacks in that order over each
 * other.
 *
 * @param image the container's rootfs.
 * @returns its bytes.
 */
export function writeInitrd(out: number, initrd: MadeInitrd, image: number): number {
  const writer = archiveWriter(out, initrd.limit, () => tooLarge(initrd));
  for (const part of initrd.parts) writePart(writer, part, image);
  return writer.finish();
}

function writePart(writer: ArchiveWriter, part: InitrdPart, image: number): void {
  switch (part.kind) {
    case "image-file":
      copy(writer, openInRoot(image, part.source, O_RDONLY | O_NONBLOCK), part.source);
      break;
    case "host-file":
      copy(writer, open(part.source, O_RDONLY), part.source);
      break;
    case "rootfs":
      archiveTree(writer, image);
      writer.text(cpioTrailer());
      break;
    case "directory":
      writer.text(ownHead(part.path, S_IFDIR | part.mode, 0));
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

function copy(writer: ArchiveWriter, fd: number, name: string): void {
  try {
    writer.content(fd, sizeOf(fd, name), name);
    // The kernel looks for the next archive at multiples of four.
    writer.align();
  } finally {
    close(fd);
  }
}

function addProgram(writer: ArchiveWriter, path: string, source: string): void {
  const fd = open(source, O_RDONLY);
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
  if ((mode & S_IFMT) !== S_IFREG) throw new RuntimeFailure("initrd", `${name}: not a regular file`);
  return size;
}

/** An entry of ours: it belongs to root and is as old as time. */
function ownHead(path: string, mode: number, size: number): string {
  const nothing = { uid: 0, gid: 0, mtime: 0, ino: 0, nlink: 1, rdevMajor: 0, rdevMinor: 0 };
  return cpioHead({ name: path.slice(1), mode, size, ...nothing });
}

function tooLarge({ limit, limitSource }: MadeInitrd): RuntimeFailure {
  return new RuntimeFailure(
    "initrd",
    `The guest's initrd would have more than ${limit} bytes, which ${limitSource} allows: raise that, or bring the file system as a block image (annotation com.urunc.unikernel.block)`,
  );
}
