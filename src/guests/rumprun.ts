/**
 * Rumprun: one JSON object. Its parser takes the key `env` more than once, one variable each; `cmdline` is split at
 * blanks, with quotes and backslashes as in a shell (rumprun, lib/librumprun_base).
 */
import type { Problem } from "../failure.ts";
import { guestProblem, SOLO5_COMMAND_LINE, tooLong } from "./command-line.ts";
import type { Guest, GuestAnswer, GuestInput } from "./guest.ts";
import { type GuestNetwork, lostAddress } from "./network.ts";
import { solo5Disks } from "./solo5-disks.ts";
import { solo5Devices, solo5Nics } from "./solo5-nic.ts";

/** Name of the block device when the manifest cannot be read: that of rumprun's Solo5 port. */
const BLOCK_DEVICE = "rootfs";
/** Name of the nic there. */
const NET_DEVICE = "tap";

export const rumprun: Guest = {
  monitors: ["hvt", "spt"],
  supportsInitrd: false,
  supportsBlock: true,
  rootFilesystems: ["ext2"],
  // Its root is a part of its kernel.
  rootfsPlace: "/data",
  minimumMemory: 8 * 1024 * 1024,
  needs,
};

function needs(input: GuestInput): GuestAnswer {
  const problems: Problem[] = [];
  if (input.block?.mountPoint === "/") {
    problems.push(
      guestProblem("rumprun: a block image cannot be mounted at /: set blkMntPoint to another directory such as /data"),
    );
  }
  const members = [`"cmdline":${JSON.stringify(input.args.map(escapeArgument).join(" "))}`];
  for (const entry of input.env) members.push(`"env":${JSON.stringify(entry)}`);
  const devices = solo5Devices("rumprun", NET_DEVICE, 1, input, problems);
  const [network] = input.networks;
  if (network?.ipv4 !== undefined && devices.length > 0) members.push(`"net":${networkMember(network.ipv4)}`);
  if (input.block !== undefined) {
    const mountPoint = JSON.stringify(input.block.mountPoint);
    members.push(`"blk":{"source":"etfs","path":"/dev/ld0a","fstype":"blk","mountpoint":${mountPoint}}`);
  }
  const commandLine = `{${members.join(",")}}`;
  problems.push(...tooLong(commandLine, SOLO5_COMMAND_LINE, "rumprun"));
  const disks = solo5Disks("rumprun", BLOCK_DEVICE, input, problems);
  if (problems.length > 0) return { problems };
  const warnings = lostAddress("rumprun", network);
  return { needs: { commandLine, disks, nics: solo5Nics(devices, input), monitorOptions: [], warnings } };
}

/** The mask of one bit makes every gateway a neighbour, also one outside of the subnet. */
function networkMember({ address, gateway }: NonNullable<GuestNetwork["ipv4"]>): string {
  const fixed = `"if":"ukvmif0","cloner":"True","type":"inet","method":"static"`;
  const way = gateway === undefined ? "" : `,"gw":"${gateway}"`;
  return `{${fixed},"addr":"${address}","mask":"1"${way}}`;
}

function escapeArgument(argument: string): string {
  return argument === "" ? "''" : argument.replace(/[\\"' \t\n]/g, "\\$&");
}
