/** The bind mounts of the bundle, and the way each takes into the guest. */
import { cleanPath } from "../oci/clean-path.ts";
import type { Spec, SpecMount } from "../oci/spec.ts";
import type { GuestRoot } from "./decide-root.ts";
import type { BindMount } from "./launch-plan.ts";
import { lose } from "./lose.ts";
import { readMountOptions } from "./mount-options.ts";
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

/** Types of file systems that show a kernel, and that of a guest is another one. */
const OF_A_KERNEL: readonly string[] = ["proc", "sysfs", "devpts", "mqueue", "cgroup", "cgroup2", "securityfs"];

/** Places where engines mount something for every container, beside {@link EVERYWHERE}: nothing of the user's. */
const OF_ENGINES: readonly string[] = [
  ..."/dev /proc /run /sys /sys/fs/cgroup".split(" "),
  ..."console full mqueue null ptmx pts random shm termination-log tty urandom zero"
    .split(" ")
    .map((name) => `/dev/${name}`),
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
    if (isOfTheGuest(destination)) return [];
    const source = mount.source ?? "";
    const { bind, readonly, flags, writableBelow } = readMountOptions(mount.options);
    return [
      {
        source: source.startsWith("/") ? source : `${bundle}/${source}`,
        destination,
        readonly,
        recursive: bind === "rbind",
        ...(flags.length === 0 ? {} : { flags }),
        ...(writableBelow ? { writableBelow } : {}),
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
  planning: Planning,
  root: GuestRoot,
  way: MountWay,
  binds: readonly BindMount[],
  disks: readonly string[],
): readonly BindMount[] {
  const { metadata, facts } = planning;
  const why = (bind: BindMount): string | undefined => {
    if (way === "none") return whyNone(root);
    if (facts.specialSources?.includes(bind.source)) return "they are neither files nor directories";
    if (way !== "rootfs") return undefined;
    // Whoever gives a file system to a guest wants to see what it writes.
    if (Object.hasOwn(facts.volumes ?? {}, bind.source)) return "a file system of its own is not copied";
    return isBelow(bind.destination, disks) ? "a disk is mounted over them" : undefined;
  };
  const lost = binds.filter((bind) => why(bind) !== undefined);
  const told = lost.filter(({ destination }) => !isBelow(destination, EVERYWHERE));
  for (const reason of new Set(told.map(why))) {
    const places = told.filter((bind) => why(bind) === reason).map(({ destination }) => destination);
    lose(planning, `${metadata.guest} does not get the bind mounts ${places.join(", ")}: ${reason}`);
  }
  const kept = binds.filter((bind) => why(bind) === undefined);
  if (way !== "share") tellCopies(planning, kept);
  return kept;
}

/** A copy goes with the container, and what the guest has written to it. */
function tellCopies(planning: Planning, binds: readonly BindMount[]): void {
  const copies = binds.filter(({ destination, readonly }) => !readonly && !isBelow(destination, EVERYWHERE));
  if (copies.length === 0) return;
  const places = copies.map(({ source, destination }) => `${destination} (of ${source})`).join(", ");
  lose(
    planning,
    `${planning.metadata.guest} gets copies of the writable bind mounts ${places}: what it writes is lost`,
  );
}

/** Mounts that no guest gets, but for those that every engine adds: their places. */
export function loseOtherMounts(planning: Planning): void {
  const lost = planning.spec.mounts.filter((mount) => {
    const destination = cleanPath(mount.destination);
    if (OF_ENGINES.includes(destination)) return false;
    if (!isBind(mount)) return !OF_A_KERNEL.includes(mount.type ?? "");
    return isOfTheGuest(destination);
  });
  if (lost.length === 0) return;
  const places = lost.map(({ destination, type }) => (type === undefined ? destination : `${destination} (${type})`));
  const why = "guests get bind mounts only, none at / or below /dev, /proc and /sys";
  lose(planning, `${planning.metadata.guest} does not get the mounts ${places.join(", ")}: ${why}`);
}

/** Nodes for the monitor, which gets them when it needs them. */
const OF_THE_MONITOR: readonly string[] = ["kvm", "net/tun", "vhost-net", "vhost-vsock"].map((name) => `/dev/${name}`);
/** Devices that a message names. */
const MOST_DEVICES = 8;

/** A guest has no device of the host's, but for those that every container has. */
export function loseDevices(planning: Planning): void {
  const lost = (planning.spec.linux.deviceNodes ?? []).filter(
    (path) => !OF_ENGINES.includes(path) && !OF_THE_MONITOR.includes(path),
  );
  if (lost.length === 0) return;
  const more = lost.length > MOST_DEVICES ? ` and ${lost.length - MOST_DEVICES} more` : "";
  const names = lost.slice(0, MOST_DEVICES).join(", ");
  lose(planning, `${planning.metadata.guest} does not get the devices ${names}${more}: they are the host's`);
}

function whyNone({ kind }: GuestRoot): string {
  if (kind === "block") return "its root is the image's own block image, which is not changed: put the files into that";
  if (kind === "rootfs-block") return "the file system of the rootfs is mounted read-only";
  return "it has no initrd and no shared root to have them in";
}

export function isBind({ type, options }: SpecMount): boolean {
  return type === "bind" || readMountOptions(options).bind !== undefined;
}

export function isOfTheGuest(destination: string): boolean {
  return destination === "/" || isBelow(destination, OF_THE_GUEST);
}
