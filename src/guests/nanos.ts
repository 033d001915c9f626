/**
 * Nanos: a disk with its file system, in which a manifest names the program. On PCs the disk has the kernel too, and the
 * firmware starts it: entered by PVH the kernel puts page tables where QEMU's firmware has made memory read-only (nanos,
 * src/x86_64/init.s), and would read no command line. Elsewhere the kernel is a file, and words `a.b=value` of its
 * command line are laid over the manifest; they are split at blanks, and there are no quotes (src/kernel/init.c).
 */
import type { Problem } from "../failure.ts";
import { ipv4MaskText } from "../netlink/address.ts";
import { guestProblem } from "./command-line.ts";
import { exitStatusButLargest } from "./debug-exit.ts";
import { lostVariables } from "./environment.ts";
import type { Guest, GuestAnswer, GuestDisk, GuestInput } from "./guest.ts";
import { type GuestNetwork, nicIds } from "./network.ts";
import { requiredRootDisk } from "./root-disk.ts";

/** Names are a letter pair and one digit. */
const MOST_NICS = 9;

export const nanos: Guest = {
  monitors: ["qemu"],
  supportsInitrd: false,
  supportsBlock: true,
  startsFromDisk: true,
  minimumMemory: 32 * 1024 * 1024,
  needs,
  exitStatus: exitStatusButLargest,
};

function needs(input: GuestInput): GuestAnswer {
  const problems: Problem[] = [];
  const missing = "nanos: its disk is missing: name it by the annotation block, with blkMntPoint set to /";
  const disks = requiredRootDisk(input, missing, problems);
  const nics = nicIds(input.networks, MOST_NICS);
  if (input.arch === "x86_64") return problems.length > 0 ? { problems } : fromDisk(input, disks, nics);
  const words = [
    ...input.networks.flatMap((network, index) => networkWords(network, `en${index + 1}`)),
    ...input.env.map((entry) => variable(entry, problems)),
    ...input.args.map((argument, index) => `arguments.${index}=${value(argument, problems)}`),
  ];
  if (problems.length > 0) return { problems };
  const warnings = input.networks.flatMap(lostGateway);
  return { needs: { commandLine: words.join(" "), disks, nics, monitorOptions: [], warnings } };
}

/** The manifest alone counts. If it has `debug_exit`, the device ends QEMU with the program's status. */
function fromDisk(input: GuestInput, disks: readonly GuestDisk[], nics: readonly string[]): GuestAnswer {
  if (input.bootDisk === undefined) {
    const message =
      "nanos: on PCs it starts from its disk: let the annotations binary and block both name the disk image, made with a boot sector";
    return { problems: [guestProblem(message)] };
  }
  const text =
    "nanos: arguments, environment and network are those of its disk's manifest: nothing can be passed to it";
  const isLost = input.args.length + input.networks.length > 0;
  const { warnings, remarks } = isLost ? { warnings: [text], remarks: [] } : lostVariables(input.env, text);
  const monitorOptions = ["-device", "isa-debug-exit,iobase=0x501,iosize=1"];
  return {
    needs: { commandLine: "", disks, nics, startsFromDisk: true, monitorOptions, debugExit: true, warnings, remarks },
  };
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
