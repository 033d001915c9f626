/**
 * Nanos: the kernel file, and a disk with its file system, in which a manifest names the program. Words `a.b=value` of
 * the command line are laid over that manifest; they are split at blanks, and there are no quotes (nanos,
 * src/kernel/init.c). `debug_exit` asks for the exit status by QEMU's device, since a power-off has none.
 */
import type { Problem } from "../failure.ts";
import { ipv4MaskText } from "../netlink/address.ts";
import { guestProblem } from "./command-line.ts";
import { debugExitStatus } from "./debug-exit.ts";
import type { Guest, GuestAnswer, GuestInput } from "./guest.ts";
import { type GuestNetwork, nicIds } from "./network.ts";
import { requiredRootDisk } from "./root-disk.ts";

/** Names are a letter pair and one digit. */
const MOST_NICS = 9;

export const nanos: Guest = {
  monitors: ["qemu"],
  supportsInitrd: false,
  supportsBlock: true,
  minimumMemory: 32 * 1024 * 1024,
  needs,
  exitStatus: debugExitStatus,
};

function needs(input: GuestInput): GuestAnswer {
  const problems: Problem[] = [];
  const words = [
    "debug_exit=t",
    ...input.networks.flatMap((network, index) => networkWords(network, `en${index + 1}`)),
    ...input.env.map((entry) => variable(entry, problems)),
    ...input.args.map((argument, index) => `arguments.${index}=${value(argument, problems)}`),
  ];
  const missing = "nanos: its disk is missing: name it by the annotation block, with blkMntPoint set to /";
  const disks = requiredRootDisk(input, missing, problems);
  if (problems.length > 0) return { problems };
  const warnings: string[] = [];
  if (input.arch === "x86_64" && words.length > 1) {
    warnings.push(
      "nanos: a kernel that ignores its command line when entered by PVH takes arguments, environment and network from its disk only",
    );
  }
  warnings.push(...input.networks.flatMap(lostGateway));
  const nics = nicIds(input.networks, MOST_NICS);
  const commandLine = words.join(" ");
  if (input.arch !== "x86_64") return { needs: { commandLine, disks, nics, monitorOptions: [], warnings } };
  const monitorOptions = ["-device", "isa-debug-exit,iobase=0x501,iosize=1"];
  return { needs: { commandLine, disks, nics, monitorOptions, debugExit: true, warnings } };
}

/** The kernel calls its nics en1, en2 and so on; without an address of a family it asks for one by DHCP. */
function networkWords({ ipv4, ipv6, mtu }: GuestNetwork, name: string): readonly string[] {
  const words: string[] = [];
  if (ipv4 !== undefined) {
    words.push(`${name}.ipaddr=${ipv4.address}`, `${name}.netmask=${ipv4MaskText(ipv4.prefix)}`);
    if (ipv4.gateway !== undefined) words.push(`${name}.gateway=${ipv4.gateway}`);
  }
  if (ipv6 !== undefined) words.push(`${name}.ip6addr=${ipv6.address}`);
  return [...words, `${name}.mtu=${mtu}`];
}

function lostGateway({ interface: name, ipv6 }: GuestNetwork): readonly string[] {
  if (ipv6?.gateway === undefined) return [];
  return [`nanos: the IPv6 gateway of ${name} is not passed: the guest learns it from router advertisements only`];
}

/** A dot in the name would open another tuple. */
function variable(entry: string, problems: Problem[]): string {
  const cut = entry.indexOf("=");
  if (cut < 1 || !/^[A-Za-z0-9_-]+$/.test(entry.slice(0, cut))) {
    const message = `nanos: the variable ${JSON.stringify(entry)} cannot be passed: its name must have letters, digits, _ and - only`;
    problems.push(guestProblem(message));
  }
  return `environment.${entry.slice(0, cut + 1)}${value(entry.slice(cut + 1), problems)}`;
}

function value(text: string, problems: Problem[]): string {
  if (text === "" || /\s/.test(text)) {
    const what = text === "" ? "an empty value" : JSON.stringify(text);
    problems.push(
      guestProblem(`nanos: ${what} cannot be passed: the guest splits its command line at blanks and knows no quotes`),
    );
  }
  return text;
}
