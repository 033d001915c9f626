import { close } from "../sys/file.ts";
import { fsconfigCreate, fsconfigSet, fsmount, fsopen } from "../sys/mount.ts";

/**
 * Most files, directories and links of each. The kernel keeps about 1 KiB for one, whatever its size is, so that who may
 * write could take much of its memory; without a limit half as many are possible as the machine has pages.
 */
const MOST_FILES = 4096;

/**
 * A tmpfs that is mounted nowhere yet.
 *
 * @param size most bytes.
 * @param mode permission bits of its root.
 * @param attributes MOUNT_ATTR_*.
 * @param source what the tables of mounts call it.
 */
export function newTmpfs(size: number, mode: number, attributes: number, source = "tmpfs"): number {
  const context = fsopen("tmpfs");
  fsconfigSet(context, "source", source);
  fsconfigSet(context, "size", String(size));
  fsconfigSet(context, "nr_inodes", String(MOST_FILES));
  fsconfigSet(context, "mode", mode.toString(8));
  fsconfigCreate(context);
  const fd = fsmount(context, attributes);
  close(context);
  return fd;
}
