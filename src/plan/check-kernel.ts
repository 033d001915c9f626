import { whyNotBootable } from "../kernel/boots-on.ts";
import type { ImageFileFact } from "./host-facts.ts";
import type { Planning } from "./plan-input.ts";

/**
 * The kernel file is a disk from whose boot sector this guest starts: that is QEMU's firmware's work. The annotation
 * block has to name the same file, or there would be no such disk in the machine.
 */
export function isBootDisk(planning: Planning, fact: ImageFileFact | undefined): boolean {
  const { metadata, guest } = planning;
  return (
    fact?.found === true &&
    fact.kernel?.format === "boot-disk" &&
    guest.startsFromDisk === true &&
    metadata.monitor === "qemu" &&
    metadata.block?.path === metadata.binary
  );
}

/** Refuses a kernel that the monitor cannot boot, with the reason. One that was not found is reported elsewhere. */
export function checkKernel(
  planning: Planning,
  annotation: string,
  path: string,
  fact: ImageFileFact | undefined,
): void {
  const { facts, metadata, version, problems } = planning;
  if (!fact?.found || fact.size === 0 || isBootDisk(planning, fact)) return;
  const reason =
    fact.kernel === undefined
      ? "it was not looked at"
      : whyNotBootable(fact.kernel, metadata.monitor, facts.arch, version);
  if (reason === undefined) return;
  const message = `annotation com.urunc.unikernel.${annotation}: ${metadata.monitor} cannot boot ${path}: ${reason}`;
  problems.push({ code: "kernel", message });
}
