/** Block devices of the host that a guest gets. */
import { AT_FDCWD, O_RDONLY, S_IFBLK, S_IFMT } from "../sys/constants.ts";
import { isSysError } from "../sys/errors.ts";
import { fstatat, readTextFileIfPresent, withFile } from "../sys/file.ts";
import { loopFlags, setLoopFlags } from "../sys/loop.ts";
import { poll } from "../sys/process.ts";

/** loop.h: the last one who closes the device detaches its file. */
const LO_FLAGS_AUTOCLEAR = 4;
const TEXT_LIMIT = 65536;

/** Whether the path is the block device with these numbers (`major:minor`). */
export function isBlockDevice(path: string, device: string): boolean {
  try {
    const { mode, rdevMajor, rdevMinor } = fstatat(AT_FDCWD, path, 0);
    return (mode & S_IFMT) === S_IFBLK && `${rdevMajor}:${rdevMinor}` === device;
  } catch (error) {
    if (isSysError(error)) return false;
    throw error;
  }
}

/** File behind a loop device; null for any other device. */
export function backingFile(device: string): string | null {
  return readTextFileIfPresent(`/sys/dev/block/${device}/loop/backing_file`, TEXT_LIMIT)?.trimEnd() ?? null;
}

/** Whether a loop device goes with its last user. */
export function isAutoclear(path: string): boolean {
  return withFile(path, O_RDONLY, (fd) => (loopFlags(fd) & LO_FLAGS_AUTOCLEAR) !== 0);
}

export function setAutoclear(path: string, on: boolean): void {
  withFile(path, O_RDONLY, (fd) => {
    const flags = loopFlags(fd);
    setLoopFlags(fd, on ? flags | LO_FLAGS_AUTOCLEAR : flags & ~LO_FLAGS_AUTOCLEAR);
  });
}

const TRIES = 25;
const STEP_MS = 20;

/** Tries again for half a second while something is busy: others look at new mounts and devices for a moment. */
export function whileBusy<T>(action: () => T): T {
  for (let tries = 1; ; tries++) {
    try {
      return action();
    } catch (error) {
      if (tries === TRIES || !isSysError(error, "EBUSY")) throw error;
      poll([], STEP_MS);
    }
  }
}
