/**
 * OSv: options of its loader, then the application's command. Options are split at blank, tab and line feed, and a
 * backslash takes the meaning of the next character away; the command knows double quotes with C's escapes, ends at
 * `;`, `&` and `!` outside of them, takes ASCII only, and replaces from `$` to the end of a word everywhere (OSv,
 * core/commands.cc).
 */
import type { Problem } from "../failure.ts";
import { ipv4MaskText, isSameSubnet } from "../netlink/address.ts";
import { guestProblem } from "./command-line.ts";
import type { Guest, GuestAnswer, GuestDisk, GuestInput } from "./guest.ts";
import { type GuestNetwork, ipv4Servers, nicIds } from "./network.ts";

export const osv: Guest = {
  monitors: ["qemu"],
  supportsInitrd: false,
  supportsBlock: true,
  minimumMemory: 32 * 1024 * 1024,
  needs,
};

function needs(input: GuestInput): GuestAnswer {
  const problems: Problem[] = [];
  if (input.args.length === 0) {
    problems.push(guestProblem("osv: no application is named: set process.args"));
  }
  const networks = addressed(input.networks);
  const words = [
    ...networkWords(networks),
    ...input.env.map((entry) => `--env=${option(entry)}`),
    ...input.args.map((argument, index) => command(argument, index === 0, problems)),
  ];
  const disks = rootDisk(input, problems);
  if (problems.length > 0) return { problems };
  const waiting = input.networks[networks.length];
  const warnings = [...lostGateway(networks)];
  if (waiting !== undefined) {
    warnings.push(`osv: ${waiting.interface} has no IPv4 address, and the guest would wait there for DHCP`);
  }
  const nics = nicIds(networks, networks.length);
  return { needs: { commandLine: words.join(" "), disks, nics, monitorOptions: [], warnings } };
}

/** The guest waits for DHCP's answer on nics it is given no address for, and starts nothing before. */
function addressed(networks: readonly GuestNetwork[]): readonly GuestNetwork[] {
  const end = networks.findIndex((network) => network.ipv4 === undefined);
  return end < 0 ? networks : networks.slice(0, end);
}

/** The loader knows one gateway and one name server. */
function networkWords(networks: readonly GuestNetwork[]): readonly string[] {
  const words = networks.flatMap(({ ipv4 }, index) =>
    ipv4 === undefined ? [] : [`--ip=eth${index},${ipv4.address},${ipv4MaskText(ipv4.prefix)}`],
  );
  const [first] = networks;
  if (first?.ipv4?.gateway !== undefined) words.push(`--defaultgw=${first.ipv4.gateway}`);
  if (first !== undefined) words.push(...ipv4Servers(first, 1).map((server) => `--nameserver=${server}`));
  return words;
}

function lostGateway([first]: readonly GuestNetwork[]): readonly string[] {
  if (first?.ipv4?.gateway === undefined) return [];
  const { address, gateway, prefix } = first.ipv4;
  if (isSameSubnet(address, gateway, prefix)) return [];
  return [`osv: the gateway ${gateway} lies outside of ${address}/${prefix}: the guest may have no way to it`];
}

/** OSv mounts the root by itself; for other places it would have to be told the kind of file system. */
function rootDisk(input: GuestInput, problems: Problem[]): readonly GuestDisk[] {
  if (input.block === undefined) return [];
  if (input.block.mountPoint !== "/") {
    problems.push(guestProblem("osv: a block image is the root's: set blkMntPoint to /"));
  }
  return [{ id: "rootfs", ...input.block }];
}

function option(text: string): string {
  return text.replace(/[\\ \t\n]/g, "\\$&");
}

/** Quotes keep the first word from being an option, too. */
function command(word: string, isFirst: boolean, problems: Problem[]): string {
  const reason = word.includes("$")
    ? "the guest replaces a $ and what follows by a variable"
    : /[^\x01-\x7f]/.test(word)
      ? "the guest takes ASCII only"
      : isFirst && word === ""
        ? "it names no application"
        : undefined;
  if (reason !== undefined) {
    problems.push(guestProblem(`osv: the argument ${JSON.stringify(word)} cannot be passed: ${reason}`));
  }
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word) && !(isFirst && word.startsWith("-"))) return word;
  return `"${word.replace(/[\\"]/g, "\\$&")}"`;
}
