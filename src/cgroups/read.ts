import { isSysError } from "../sys/errors.ts";
import { readTextFile } from "../sys/file.ts";

const TEXT_LIMIT = 4 << 20;

/** Whether the error says that the cgroup is gone: ENODEV is for files and directories of it that were open then. */
export function isGone(error: unknown): boolean {
  return isSysError(error, "ENOENT", "ENODEV");
}

/** A file of a cgroup; undefined when the file or the cgroup is not there, or goes away meanwhile. */
export function readCgroupFile(path: string): string | undefined {
  try {
    return readTextFile(path, TEXT_LIMIT);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}
