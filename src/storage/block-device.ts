/** Block devices of the host that a guest gets. */

import { RuntimeFailure } from "../failure.ts";
import { AT_FDCWD, O_NONBLOCK, O_PATH, O_RDONLY, S_IFBLK, S_IFMT } from "../sys/constants.ts";
import { deadlineIn, waitUntil } from "../sys/deadline.ts";
import { isSysError } from "../sys/errors.ts";
import { close, fstat, fstatat, open, readTextFileIfPresent, withFile } from "../sys/file.ts";
import { loopFlags, setLoopFlags } from "../sys/loop.ts";

/** loop.h: the last one who closes the device detaches its file. */
const LO_FLAGS_AUTOCLEAR = 4;
const TEXT_LIMIT = 65536;

/** Whether the path is the block device with these numbers (`major:minor`). */
export function isBlockDevice(path: string, device: string): boolean {
  try {
    return hasNumbers(fstatat(AT_FDCWD, path, 0), device);
  } catch (error) {
    if (isSysError(error)) return false;
    throw error;
  }
}

function hasNumbers({ mode, rdevMajor, rdevMinor }: ReturnType<typeof fstat>, device: string): boolean {
  return (mode & S_IFMT) === S_IFBLK && `${rdevMajor}:${rdevMinor}` === device;
}

/** A block device by its path and its numbers (`major:minor`): who says the path may not be who owns its directory. */
export interface DeviceName {
  readonly source: string;
  readonly device: string;
}

/**
 * Opens the device, if that is what stands at its path; anything else is not opened.
 *
 * @throws RuntimeFailure `storage`.
 */
export function openBlockDevice({ source, device }: DeviceName, flags: number): number {
  return withFile(source, O_PATH, (reference) => {
    if (hasNumbers(fstat(reference), device)) return open(`/proc/self/fd/${reference}`, flags);
    throw new RuntimeFailure("storage", `${source} is not the block device ${device} any more`, { kind: "system" });
  });
}

/** As {@link openBlockDevice}, to look at it; closed afterwards. */
export function withBlockDevice<T>(name: DeviceName, use: (fd: number) => T): T {
  const fd = openBlockDevice(name, O_RDONLY | O_NONBLOCK);
  try {
    return use(fd);
  } finally {
    close(fd);
  }
}

/** File behind a loop device; null for any other device. */
export function backingFile(device: string): string | null {
  return readTextFileIfPresent(`/sys/dev/block/${device}/loop/backing_file`, TEXT_LIMIT)?.trimEnd() ?? null;
}

/** Whether a loop device goes with its last user. */
export function isAutoclear(name: DeviceName): boolean {
  return withBlockDevice(name, (fd) => (loopFlags(fd) & LO_FLAGS_AUTOCLEAR) !== 0);
}

export function setAutoclear(name: DeviceName, on: boolean): void {
  withBlockDevice(name, (fd) => {
    const flags = loopFlags(fd);
    setLoopFlags(fd, on ? flags | LO_FLAGS_AUTOCLEAR : flags & ~LO_FLAGS_AUTOCLEAR);
  });
}

const BUSY_MS = 500;
const STEP_MS = 20;

/** Tries again for half a second while something is busy: others look at new mounts and devices for a moment. */
export function whileBusy<T>(action: () => T): T {
  let done: { readonly result: T } | undefined;
  const isDone = () => {
    try {
      done = { result: action() };
      return true;
    } catch (error) {
      if (!isSysError(error, "EBUSY")) throw error;
      return false;
    }
  };
  waitUntil(isDone, deadlineIn(BUSY_MS), STEP_MS);
  // The last answer is the caller's to see.
  return done === undefined ? action() : done.result;
}
