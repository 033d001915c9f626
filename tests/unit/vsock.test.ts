import { describe, expect, test } from "vitest";
import { fnv1a } from "../../src/fnv.ts";
import { guestCid } from "../../src/plan/decide-vsock.ts";

describe("a guest's context id", () => {
  // Test vectors of the algorithm's authors, and one that was looked for: no id is one of the host's.
  test.each([
    ["", 0x811c9dc5],
    ["a", 0xe40c292c],
    ["foobar", 0xbf9cf968],
    ["akhnp9x", 0],
  ])("is made of FNV-1a: of %j it is %i", (text, hash) => {
    expect(fnv1a(text)).toBe(hash);
    expect(guestCid(text)).toBe(hash + 3);
  });

  test("differs by every character of a text that is not ASCII too", () => {
    expect(new Set(["\u00e4", "\u01e4", "\u02e4", "a"].map(fnv1a)).size).toBe(4);
  });
});
