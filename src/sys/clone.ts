import { clone, clone3 as cloneAnew } from "urunc:sys";
import { O_WRONLY } from "./constants.ts";
import { isDenied } from "./errors.ts";
import { close, openat, writeText } from "./file.ts";
import { exit } from "./process.ts";

const CANNOT_ENTER = 1;

/**
 * clone3(2) of a process that goes on in this program. Where it is denied, clone(2) with the same outcome: the child
 * then goes into the cgroup itself before it does anything else, and ends when it cannot.
 *
 * @param flags CLONE_NEW* and CLONE_PARENT.
 * @param cgroup descriptor of the cgroup v2 directory that the child is born in.
 * @returns pid 0 in the child.
 * @throws SysError of clone3.
 */
export function clone3(flags: number, cgroup?: number): ReturnType<typeof cloneAnew> {
  try {
    return cgroup === undefined ? cloneAnew(flags) : cloneAnew(flags, cgroup);
  } catch (error) {
    if (!isDenied(error)) throw error;
    const child = cloneOldWay(flags, cgroup);
    if (child === undefined) throw error;
    return child;
  }
}

/** Undefined when it fails as well. */
function cloneOldWay(flags: number, cgroup: number | undefined): ReturnType<typeof cloneAnew> | undefined {
  try {
    // Opened here: the right to write is that of who opened it, and the child may have none.
    const processes = cgroup === undefined ? undefined : openat(cgroup, "cgroup.procs", O_WRONLY);
    const child = clone(flags);
    if (processes === undefined) return child;
    if (child.pid === 0) enter(processes);
    else close(processes);
    return child;
  } catch (error) {
    if (isDenied(error) || error instanceof RangeError) return undefined;
    throw error;
  }
}

function enter(processes: number): void {
  try {
    writeText(processes, "0");
    close(processes);
  } catch {
    exit(CANNOT_ENTER);
  }
}
