/** Mounts of the host that a container which waits for `start` can do without. */
import { cleanPath } from "../oci/clean-path.ts";
import type { LaunchPlan } from "./launch-plan.ts";
import type { MountEntry } from "./mountinfo.ts";
import { isBelow } from "./places.ts";
import type { PlanInput } from "./plan-input.ts";

/** The kernel's own file systems, and what the way to name servers leads through. */
const ALWAYS: readonly string[] = ["/dev", "/proc", "/sys", "/run/systemd/resolve"];

/**
 * Paths of the host that `start` opens.
 *
 * @param scratch the container's directory.
 */
export function pathsForStart(plan: LaunchPlan, { spec, bundle }: PlanInput, scratch: string): readonly string[] {
  const ofInitrd = (plan.initrd?.parts ?? []).flatMap((part) =>
    part.kind === "mount" || part.kind === "host-file" || part.kind === "program" ? [part.source] : [],
  );
  const bound = spec.mounts.flatMap(({ source }) => (source?.startsWith("/") === true ? [source] : []));
  const files = plan.hostFiles.map(({ source }) => source);
  const devices = plan.devices.map(({ path }) => path);
  return [...new Set([...ALWAYS, bundle, plan.rootfs, scratch, ...files, ...devices, ...ofInitrd, ...bound])];
}

/**
 * Places where something is mounted on which none of the paths depends, in the order in which they can be unmounted:
 * what is mounted below one of them goes with it.
 *
 * @param needed paths as they are named, and all that their symbolic links lead through.
 */
export function unneededMounts(entries: readonly MountEntry[], needed: readonly string[]): readonly string[] {
  const paths = [...new Set(needed.map(cleanPath))];
  const gone = new Set<string>();
  const places: string[] = [];
  for (const { mountPoint } of entries) {
    const isNeeded =
      mountPoint === "/" ||
      paths.some((path) => path === "/" || isBelow(path, [mountPoint]) || isBelow(mountPoint, [path]));
    if (isNeeded || hasParentIn(gone, mountPoint)) continue;
    gone.add(mountPoint);
    places.push(mountPoint);
  }
  return places;
}

/** Whether one of the directories above the path is among them. */
function hasParentIn(places: ReadonlySet<string>, path: string): boolean {
  for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
    if (places.has(path.slice(0, end))) return true;
  }
  return false;
}
