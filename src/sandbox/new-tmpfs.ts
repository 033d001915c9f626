import { close } from "../sys/file.ts";
import { fsconfigCreate, fsconfigSet, fsmount, fsopen } from "../sys/mount.ts";

/**
 * A tmpfs that is mounted nowhere yet.
 *
 * @param size most bytes.
 * @param mode permission bits of its root.
 * @param attributes MOUNT_ATTR_*.
 */
export function newTmpfs(size: number, mode: number, attributes: number): number {
  const context = fsopen("tmpfs");
  fsconfigSet(context, "source", "tmpfs");
  fsconfigSet(context, "size", String(size));
  fsconfigSet(context, "mode", mode.toString(8));
  fsconfigCreate(context);
  const fd = fsmount(context, attributes);
  close(context);
  return fd;
}
