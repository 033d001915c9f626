/**
 * MirageOS: the command line is the unikernel's argv. It is split at white space outside of quotes, and a backslash
 * takes the meaning of the next character away (mirage, parse-argv). Environment variables do not exist.
 */
import type { Problem } from "../failure.ts";
import { isBefore, parseVersion } from "../version-number.ts";
import { guestProblem, SOLO5_COMMAND_LINE, tooLong } from "./command-line.ts";
import { lostVariables } from "./environment.ts";
import type { Guest, GuestAnswer, GuestInput } from "./guest.ts";
import type { GuestAddress, GuestNetwork } from "./network.ts";
import { solo5Disks } from "./solo5-disks.ts";
import { solo5Devices, solo5Nics } from "./solo5-nic.ts";

/** Name of the block device when the manifest cannot be read: what the mirage tool calls it. */
const BLOCK_DEVICE = "storage";
/** Name of the nic there; the arguments for it have no prefix. */
const NET_DEVICE = "service";
const MOST_NICS = 8;

/** From here on every stack of the mirage tool takes IPv4 and IPv6. */
const BOTH_FAMILIES = { major: 4, minor: 3, patch: 0 } as const;

export const mirage: Guest = {
  monitors: ["hvt", "spt", "qemu"],
  supportsInitrd: false,
  supportsBlock: true,
  minimumMemory: 4 * 1024 * 1024,
  needs,
};

function needs(input: GuestInput): GuestAnswer {
  const problems: Problem[] = [];
  const { warnings: lost } = lostVariables(
    input.env,
    "mirage: environment variables are not passed: the guest has none",
  );
  const warnings = [...lost];
  const remarks: string[] = [];
  if (input.args.includes("")) {
    problems.push(guestProblem("mirage: an empty argument cannot be passed: its command line has no way to write it"));
  }
  if (input.block !== undefined && input.monitor === "qemu") {
    problems.push(guestProblem("mirage: a block image is attached by hvt and spt only: choose one of them"));
  }
  const devices = solo5Devices("mirage", NET_DEVICE, MOST_NICS, input, problems);
  const both = takesBoth(input.version, remarks);
  const words = input.networks.flatMap((network, index) => {
    const device = devices[index];
    return device === undefined ? [] : networkWords(network, device, both, warnings);
  });
  const commandLine = [...words, ...input.args.map(escapeArgument)].join(" ");
  problems.push(...tooLong(commandLine, SOLO5_COMMAND_LINE, "mirage"));
  const disks = solo5Disks("mirage", BLOCK_DEVICE, input, problems);
  if (problems.length > 0) return { problems };
  return { needs: { commandLine, disks, nics: solo5Nics(devices, input), monitorOptions: [], warnings, remarks } };
}

/**
 * A stack for IPv4 only, which exists up to mirage 4.2, ends at an IPv6 argument. Which stack a kernel has cannot be seen
 * from outside: `unikernelVersion` says it, and without it there is IPv6 only where there is no IPv4 address.
 */
function takesBoth(text: string, remarks: string[]): boolean {
  if (text === "") return false;
  const version = parseVersion(text);
  if (version !== undefined) return !isBefore(version, BOTH_FAMILIES);
  remarks.push(`mirage: version ${JSON.stringify(text.slice(0, 40))} cannot be read, IPv6 is not passed beside IPv4`);
  return false;
}

/** Name servers are the application's own business. */
function networkWords(network: GuestNetwork, device: string, both: boolean, warnings: string[]): readonly string[] {
  const { ipv4, ipv6, interface: name } = network;
  const prefix = device === NET_DEVICE ? "" : `${device}-`;
  const words = (family: string, own: GuestAddress | undefined): readonly string[] => {
    if (own === undefined) return [];
    const way = own.gateway === undefined ? [] : [`--${prefix}${family}-gateway=${own.gateway}`];
    return [`--${prefix}${family}=${own.address}/${own.prefix}`, ...way];
  };
  if (ipv4 !== undefined && ipv6 !== undefined && !both) {
    warnings.push(
      `mirage: the IPv6 address of ${name} is not passed beside IPv4: set unikernelVersion to 4.3.0 or later if the stack has both`,
    );
    return words("ipv4", ipv4);
  }
  return [...words("ipv4", ipv4), ...words("ipv6", ipv6)];
}

function escapeArgument(argument: string): string {
  return argument.replace(/[\\"'\s]/g, "\\$&");
}
