/**
 * The processes of a container that has neither a pid namespace nor a cgroup of its own with which they end: they are
 * known by the root they live in, whose mount names the container ({@link ContainerDirectory.mark}). None of them has the
 * right to leave it.
 */
import { RuntimeFailure } from "../failure.ts";
import { parseMountinfo } from "../plan/mountinfo.ts";
import { AT_FDCWD, O_DIRECTORY, O_RDONLY } from "../sys/constants.ts";
import { deadlineIn, waitUntil } from "../sys/deadline.ts";
import { isSysError } from "../sys/errors.ts";
import { readdir, readlinkat, readTextFile, withFile } from "../sys/file.ts";
import { SIGKILL } from "../sys/signals.ts";
import { identityOfPid, liveProcess, withProcess } from "./process.ts";

const MOUNTS_LIMIT = 16 << 20;
const END_TIMEOUT_MS = 10_000;
const STEP_MS = 5;

/** All of them, as pids of our namespace; zombies are none. */
export function markedPids(mark: string): readonly number[] {
  const own = readlinkat(AT_FDCWD, "/proc/self/ns/mnt");
  return withFile("/proc", O_RDONLY | O_DIRECTORY, (fd) => readdir(fd))
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => isMarked(pid, mark, own) && liveProcess(identityOfPid(pid)) !== undefined);
}

/** @param own mount namespace in which no marked root is: most processes are in it, and are told from ours at once. */
function isMarked(pid: number, mark: string, own?: string): boolean {
  try {
    if (own !== undefined && readlinkat(AT_FDCWD, `/proc/${pid}/ns/mnt`) === own) return false;
    const mounts = parseMountinfo(readTextFile(`/proc/${pid}/mountinfo`, MOUNTS_LIMIT));
    return mounts.some(({ mountPoint, source }) => mountPoint === "/" && source === mark);
  } catch (error) {
    // It is gone, or none that this user may look into, and so none of this user's containers.
    if (isSysError(error)) return false;
    throw error;
  }
}

/** Sends a signal to all of them but one. */
export function signalMarked(mark: string, signal: number, except?: number): void {
  for (const pid of markedPids(mark)) {
    if (pid === except) continue;
    withProcess(identityOfPid(pid), (process) => {
      // It is held now: whose it is cannot change any more.
      if (isMarked(pid, mark)) process.signal(signal);
    });
  }
}

/**
 * SIGKILL to all of them, until there is none.
 *
 * @throws RuntimeFailure `still-running` when one is there after ten seconds.
 */
export function endMarked(mark: string): void {
  const haveEnded = () => {
    signalMarked(mark, SIGKILL);
    return markedPids(mark).length === 0;
  };
  if (waitUntil(haveEnded, deadlineIn(END_TIMEOUT_MS), STEP_MS)) return;
  const message = `Processes of the container do not end within ${END_TIMEOUT_MS / 1000} s: ${markedPids(mark).join(" ")}`;
  throw new RuntimeFailure("still-running", message, { kind: "system" });
}
