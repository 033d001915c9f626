/**
 * Devices of Solo5 guests. A tender starts a guest only when every device of its manifest is attached and no other, each
 * by its name there, so what does not fit is said here, before anything is made (solo5, docs/architecture.md).
 */
import type { Problem } from "../failure.ts";
import { guestProblem } from "./command-line.ts";
import type { GuestDisk, GuestInput } from "./guest.ts";

/**
 * The block image under the name that the manifest declares.
 *
 * @param usual the name to use for kernels without a manifest that can be read.
 */
export function solo5Disks(guest: string, usual: string, input: GuestInput, problems: Problem[]): readonly GuestDisk[] {
  const { block, blockDevice, devices } = input;
  const refuse = (message: string) => void problems.push(guestProblem(`${guest}: ${message}`));
  if (devices === undefined) return block === undefined ? [] : [{ id: blockDevice ?? usual, ...block }];
  const blocks = devices.filter((device) => device.kind === "block");
  const [first] = blocks;
  if (blocks.length > 1) {
    refuse(`the kernel's manifest declares ${blocks.length} block devices, ${listOf(blocks)}: one can be attached`);
  } else if (first !== undefined && block === undefined) {
    refuse(`the kernel's manifest declares the block device ${first.name}: set the annotations block and blkMntPoint`);
  } else if (first === undefined && block !== undefined) {
    refuse("the kernel's manifest declares no block device: remove the annotation block");
  } else if (first !== undefined && blockDevice !== undefined && blockDevice !== first.name) {
    refuse(`solo5BlkDev is ${blockDevice}, the kernel's manifest declares ${first.name}: remove the annotation`);
  }
  return first === undefined || block === undefined ? [] : [{ id: first.name, ...block }];
}

/** A manifest may have 64 devices. */
const LISTED = 3;

export function listOf(devices: readonly { readonly name: string }[]): string {
  const names = devices.slice(0, LISTED).map((device) => device.name);
  return [...names, ...(devices.length > LISTED ? ["…"] : [])].join(", ");
}
