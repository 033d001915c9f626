import { RuntimeFailure } from "../failure.ts";
import { type CgroupPlace, directories } from "../resources/cgroup-place.ts";
import { AT_SYMLINK_NOFOLLOW, O_DIRECTORY, O_RDONLY, S_IFDIR, S_IFMT } from "../sys/constants.ts";
import { deadlineIn, waitUntil } from "../sys/deadline.ts";
import { isSysError } from "../sys/errors.ts";
import { fstatat, readdir, withFile } from "../sys/file.ts";
import { getpid, kill } from "../sys/process.ts";
import { SIGKILL } from "../sys/signals.ts";
import { thaw } from "./freezer.ts";
import { isGone, readCgroupFile } from "./read.ts";
import { writeCgroupFile } from "./write.ts";

const END_TIMEOUT_MS = 10_000;
const STEP_MS = 5;

/** The processes of a cgroup and those below it, as pids of our namespace. */
export function pidsOf(place: CgroupPlace): readonly number[] {
  const [first] = directories(place);
  return first === undefined ? [] : pidsBelow(first);
}

/** Those in any hierarchy, as one that was killed on its way in may be in some of them only. */
export function pidsAnywhere(place: CgroupPlace): readonly number[] {
  return [...new Set(directories(place).flatMap(pidsBelow))].filter((pid) => pid !== getpid());
}

function pidsBelow(directory: string): readonly number[] {
  const text = readCgroupFile(`${directory}/cgroup.procs`) ?? "";
  // 0 is one of a pid namespace that ours does not see.
  const own = text
    .split("\n")
    .map(Number)
    .filter((pid) => pid > 0);
  return [...own, ...subdirectories(directory).flatMap(pidsBelow)];
}

/** Whether a cgroup or one below has a process, be it of a pid namespace that ours does not see. */
export function hasProcesses(directory: string): boolean {
  return textOfProcesses(directory) !== "" || subdirectories(directory).some(hasProcesses);
}

function textOfProcesses(directory: string): string {
  try {
    return readCgroupFile(`${directory}/cgroup.procs`) ?? "";
  } catch (error) {
    // A threaded cgroup of v2 tells its threads only: whose they are, the cgroup above says (cgroups(7)).
    if (isSysError(error, "EOPNOTSUPP")) return readCgroupFile(`${directory}/cgroup.threads`) ?? "";
    throw error;
  }
}

export function subdirectories(directory: string): readonly string[] {
  try {
    return withFile(directory, O_RDONLY | O_DIRECTORY, (fd) =>
      readdir(fd)
        .filter((name) => isDirectory(fd, name))
        .map((name) => `${directory}/${name}`),
    );
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

function isDirectory(parent: number, name: string): boolean {
  try {
    return (fstatat(parent, name, AT_SYMLINK_NOFOLLOW).mode & S_IFMT) === S_IFDIR;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

/** Sends a signal to processes; those that are gone are no error. */
export function signalAll(pids: readonly number[], signal: number): void {
  for (const pid of pids) {
    try {
      kill(pid, signal);
    } catch (error) {
      if (!isSysError(error, "ESRCH")) throw error;
    }
  }
}

/**
 * SIGKILL to every process of a cgroup, until there is none.
 *
 * @throws RuntimeFailure `still-running` when one is there after ten seconds.
 */
export function endProcesses(place: CgroupPlace): void {
  let hasKilled = killAtOnce(place);
  const haveEnded = () => {
    const pids = pidsAnywhere(place);
    if (pids.length === 0) return true;
    if (!hasKilled) signalAll(pids, SIGKILL);
    // One may make another yet.
    hasKilled = false;
    // A frozen process of cgroup v1 does not even notice.
    thaw(place);
    return false;
  };
  if (waitUntil(haveEnded, deadlineIn(END_TIMEOUT_MS), STEP_MS)) return;
  const message = `Cgroup ${directories(place)[0]}: its processes do not end within ${END_TIMEOUT_MS / 1000} s: ${pidsAnywhere(place).join(" ")}`;
  throw new RuntimeFailure("still-running", message, { kind: "system" });
}

/** cgroup.kill of Linux 5.14, which spares none. */
function killAtOnce({ v2 }: CgroupPlace): boolean {
  if (v2 === undefined) return false;
  try {
    writeCgroupFile(`${v2}/cgroup.kill`, "1");
    return true;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}
