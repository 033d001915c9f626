/** The container's rootfs as a share for the guest. */
import type { GuestMount, SharedRoot } from "../guests/guest.ts";
import { mountsInPlace, withOptions } from "./decide-initrd.ts";
import { type GuestRoot, isQemus } from "./decide-root.ts";
import type { BindMount, Share, ShareServer } from "./launch-plan.ts";
import type { Planning } from "./plan-input.ts";

/** Where the rootfs lies in the monitor's root. */
const TARGET = "/guest/share";
const SOCKET = "/guest/virtiofs.sock";
const TAG = "fs0";
/** Descriptors the server finds open. */
export const SERVER_SOCKET_FD = 3;

/**
 * What virtiofsd as root works with for its guest (capabilities(7)). It acts in the place of the bundle's processes, so it
 * has of them what these would have.
 */
const SERVER_CAPABILITIES: readonly string[] = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_MKNOD",
  "CAP_SETFCAP",
];

/** Files of the kernel that virtiofsd reads for its limit of open files: QEMU's the first, the one in Rust the other. */
const SERVER_SYSCTLS: readonly string[] = ["/proc/sys/fs/file-max", "/proc/sys/fs/nr_open"];

/** With a writable mount in it the share as a whole is writable: what of it is not is the host's matter and our init's. */
export function decideSharedRoot(
  { kind }: GuestRoot,
  { spec }: Planning,
  binds: readonly BindMount[],
): SharedRoot | undefined {
  const readonly = spec.root.readonly && binds.every((bind) => bind.readonly);
  return kind === "virtiofs" || kind === "9p" ? { kind, tag: TAG, readonly } : undefined;
}

/** What our init mounts on itself below a shared root, with the options of the bundle; the root itself comes last. */
export function mountsOfShare(
  { spec }: Planning,
  { readonly }: SharedRoot,
  mounts: readonly BindMount[],
): readonly GuestMount[] {
  if (!spec.root.readonly || readonly) return mountsInPlace(mounts);
  return [...mounts.map(withOptions), { destination: "/", readonly: true }];
}

export function decideShare(
  root: SharedRoot | undefined,
  mounts: readonly BindMount[],
  planning: Planning,
): Share | undefined {
  if (root === undefined) return undefined;
  const server = root.kind === "virtiofs" ? decideServer(planning) : undefined;
  const sysctls = server === undefined ? [] : SERVER_SYSCTLS;
  const ownReadonly = planning.spec.root.readonly;
  return { ...root, target: TARGET, ownReadonly, mounts, sysctls, ...(server === undefined ? {} : { server }) };
}

/** What the monitor is told: 9p it serves itself. */
export function sharePath({ server, target }: Share): string {
  return server === undefined ? target : server.socket;
}

function decideServer({ facts, configuration, spec }: Planning): ShareServer {
  const path = facts.virtiofsd?.path ?? "";
  const { options } = configuration.virtiofsd;
  const words = isQemus(path)
    ? ["-o", `source=${TARGET}`, ...(options ?? QEMUS_OPTIONS)]
    : ["--shared-dir", TARGET, ...withoutHandles(options ?? OPTIONS)];
  const isRoot = spec.process.user.uid === 0;
  const [kept, missing] = partition(isRoot ? SERVER_CAPABILITIES : [], spec.process.capabilities);
  const argv = missing.length === 0 ? words : withoutCapabilities(words, missing, isQemus(path));
  const capabilities = isRoot ? [...kept, ...whileItStarts(words)] : [];
  return { path, argv: [path, `--fd=${SERVER_SOCKET_FD}`, ...argv], socket: SOCKET, capabilities };
}

function partition(names: readonly string[], allowed: readonly string[]): readonly [string[], string[]] {
  return [names.filter((name) => allowed.includes(name)), names.filter((name) => !allowed.includes(name))];
}

/** What it confines itself with, and gives up before it looks at a request. */
function whileItStarts(words: readonly string[]): readonly string[] {
  return words.some((word) => /(^|=)chroot$/.test(word)) ? ["CAP_SETPCAP", "CAP_SYS_CHROOT"] : ["CAP_SETPCAP"];
}

/** It wants all of its own, and does not start without; what the configuration says of them comes first. */
function withoutCapabilities(words: readonly string[], missing: readonly string[], qemus: boolean): readonly string[] {
  const list = missing.map((name) => `-${name.slice("CAP_".length).toLowerCase()}`).join(":");
  const said = words.findIndex((word) => /^(--)?modcaps\b/.test(word));
  if (said < 0) return [...words, ...(qemus ? ["-o", `modcaps=${list}`] : [`--modcaps=${list}`])];
  const place = words[said] === "--modcaps" ? said + 1 : said;
  return words.map((word, index) => (index === place ? `${word}:${list}` : word));
}

/** Files opened by handles may lie outside of the share, so that needs a capability which the server is not given. */
function withoutHandles(options: readonly string[]): readonly string[] {
  const isSaid = options.some((option) => option.startsWith("--inode-file-handles"));
  return isSaid ? options : [...options, "--inode-file-handles=never"];
}

const OPTIONS: readonly string[] = "--cache always --sandbox none --log-level error".split(" ");
const QEMUS_OPTIONS: readonly string[] = "-o cache=always -o sandbox=chroot -o log_level=err".split(" ");
