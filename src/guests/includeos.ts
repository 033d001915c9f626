/**
 * IncludeOS: the service gets the command line as it stands and splits it at blanks, without quotes (IncludeOS,
 * Service::start). Its address comes from its own config.json or from DHCP.
 */
import type { Problem } from "../failure.ts";
import { guestProblem, tooLong } from "./command-line.ts";
import { lostVariables } from "./environment.ts";
import type { Guest, GuestAnswer, GuestInput } from "./guest.ts";
import { solo5Disks } from "./solo5-disks.ts";
import { solo5Devices, solo5Nics } from "./solo5-nic.ts";

/** Name of the block device when the manifest cannot be read. */
const BLOCK_DEVICE = "storage";
/** Name of the nic there. */
const NET_DEVICE = "service";
/** Bytes of the command line in IncludeOS' port to Solo5, with the NUL. */
const COMMAND_LINE = 1024;

export const includeos: Guest = {
  monitors: ["hvt", "spt", "qemu"],
  supportsInitrd: false,
  supportsBlock: true,
  minimumMemory: 16 * 1024 * 1024,
  needs,
};

function needs(input: GuestInput): GuestAnswer {
  const problems: Problem[] = [];
  for (const argument of input.args) {
    if (argument !== "" && !/[\s"'\\]/.test(argument)) continue;
    const message = `includeos: the argument ${JSON.stringify(argument)} cannot be passed: the guest splits at blanks and knows no quotes`;
    problems.push(guestProblem(message));
  }
  const lost = lostVariables(input.env, "includeos: environment variables are not passed: the guest has none");
  const warnings = [...lost.warnings];
  const commandLine = input.args.join(" ");
  problems.push(...tooLong(commandLine, COMMAND_LINE, "includeos"));
  const disks = solo5Disks("includeos", BLOCK_DEVICE, input, problems);
  const devices = solo5Devices("includeos", NET_DEVICE, 1, input, problems);
  if (problems.length > 0) return { problems };
  if (input.networks.length > 0) {
    warnings.push("includeos: the address is not passed: the guest takes it from its own configuration or by DHCP");
  }
  return {
    needs: { commandLine, disks, nics: solo5Nics(devices, input), monitorOptions: [], warnings, remarks: lost.remarks },
  };
}
