import { RuntimeFailure } from "../failure.ts";
import type { ImageFile, LaunchPlan } from "../plan/launch-plan.ts";
import { newTmpfs } from "../sandbox/new-tmpfs.ts";
import { MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NOSUID, O_CREAT, O_EXCL, O_WRONLY } from "../sys/constants.ts";
import { close, fstat, openat, openDirectory, sendfile } from "../sys/file.ts";
import { openRegularInRoot } from "../sys/regular-file.ts";

/** Bytes: the rest of the last page and the directory. */
const SLACK = 1 << 16;

interface Source {
  readonly file: ImageFile;
  readonly fd: number;
  /** Bytes when it was opened: no more are copied. */
  readonly size: number;
}

/**
 * Copies files of the image whose file system is about to be taken off the host into memory.
 *
 * @returns a file system for the monitor's root, mounted nowhere yet; undefined when there is nothing to copy.
 */
export function copyBootFiles({ imageFiles, rootfs, memory }: LaunchPlan): number | undefined {
  const copied = imageFiles.filter((file) => file.copied === true);
  if (copied.length === 0) return undefined;
  const image = openDirectory(rootfs);
  try {
    const sources = copied.map((file) => openSource(image, file));
    const total = sources.reduce((sum, { size }) => sum + size, SLACK);
    // The plan has seen to it; the files may have grown since.
    if (total > memory + SLACK)
      throw new RuntimeFailure(
        "image-file",
        `Image files have ${total - SLACK} bytes to be copied, the guest's memory ${memory}`,
      );
    const area = newTmpfs(total, 0o755, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    for (const source of sources) {
      copyInto(area, source);
      close(source.fd);
    }
    return area;
  } finally {
    close(image);
  }
}

function openSource(image: number, file: ImageFile): Source {
  const fd = openRegularInRoot(image, file.source);
  if (fd === undefined) throw new RuntimeFailure("image-file", `Image file ${file.source}: not a regular file`);
  return { file, fd, size: fstat(fd).size };
}

function copyInto(area: number, { file, fd, size }: Source): void {
  const name = file.target.slice(file.target.lastIndexOf("/") + 1);
  const out = openat(area, name, O_WRONLY | O_CREAT | O_EXCL, 0o444);
  try {
    for (let left = size; left > 0; ) {
      const copied = sendfile(out, fd, left);
      if (copied === 0) throw new RuntimeFailure("image-file", `Image file ${file.source} became shorter`);
      left -= copied;
    }
  } finally {
    close(out);
  }
}
