import type { BlockMount } from "../plan/mountinfo.ts";
import { pread } from "../sys/file.ts";
import { decodeUtf8 } from "../sys/text.ts";
import { withBlockDevice } from "./block-device.ts";

/** The superblock of ext2, ext3 and ext4 (ext4(5), Documentation/filesystems/ext4/super.rst in the kernel's sources). */
const OFFSET = 1024;
const SIZE = 1024;
const ERRORS = 0x3c;
const ERRORS_PANIC = 3;
/** Options as text, which mount(2) takes as if they were given to it. */
const MOUNT_OPTS = 0x200;
const MOUNT_OPTS_SIZE = 64;

/**
 * Whether the kernel would panic on the first broken block of this file system once it is mounted again: its options say
 * so, or the superblock does, which the guest could write.
 */
export function panicsOnErrors(mount: BlockMount): boolean {
  const { fsType, superOptions } = mount;
  if (!/^ext[234]$/.test(fsType)) return false;
  if (superOptions.split(",").includes("errors=panic")) return true;
  const block = new ArrayBuffer(SIZE);
  if (withBlockDevice(mount, (fd) => pread(fd, block, 0, SIZE, OFFSET)) < SIZE) return false;
  const options = decodeUtf8(block, MOUNT_OPTS, MOUNT_OPTS_SIZE);
  return new DataView(block).getUint16(ERRORS, true) === ERRORS_PANIC || options.includes("panic");
}
