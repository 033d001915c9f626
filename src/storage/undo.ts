import { RuntimeFailure } from "../failure.ts";
import { mountArguments } from "../plan/mount-flags.ts";
import { type BlockMount, parseMountinfo } from "../plan/mountinfo.ts";
import { isShortage, isSysError, messageOf } from "../sys/errors.ts";
import { readTextFile } from "../sys/file.ts";
import { mount } from "../sys/mount.ts";
import { backingFile, isAutoclear, isBlockDevice, setAutoclear, whileBusy } from "./block-device.ts";
import { removeCopy } from "./rootfs-copies.ts";
import { panicsOnErrors } from "./superblock.ts";
import { readUndo, type UndoEntry } from "./undo-journal.ts";

export interface UndoOptions {
  readonly force: boolean;
  readonly warn: (message: string) => void;
}

/** Bytes; a host may have thousands of mounts. */
export const MOUNTINFO = "/proc/self/mountinfo";
export const MOUNTINFO_LIMIT = 64 << 20;

/**
 * Puts back what the journal of a container's directory says, newest first. Each entry looks at how things are, so that
 * it may be played again after a crash. One that fails is a warning and keeps no other from being played.
 *
 * @param options.force what is in use is given up with a warning, too.
 * @throws SysError of a shortage, RuntimeFailure `storage` for what is in use: the journal must stay, for another try.
 */
export function undoStorage(directory: number, { force, warn }: UndoOptions): void {
  let entries: readonly UndoEntry[];
  try {
    entries = readUndo(directory);
  } catch (error) {
    if (isShortage(error) || !(error instanceof RuntimeFailure || isSysError(error))) throw error;
    warn(`Undo storage: ${messageOf(error)}`);
    return;
  }
  const later: unknown[] = [];
  const waiting = new Set<string>();
  for (const entry of [...entries].reverse()) {
    // A loop device that may go would take the file system with it that has to be mounted again.
    if (entry.undo === "keep-loop" && waiting.has(entry.source)) continue;
    try {
      undo(entry, warn);
    } catch (error) {
      if (!isShortage(error) && (force || !isSysError(error, "EBUSY"))) {
        warn(`Undo storage: ${messageOf(error)}`);
        continue;
      }
      later.push(isShortage(error) ? error : inUse(error));
      if (entry.undo === "unmount") waiting.add(entry.mount.source);
    }
  }
  if (later.length > 0) throw later[0];
}

function inUse(error: unknown): RuntimeFailure {
  const advice = "delete the container again when nobody uses it any more, or with --force, which gives it up";
  const message = `Undo storage: ${messageOf(error)}: everything that is needed is kept: ${advice}`;
  return new RuntimeFailure("storage", message, { kind: "system", cause: error });
}

function undo(entry: UndoEntry, warn: (message: string) => void): void {
  if (entry.undo === "copy") {
    if (isMounted(entry)) removeCopy(entry);
    return;
  }
  const name = entry.undo === "unmount" ? entry.mount : entry;
  const { source, device } = name;
  if (!isBlockDevice(source, device) || backingFile(device) !== entry.backing) {
    throw new RuntimeFailure("storage", `${source} is not the device any more that it was: it is left alone`);
  }
  if (entry.undo === "unmount") mountAgain(entry.mount, warn);
  else if (!isAutoclear(name)) setAutoclear(name, true);
}

function isMounted({ mountPoint, device }: Pick<BlockMount, "mountPoint" | "device">): boolean {
  const entries = parseMountinfo(readTextFile(MOUNTINFO, MOUNTINFO_LIMIT));
  return entries.some((entry) => entry.mountPoint === mountPoint && entry.device === device);
}

function mountAgain(own: BlockMount, warn: (message: string) => void): void {
  if (isMounted(own)) return;
  const { source, mountPoint, fsType, options, superOptions } = own;
  const { flags, data } = mountArguments(options, superOptions);
  const panics = panicsOnErrors(own);
  if (panics) warn(`${source} on ${mountPoint} has errors=panic, and a guest may have written it: ${SAFE} instead`);
  const safe = panics ? SAFE : null;
  const wanted = panics ? [...data.split(",").filter((word) => !/^(errors=|$)/.test(word)), SAFE].join(",") : data;
  try {
    whileBusy(() => mount(source, mountPoint, fsType, flags, wanted));
  } catch (error) {
    // The kernel lists options that it does not take.
    if (!isSysError(error, "EINVAL") || data === "") throw error;
    mount(source, mountPoint, fsType, flags, safe);
  }
}

/** As mount(8) of util-linux calls it: the file system becomes read-only, and nothing else happens (ext4(5)). */
const SAFE = "errors=remount-ro";
