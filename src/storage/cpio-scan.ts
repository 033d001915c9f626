import { S_IFLNK, S_IFMT } from "../sys/constants.ts";
import { pread } from "../sys/file.ts";
import { decodeUtf8 } from "../sys/text.ts";
import type { GuestTree } from "./guest-tree.ts";

/** One entry of an archive, and the bytes it takes there. */
interface ScannedEntry {
  /** Path without a slash at its start. */
  readonly path: string;
  readonly mode: number;
  readonly offset: number;
  /** Bytes of head, data and padding. */
  readonly length: number;
  /** Text of a symbolic link. */
  readonly link?: string;
}

const HEAD = 110;
const MAGIC = "070701";
const TRAILER = "TRAILER!!!";
/** PATH_MAX. */
const LONGEST = 4096;
const MOST_ENTRIES = 200_000;

/**
 * The entries of an archive in the "new ASCII" form up to its end (cpio.ts has the form).
 *
 * @returns undefined for a file that is none, for example a compressed one.
 */
export function scanArchive(fd: number): readonly ScannedEntry[] | undefined {
  const buffer = new ArrayBuffer(HEAD + LONGEST);
  const entries: ScannedEntry[] = [];
  for (let offset = 0; entries.length < MOST_ENTRIES; ) {
    const read = pread(fd, buffer, 0, buffer.byteLength, offset);
    if (read < HEAD) return undefined;
    const head = decodeUtf8(buffer, 0, HEAD);
    if (!/^070701[0-9a-fA-F]{104}$/.test(head)) return undefined;
    const field = (index: number) =>
      Number.parseInt(head.slice(MAGIC.length + index * 8, MAGIC.length + 8 + index * 8), 16);
    const [mode, size, nameSize] = [field(1), field(6), field(11)];
    if (nameSize === 0 || nameSize > LONGEST || read < HEAD + nameSize) return undefined;
    const name = decodeUtf8(buffer, HEAD, nameSize - 1);
    if (name === TRAILER) return entries;
    const data = padded(HEAD + nameSize);
    const link = (mode & S_IFMT) === S_IFLNK ? textAt(fd, offset + data, size) : undefined;
    const path = name
      .split("/")
      .filter((part) => part !== "" && part !== ".")
      .join("/");
    const length = data + padded(size);
    entries.push({ path, mode, offset, length, ...(link === undefined ? {} : { link }) });
    offset += length;
  }
  return undefined;
}

function padded(size: number): number {
  return size + ((4 - (size % 4)) % 4);
}

function textAt(fd: number, offset: number, size: number): string {
  const buffer = new ArrayBuffer(Math.min(size, LONGEST));
  return decodeUtf8(buffer, 0, pread(fd, buffer, 0, buffer.byteLength, offset));
}

/** What a scanned archive leaves in the guest. */
export function treeOfArchive(entries: readonly ScannedEntry[]): GuestTree {
  const links = new Map<string, string | undefined>(entries.map(({ path, link }) => [path, link]));
  return { linkAt: (path) => links.get(path), has: (path) => links.has(path) };
}
