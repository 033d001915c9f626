/** What of the options of the bundle's mounts the guest does not get: each is named. */
import { cleanPath } from "../oci/clean-path.ts";
import type { SpecMount } from "../oci/spec.ts";
import { decideArguments } from "./decide.ts";
import { isBind, isOfTheGuest, type MountWay } from "./decide-mounts.ts";
import type { Volume } from "./decide-volumes.ts";
import type { BindMount } from "./launch-plan.ts";
import { lose } from "./lose.ts";
import { effectOf, RESTRICTIONS, readMountOptions } from "./mount-options.ts";
import type { Planning } from "./plan-input.ts";

/** How a mount comes to the guest: `disk`, a file system of the host as a whole. */
type Delivery = Exclude<MountWay, "none"> | "disk";

/** Of every bind mount that reaches the guest. */
export function judgeMounts(
  planning: Planning,
  way: MountWay,
  reached: readonly BindMount[],
  volumes: readonly Volume[],
): void {
  const has = (binds: readonly BindMount[], place: string) => binds.some(({ destination }) => destination === place);
  const disks = volumes.map(({ bind }) => bind);
  for (const mount of planning.spec.mounts) {
    const place = cleanPath(mount.destination);
    if (isOfTheGuest(place) || !isBind(mount)) continue;
    if (has(disks, place)) judgeMount(planning, mount, "disk");
    else if (way !== "none" && has(reached, place)) judgeMount(planning, mount, way);
  }
}

/** Whether the guest's init mounts with the options of the bundle: ours does. */
function initMountsWithOptions(planning: Planning): boolean {
  const containerBoot = planning.metadata.boot !== undefined;
  return planning.guest.mountsWithOptions?.(decideArguments(planning), containerBoot) === true;
}

/** Warnings, and problems where less than what is asked for would open something. */
function judgeMount(planning: Planning, mount: SpecMount, delivery: Delivery): void {
  const { problems, warnings, metadata, guest } = planning;
  const place = cleanPath(mount.destination);
  const warn = (what: string, why: string) => warnings.push(`mount ${place}: ${what}: ${why}`);
  const options = readMountOptions(mount.options);
  const isEnforced = initMountsWithOptions(planning);
  if (!isEnforced) {
    const lost = RESTRICTIONS.filter((flag) => options.flags.includes(flag));
    const why = `the init of ${metadata.guest} does not mount with options: its programs are not held to this`;
    // A unikernel has neither users nor programs but one.
    if (lost.length > 0 && guest.hasPrograms === true) {
      lose(planning, `mount ${place}: ${lost.join(", ")}: ${why}`);
    }
    if (options.readonly && (delivery === "initrd" || delivery === "rootfs")) {
      warn("ro", "the guest can write to its copy; the host's files stay as they are");
    }
  }
  for (const word of new Set(mount.options)) {
    const effect = effectOf(word);
    if (effect === undefined) warn(word, "not known, or an option of some file system: not used");
    else if (effect.does === "propagate" && effect.later) {
      warn(word, "what is mounted there later on the host or in the guest stays there");
    } else if (effect.does === "file-system") {
      warn(word, "a bind mount has what the file system on the host has");
    } else if (effect.does === "copy-up") {
      warn(word, "what the image has there is not copied");
    } else if (effect.does === "refused") warn(word, effect.why);
  }
  const idmap = mount.options.find((word) => effectOf(word)?.does === "idmap");
  if (idmap === undefined && mount.isIdMapped !== true) return;
  const what = idmap ?? "uidMappings, gidMappings";
  if (delivery === "share" || delivery === "disk") {
    const message = `mount ${place}: ${what}: ids cannot be mapped for a guest: take it away, or give the guest a copy`;
    problems.push({ code: "mount-idmap", message });
  } else warn(what, "the copy has the owners that the container's root sees on the host");
}
