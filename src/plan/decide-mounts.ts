/** The bind mounts of the bundle, and the way each takes into the guest. */
import { cleanPath } from "../oci/clean-path.ts";
import type { SpecMount } from "../oci/spec.ts";
import type { GuestRoot } from "./decide-root.ts";
import type { BindMount } from "./launch-plan.ts";
import type { Planning } from "./plan-input.ts";

/** Made by the guest's kernel, or nothing that a copy could stand for. */
const OF_THE_GUEST: readonly string[] = ["/dev", "/proc", "/sys"];

/** Engines mount these everywhere: that a guest without files does not get them is no news. */
const EVERYWHERE: readonly string[] = [
  "/etc/hostname",
  "/etc/hosts",
  "/etc/resolv.conf",
  "/run/secrets",
  "/var/run/secrets",
];

/** `share`: mounted below it. `initrd`: copied into it. `none`: this guest has no files of the host's. */
export type MountWay = "share" | "initrd" | "none";

export function mountWay({ guest, metadata }: Planning, root: GuestRoot): MountWay {
  if (root.kind === "virtiofs" || root.kind === "9p") return "share";
  if (root.kind === "rootfs-archive") return "initrd";
  // With a disk for its root our own init finds the copies in the initrd that brings it.
  if (metadata.boot !== undefined) return "initrd";
  return root.kind === "initrd" && guest.mountsInInitrd !== undefined ? "initrd" : "none";
}

export function decideMounts(planning: Planning, way: MountWay): readonly BindMount[] {
  const { spec, bundle, warnings, metadata } = planning;
  const binds = spec.mounts.filter(isBind).flatMap((mount) => {
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
  if (way !== "none") return binds;
  const lost = binds.map(({ destination }) => destination).filter((path) => !isBelow(path, EVERYWHERE));
  if (lost.length > 0) warnings.push(`${metadata.guest} does not get the bind mounts ${lost.join(", ")}: ${ADVICE}`);
  return [];
}

const ADVICE = "it has no initrd and no shared root to have them in";

function isBind({ type, options }: SpecMount): boolean {
  return type === "bind" || options.includes("bind") || options.includes("rbind");
}

function isBelow(path: string, places: readonly string[]): boolean {
  return places.some((place) => path === place || path.startsWith(`${place}/`));
}
