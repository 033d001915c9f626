import { close, pread } from "../sys/file.ts";
import { openRegular } from "../sys/regular-file.ts";
import { decodeUtf8 } from "../sys/text.ts";

/** What the dynamic linker reads of a file (elf(5)). */
export interface DynamicElf {
  /** The linker itself; absent in libraries and static programs. */
  readonly interpreter?: string;
  /** Names of the libraries it needs; undefined where they are many, or looked for in places of the file's own. */
  readonly needed?: readonly string[];
}

/** Enough for the ELF header and the program headers, which follow it in every linker's output. */
const HEAD = 4096;
const MAGIC = 0x7f454c46;
const CLASS_64 = 2;
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_NULL = 0;
const DT_NEEDED = 1;
const DT_STRTAB = 5;
const DT_RPATH = 15;
const DT_RUNPATH = 29;
/** Bytes of a dynamic section: no library has as many entries. */
const DYNAMIC_LIMIT = 16_384;
/** Bytes of a name with its NUL. */
const NAME = 256;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

/** Undefined for what is no ELF file of 64 bits, or no file. More than `most` needed libraries are not named. */
export function readElf(path: string, most: number): DynamicElf | undefined {
  const fd = openRegular(path);
  if (fd === undefined) return undefined;
  try {
    const segments = readSegments(readAt(fd, 0, HEAD));
    if (segments === undefined) return undefined;
    const interpreter = segments.find(({ type }) => type === PT_INTERP);
    const needed = readNeeded(fd, segments, most);
    return {
      ...(interpreter === undefined ? {} : { interpreter: readName(fd, interpreter.offset) }),
      ...(needed === undefined ? {} : { needed }),
    };
  } finally {
    close(fd);
  }
}

function readSegments(head: DataView): readonly Segment[] | undefined {
  if (head.byteLength < 64 || head.getUint32(0) !== MAGIC || head.getUint8(4) !== CLASS_64) return undefined;
  const first = word(head, 32);
  const size = head.getUint16(54, true);
  const segments: Segment[] = [];
  for (let index = 0; index < head.getUint16(56, true); index++) {
    const at = first + index * size;
    if (at + 56 > head.byteLength) return undefined;
    const type = head.getUint32(at, true);
    segments.push({ type, offset: word(head, at + 8), address: word(head, at + 16), size: word(head, at + 32) });
  }
  return segments;
}

function readNeeded(fd: number, segments: readonly Segment[], most: number): readonly string[] | undefined {
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  if (dynamic === undefined) return [];
  if (dynamic.size > DYNAMIC_LIMIT) return undefined;
  const entries = readAt(fd, dynamic.offset, dynamic.size);
  const names: number[] = [];
  let table: number | undefined;
  for (let at = 0; at + 16 <= entries.byteLength; at += 16) {
    const tag = entries.getUint32(at, true);
    if (tag === DT_NULL) break;
    if (tag === DT_NEEDED) names.push(word(entries, at + 8));
    if (tag === DT_STRTAB) table = word(entries, at + 8);
    if (tag === DT_RPATH || tag === DT_RUNPATH || names.length > most) return undefined;
  }
  const segment = segments.find(
    ({ type, address, size }) => type === PT_LOAD && table !== undefined && table >= address && table < address + size,
  );
  if (table === undefined || segment === undefined) return names.length === 0 ? [] : undefined;
  const place = table - segment.address + segment.offset;
  return names.map((name) => readName(fd, place + name));
}

/** 64 bits, little-endian; a BigInt would be slower. */
function word(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}

function readName(fd: number, offset: number): string {
  const bytes = readAt(fd, offset, NAME);
  let length = 0;
  while (length < bytes.byteLength && bytes.getUint8(length) !== 0) length++;
  return decodeUtf8(bytes.buffer, 0, length);
}

function readAt(fd: number, offset: number, length: number): DataView<ArrayBuffer> {
  const buffer = new ArrayBuffer(length);
  return new DataView(buffer, 0, pread(fd, buffer, 0, length, offset));
}
