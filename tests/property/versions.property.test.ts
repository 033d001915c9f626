import fc from "fast-check";
import { expect, test } from "vitest";
import type { Monitor } from "../../src/monitors/monitor.ts";
import { MONITORS } from "../../src/monitors/registry.ts";
import { ANSWER_LIMIT, readVersion } from "../../src/monitors/versions.ts";
import { runs } from "../lib/arbitrary.ts";

const FORMS = Object.values<Monitor>(MONITORS).flatMap(({ versions }) => (versions === undefined ? [] : [versions]));
const HEADS = ["x tender, version v", "QEMU emulator version ", "Firecracker v", "cloud-hypervisor v", "uhyve ", ""];
const PIECES = ["0", "9", "12", ".", "-", "+", "~", "\n", "\r", "\0", " ", "v", "\ufffd", "9".repeat(400), "1.2.3"];

const hostile = fc.oneof(
  fc.string({ unit: "binary", maxLength: 3 * ANSWER_LIMIT }),
  fc
    .tuple(fc.constantFrom(...HEADS), fc.array(fc.constantFrom(...PIECES, ...HEADS), { maxLength: 60 }))
    .map(([head, pieces]) => head + pieces.join("")),
);

test("any answer is a version of three small numbers, or none", () => {
  fc.assert(
    fc.property(hostile, fc.constantFrom(...FORMS), (answer, { answer: form }) => {
      const version = readVersion(answer, form);
      if (version === undefined) return;
      for (const part of [version.major, version.minor, version.patch]) {
        expect(Number.isInteger(part) && part >= 0 && part < 1e9).toBe(true);
      }
    }),
    runs(1000),
  );
});

test("what stands behind the first bytes does not matter", () => {
  fc.assert(
    fc.property(hostile, fc.string(), fc.constantFrom(...FORMS), (answer, more, { answer: form }) => {
      const first = answer.slice(0, ANSWER_LIMIT).padEnd(ANSWER_LIMIT, "\n");
      expect(readVersion(first + more, form)).toEqual(readVersion(first, form));
    }),
    runs(1000),
  );
});
