/**
 * ELF kernels (elf(5)): class, machine, and the notes by which a monitor finds its way in. The file is hostile: offsets
 * are checked by the reader, counts and sizes are limited, so that the work is bounded whatever stands there.
 */
import { largest } from "../few.ts";
import { type Bytes, bytesOf, type ReadBytes } from "./bytes.ts";
import type { ElfKernel, KernelFile, Solo5Notes } from "./kernel-file.ts";
import { findMultiboot } from "./multiboot.ts";
import { readAbi, readManifest } from "./solo5-notes.ts";

const PT_INTERP = 3;
const PT_NOTE = 4;

/** Xen's and Solo5's kernels have about ten program headers, Linux' has five. */
const HEADER_LIMIT = 64;
const NOTE_SEGMENT_LIMIT = 8;
/** Bytes; the largest note we look for is a Solo5 manifest of 64 devices. */
const SEGMENT_LIMIT = 8192;
const NOTE_LIMIT = 64;
/** Segments no further apart than this are read at once. */
const SPAN_LIMIT = 16384;
const PATH_LIMIT = 256;

const XEN_ELFNOTE_PHYS32_ENTRY = 18;
/** NT_HERMIT_ENTRY_VERSION (hermit-entry, src/lib.rs) */
const HERMIT_ENTRY = 0x5a00;
const SOLO5_MANIFEST = 0x3154464d;
const SOLO5_ABI = 0x31494241;

const MACHINES: Readonly<Record<number, string>> = { 3: "i386", 62: "x86_64", 183: "aarch64", 243: "riscv64" };

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  readonly align: 4 | 8;
}

export function parseElf(head: Bytes, read: ReadBytes): KernelFile {
  const identity = head.u16(4) ?? 0;
  if (identity >> 8 !== 1) return { format: "other", what: "an ELF file for a machine of other byte order" };
  const bits = (identity & 0xff) === 2 ? 64 : 32;
  const machine = head.u16(18) ?? 0;
  const segments = programHeaders(head, bits, read);
  const interpreter = segments.find((segment) => segment.type === PT_INTERP);
  const notes = readNotes(head, segments, read);
  const path = interpreter === undefined ? "" : head.text(interpreter.offset, Math.min(interpreter.size, PATH_LIMIT));
  return {
    format: "elf",
    bits,
    machine: MACHINES[machine] ?? `machine ${machine}`,
    multiboot: findMultiboot(head),
    ...(path === "" ? {} : { interpreter: path }),
    ...notes,
  };
}

function programHeaders(head: Bytes, bits: 32 | 64, read: ReadBytes): readonly Segment[] {
  const is64 = bits === 64;
  const start = (is64 ? head.u64(32) : head.u32(28)) ?? 0;
  const size = head.u16(is64 ? 54 : 42) ?? 0;
  const count = Math.min(head.u16(is64 ? 56 : 44) ?? 0, HEADER_LIMIT);
  if (size < (is64 ? 56 : 32) || size > 1024) return [];
  // They follow the header in every linker's output, but need not.
  const isHere = start + size * count <= head.length;
  const table = isHere ? head : bytesOf(read(start, size * count));
  // Only two types matter, and this is on the path of every create.
  const segments: Segment[] = [];
  for (let index = 0; index < count; index++) {
    const at = (isHere ? start : 0) + index * size;
    const type = table.u32(at);
    if (type !== PT_NOTE && type !== PT_INTERP) continue;
    const offset = is64 ? table.u64(at + 8) : table.u32(at + 4);
    const length = is64 ? table.u64(at + 32) : table.u32(at + 16);
    const align = is64 ? table.u64(at + 48) : table.u32(at + 28);
    if (offset === undefined || length === undefined) continue;
    segments.push({ type, offset, size: length, align: align === 8 ? 8 : 4 });
  }
  return segments;
}

/** The notes of all segments, read at once where they lie close together, as linkers put them. */
function readNotes(head: Bytes, all: readonly Segment[], read: ReadBytes): NoteFacts {
  const segments = all
    .filter((segment) => segment.type === PT_NOTE && segment.size > 0 && segment.size <= SEGMENT_LIMIT)
    .slice(0, NOTE_SEGMENT_LIMIT);
  const found: Found = { pvh: false };
  if (segments.length === 0) return result(found);
  const start = segments.reduce((least, segment) => Math.min(least, segment.offset), Number.POSITIVE_INFINITY);
  const end = largest(
    segments.map((segment) => segment.offset + segment.size),
    0,
  );
  const isHere = end <= head.length;
  const isClose = end - start <= SPAN_LIMIT;
  const span = isHere || !isClose ? head : bytesOf(read(start, end - start));
  for (const segment of segments) {
    if (isHere || isClose) walkNotes(span, segment.offset - (isHere ? 0 : start), segment, found);
    else walkNotes(bytesOf(read(segment.offset, segment.size)), 0, segment, found);
  }
  return result(found);
}

type NoteFacts = Pick<ElfKernel, "pvh" | "solo5" | "hermit">;

interface Found {
  pvh: boolean;
  hermit?: true;
  abi?: Pick<Solo5Notes, "target" | "targetNumber" | "abi"> | undefined;
  devices?: Solo5Notes["devices"] | undefined;
}

function result({ pvh, hermit, abi, devices }: Found): NoteFacts {
  const common = { pvh, ...(hermit === undefined ? {} : { hermit }) };
  if (abi === undefined) return common;
  return { ...common, solo5: { ...abi, ...(devices === undefined ? {} : { devices }) } };
}

function walkNotes(bytes: Bytes, from: number, segment: Segment, found: Found): void {
  const { align } = segment;
  const end = from + segment.size;
  let at = from;
  for (let count = 0; count < NOTE_LIMIT && at + 12 <= end; count++) {
    const nameSize = bytes.u32(at);
    const size = bytes.u32(at + 4);
    const type = bytes.u32(at + 8);
    if (nameSize === undefined || size === undefined || type === undefined) return;
    const content = from + aligned(at - from + 12 + nameSize, align);
    if (content + size > end) return;
    if (nameSize === 4 && type === XEN_ELFNOTE_PHYS32_ENTRY && size >= 4 && bytes.text(at + 12, 4) === "Xen") {
      found.pvh = true;
    } else if (nameSize === 6 && bytes.text(at + 12, 6) === "Solo5") {
      if (type === SOLO5_ABI) found.abi = readAbi(bytes, content, size);
      if (type === SOLO5_MANIFEST) found.devices = readManifest(bytes, content, size);
    } else if (nameSize === 7 && type === HERMIT_ENTRY && bytes.text(at + 12, 7) === "HERMIT") {
      found.hermit = true;
    }
    at = from + aligned(content - from + size, align);
  }
}

function aligned(offset: number, align: number): number {
  return Math.ceil(offset / align) * align;
}
