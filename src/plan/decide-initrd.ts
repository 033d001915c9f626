/** Container boot, and the initrd that is made for a guest. */
import type { GuestNeeds } from "../guests/guest.ts";
import { OWN_INIT } from "../guests/linux.ts";
import { BOOT_DEFAULT } from "../oci/validate-metadata.ts";
import { MEBIBYTE } from "../units.ts";
import { type BootFiles, bootFiles, isAllowed } from "./boot-files.ts";
import { checkKernel } from "./check-kernel.ts";
import { inMebibytes } from "./decide.ts";
import { KERNEL_TARGET, MADE_INITRD_TARGET } from "./image-files.ts";
import type { HostFile, InitrdPart, MadeInitrd } from "./launch-plan.ts";
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

/** The initrd to be made; none when the guest asks for nothing in it, so that the image's is bound as it is. */
export function decideInitrd(planning: Planning, needs: GuestNeeds, memory: number): MadeInitrd | undefined {
  const parts = decideParts(planning, needs);
  if (parts.length === 0) return undefined;
  const configured = planning.configuration.containerBoot.maxInitrdMb * MEBIBYTE;
  // The archive and what it is unpacked to are in the guest's memory at the same time.
  const fitting = Math.max(MEBIBYTE, Math.floor((memory - memory / MEMORY_PER_PAGE_TABLE - KERNEL_MEMORY) / 2));
  const limitSource = fitting < configured ? `guest memory of ${inMebibytes(memory)}` : "container_boot.max_initrd_mb";
  return { target: MADE_INITRD_TARGET, limit: Math.min(configured, fitting), limitSource, parts };
}

function decideParts(planning: Planning, { initConfiguration }: GuestNeeds): readonly InitrdPart[] {
  const { metadata, configuration } = planning;
  const boot = bootFiles(metadata, configuration.containerBoot);
  if (initConfiguration === undefined) return [];
  const { form, text } = initConfiguration;
  if (form === "raw") return [{ kind: "raw", text }];
  const record = { kind: "text", path: "/urunit.conf", mode: 0o400, text } as const;
  if (boot === undefined) {
    return [{ kind: "image-file", source: metadata.initrd ?? "" }, record, { kind: "end" }];
  }
  const parts: InitrdPart[] = [];
  if (boot.initrd !== undefined) parts.push({ kind: "host-file", source: boot.initrd });
  // With a disk for a root the image's files are there.
  if (metadata.block?.mountPoint !== "/") parts.push({ kind: "rootfs" });
  const directory = OWN_INIT.slice(0, OWN_INIT.lastIndexOf("/"));
  parts.push({ kind: "directory", path: directory, mode: 0o755 });
  parts.push({ kind: "program", path: OWN_INIT, source: guestInit(planning, boot) });
  return [...parts, record, { kind: "end" }];
}
