/** The bind mounts of the bundle, and the way each takes into the guest. */
import { cleanPath } from "../oci/clean-path.ts";
import type { Spec, SpecMount } from "../oci/spec.ts";
import type { GuestRoot } from "./decide-root.ts";
import type { BindMount } from "./launch-plan.ts";
import { isReadonlyMount } from "./mountinfo.ts";
import { isBelow } from "./places.ts";
import type { Planning } from "./plan-input.ts";

/** Made by the guest's kernel, or nothing that a copy could stand for. */
const OF_THE_GUEST: readonly string[] = ["/dev", "/proc", "/sys"];

/** Engines mount these everywhere: that a guest without files does not get them is no news. */
const EVERYWHERE: readonly string[] = [
  "/etc/hostname",
  "/etc/hosts",
  "/etc/resolv.conf",
  // Podman and CRI-O tell programs by it that they are in a container.
  "/run/.containerenv",
  "/run/secrets",
  "/var/run/secrets",
];

/**
 * `share`: mounted below it. `initrd`: copied into it. `rootfs`: copied into its file system. `none`: this guest has no
 * files of the host's.
 */
export type MountWay = "share" | "initrd" | "rootfs" | "none";

export function mountWay({ guest, metadata }: Planning, root: GuestRoot): MountWay {
  if (root.kind === "virtiofs" || root.kind === "9p") return "share";
  if (root.kind === "rootfs-archive") return "initrd";
  // With a disk for its root our own init finds the copies in the initrd that brings it.
  if (metadata.boot !== undefined) return "initrd";
  if (root.mount !== undefined) return isReadonlyMount(root.mount) ? "none" : "rootfs";
  return root.kind === "initrd" && guest.mountsInInitrd !== undefined ? "initrd" : "none";
}

/** Those that are the guest's business. */
export function bindMounts(spec: Spec, bundle: string): readonly BindMount[] {
  return spec.mounts.filter(isBind).flatMap((mount) => {
    const destination = cleanPath(mount.destination);
    if (destination === "/" || isBelow(destination, OF_THE_GUEST)) return [];
    const source = mount.source ?? "";
    return [
      {
        source: source.startsWith("/") ? source : `${bundle}/${source}`,
        destination,
        readonly: mount.options.includes("ro"),
        recursive: mount.options.includes("rbind"),
      },
    ];
  });
}

/**
 * Those of `binds` that reach the guest by this way.
 *
 * @param disks places of the guest's further disks.
 */
export function decideMounts(
  { warnings, metadata, facts }: Planning,
  root: GuestRoot,
  way: MountWay,
  binds: readonly BindMount[],
  disks: readonly string[],
): readonly BindMount[] {
  const why = (bind: BindMount): string | undefined => {
    if (way === "none") return whyNone(root);
    if (way !== "rootfs") return undefined;
    // Whoever gives a file system to a guest wants to see what it writes.
    if (Object.hasOwn(facts.volumes ?? {}, bind.source)) return "a file system of its own is not copied";
    return isBelow(bind.destination, disks) ? "a disk is mounted over them" : undefined;
  };
  const lost = binds.filter((bind) => why(bind) !== undefined);
  const told = lost.filter(({ destination }) => !isBelow(destination, EVERYWHERE));
  for (const reason of new Set(told.map(why))) {
    const places = told.filter((bind) => why(bind) === reason).map(({ destination }) => destination);
    warnings.push(`${metadata.guest} does not get the bind mounts ${places.join(", ")}: ${reason}`);
  }
  return binds.filter((bind) => why(bind) === undefined);
}

function whyNone({ kind }: GuestRoot): string {
  if (kind === "block") return "its root is the image's own block image, which is not changed: put the files into that";
  if (kind === "rootfs-block") return "the file system of the rootfs is mounted read-only";
  return "it has no initrd and no shared root to have them in";
}

function isBind({ type, options }: SpecMount): boolean {
  return type === "bind" || options.includes("bind") || options.includes("rbind");
}
