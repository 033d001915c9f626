import type { Problem } from "../failure.ts";
import { guestProblem } from "./command-line.ts";
import type { GuestInput } from "./guest.ts";
import { listOf } from "./solo5-disks.ts";

/**
 * Name of the nic that the manifest declares; undefined when it declares none, so that the tender would refuse one.
 *
 * @param usual the name to use for kernels without a manifest that can be read.
 */
export function solo5Nic(guest: string, usual: string, input: GuestInput, problems: Problem[]): string | undefined {
  const { netDevice, devices } = input;
  const refuse = (message: string) => void problems.push(guestProblem(`${guest}: ${message}`));
  if (devices === undefined) return netDevice ?? usual;
  const nets = devices.filter((device) => device.kind === "net");
  const [first] = nets;
  if (nets.length > 1) {
    refuse(`the kernel's manifest declares ${nets.length} network devices, ${listOf(nets)}: one can be attached`);
  } else if (first !== undefined && netDevice !== undefined && netDevice !== first.name) {
    refuse(`solo5NetDev is ${netDevice}, the kernel's manifest declares ${first.name}: remove the annotation`);
  }
  return first?.name;
}

/** What the monitor calls that nic: a tender by the manifest's name, QEMU as we like. */
export function solo5Nics(device: string | undefined, { monitor }: GuestInput): readonly string[] {
  if (device === undefined) return [];
  return [monitor === "qemu" ? "net0" : device];
}
