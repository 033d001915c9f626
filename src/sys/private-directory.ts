import { AT_FDCWD, O_DIRECTORY, O_NOFOLLOW, O_RDONLY } from "./constants.ts";
import { isSysError } from "./errors.ts";
import { close, fstat, mkdirat, open } from "./file.ts";
import { geteuid } from "./process.ts";

/** Rights of others than the owner. */
const OTHERS = 0o077;

/**
 * A directory that is nobody else's, made where it is not there.
 *
 * @returns undefined where it cannot be had, or where one that others own, can write to or have put a link in the place of
 *   stands there.
 */
export function openPrivateDirectory(path: string): number | undefined {
  const directory = tryOpen(path) ?? make(path);
  if (directory === undefined) return undefined;
  const { uid, mode } = fstat(directory);
  if (uid === geteuid() && (mode & OTHERS) === 0) return directory;
  close(directory);
  return undefined;
}

function make(path: string): number | undefined {
  try {
    mkdirat(AT_FDCWD, path, 0o700);
  } catch (error) {
    // Another create may have been faster.
    if (!isSysError(error, "EEXIST")) return undefined;
  }
  return tryOpen(path);
}

function tryOpen(path: string): number | undefined {
  try {
    return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    if (isSysError(error)) return undefined;
    throw error;
  }
}
