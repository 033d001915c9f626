import { RuntimeFailure } from "../failure.ts";
import { mountArguments } from "../plan/mount-flags.ts";
import { type BlockMount, parseMountinfo } from "../plan/mountinfo.ts";
import { isShortage, isSysError, messageOf } from "../sys/errors.ts";
import { readTextFile } from "../sys/file.ts";
import { mount } from "../sys/mount.ts";
import { backingFile, isAutoclear, isBlockDevice, setAutoclear, whileBusy } from "./block-device.ts";
import { removeCopy } from "./rootfs-copies.ts";
import { readUndo, type UndoEntry } from "./undo-journal.ts";

/** Bytes; a host may have thousands of mounts. */
export const MOUNTINFO = "/proc/self/mountinfo";
export const MOUNTINFO_LIMIT = 64 << 20;

/**
 * Puts back what the journal of a container's directory says, newest first. Each entry looks at how things are, so that
 * it may be played again after a crash. One that fails is a warning and keeps no other from being played.
 *
 * @throws SysError of a shortage: the journal must stay, for another try.
 */
export function undoStorage(directory: number, warn: (message: string) => void): void {
  let entries: readonly UndoEntry[];
  try {
    entries = readUndo(directory);
  } catch (error) {
    if (isShortage(error) || !(error instanceof RuntimeFailure || isSysError(error))) throw error;
    warn(`Undo storage: ${messageOf(error)}`);
    return;
  }
  const shortages: unknown[] = [];
  for (const entry of entries.toReversed()) {
    try {
      undo(entry);
    } catch (error) {
      if (isShortage(error)) shortages.push(error);
      else warn(`Undo storage: ${messageOf(error)}`);
    }
  }
  if (shortages.length > 0) throw shortages[0];
}

function undo(entry: UndoEntry): void {
  if (entry.undo === "copy") {
    if (isMounted(entry)) removeCopy(entry);
    return;
  }
  const { source, device } = entry.undo === "unmount" ? entry.mount : entry;
  if (!isBlockDevice(source, device) || backingFile(device) !== entry.backing) {
    throw new RuntimeFailure("storage", `${source} is not the device any more that it was: it is left alone`);
  }
  if (entry.undo === "unmount") mountAgain(entry.mount);
  else if (!isAutoclear(source)) setAutoclear(source, true);
}

function isMounted({ mountPoint, device }: Pick<BlockMount, "mountPoint" | "device">): boolean {
  const entries = parseMountinfo(readTextFile(MOUNTINFO, MOUNTINFO_LIMIT));
  return entries.some((entry) => entry.mountPoint === mountPoint && entry.device === device);
}

function mountAgain(own: BlockMount): void {
  if (isMounted(own)) return;
  const { source, mountPoint, fsType, options, superOptions } = own;
  const { flags, data } = mountArguments(options, superOptions);
  try {
    whileBusy(() => mount(source, mountPoint, fsType, flags, data));
  } catch (error) {
    // The kernel lists options that it does not take.
    if (!isSysError(error, "EINVAL") || data === "") throw error;
    mount(source, mountPoint, fsType, flags, null);
  }
}
