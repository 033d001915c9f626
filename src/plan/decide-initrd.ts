/** Container boot, and the initrd that is made for a guest. */
import type { GuestMount, GuestNeeds } from "../guests/guest.ts";
import { OWN_INIT } from "../guests/linux.ts";
import { BOOT_DEFAULT } from "../oci/validate-metadata.ts";
import { MEBIBYTE } from "../units.ts";
import { type BootFiles, bootFiles, isAllowed } from "./boot-files.ts";
import { checkKernel } from "./check-kernel.ts";
import { imageFile, inMebibytes } from "./decide.ts";
import type { RootKind } from "./decide-root.ts";
import { KERNEL_TARGET, MADE_INITRD_TARGET } from "./image-files.ts";
import type { BindMount, HostFile, InitrdPart, MadeInitrd } from "./launch-plan.ts";
import type { Planning } from "./plan-input.ts";

/**
 * What a Linux kernel needs for itself while it unpacks an initrd: measured with Debian's 6.1 (75 MiB of 128 and 256
 * are enough, 69 are not), and its table of pages grows with the memory.
 */
const KERNEL_MEMORY = 80 * MEBIBYTE;
const MEMORY_PER_PAGE_TABLE = 64;

/** The kernel of the host in the monitor's root; none for images that bring their own. */
export function decideBoot(planning: Planning): readonly HostFile[] {
  const { metadata, configuration } = planning;
  const boot = bootFiles(metadata, configuration.containerBoot);
  if (boot === undefined) return [];
  if (boot.kernel === "") {
    refuse(
      planning,
      "annotation com.urunc.unikernel.bootKernel: container_boot.kernel of the configuration file is empty: set it",
    );
    return [];
  }
  if (checkHostFile(planning, "bootKernel", boot.kernel)) {
    checkKernel(planning, "bootKernel", boot.kernel, planning.facts.hostFiles?.[boot.kernel]);
  }
  if (boot.initrd !== undefined) checkHostFile(planning, "bootInitrd", boot.initrd);
  else if (metadata.boot?.initrd === BOOT_DEFAULT) {
    refuse(
      planning,
      "annotation com.urunc.unikernel.bootInitrd: container_boot.initrd of the configuration file is empty: set it or remove the annotation",
    );
  }
  if (guestInit(planning, boot) === "") {
    refuse(
      planning,
      "guest-init is missing in ../libexec/urunc beside urunc: install it or set container_boot.guest_init",
    );
  }
  return [{ source: boot.kernel, target: KERNEL_TARGET }];
}

/** Of a file that is not allowed nothing is told. */
function checkHostFile(planning: Planning, annotation: string, path: string): boolean {
  const { containerBoot } = planning.configuration;
  const place = `annotation com.urunc.unikernel.${annotation}: ${path}`;
  if (!isAllowed(path, containerBoot)) {
    const allowed = containerBoot.directories.join(", ") || "no directory";
    refuse(planning, `${place} lies in none of the directories that container_boot.directories allows: ${allowed}`);
    return false;
  }
  const fact = planning.facts.hostFiles?.[path];
  const reason =
    fact === undefined ? "it was not looked for" : !fact.found ? fact.reason : fact.size > 0 ? "" : "empty";
  if (reason === "") return true;
  refuse(planning, `${place} on the host: ${reason}`);
  return false;
}

/** Empty when there is none. */
function guestInit(planning: Planning, boot: BootFiles): string {
  if (boot.guestInit === "") return planning.facts.guestInit ?? "";
  return planning.facts.hostFiles?.[boot.guestInit]?.found === true ? boot.guestInit : "";
}

function refuse(planning: Planning, message: string): void {
  planning.problems.push({ code: "container-boot", message });
}

/** Whether the guest's root will be an initrd, the image's or one made of its rootfs. */
export function hasInitrd({ metadata }: Planning): boolean {
  return metadata.initrd !== undefined || metadata.boot !== undefined;
}

/** Where copies of bind mounts lie in an initrd whose guest has its root elsewhere; each by its number. */
const MOUNTS = "/.urunc/mounts";

/** What our init has to do for bind mounts that an initrd brings. */
export function guestMounts(mounts: readonly BindMount[], root: RootKind): readonly GuestMount[] {
  return hasRamRoot(root)
    ? mountsInPlace(mounts)
    : mounts.map((bind, index) => ({ source: `${index}`, ...withOptions(bind) }));
}

/** The same for what has its place without our init: that is mounted on itself, with the options. */
export function mountsInPlace(mounts: readonly BindMount[]): readonly GuestMount[] {
  return mounts.filter(({ readonly, flags }) => readonly || flags !== undefined).map(withOptions);
}

export function withOptions({ destination, readonly, flags }: BindMount): GuestMount {
  return { destination, readonly, ...(flags === undefined ? {} : { flags }) };
}

function hasRamRoot(root: RootKind): boolean {
  return root === "initrd" || root === "rootfs-archive";
}

/** The initrd to be made; none when there is nothing to put into it, so that the image's is bound as it is. */
export function decideInitrd(
  planning: Planning,
  needs: GuestNeeds,
  memory: number,
  root: RootKind,
  mounts: readonly BindMount[],
): MadeInitrd | undefined {
  const parts = decideParts(planning, needs, root, mounts);
  if (parts.length === 0) return undefined;
  return { target: MADE_INITRD_TARGET, ...decideLimit(planning, memory), parts };
}

function decideLimit(planning: Planning, memory: number): Pick<MadeInitrd, "limit" | "limitSource"> {
  const { metadata, configuration } = planning;
  const configured = configuration.containerBoot.maxInitrdMb * MEBIBYTE;
  const own = metadata.initrd === undefined ? undefined : imageFile(planning, metadata.initrd);
  const base = own?.found === true ? own.size : 0;
  // The archive and what it is unpacked to are in the guest's memory at the same time. An archive of the image may be
  // compressed, so that it is left as it is whatever its size.
  const room = base > 0 ? (memory - base) / 4 : (memory - memory / MEMORY_PER_PAGE_TABLE - KERNEL_MEMORY) / 2;
  const fitting = Math.max(MEBIBYTE, Math.floor(room));
  const limitSource = fitting < configured ? `guest memory of ${inMebibytes(memory)}` : "container_boot.max_initrd_mb";
  return { limit: base + Math.min(configured, fitting), limitSource };
}

function decideParts(
  planning: Planning,
  { initConfiguration }: GuestNeeds,
  root: RootKind,
  mounts: readonly BindMount[],
): readonly InitrdPart[] {
  const { metadata, configuration, guest } = planning;
  const boot = bootFiles(metadata, configuration.containerBoot);
  if (initConfiguration?.form === "raw") return [{ kind: "raw", text: initConfiguration.text }];
  const record = initConfiguration === undefined ? [] : [configurationPart(initConfiguration.text)];
  const copies = mounts.map(({ source, destination }, index) => {
    const path = hasRamRoot(root) ? destination : `${MOUNTS}/${index}`;
    return { kind: "mount", source, path } as const;
  });
  const without = mounts.map(({ destination }) => destination);
  if (boot === undefined) {
    if (metadata.initrd === undefined || record.length + copies.length === 0) return [];
    const source = metadata.initrd;
    const isMerged = guest.mountsInInitrd === "merged";
    const image: InitrdPart = isMerged ? { kind: "image-archive", source, without } : { kind: "image-file", source };
    return [image, ...copies, ...record, { kind: "end" }];
  }
  const parts: InitrdPart[] = [];
  if (boot.initrd !== undefined) parts.push({ kind: "host-file", source: boot.initrd });
  if (root === "rootfs-archive") parts.push({ kind: "rootfs", without });
  const directory = OWN_INIT.slice(0, OWN_INIT.lastIndexOf("/"));
  parts.push({ kind: "directory", path: directory, mode: 0o755 });
  parts.push({ kind: "program", path: OWN_INIT, source: guestInit(planning, boot) });
  return [...parts, ...copies, ...record, { kind: "end" }];
}

function configurationPart(text: string): InitrdPart {
  return { kind: "text", path: "/urunit.conf", mode: 0o400, text };
}
