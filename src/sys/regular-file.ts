import { O_NONBLOCK, O_PATH, O_RDONLY, S_IFMT, S_IFREG } from "./constants.ts";
import { close, fstat, open, openInRoot } from "./file.ts";

/**
 * Opens a file of the image for reading, below its root.
 *
 * @returns undefined for what is no regular file, which is not opened.
 */
export function openRegularInRoot(root: number, path: string): number | undefined {
  const reference = openInRoot(root, path, O_PATH);
  try {
    return isRegular(reference) ? reopen(reference) : undefined;
  } finally {
    close(reference);
  }
}

function isRegular(fd: number): boolean {
  return (fstat(fd).mode & S_IFMT) === S_IFREG;
}

/**
 * Opens what a reference (O_PATH) names for reading, by its descriptor. To be called once it is known to be a regular
 * file: opening a device may already do something to it, as it starts a watchdog.
 */
export function reopen(reference: number): number {
  return open(`/proc/self/fd/${reference}`, O_RDONLY | O_NONBLOCK);
}
