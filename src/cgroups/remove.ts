import { RuntimeFailure } from "../failure.ts";
import { type CgroupPlace, directories } from "../resources/cgroup-place.ts";
import { AT_FDCWD, AT_REMOVEDIR } from "../sys/constants.ts";
import { type Deadline, deadlineIn, waitUntil } from "../sys/deadline.ts";
import { isSysError, messageOf } from "../sys/errors.ts";
import { unlinkat } from "../sys/file.ts";
import { endProcesses, subdirectories } from "./processes.ts";

const TIMEOUT_MS = 10_000;
const STEP_MS = 2;

/** Removes those directories of a cgroup that have nothing in them; nobody is killed. */
export function removeEmpty(place: CgroupPlace): void {
  for (const directory of directories(place)) tryRemove(directory);
}

/**
 * Removes a container's own cgroup from every hierarchy, after killing whatever still lives in it. Directories that are
 * gone are no error; those above it stay, as others may share them.
 *
 * @throws RuntimeFailure `cgroup` when one cannot be removed.
 */
export function removeCgroup(place: CgroupPlace): void {
  const busy = directories(place).filter((directory) => !tryRemove(directory));
  if (busy.length === 0) return;
  endProcesses(place);
  // The kernel lets go of a process some time after it has ended.
  const deadline = deadlineIn(TIMEOUT_MS);
  for (const directory of busy) removePatiently(directory, deadline);
}

/** @param deadline of all that is below as well. */
function removePatiently(directory: string, deadline: Deadline): void {
  const isRemoved = () => {
    if (tryRemove(directory)) return true;
    for (const below of subdirectories(directory)) removePatiently(below, deadline);
    return false;
  };
  if (waitUntil(isRemoved, deadline, STEP_MS)) return;
  const why = `it is still in use after ${TIMEOUT_MS / 1000} s`;
  throw new RuntimeFailure("cgroup", `Remove cgroup ${directory}: ${why}: run 'delete --force' again`, {
    kind: "system",
  });
}

/** @returns false when it has processes or cgroups in it. */
export function tryRemove(directory: string): boolean {
  try {
    unlinkat(AT_FDCWD, directory, AT_REMOVEDIR);
    return true;
  } catch (error) {
    if (isSysError(error, "ENOENT")) return true;
    if (isSysError(error, "EBUSY", "ENOTEMPTY")) return false;
    throw new RuntimeFailure("cgroup", `Remove cgroup: ${messageOf(error)}`, { kind: "system", cause: error });
  }
}
