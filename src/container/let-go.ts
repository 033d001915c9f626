import { append } from "../few.ts";
import type { LaunchPlan } from "../plan/launch-plan.ts";
import { parseMountinfo } from "../plan/mountinfo.ts";
import type { PlanInput } from "../plan/plan-input.ts";
import { pathsForStart, unneededMounts } from "../plan/unneeded-mounts.ts";
import { MOUNTINFO, MOUNTINFO_LIMIT } from "../storage/undo.ts";
import { AT_FDCWD, MNT_DETACH, UMOUNT_NOFOLLOW } from "../sys/constants.ts";
import { isSysError } from "../sys/errors.ts";
import { readlinkat, readTextFile } from "../sys/file.ts";
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
  const needed = pathsForStart(plan, planning, scratch).flatMap((path) => [path, ...wayOf(path)]);
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

/** Links that the kernel follows in one path (path_resolution(7)). */
const MOST_LINKS = 40;

/**
 * Places of the symbolic links on the way of a path, and where it leads: what any of them lies on is needed. Up to the
 * first name that is not there.
 */
function wayOf(path: string): readonly string[] {
  const way: string[] = [];
  const names = path.split("/").reverse();
  let here = "";
  for (let name = names.pop(); name !== undefined && way.length < MOST_LINKS; name = names.pop()) {
    if (name === "" || name === ".") continue;
    if (name === "..") {
      here = here.slice(0, Math.max(0, here.lastIndexOf("/")));
      continue;
    }
    const place = `${here}/${name}`;
    const target = readLink(place);
    if (target === undefined) {
      here = place;
      continue;
    }
    way.push(place);
    if (target.startsWith("/")) here = "";
    append(names, target.split("/").reverse());
  }
  return [...way, here];
}

/** Undefined for what is no symbolic link. */
function readLink(path: string): string | undefined {
  try {
    return readlinkat(AT_FDCWD, path);
  } catch (error) {
    if (isSysError(error)) return undefined;
    throw error;
  }
}
