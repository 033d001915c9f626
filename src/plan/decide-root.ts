/** What the guest has for its root. */
import type { ShareKind } from "../guests/guest.ts";
import type { BlockMount } from "./mountinfo.ts";
import type { Planning } from "./plan-input.ts";

/** Ways to a root, in the order in which they are tried. */
export type RootKind =
  /** An initrd of the image. */
  | "initrd"
  /** A block image in the image. */
  | "block"
  /** The device that the container's rootfs is mounted from. */
  | "rootfs-block"
  /** The container's rootfs, shared. */
  | ShareKind
  /** The container's rootfs, packed into an initrd. */
  | "rootfs-archive"
  /** Whatever the kernel brings. */
  | "kernel";

/** The way that was chosen, and why those before it were not. */
export interface GuestRoot {
  readonly kind: RootKind;
  readonly passed: readonly { readonly kind: RootKind; readonly reason: string }[];
  /** Of `rootfs-block`. */
  readonly mount?: BlockMount;
}

export function decideRoot(planning: Planning): GuestRoot {
  const { metadata, warnings } = planning;
  const first = metadata.initrd !== undefined ? "initrd" : metadata.block?.mountPoint === "/" ? "block" : undefined;
  if (first !== undefined) {
    if (metadata.mountRootfs) warnings.push(`annotation com.urunc.unikernel.mountRootfs ignored: ${first} comes first`);
    return { kind: first, passed: [] };
  }
  if (metadata.mountRootfs) return mountedRoot(planning);
  return { kind: metadata.boot === undefined ? "kernel" : "rootfs-archive", passed: [] };
}

function mountedRoot(planning: Planning): GuestRoot {
  const passed: { kind: RootKind; reason: string }[] = [];
  const ways = [
    { kind: "rootfs-block", reason: blockReason(planning) },
    { kind: "virtiofs", reason: shareReason(planning, "virtiofs") ?? serverReason(planning) },
    { kind: "9p", reason: shareReason(planning, "9p") },
  ] as const;
  const hasUser = planning.spec.linux.namespaces.some(({ type }) => type === "user");
  for (const { kind, reason: own } of ways) {
    const reason = hasUser ? "not with a user namespace" : own;
    if (reason !== undefined) passed.push({ kind, reason });
    else if (kind === "rootfs-block") return { kind, passed, ...takenMount(planning) };
    else return { kind, passed };
  }
  const why = passed.map(({ kind, reason }) => `${kind}: ${reason}`).join("; ");
  const message = `annotation com.urunc.unikernel.mountRootfs: can not use the container rootfs as the sandbox's guest rootfs through block or shared-fs: ${why}`;
  planning.problems.push({ code: "mount-rootfs", message });
  return { kind: "kernel", passed };
}

function takenMount({ facts }: Planning): Pick<GuestRoot, "mount"> {
  const fact = facts.rootfsMount;
  return fact !== undefined && "mount" in fact ? { mount: fact.mount } : {};
}

function blockReason({ guest, monitor, metadata, facts, spec }: Planning): string | undefined {
  const { rootFilesystems } = guest;
  if (rootFilesystems === undefined) return `${metadata.guest} cannot have its root there`;
  if (!monitor.supportsBlock) return `${metadata.monitor} does not have it`;
  if (metadata.block !== undefined) return "the image's block image lies in the file system that would be taken";
  if (spec.root.readonly && !monitor.supportsReadonlyBlock) return `${metadata.monitor} has disks for writing only`;
  const fact = facts.rootfsMount ?? { reason: "it was not looked for" };
  if ("reason" in fact) return fact.reason;
  const { source, fsType } = fact.mount;
  if (rootFilesystems.includes(fsType)) return undefined;
  return `${source} has ${fsType}, ${metadata.guest} takes ${rootFilesystems.join(", ")}`;
}

function shareReason({ guest, monitor, metadata }: Planning, kind: ShareKind): string | undefined {
  if (guest.sharedRoots?.includes(kind) !== true) return `${metadata.guest} cannot have its root there`;
  return monitor.shares?.includes(kind) === true ? undefined : `${metadata.monitor} does not have it`;
}

function serverReason({ facts, spec }: Planning): string | undefined {
  if (facts.virtiofsd === undefined) {
    return "virtiofsd is not installed where extra_binaries.virtiofsd.path says, nor in the usual places";
  }
  if (!isQemus(facts.virtiofsd.path) || spec.process.user.uid === 0) return undefined;
  return `${facts.virtiofsd.path} runs as root only: the container's user is ${spec.process.user.uid}`;
}

/** The program in C that QEMU brought up to version 7, not its successor in Rust: its options are others. */
export function isQemus(path: string): boolean {
  return path.endsWith("/qemu/virtiofsd");
}
