import { isSysError } from "../sys/errors.ts";
import { readTextFile } from "../sys/file.ts";
import { writeCgroupFile } from "./write.ts";

const ROOT = "/sys/fs/cgroup";
const TEXT_LIMIT = 4096;

/**
 * Gives a cgroup v2 directory all controllers there are, by enabling them in each cgroup above it. One that cannot be
 * enabled is left out: should a limit need it, writing that limit fails and says so.
 */
export function enableControllers(directory: string): void {
  const all = controllersOf(ROOT);
  const missing = (path: string) => {
    const enabled = controllersOf(path);
    return all.filter((name) => !enabled.includes(name));
  };
  if (missing(directory).length === 0) return;
  const segments = directory.slice(ROOT.length + 1).split("/");
  for (let depth = 0; depth < segments.length; depth++) {
    const parent = [ROOT, ...segments.slice(0, depth)].join("/");
    for (const name of missing(`${parent}/${segments[depth]}`)) enable(parent, name);
  }
}

function controllersOf(directory: string): readonly string[] {
  return readTextFile(`${directory}/cgroup.controllers`, TEXT_LIMIT)
    .split(/\s+/)
    .filter((name) => name !== "");
}

/** One at a time: the kernel refuses the whole list for one that it cannot enable. */
function enable(parent: string, name: string): void {
  try {
    writeCgroupFile(`${parent}/cgroup.subtree_control`, `+${name}`);
  } catch (error) {
    if (!isSysError(error)) throw error;
  }
}
