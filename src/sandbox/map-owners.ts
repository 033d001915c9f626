import { RuntimeFailure } from "../failure.ts";
import { MOUNT_ATTR_RDONLY, S_IFDIR, S_IFMT } from "../sys/constants.ts";
import { isSysError, messageOf } from "../sys/errors.ts";
import { fstat } from "../sys/file.ts";
import { mountIdmap } from "../sys/mount.ts";

/**
 * Lets a monitor that has a user of its own have what the bundle's user has, by a mount that shows the one's files as the
 * other's. What is open to everybody stays as it is: not every file system can do it.
 *
 * @param mount attached nowhere yet.
 * @param attributes MOUNT_ATTR_* of it.
 * @throws RuntimeFailure `monitor-uids` naming the place.
 */
export function mapOwners(mount: number, ownerMap: number, attributes: number, target: string): void {
  const { mode } = fstat(mount);
  const reading = (mode & S_IFMT) === S_IFDIR ? 0o5 : 0o4;
  const needed = (attributes & MOUNT_ATTR_RDONLY) === 0 ? reading | 0o2 : reading;
  if ((mode & needed) === needed) return;
  try {
    mountIdmap(mount, ownerMap);
  } catch (error) {
    if (!isSysError(error)) throw error;
    const message = `runtime.monitor_uids: ${target} of the monitor is not open to everybody, and its file system cannot show it as the monitor's (${messageOf(error)}): change its mode, or leave the key out`;
    throw new RuntimeFailure("monitor-uids", message, { kind: "system", cause: error });
  }
}
