/** The bind mounts of the bundle, and the way each takes into the guest. */
import { cleanPath } from "../oci/clean-path.ts";
import type { Spec, SpecMount } from "../oci/spec.ts";
import type { GuestRoot } from "./decide-root.ts";
import type { BindMount } from "./launch-plan.ts";
import { isBelow } from "./places.ts";
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

/** `binds` where they reach the guest by this way, else none. */
export function decideMounts(
  { warnings, metadata }: Planning,
  way: MountWay,
  binds: readonly BindMount[],
): readonly BindMount[] {
  if (way !== "none") return binds;
  const lost = binds.map(({ destination }) => destination).filter((path) => !isBelow(path, EVERYWHERE));
  if (lost.length > 0) warnings.push(`${metadata.guest} does not get the bind mounts ${lost.join(", ")}: ${ADVICE}`);
  return [];
}

const ADVICE = "it has no initrd and no shared root to have them in";

function isBind({ type, options }: SpecMount): boolean {
  return type === "bind" || options.includes("bind") || options.includes("rbind");
}
