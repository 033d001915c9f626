/** Bind mounts of whole file systems of the host: the guest gets their devices as disks. */
import type { Guest } from "../guests/guest.ts";
import { GUESTS } from "../guests/registry.ts";
import type { Monitor } from "../monitors/monitor.ts";
import { MONITORS } from "../monitors/registry.ts";
import type { UnikernelMetadata } from "../oci/metadata.ts";
import { decideArguments } from "./decide.ts";
import type { GuestRoot } from "./decide-root.ts";
import type { BindMount, DeviceToTake } from "./launch-plan.ts";
import { lose } from "./lose.ts";
import { type BlockMount, isReadonlyMount } from "./mountinfo.ts";
import { isBelow } from "./places.ts";
import { type Planning, rootfsPath } from "./plan-input.ts";

/** A disk in place of a bind mount. */
export interface Volume extends DeviceToTake {
  /** At most nine characters: init programs read no more of a serial number. */
  readonly id: string;
  readonly bind: BindMount;
}

/** Places that a host needs for itself, even where nobody has a file open there (Filesystem Hierarchy Standard). */
const OF_THE_HOST: readonly string[] = [
  "/",
  "/boot",
  "/boot/efi",
  "/etc",
  "/home",
  "/opt",
  "/root",
  "/srv",
  "/tmp",
  "/usr",
  "/usr/local",
  "/var",
  "/var/lib",
  "/var/log",
  "/var/tmp",
];

/** Whether it matters what is mounted at the sources of bind mounts: with a disk for its root a guest can have more. */
export function mayHaveVolumes({ guest, monitor, initrd, block, mountRootfs }: UnikernelMetadata): boolean {
  const { mountsVolumes }: Guest = GUESTS[guest];
  const { supportsBlock }: Monitor = MONITORS[monitor];
  if (mountsVolumes === undefined || !supportsBlock || initrd !== undefined) return false;
  return mountRootfs || block?.mountPoint === "/";
}

/** Those that are possible; each of the others is a warning. */
export function decideVolumes(planning: Planning, { kind }: GuestRoot, binds: readonly BindMount[]): readonly Volume[] {
  if (kind !== "block" && kind !== "rootfs-block") return [];
  const found = planning.facts.volumes ?? {};
  return binds.flatMap((bind, index) => {
    const fact = Object.hasOwn(found, bind.source) ? found[bind.source] : undefined;
    if (fact === undefined) return [];
    const reason = "reason" in fact ? fact.reason : whyNot(planning, fact.mount, bind, binds);
    if (reason === undefined && "mount" in fact) {
      return [{ id: `vol${index}`, bind, mount: fact.mount, readonly: isReadonly(bind, fact.mount) }];
    }
    lose(planning, `bind mount ${bind.destination}: ${bind.source} is no disk of the guest: ${reason}`);
    return [];
  });
}

function isReadonly(bind: BindMount, mount: BlockMount): boolean {
  return bind.readonly || isReadonlyMount(mount);
}

function whyNot(
  planning: Planning,
  mount: BlockMount,
  bind: BindMount,
  binds: readonly BindMount[],
): string | undefined {
  const { guest, monitor, metadata, spec, bundle } = planning;
  const { source, mountPoint, fsType } = mount;
  const containerBoot = metadata.boot !== undefined;
  if (guest.mountsVolumes?.(decideArguments(planning), containerBoot) !== true) {
    return `the init of ${metadata.guest} does not mount disks`;
  }
  if (OF_THE_HOST.includes(mountPoint)) return `${mountPoint} is the host's own`;
  const types = guest.rootFilesystems ?? [];
  if (!types.includes(fsType)) return `${source} has ${fsType}, ${metadata.guest} takes ${types.join(", ")}`;
  if (isReadonly(bind, mount) && !monitor.supportsReadonlyBlock)
    return `${metadata.monitor} has disks for writing only`;
  if (spec.linux.namespaces.some(({ type }) => type === "user")) return "not with a user namespace";
  for (const path of [bundle, rootfsPath(planning)]) {
    if (isBelow(path, [mountPoint])) return `${path} lies in it`;
  }
  const others = binds.filter((other) => other !== bind);
  const second = others.find((other) => isBelow(other.source, [bind.source, mountPoint]));
  if (second !== undefined) return `the bind mount ${second.destination} comes out of it, too`;
  // Disks are mounted before copies are.
  const over = others.find((other) => isBelow(bind.destination, [other.destination]));
  return over === undefined ? undefined : `it lies below the bind mount ${over.destination}`;
}
