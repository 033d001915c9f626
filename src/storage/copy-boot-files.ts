import { RuntimeFailure } from "../failure.ts";
import type { ImageFile, LaunchPlan } from "../plan/launch-plan.ts";
import { newTmpfs } from "../sandbox/new-tmpfs.ts";
import {
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  O_CREAT,
  O_EXCL,
  O_NONBLOCK,
  O_RDONLY,
  O_WRONLY,
  S_IFMT,
  S_IFREG,
} from "../sys/constants.ts";
import { close, fstat, openat, openDirectory, openInRoot, sendfile } from "../sys/file.ts";

/** Bytes: the rest of the last page and the directory. */
const SLACK = 1 << 16;

/**
 * Copies files of the image whose file system is about to be taken off the host into memory.
 *
 * @returns a file system for the monitor's root, mounted nowhere yet; undefined when there is nothing to copy.
 */
export function copyBootFiles({ imageFiles, rootfs }: LaunchPlan): number | undefined {
  const copied = imageFiles.filter((file) => file.copied === true);
  if (copied.length === 0) return undefined;
  const image = openDirectory(rootfs);
  try {
    const sources = copied.map((file) => ({ file, fd: openInRoot(image, file.source, O_RDONLY | O_NONBLOCK) }));
    const total = sources.reduce((sum, { file, fd }) => sum + sizeOf(file, fd), SLACK);
    const area = newTmpfs(total, 0o755, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    for (const { file, fd } of sources) {
      copyInto(area, file, fd);
      close(fd);
    }
    return area;
  } finally {
    close(image);
  }
}

function sizeOf(file: ImageFile, fd: number): number {
  const { mode, size } = fstat(fd);
  if ((mode & S_IFMT) === S_IFREG) return size;
  throw new RuntimeFailure("image-file", `Image file ${file.source}: not a regular file`);
}

function copyInto(area: number, file: ImageFile, fd: number): void {
  const name = file.target.slice(file.target.lastIndexOf("/") + 1);
  const out = openat(area, name, O_WRONLY | O_CREAT | O_EXCL, 0o444);
  try {
    for (let left = sizeOf(file, fd); left > 0; ) {
      const copied = sendfile(out, fd, left);
      if (copied === 0) throw new RuntimeFailure("image-file", `Image file ${file.source} became shorter`);
      left -= copied;
    }
  } finally {
    close(out);
  }
}
