/**
 * Rumprun: one JSON object. Its parser takes the key `env` more than once, one variable each; `cmdline` is split at
 * blanks, with quotes and backslashes as in a shell (rumprun, lib/librumprun_base).
 */
import type { Problem } from "../failure.ts";
import { guestProblem, SOLO5_COMMAND_LINE, tooLong } from "./command-line.ts";
import type { Guest, GuestAnswer, GuestInput } from "./guest.ts";
import { solo5Disks } from "./solo5-disks.ts";

/** Name of the block device when the manifest cannot be read: that of rumprun's Solo5 port. */
const BLOCK_DEVICE = "rootfs";

export const rumprun: Guest = {
  monitors: ["hvt", "spt"],
  supportsInitrd: false,
  supportsBlock: true,
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
  if (input.block !== undefined) {
    const mountPoint = JSON.stringify(input.block.mountPoint);
    members.push(`"blk":{"source":"etfs","path":"/dev/ld0a","fstype":"blk","mountpoint":${mountPoint}}`);
  }
  const commandLine = `{${members.join(",")}}`;
  problems.push(...tooLong(commandLine, SOLO5_COMMAND_LINE, "rumprun"));
  const disks = solo5Disks("rumprun", BLOCK_DEVICE, input, problems);
  if (problems.length > 0) return { problems };
  return { needs: { commandLine, disks, monitorOptions: [], warnings: [] } };
}

function escapeArgument(argument: string): string {
  return argument === "" ? "''" : argument.replace(/[\\"' \t\n]/g, "\\$&");
}
