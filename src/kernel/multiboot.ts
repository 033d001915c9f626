import type { Bytes } from "./bytes.ts";
import type { ElfKernel } from "./kernel-file.ts";

const MAGIC = 0x1badb002;
/** Bit 16: the header has the addresses to load (Multiboot 0.6.96, "Header magic fields"). */
const HAS_ADDRESSES = 0x10000;
/** The header lies within the first 8192 bytes. */
const AREA = 8192;
/** Look-alikes that are tried. */
const LIMIT = 16;

/** The multiboot header of a kernel: magic, flags and a checksum that makes their sum zero. */
export function findMultiboot(head: Bytes): ElfKernel["multiboot"] {
  let at = head.find(MAGIC, 0);
  for (let count = 0; at !== undefined && at + 12 <= AREA && count < LIMIT; count++) {
    const flags = head.u32(at + 4);
    const checksum = head.u32(at + 8);
    if (flags === undefined || checksum === undefined) return "none";
    if ((MAGIC + flags + checksum) % 2 ** 32 === 0) return (flags & HAS_ADDRESSES) === 0 ? "elf" : "addresses";
    at = head.find(MAGIC, at + 4);
  }
  return "none";
}
