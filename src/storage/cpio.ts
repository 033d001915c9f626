/**
 * Records of a cpio archive in the "new ASCII" form, the one the kernel unpacks as initramfs (Linux,
 * Documentation/driver-api/early-userspace/buffer-format.rst): `070701`, thirteen numbers of eight hexadecimal digits,
 * the name with a NUL, the data; name and data each padded to four bytes.
 */
import { RuntimeFailure } from "../failure.ts";
import { utf8Size } from "../text-size.ts";

export interface CpioEntry {
  /** Path below the root of the archive, without a leading slash. */
  readonly name: string;
  /** Type and permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since the epoch. */
  readonly mtime: number;
  /** Bytes of data. */
  readonly size: number;
  /** Entries with the same number and more than one link are one file; the first of them has the data. */
  readonly ino: number;
  readonly nlink: number;
  readonly rdevMajor: number;
  readonly rdevMinor: number;
}

const HEADER = 110;
const TRAILER = "TRAILER!!!";
const LARGEST = 0xffffffff;

/**
 * All of an entry before its data, padded.
 *
 * @throws RuntimeFailure `initrd` for a number that has more digits than the format.
 */
export function cpioHead(entry: CpioEntry): string {
  const nameSize = utf8Size(entry.name) + 1;
  const fields = [
    entry.ino,
    entry.mode,
    entry.uid,
    entry.gid,
    entry.nlink,
    Math.max(0, Math.min(entry.mtime, LARGEST)),
    entry.size,
    0,
    0,
    entry.rdevMajor,
    entry.rdevMinor,
    nameSize,
    0,
  ];
  if (fields.some((value) => value > LARGEST)) {
    const message = `${entry.name} has more than ${LARGEST} bytes, or another number that a cpio archive has no room for`;
    throw new RuntimeFailure("initrd", message);
  }
  return `070701${fields.map(hexadecimal).join("")}${entry.name}\0${cpioPadding(HEADER + nameSize)}`;
}

/** What follows `size` bytes up to the next multiple of four. */
export function cpioPadding(size: number): string {
  return "\0".repeat((4 - (size % 4)) % 4);
}

/** Ends an archive. */
export function cpioTrailer(): string {
  const nothing = { mode: 0, uid: 0, gid: 0, mtime: 0, size: 0, ino: 0, nlink: 1, rdevMajor: 0, rdevMinor: 0 };
  return cpioHead({ name: TRAILER, ...nothing });
}

function hexadecimal(value: number): string {
  return value.toString(16).padStart(8, "0");
}
