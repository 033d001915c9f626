/**
 * MirageOS: the command line is the unikernel's argv. It is split at white space outside of quotes, and a backslash
 * takes the meaning of the next character away (mirage, parse-argv). Environment variables do not exist.
 */
import type { Problem } from "../failure.ts";
import { guestProblem, SOLO5_COMMAND_LINE, tooLong } from "./command-line.ts";
import type { Guest, GuestAnswer, GuestInput } from "./guest.ts";
import type { GuestNetwork } from "./network.ts";
import { solo5Disks } from "./solo5-disks.ts";
import { solo5Nic, solo5Nics } from "./solo5-nic.ts";

/** Name of the block device when the manifest cannot be read: what the mirage tool calls it. */
const BLOCK_DEVICE = "storage";
/** Name of the nic there; the arguments for it have no prefix. */
const NET_DEVICE = "service";

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
  const device = solo5Nic("mirage", NET_DEVICE, input, problems);
  const [network] = input.networks;
  const words = network === undefined || device === undefined ? [] : networkWords(network, device);
  const commandLine = [...words, ...input.args.map(escapeArgument)].join(" ");
  problems.push(...tooLong(commandLine, SOLO5_COMMAND_LINE, "mirage"));
  const disks = solo5Disks("mirage", BLOCK_DEVICE, input, problems);
  if (problems.length > 0) return { problems };
  return { needs: { commandLine, disks, nics: solo5Nics(device, input), monitorOptions: [], warnings } };
}

/**
 * A stack for IPv4 only ends at an IPv6 argument it does not know, so there is one only where there is no IPv4 address.
 * Name servers are the application's own business.
 */
function networkWords({ ipv4, ipv6 }: GuestNetwork, device: string): readonly string[] {
  const prefix = device === NET_DEVICE ? "" : `${device}-`;
  const [family, own] = ipv4 !== undefined ? (["ipv4", ipv4] as const) : (["ipv6", ipv6] as const);
  if (own === undefined) return [];
  const words = [`--${prefix}${family}=${own.address}/${own.prefix}`];
  if (own.gateway !== undefined) words.push(`--${prefix}${family}-gateway=${own.gateway}`);
  return words;
}

function escapeArgument(argument: string): string {
  return argument.replace(/[\\"'\s]/g, "\\$&");
}
