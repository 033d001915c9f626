import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { whyNotBootable } from "../../src/kernel/boots-on.ts";
import { readKernel } from "../../src/kernel/read-kernel.ts";
import { MONITOR_KINDS } from "../../src/monitors/kinds.ts";
import { plainText } from "../../src/plan/quote.ts";
import { runs } from "../lib/arbitrary.ts";
import { elfWithNotes, hermitFile, readerOf, solo5File } from "../lib/kernels.ts";

const WHOLE = [
  solo5File("hvt", [
    { kind: "block", name: "storage" },
    { kind: "net", name: "service" },
  ]),
  hermitFile(),
  elfWithNotes([{ name: "Xen", type: 18, content: Buffer.alloc(8) }]),
];

/** Reads the kernel and asks every question about it, with little work whatever it says. */
function judge(file: Buffer): void {
  const read = readerOf(file);
  let bytes = 0;
  let reads = 0;
  const kernel = readKernel((offset, length) => {
    expect(Number.isSafeInteger(offset) && offset >= 0).toBe(true);
    reads++;
    bytes += length;
    return read(offset, length);
  });
  expect(reads).toBeLessThanOrEqual(10);
  expect(bytes).toBeLessThanOrEqual(1 << 18);
  for (const monitor of MONITOR_KINDS) {
    for (const arch of ["x86_64", "aarch64"]) {
      const reason = whyNotBootable(kernel, monitor, arch);
      if (reason !== undefined) expect(plainText(reason)).toBe(reason);
    }
  }
  if (kernel.format !== "elf") return;
  for (const device of kernel.solo5?.devices ?? []) expect(device.name).toMatch(/^[A-Za-z0-9]{1,67}$/);
}

describe("a kernel file of any bytes has an answer", () => {
  test("whatever it begins with", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 9000 }), (bytes) => judge(Buffer.from(bytes))),
      runs(500),
    );
  });

  test("when it calls itself an ELF file", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) =>
        judge(Buffer.concat([Buffer.from("\x7fELF\x02\x01\x01", "latin1"), bytes])),
      ),
      runs(2000),
    );
  });

  test("when bytes and numbers of a good one are changed", () => {
    const value = fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), fc.constantFrom(0, 1, 0x7fffffff, 0xffffffff, 64));
    const changes = fc.array(fc.tuple(fc.nat(), value), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.constantFrom(...WHOLE), changes, fc.nat(), (whole, edits, cut) => {
        const file = Buffer.from(whole);
        for (const [at, number] of edits) file.writeUInt32LE(number, (at % (file.length - 4)) & ~3);
        judge(file);
        judge(file.subarray(0, cut % file.length));
      }),
      runs(3000),
    );
  });
});
