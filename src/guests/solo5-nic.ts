import type { Problem } from "../failure.ts";
import { guestProblem } from "./command-line.ts";
import type { GuestInput } from "./guest.ts";
import { listOf } from "./solo5-disks.ts";

/**
 * Names of the nics that the manifest declares, that of the default route first; none when it declares none, so that the
 * tender would refuse one.
 *
 * @param usual the name to use for kernels without a manifest that can be read.
 * @param most nics the guest can be told addresses for.
 */
export function solo5Devices(
  guest: string,
  usual: string,
  most: number,
  input: GuestInput,
  problems: Problem[],
): readonly string[] {
  const { netDevice, devices, networks } = input;
  const refuse = (message: string) => void problems.push(guestProblem(`${guest}: ${message}`));
  if (devices === undefined) return [netDevice ?? usual];
  const nets = devices.filter((device) => device.kind === "net");
  const names = nets.map(({ name }) => name);
  const declares = `the kernel's manifest declares ${nets.length} network devices, ${listOf(nets)}`;
  if (nets.length > most) refuse(`${declares}: ${most === 1 ? "one" : most} can be attached`);
  else if (netDevice !== undefined && nets.length > 0 && !names.includes(netDevice)) {
    refuse(`solo5NetDev is ${netDevice}, the kernel's manifest declares ${listOf(nets)}: remove the annotation`);
  } else if (networks.length > 0 && nets.length > networks.length) {
    refuse(`${declares}: the container has ${networks.length} interface${networks.length === 1 ? "" : "s"} for them`);
  }
  if (netDevice === undefined || !names.includes(netDevice)) return names;
  return [netDevice, ...names.filter((name) => name !== netDevice)];
}

/** What the monitor calls these nics: a tender by the manifest's names, QEMU as we like; its port of Solo5 has one. */
export function solo5Nics(devices: readonly string[], { monitor }: GuestInput): readonly string[] {
  if (monitor !== "qemu") return devices;
  return devices.length === 0 ? [] : ["net0"];
}
