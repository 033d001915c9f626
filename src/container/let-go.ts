import type { LaunchPlan } from "../plan/launch-plan.ts";
import { parseMountinfo } from "../plan/mountinfo.ts";
import type { PlanInput } from "../plan/plan-input.ts";
import { pathsForStart, unneededMounts } from "../plan/unneeded-mounts.ts";
import { MOUNTINFO, MOUNTINFO_LIMIT } from "../storage/undo.ts";
import { AT_FDCWD, MNT_DETACH, O_PATH, UMOUNT_NOFOLLOW } from "../sys/constants.ts";
import { isSysError } from "../sys/errors.ts";
import { close, open, readlinkat, readTextFile } from "../sys/file.ts";
import { umount2 } from "../sys/mount.ts";
import type { NamespaceSet } from "./namespaces.ts";

/** Of {@link InitInput}. */
interface Waiting {
  readonly plan: LaunchPlan;
  readonly planning: PlanInput;
  readonly scratch: string;
  readonly namespaces: NamespaceSet;
}

/**
 * Unmounts in the container's own copy of the mounts what `start` does not need, so that the host has the devices of its
 * file systems to itself while the container waits. In a user namespace mounts of the host cannot be taken apart
 * (mount_namespaces(7), locked mounts), and in a mount namespace of others /proc may be of their making: there they stay
 * until `start`.
 */
export function letGoOfMounts({ plan, planning, scratch, namespaces }: Waiting): void {
  if (namespaces.hasUser || namespaces.joined.some(({ type }) => type === "mount")) return;
  const needed = pathsForStart(plan, planning, scratch).flatMap((path) => [path, ...withoutLinks(path)]);
  const table = parseMountinfo(readTextFile(MOUNTINFO, MOUNTINFO_LIMIT));
  for (const place of unneededMounts(table, needed)) {
    try {
      umount2(place, MNT_DETACH | UMOUNT_NOFOLLOW);
    } catch (error) {
      // It is gone, or covered by another mount that is needed.
      if (!isSysError(error)) throw error;
    }
  }
}

/** Where the path leads; nothing for one that is not there yet. */
function withoutLinks(path: string): readonly string[] {
  let fd: number | undefined;
  try {
    fd = open(path, O_PATH);
    return [readlinkat(AT_FDCWD, `/proc/self/fd/${fd}`)];
  } catch (error) {
    if (isSysError(error)) return [];
    throw error;
  } finally {
    if (fd !== undefined) close(fd);
  }
}
