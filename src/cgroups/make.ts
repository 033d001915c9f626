import { RuntimeFailure } from "../failure.ts";
import { type CgroupPlace, directories, hierarchyRoot } from "../resources/cgroup-place.ts";
import { AT_FDCWD, AT_REMOVEDIR, O_DIRECTORY, O_RDONLY, O_WRONLY, S_IFDIR, S_IFMT } from "../sys/constants.ts";
import { deadlineIn, waitUntil } from "../sys/deadline.ts";
import { isSysError, messageOf } from "../sys/errors.ts";
import { close, exists, fstatat, mkdirat, open, readTextFile, unlinkat, writeText } from "../sys/file.ts";
import { enableControllers } from "./controllers.ts";
import { isV1 } from "./limits.ts";
import { hasProcesses, subdirectories } from "./processes.ts";
import { readCgroupFile } from "./read.ts";
import { tryRemove } from "./remove.ts";
import { writeCgroupFile } from "./write.ts";

const TEXT_LIMIT = 1 << 20;
const TIMEOUT_MS = 1000;
const STEP_MS = 2;

/** What a new process needs to be in a cgroup from its first instruction of ours on. */
export interface CgroupEntrance {
  /** The cgroup v2 directory, for clone3(2); absent where there is none. */
  readonly v2?: OpenPath;
  /** `tasks` of each cgroup v1 directory, open for writing. */
  readonly v1: readonly OpenPath[];
}

/** A file that is open, and what it is called in errors. */
export interface OpenPath {
  readonly path: string;
  readonly fd: number;
}

/**
 * Looks for processes in every hierarchy and below, since all that is there ends with the container.
 *
 * @returns the directories that are there already.
 * @throws RuntimeFailure `cgroup` when another container, or whoever, has processes there.
 */
export function checkIsFree(place: CgroupPlace): readonly string[] {
  const present = directories(place).filter(exists);
  const file = present.find((path) => !isDirectory(path));
  if (file !== undefined) throw isTaken(file, "is a file of the kernel: choose another linux.cgroupsPath");
  const busy = present.find(hasProcesses);
  if (busy !== undefined)
    throw isTaken(busy, "has processes in it already: choose another linux.cgroupsPath or end them");
  return present;
}

function isDirectory(path: string): boolean {
  return (fstatat(AT_FDCWD, path, 0).mode & S_IFMT) === S_IFDIR;
}

function isTaken(path: string, what: string): RuntimeFailure {
  return new RuntimeFailure("cgroup", `Cgroup ${path} ${what}`);
}

/**
 * Makes the directories and opens the ways in. When one fails, those that were made are removed.
 *
 * @param stale directories without processes that are made anew, so that whoever made them first can tell that they are
 * another's now; undefined takes over whatever is there.
 * @throws RuntimeFailure `cgroup` naming the directory.
 */
export function makeCgroup(place: CgroupPlace, stale?: readonly string[]): CgroupEntrance {
  const made: string[] = [];
  const making = (controllers: string): Making => ({
    root: hierarchyRoot(controllers, !isV1(place)),
    isCpuset: controllers.split(",").includes("cpuset"),
    mustBeNew: stale !== undefined,
    made,
  });
  for (const path of stale ?? []) removeStale(path);
  try {
    const v1 = Object.entries(place.v1).map(([controllers, directory]) => {
      makeDirectory(directory, making(controllers));
      const path = `${directory}/tasks`;
      return { path, fd: openFile(path, O_WRONLY) };
    });
    if (place.v2 === undefined) return { v1 };
    makeDirectory(place.v2, making(""));
    if (!isV1(place)) enableControllers(place.v2);
    return { v1, v2: { path: place.v2, fd: openFile(place.v2, O_RDONLY | O_DIRECTORY) } };
  } catch (error) {
    for (const directory of made.reverse()) removeQuietly(directory);
    throw error;
  }
}

function openFile(path: string, flags: number): number {
  try {
    return open(path, flags);
  } catch (error) {
    throw new RuntimeFailure("cgroup", `Open cgroup: ${messageOf(error)}`, { kind: "system", cause: error });
  }
}

/** A hierarchy's mount point, and what was made below. */
interface Making {
  readonly root: string;
  readonly isCpuset: boolean;
  readonly mustBeNew: boolean;
  readonly made: string[];
}

function removeStale(path: string): void {
  const isEmpty = () => subdirectories(path).length === 0 && !hasProcesses(path);
  // The kernel lets go of a process some time after it has ended.
  waitUntil(() => tryRemove(path) || !isEmpty(), deadlineIn(TIMEOUT_MS), STEP_MS);
  if (!tryRemove(path)) {
    throw isTaken(path, "has processes or cgroups in it already: choose another linux.cgroupsPath or remove them");
  }
}

function makeDirectory(path: string, making: Making): void {
  try {
    mkdirat(AT_FDCWD, path, 0o755);
    making.made.push(path);
  } catch (error) {
    const parent = path.slice(0, path.lastIndexOf("/"));
    if (isSysError(error, "ENOENT") && parent !== making.root) {
      makeDirectory(parent, { ...making, mustBeNew: false });
      makeDirectory(path, making);
      return;
    }
    if (making.mustBeNew && isSysError(error, "EEXIST")) {
      throw isTaken(path, "has been made by somebody else in this moment: choose another linux.cgroupsPath");
    }
    if (!isSysError(error, "EEXIST")) {
      throw new RuntimeFailure("cgroup", `Make cgroup: ${messageOf(error)}`, { kind: "system", cause: error });
    }
  }
  if (making.isCpuset) inheritCpuset(path);
}

/** A cpuset of cgroup v1 takes no processes before it has processors and memory nodes. */
function inheritCpuset(directory: string): void {
  const parent = directory.slice(0, directory.lastIndexOf("/"));
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    if (readTextFile(`${directory}/${file}`, TEXT_LIMIT).trim() !== "") continue;
    writeCgroupFile(`${directory}/${file}`, readTextFile(`${parent}/${file}`, TEXT_LIMIT));
  }
}

function removeQuietly(directory: string): void {
  try {
    unlinkat(AT_FDCWD, directory, AT_REMOVEDIR);
  } catch (error) {
    if (!isSysError(error)) throw error;
  }
}

/**
 * Puts a process with one thread into the cgroup v1 directories; clone3(2) does that for cgroup v2. 0 stands for the
 * caller, which costs no lock of the kernel.
 */
export function enterCgroup(entrance: CgroupEntrance, pid = 0): void {
  for (const { path, fd } of entrance.v1) {
    try {
      writeText(fd, String(pid));
    } catch (error) {
      throw new RuntimeFailure("cgroup", `Enter cgroup: write ${path}: ${messageOf(error)}`, {
        kind: "system",
        cause: error,
      });
    }
  }
  closeEntrance(entrance);
}

/** Says why clone3(2) could not make a process in a cgroup v2 directory (cgroups(7)); any other error is as it was. */
export function explainRefusal(error: unknown, directory: string): unknown {
  if (!isSysError(error, "EBUSY", "EOPNOTSUPP")) return error;
  const reason = isSysError(error, "EBUSY")
    ? "it gives controllers to cgroups below it (cgroup.subtree_control), so it takes no processes"
    : whyInvalid(directory);
  const message = `Enter cgroup ${directory}: ${reason}: choose another linux.cgroupsPath: ${error.message}`;
  return new RuntimeFailure("cgroup", message, { cause: error });
}

/** Whose threads are on their own, or could be, above a cgroup that takes no processes for that reason. */
function whyInvalid(directory: string): string {
  const above = directory.slice(0, directory.lastIndexOf("/"));
  const type = readCgroupFile(`${above}/cgroup.type`)?.trim();
  if (type === "threaded") return `the cgroup ${above} is threaded (cgroup.type), so those below it take no processes`;
  if (type === "domain invalid") return whyInvalid(above);
  return `the cgroup ${above} has processes of its own and gives controllers to those below it, so these take no processes`;
}

export function closeEntrance(entrance: CgroupEntrance): void {
  for (const { fd } of entrance.v1) close(fd);
  if (entrance.v2 !== undefined) close(entrance.v2.fd);
}
