/**
 * MirageOS: the command line is the unikernel's argv. It is split at white space outside of quotes, and a backslash
 * takes the meaning of the next character away (mirage, parse-argv). Environment variables do not exist.
 */
import type { Problem } from "../failure.ts";
import { guestProblem, SOLO5_COMMAND_LINE, tooLong } from "./command-line.ts";
import type { Guest, GuestAnswer, GuestInput } from "./guest.ts";
import { solo5Disks } from "./solo5-disks.ts";

/** Name of the block device when the manifest cannot be read: what the mirage tool calls it. */
const BLOCK_DEVICE = "storage";

export const mirage: Guest = {
  monitors: ["hvt", "spt", "qemu"],
  supportsInitrd: false,
  supportsBlock: true,
  minimumMemory: 4 * 1024 * 1024,
  needs,
};

function needs(input: GuestInput): GuestAnswer {
  const problems: Problem[] = [];
  const warnings: string[] = [];
  if (input.args.includes("")) {
    problems.push(guestProblem("mirage: an empty argument cannot be passed: its command line has no way to write it"));
  }
  if (input.block !== undefined && input.monitor === "qemu") {
    problems.push(guestProblem("mirage: a block image is attached by hvt and spt only: choose one of them"));
  }
  const commandLine = input.args.map(escapeArgument).join(" ");
  problems.push(...tooLong(commandLine, SOLO5_COMMAND_LINE, "mirage"));
  const disks = solo5Disks("mirage", BLOCK_DEVICE, input, problems);
  if (problems.length > 0) return { problems };
  return { needs: { commandLine, disks, monitorOptions: [], warnings } };
}

function escapeArgument(argument: string): string {
  return argument.replace(/[\\"'\s]/g, "\\$&");
}
