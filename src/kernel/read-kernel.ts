import { type Bytes, bytesOf, type ReadBytes } from "./bytes.ts";
import { parseElf } from "./elf.ts";
import type { KernelFile } from "./kernel-file.ts";

/** Enough for every header we know, a multiboot header at the end of its area included. */
const HEAD = 8192;

const ELF = 0x464c457f;
/** "HdrS" of Linux' boot header for x86 (Linux, Documentation/arch/x86/boot.rst). */
const LINUX_X86 = { magic: 0x53726448, at: 0x202, protocol: 0x206, xloadflags: 0x236, kernel64: 1 } as const;
/** "ARM\x64" (Linux, Documentation/arch/arm64/booting.rst). */
const LINUX_ARM64 = { magic: 0x644d5241, at: 56 } as const;
/** The end of a boot sector of a PC. */
const BOOT_SIGNATURE = { magic: 0xaa55, at: 510 } as const;

/** What a kernel file is, from its first bytes and its notes. Any bytes have an answer; at most ten are read at once. */
export function readKernel(read: ReadBytes): KernelFile {
  const head = bytesOf(read(0, HEAD));
  if (head.u32(0) === ELF) return parseElf(head, read);
  if (head.u32(LINUX_X86.at) === LINUX_X86.magic) {
    const protocol = head.u16(LINUX_X86.protocol) ?? 0;
    const flags = protocol < 0x20c ? 0 : (head.u16(LINUX_X86.xloadflags) ?? 0);
    return { format: "bzimage", protocol, bits: (flags & LINUX_X86.kernel64) === 0 ? 32 : 64 };
  }
  if (head.u32(LINUX_ARM64.at) === LINUX_ARM64.magic) return { format: "arm64-image" };
  if (head.u16(0) === 0x8b1f) return { format: "gzip" };
  const what = nameOf(head);
  if (what === undefined && head.u16(BOOT_SIGNATURE.at) === BOOT_SIGNATURE.magic) return { format: "boot-disk" };
  return { format: "other", what: what ?? "of no format known here" };
}

/** Beginnings of files that are put in the place of a kernel by mistake. */
const BEGINNINGS: readonly (readonly [text: string, at: number, what: string])[] = [
  ["#!", 0, "a script"],
  ["\xfd7zXZ", 0, "an xz file: unpack it"],
  ["\x28\xb5\x2f\xfd", 0, "a zstd file: unpack it"],
  ["BZh", 0, "a bzip2 file: unpack it"],
  ["\x02\x21\x4c\x18", 0, "an lz4 file: unpack it"],
  ["\x04\x22\x4d\x18", 0, "an lz4 file: unpack it"],
  ["070701", 0, "a cpio archive: that is an initrd"],
  ["070702", 0, "a cpio archive: that is an initrd"],
  ["QFI\xfb", 0, "a qcow2 disk image"],
  ["hsqs", 0, "a squashfs file system"],
  ["ustar", 257, "a tar archive"],
  ["PK\x03\x04", 0, "a zip archive"],
  ["MZ", 0, "an EFI program"],
  ["\x53\xef", 1080, "an ext file system"],
];

function nameOf(head: Bytes): string | undefined {
  for (const [text, at, what] of BEGINNINGS) {
    // A NUL ends a text, and none of these has one.
    if (head.text(at, text.length) === text) return what;
  }
  return undefined;
}
