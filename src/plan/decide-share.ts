/** The container's rootfs as a share for the guest. */
import type { SharedRoot } from "../guests/guest.ts";
import { type GuestRoot, isQemus } from "./decide-root.ts";
import type { BindMount, Share, ShareServer } from "./launch-plan.ts";
import type { Planning } from "./plan-input.ts";

/** Where the rootfs lies in the monitor's root. */
const TARGET = "/guest/share";
const SOCKET = "/guest/virtiofs.sock";
const TAG = "fs0";
/** Descriptors the server finds open. */
export const SERVER_SOCKET_FD = 3;

/** What virtiofsd keeps for itself as root, with what it needs until it has confined itself (capabilities(7)). */
const SERVER_CAPABILITIES: readonly string[] = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETPCAP",
  "CAP_SYS_CHROOT",
  "CAP_MKNOD",
  "CAP_SETFCAP",
];

export function decideSharedRoot({ kind }: GuestRoot, { spec }: Planning): SharedRoot | undefined {
  return kind === "virtiofs" || kind === "9p" ? { kind, tag: TAG, readonly: spec.root.readonly } : undefined;
}

export function decideShare(
  root: SharedRoot | undefined,
  mounts: readonly BindMount[],
  planning: Planning,
): Share | undefined {
  if (root === undefined) return undefined;
  const server = root.kind === "virtiofs" ? decideServer(planning) : undefined;
  // virtiofsd does not start without /proc/sys/fs.
  const proc = server === undefined ? "pid" : "all";
  return { ...root, target: TARGET, mounts, proc, ...(server === undefined ? {} : { server }) };
}

/** What the monitor is told: 9p it serves itself. */
export function sharePath({ server, target }: Share): string {
  return server === undefined ? target : server.socket;
}

function decideServer({ facts, configuration, spec }: Planning): ShareServer {
  const path = facts.virtiofsd?.path ?? "";
  const { options } = configuration.virtiofsd;
  const capabilities = spec.process.user.uid === 0 ? SERVER_CAPABILITIES : [];
  const argv = isQemus(path)
    ? ["-o", `source=${TARGET}`, ...(options ?? QEMUS_OPTIONS)]
    : ["--shared-dir", TARGET, ...withoutHandles(options ?? OPTIONS)];
  return { path, argv: [path, `--fd=${SERVER_SOCKET_FD}`, ...argv], socket: SOCKET, capabilities };
}

/** Files opened by handles may lie outside of the share, so that needs a capability which the server is not given. */
function withoutHandles(options: readonly string[]): readonly string[] {
  const isSaid = options.some((option) => option.startsWith("--inode-file-handles"));
  return isSaid ? options : [...options, "--inode-file-handles=never"];
}

const OPTIONS: readonly string[] = "--cache always --sandbox none --log-level error".split(" ");
const QEMUS_OPTIONS: readonly string[] = "-o cache=always -o sandbox=chroot -o log_level=err".split(" ");
