/**
 * The configuration text of an init that follows the urunit convention: blocks of lines for the environment, the
 * process and the volumes. guest-init, our own, reads some lines more (guest-init/config.h), among them the arguments,
 * so that these need not survive the kernel's command line.
 */
import type { Problem } from "../failure.ts";
import { ipv4MaskText } from "../netlink/address.ts";
import { utf8Size } from "../text-size.ts";
import { guestProblem } from "./command-line.ts";
import type { GuestDisk, GuestInput, GuestMount, SharedRoot, ShareKind } from "./guest.ts";
import type { GuestNetwork } from "./network.ts";
import { conventionLines, isLine, ROOT, refuseBrokenLines } from "./urunit.ts";

/** Who reads the text. */
export type InitKind = "guest-init" | "urunit";

/** I/O port of QEMU's isa-debug-exit, one that no PC device has. */
export const EXIT_PORT = 0xf4;

/** Bytes that guest-init has room for. */
const MOST_TEXT = 500_000;
const MOST_WORDS = 4096;
const MOST_GROUPS = 256;
/** Network cards it takes over. */
export const MOST_NICS = 8;

/** mount(2)'s data of each kind of share (Linux, Documentation/filesystems/9p.rst). */
export const SHARE_OPTIONS = {
  virtiofs: "",
  "9p": "trans=virtio,version=9p2000.L,msize=5000000,cache=mmap,posixacl",
} as const satisfies Record<ShareKind, string>;

/** `args` are the application's, argv[0] first. */
export function initText(
  kind: InitKind,
  input: GuestInput,
  args: readonly string[],
  volumes: readonly GuestDisk[],
  problems: Problem[],
): string {
  const isOwn = kind === "guest-init";
  if (!isOwn) refuseBrokenLines("linux", input.env, problems);
  if (isOwn && (input.process?.additionalGids.length ?? 0) > MOST_GROUPS) {
    problems.push(guestProblem(`linux: process.user.additionalGids: guest-init takes ${MOST_GROUPS} at most`));
  }
  const lines = [
    ...conventionLines("linux", input, isOwn ? ownLines(input, args) : [], volumes, problems),
    // Our init mounts the root; other kernels are told it on their command line.
    ...(input.containerBoot === true && input.sharedRoot !== undefined ? shareLines(input.sharedRoot) : []),
    ...(isOwn && input.networks.length > 0
      ? ["UNS", ...input.networks.slice(0, MOST_NICS).flatMap(nicLines), "UNE"]
      : []),
  ];
  const text = `${lines.join("\n")}\n`;
  if (isOwn && (utf8Size(text) > MOST_TEXT || args.length > MOST_WORDS || input.env.length > MOST_WORDS)) {
    problems.push(guestProblem("linux: too many or too long arguments and environment variables for guest-init"));
  }
  return text;
}

function ownLines(input: GuestInput, args: readonly string[]): readonly string[] {
  const { process = ROOT } = input;
  const wrapped = input.env.filter((entry) => !isLine(entry));
  return [
    ...process.additionalGids.map((gid) => `AG:${gid}`),
    ...(process.hostname === undefined ? [] : [`HN:${process.hostname}`]),
    ...(input.networks[0]?.search ?? []).map((domain) => `SD:${domain}`),
    ...(input.networks[0]?.dns ?? []).map((server) => `NS:${server}`),
    ...(input.networks[0]?.resolverOptions ?? []).map((option) => `RV:${option}`),
    `TTY:${process.terminal ? 1 : 0}`,
    ...(input.mounts ?? []).map(mountLine),
    ...wrapped.map((entry) => `ENV:${escapeLine(entry)}`),
    `ARC:${args.length}`,
    ...args.map((argument) => `ARV:${escapeLine(argument)}`),
  ];
}

function mountLine({ source, destination, readonly, flags = [] }: GuestMount): string {
  const options = [readonly ? "ro" : "rw", ...flags].join(",");
  return `BM:${options}:${source ?? ""}:${escapeLine(destination)}`;
}

/** One network card, which the guest finds by its MAC address. */
function nicLines({ mac, interface: name, mtu, ipv4, ipv6 }: GuestNetwork): readonly string[] {
  return [
    `MAC:${mac}`,
    `NAME:${name}`,
    `MTU:${mtu}`,
    ...(ipv4 === undefined ? [] : [`IP:${ipv4.address}`, `MSK:${ipv4MaskText(ipv4.prefix)}`]),
    ...(ipv4?.gateway === undefined ? [] : [`GW:${ipv4.gateway}`]),
    ...(ipv6 === undefined ? [] : [`IP6:${ipv6.address}/${ipv6.prefix}`]),
    ...(ipv6?.gateway === undefined ? [] : [`GW6:${ipv6.gateway}`]),
  ];
}

function shareLines({ kind, tag, readonly }: SharedRoot): readonly string[] {
  return ["UBS", `ID:${tag}`, "MP:/", `FS:${kind}`, `FO:${SHARE_OPTIONS[kind]}`, `RO:${readonly ? 1 : 0}`, "UBE"];
}

/** Ports are a matter of x86. */
export function hasDebugExit(input: GuestInput): boolean {
  return input.monitor === "qemu" && input.arch === "x86_64";
}

function escapeLine(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}
