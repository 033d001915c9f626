import { RuntimeFailure } from "../failure.ts";
import { O_NONBLOCK, O_PATH, O_RDONLY, S_IFMT, S_IFREG } from "./constants.ts";
import { close, fstat, ifPresent, open, openInRoot, readWhole } from "./file.ts";

/**
 * Opens a file of the image for reading, below its root.
 *
 * @returns undefined for what is no regular file, which is not opened.
 */
export function openRegularInRoot(root: number, path: string): number | undefined {
  return regularOf(openInRoot(root, path, O_PATH));
}

/**
 * Opens a file of the host for reading.
 *
 * @returns undefined for what is no regular file, which is not opened: a pipe would wait for its writer, and a device may
 *   begin to do something.
 */
export function openRegular(path: string): number | undefined {
  return regularOf(open(path, O_PATH));
}

/** Consumes the reference. */
function regularOf(reference: number): number | undefined {
  try {
    return (fstat(reference).mode & S_IFMT) === S_IFREG ? reopen(reference) : undefined;
  } finally {
    close(reference);
  }
}

/**
 * Opens what a reference (O_PATH) names for reading, by its descriptor. To be called once it is known to be a regular
 * file: opening a device may already do something to it, as it starts a watchdog.
 */
export function reopen(reference: number): number {
  return open(`/proc/self/fd/${reference}`, O_RDONLY | O_NONBLOCK);
}

/**
 * The whole of a file that somebody else than the kernel has made, as UTF-8 text.
 *
 * @throws RuntimeFailure `unreadable` for what is no regular file, which is not opened; `too-large` beyond `limit` bytes.
 */
export function readRegularFile(path: string, limit: number): string {
  const fd = openRegular(path);
  if (fd === undefined) throw new RuntimeFailure("unreadable", `${path} is not a regular file`);
  try {
    return readWhole(fd, limit, path);
  } finally {
    close(fd);
  }
}

/** As {@link readRegularFile}; undefined when the file does not exist. */
export function readRegularFileIfPresent(path: string, limit: number): string | undefined {
  return ifPresent(() => readRegularFile(path, limit));
}
