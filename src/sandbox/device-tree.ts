/**
 * Device nodes for a monitor in a user namespace. Nobody in there may make one (mknod(2)), and those of the host may be
 * closed to its user, so the host's root makes them in a file system of their own and hands that over.
 */
import { MONITORS } from "../monitors/registry.ts";
import { TUN_DEVICE } from "../plan/fact-query.ts";
import type { LaunchPlan } from "../plan/launch-plan.ts";
import { AT_EMPTY_PATH, MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NOSUID, MOUNT_ATTR_RDONLY } from "../sys/constants.ts";
import { isSysError } from "../sys/errors.ts";
import { close, exists, mkdirat, umask } from "../sys/file.ts";
import { mountSetattr } from "../sys/mount.ts";
import { newTmpfs } from "./new-tmpfs.ts";
import { DEVICES, makeNode } from "./root.ts";

/** Bytes: a few nodes. */
const SIZE = 1 << 16;

/** The detached mount; undefined for a caller who may not make nodes: the host's are bound then. */
export function makeDeviceTree(plan: LaunchPlan): number | undefined {
  const paths = plan.devices.map(({ path }) => path);
  // Whether there is a nic is known at `start`, when it is too late.
  const mayOpenTap = MONITORS[plan.monitor].tap === "name" && !paths.includes(TUN_DEVICE) && exists(TUN_DEVICE);
  const mask = umask(0);
  const mount = newTmpfs(SIZE, 0o755, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
  try {
    for (const path of mayOpenTap ? [...paths, TUN_DEVICE] : paths) {
      const name = path.slice(DEVICES.length + 1);
      const cut = name.lastIndexOf("/");
      if (cut > 0) mkdirat(mount, name.slice(0, cut), 0o755);
      makeNode(mount, name, path);
    }
    mountSetattr(mount, "", AT_EMPTY_PATH, MOUNT_ATTR_RDONLY, 0, 0);
    return mount;
  } catch (error) {
    close(mount);
    if (isSysError(error, "EPERM")) return undefined;
    throw error;
  } finally {
    umask(mask);
  }
}
