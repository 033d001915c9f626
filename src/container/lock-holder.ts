/** Who holds the lock of a container, for the moment when it is not to be had. */
import { RuntimeFailure } from "../failure.ts";
import { AT_FDCWD, O_DIRECTORY, O_RDONLY } from "../sys/constants.ts";
import { isSysError } from "../sys/errors.ts";
import { close, fstat, fstatat, readdir, readlinkat, readTextFile, withFile } from "../sys/file.ts";
import { openContainerPath } from "./container-directory.ts";
import { identityOfPid, killProcess, readProcessStat } from "./process.ts";

const LOCKS_LIMIT = 16 << 20;

/**
 * Ends the verb that holds the lock of a container: whatever it was doing, what a verb that is killed leaves can be removed.
 *
 * @param busy why the holder is asked for.
 * @throws RuntimeFailure `busy` where somebody else has the lock, or nobody whom this process can see.
 */
export function endLockHolder(path: string, busy: RuntimeFailure): void {
  const directory = openContainerPath(path);
  if (directory === undefined) return;
  try {
    const pid = lockHolder(directory);
    if (pid === undefined) throw busy;
    const identity = identityOfPid(pid);
    if (!isThisProgram(pid)) {
      const name = readProcessStat(pid)?.name ?? "";
      const message = `Lock of ${path}: process ${pid} (${name}) has it, which is no urunc: end it, then try again`;
      throw new RuntimeFailure("busy", message, { kind: "system" });
    }
    killProcess(identity);
  } finally {
    close(directory);
  }
}

/** The process that holds the flock(2) of an open directory; undefined where the kernel does not tell. */
function lockHolder(directory: number): number | undefined {
  return pidsWithLock(fstat(directory).ino).find((one) => hasOpen(one, directory));
}

/** /proc/locks (proc(5)); only an inode is compared, since the device is not the one of stat(2) for each file system. */
function pidsWithLock(inode: number): readonly number[] {
  return quietly(() => readTextFile("/proc/locks", LOCKS_LIMIT), "")
    .split("\n")
    .map((line) => /^\d+: FLOCK +\w+ +\w+ +(\d+) [0-9a-f]+:[0-9a-f]+:(\d+) /.exec(line))
    .flatMap((match) => (match !== null && Number(match[2]) === inode ? [Number(match[1])] : []));
}

function hasOpen(pid: number, directory: number): boolean {
  const path = `/proc/${pid}/fd`;
  const fds = quietly(() => withFile(path, O_RDONLY | O_DIRECTORY, (fd) => readdir(fd)), []);
  const wanted = fstat(directory);
  return fds.some((fd) => isSameFile(`${path}/${fd}`, wanted));
}

/** The same file, or the one that was in its place before an upgrade. */
function isThisProgram(pid: number): boolean {
  const [theirs, own] = [`/proc/${pid}/exe`, "/proc/self/exe"];
  if (isSameFile(theirs, fstatat(AT_FDCWD, own, 0))) return true;
  return quietly(() => readlinkat(AT_FDCWD, theirs) === `${readlinkat(AT_FDCWD, own)} (deleted)`, false);
}

function isSameFile(path: string, { dev, ino }: { readonly dev: number; readonly ino: number }): boolean {
  return quietly(() => {
    const found = fstatat(AT_FDCWD, path, 0);
    return found.ino === ino && found.dev === dev;
  }, false);
}

/** What cannot be seen of a process is as if it were not there. */
function quietly<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch (error) {
    if (isSysError(error)) return otherwise;
    throw error;
  }
}
