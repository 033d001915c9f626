/**
 * Kernel files of random content, read by the product's own parser inside the sanitizer build: from nothing at all to
 * files that are right but for a few bytes. Every one must have an answer.
 */

import * as sys from "urunc:sys";
import { whyNotBootable } from "../../src/kernel/boots-on.ts";
import { readKernel } from "../../src/kernel/read-kernel.ts";
import { MONITOR_KINDS } from "../../src/monitors/kinds.ts";
import { type Random, random } from "./random.ts";

const SIZE = 16384;
const HEADERS = 64;
const NOTES = 0x1000;
const NOTE_NAMES = ["Xen\0", "Solo5\0", "GNU\0", ""];
const NOTE_TYPES = [18, 0x3154464d, 0x31494241, 1];

/** An ELF file with a table of segments and notes, of which numbers here and there are anything. */
function elf(next: Random, view: DataView): void {
  const wide = next(4) > 0;
  view.setUint32(0, 0x464c457f, true);
  view.setUint8(4, wide ? 2 : 1);
  view.setUint8(5, 1);
  view.setUint16(18, next.pick([3, 62, 183, 243, next(65536)]), true);
  const count = next.pick([1, 3, 8, 64, 65, 65535]);
  if (wide) {
    view.setBigUint64(32, BigInt(next.pick([HEADERS, HEADERS, HEADERS, next(SIZE)])), true);
    view.setUint16(54, next.pick([56, 56, 56, next(128)]), true);
    view.setUint16(56, count, true);
  } else {
    view.setUint32(28, next.pick([HEADERS, HEADERS, next(SIZE)]), true);
    view.setUint16(42, next.pick([32, 32, next(128)]), true);
    view.setUint16(44, count, true);
  }
  for (let index = 0; index < Math.min(count, 60); index += 1) segment(next, view, index, wide);
  let at = NOTES;
  for (let index = next(20); index > 0 && at < SIZE - 256; index -= 1) at = note(next, view, at);
}

function segment(next: Random, view: DataView, index: number, wide: boolean): void {
  const at = HEADERS + index * (wide ? 56 : 32);
  const place = next.pick([NOTES, NOTES, next(SIZE), next.number()]);
  const size = next.pick([256, 4096, next(SIZE), next.number()]);
  view.setUint32(at, next.pick([4, 4, 3, 1, next(10)]), true);
  if (wide) {
    view.setBigUint64(at + 8, BigInt(place), true);
    view.setBigUint64(at + 32, BigInt(size), true);
    view.setBigUint64(at + 48, BigInt(next.pick([4, 8, next(100)])), true);
  } else {
    view.setUint32(at + 4, place, true);
    view.setUint32(at + 16, size, true);
    view.setUint32(at + 28, next.pick([4, 8, next(100)]), true);
  }
}

function note(next: Random, view: DataView, at: number): number {
  const name = next.pick(NOTE_NAMES);
  const size = next.pick([0, 4, 8, 72, 80, 148, next(200)]);
  view.setUint32(at, next.pick([name.length, name.length, name.length, next.number()]), true);
  view.setUint32(at + 4, next.pick([size, size, size, next.number()]), true);
  view.setUint32(at + 8, next.pick(NOTE_TYPES), true);
  for (let index = 0; index < name.length; index += 1) view.setUint8(at + 12 + index, name.charCodeAt(index));
  const content = at + 12 + ((name.length + 3) & ~3);
  for (let index = 0; index < size; index += 1) view.setUint8(content + index, next.pick([0, 1, 2, 65, next(256)]));
  return content + ((size + 3) & ~3);
}

function linux(next: Random, view: DataView): void {
  view.setUint16(510, 0xaa55, true);
  view.setUint32(0x202, 0x53726448, true);
  view.setUint16(0x206, next.pick([0x20f, 0x20c, 0x200, next(65536)]), true);
  view.setUint16(0x236, next(65536), true);
}

function noise(next: Random, view: DataView): void {
  for (let at = 0; at < 1024; at += 4) view.setUint32(at, next.number() >>> 0, true);
}

const MAKERS = [elf, elf, elf, linux, noise];

/** Reads kernels until the time is over; how many. Anything thrown is a finding. */
export function fuzzKernels(seconds: number, seed: number): number {
  const next = random(seed);
  const until = sys.monotonicMs() + seconds * 1000;
  let files = 0;
  for (; sys.monotonicMs() < until; files += 1) {
    const buffer = new ArrayBuffer(SIZE);
    const view = new DataView(buffer);
    next.pick(MAKERS)(next, view);
    for (let changes = next(8); changes > 0; changes -= 1) view.setUint32(next(0x2000), next.number() >>> 0, true);
    judge(buffer, next.pick([SIZE, SIZE, next(SIZE)]));
  }
  return files;
}

/** As `create` reads it: from a descriptor, whatever the offsets in it are. */
function judge(buffer: ArrayBuffer, size: number): void {
  const fd = sys.memfdCreate("kernel", 0);
  try {
    sys.write(fd, buffer, 0, size);
    const kernel = readKernel((offset, length) => {
      const bytes = new ArrayBuffer(length);
      return bytes.slice(0, sys.pread(fd, bytes, 0, length, offset));
    });
    for (const monitor of MONITOR_KINDS) whyNotBootable(kernel, monitor, "x86_64");
  } finally {
    sys.close(fd);
  }
}
