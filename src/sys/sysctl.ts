import { RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV } from "./constants.ts";
import { close, fstatfsType, openat2 } from "./file.ts";

/** magic.h */
const PROC_SUPER_MAGIC = 0x9fa0;
/** Nothing mounted below /proc and no link in it may lead elsewhere (CVE-2025-52881). */
const ONLY_PROC = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

/**
 * Opens what is on procfs and on nothing else. Below sys/net it shows the network namespace that this process is in,
 * whichever procfs it is.
 *
 * @param directory /proc, or a directory below it.
 * @throws SysError; Error where it is not on procfs.
 */
export function openOnProc(directory: number, path: string, flags: number): number {
  const fd = openat2(directory, path, flags, 0, ONLY_PROC);
  if (fstatfsType(fd) === PROC_SUPER_MAGIC) return fd;
  close(fd);
  throw new Error("it is not on procfs");
}
