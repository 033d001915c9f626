/**
 * FreeBSD: the command line is the kernel's environment, split at blank, comma, tab and line feed, without quotes
 * (FreeBSD, sys/kern/subr_boot.c). The root is named as `type:device` (sys/kern/vfs_mountroot.c, parse_mount), init by
 * `init_path`. The kernel gives init no arguments: an init of the urunit convention finds all it has to know on a disk,
 * which `URUNIT_CONFIG` names.
 */
import type { Problem } from "../failure.ts";
import type { WrittenFile } from "../monitors/monitor.ts";
import { ipv4MaskText, isSameSubnet } from "../netlink/address.ts";
import { utf8Size } from "../text-size.ts";
import { guestProblem } from "./command-line.ts";
import { lostVariables } from "./environment.ts";
import type { Guest, GuestAnswer, GuestDisk, GuestInput, GuestNeeds } from "./guest.ts";
import { type GuestNetwork, lostAddress, nicIds } from "./network.ts";
import { requiredRootDisk } from "./root-disk.ts";
import { conventionLines, refuseBrokenLines } from "./urunit.ts";

export const freebsd: Guest = {
  monitors: ["qemu", "firecracker"],
  supportsInitrd: false,
  supportsBlock: true,
  rootFilesystems: ["ext2"],
  hasPrograms: true,
  sharedRoots: ["9p"],
  minimumMemory: 128 * 1024 * 1024,
  needs,
};

const CONFIGURATION = "/guest/urunit.conf";
const SECTOR = 512;
/** A reader stops at the first; so many of them fill a sector, so that none of the text is in a broken one. */
const PADDING = "PAD\n".repeat(SECTOR / 4);

function needs(input: GuestInput): GuestAnswer {
  const problems: Problem[] = [];
  const missing = "freebsd: its root is missing: name a UFS image by the annotation block, with blkMntPoint set to /";
  const disks = input.sharedRoot === undefined ? requiredRootDisk(input, missing, problems) : [];
  const [init, ...rest] = input.args;
  // A list of paths is split at colons.
  if (init !== undefined && !/^\/[A-Za-z0-9._/-]+$/.test(init)) {
    const message = `freebsd: init ${JSON.stringify(init)} cannot be named: it must be an absolute path of A-Z a-z 0-9 . _ / -`;
    problems.push(guestProblem(message));
  }
  const hasUrunit = init?.endsWith("/urunit") === true;
  if (rest.length > 0 && !hasUrunit) {
    problems.push(
      guestProblem("freebsd: the kernel gives init no arguments: name its path only, or urunit before them"),
    );
  }
  const [network] = input.networks;
  const text = hasUrunit ? configuration(input, rest, network, problems) : undefined;
  if (problems.length > 0) return { problems };
  const words = [`vfs.root.mountfrom=${rootOf(input)}`];
  if (init !== undefined) words.push(`init_path=${init}`);
  if (hasUrunit) words.push(`URUNIT_CONFIG=/dev/vtbd${disks.length}`, ...routeWords(network));
  const files: readonly WrittenFile[] = text === undefined ? [] : [{ path: CONFIGURATION, content: text }];
  return {
    needs: {
      commandLine: words.join(" "),
      disks: hasUrunit ? [...disks, configurationDisk(input)] : disks,
      files,
      nics: nicIds(input.networks, 1),
      entersByPvh: true,
      ...(hasUrunit ? { endsByReset: true } : {}),
      monitorOptions: [],
      ...(hasUrunit ? { warnings: lostAddress("freebsd", network) } : untold(input)),
    },
  };
}

function configurationDisk({ monitor }: GuestInput): GuestDisk {
  const id = monitor === "firecracker" ? "FC_URUNIT_CONFIG" : "urunit";
  return { id, path: CONFIGURATION, readonly: true };
}

/** Whole sectors, since a monitor hides what does not fill one. */
function configuration(
  input: GuestInput,
  args: readonly string[],
  network: GuestNetwork | undefined,
  problems: Problem[],
): string {
  refuseBrokenLines("freebsd", input.env, problems);
  if (args.some((argument) => argument.includes("\n"))) {
    problems.push(guestProblem("freebsd: urunit takes no arguments with a newline"));
  }
  const counted = [`ARC:${args.length}`, ...args.map((argument) => `ARV:${argument}`)];
  const lines = [...conventionLines("freebsd", input, counted, [], problems), ...networkLines(network)];
  const text = `${lines.join("\n")}\n${PADDING}`;
  return text + "\n".repeat((SECTOR - (utf8Size(text) % SECTOR)) % SECTOR);
}

function networkLines(network: GuestNetwork | undefined): readonly string[] {
  if (network?.ipv4 === undefined) return ["UNS", "IP:", "GW:", "MSK:", "UNE"];
  const { address, prefix, gateway = "" } = network.ipv4;
  return ["UNS", `IP:${address}`, `GW:${gateway}`, `MSK:${ipv4MaskText(prefix)}`, "UNE"];
}

function routeWords(network: GuestNetwork | undefined): readonly string[] {
  if (network?.ipv4?.gateway === undefined) return [];
  const { address, gateway, prefix } = network.ipv4;
  return isSameSubnet(address, gateway, prefix) ? [] : ["URUNIT_DEFROUTE=1"];
}

/** What another init than urunit does not learn. */
function untold({ env, networks }: GuestInput): Pick<GuestNeeds, "warnings" | "remarks"> {
  const [network] = networks;
  const lost = lostVariables(env, "freebsd: environment variables are not passed: only the init urunit can read them");
  if (network === undefined) return lost;
  const address = `freebsd: the address of ${network.interface} is not passed: only the init urunit can read it`;
  return { ...lost, warnings: [...lost.warnings, address] };
}

function rootOf({ sharedRoot, blockIsRootfs }: GuestInput): string {
  if (sharedRoot !== undefined) return `p9fs:${sharedRoot.tag}`;
  return `${blockIsRootfs === true ? "ext2fs" : "ufs"}:/dev/vtbd0`;
}
