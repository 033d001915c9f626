// JSON as it leaves the program.
import { describe, expect, test } from "vitest";
import { jsonText } from "../../src/json-text.ts";

const CONTROLS = [...Array.from({ length: 0x21 }, (_, index) => 0x7f + index), 0x61c, 0x200b, 0x202e, 0x2066, 0xfeff];

describe("JSON that is printed", () => {
  test.each(CONTROLS)("has U+%d as an escape, which is the same to a reader", (point) => {
    const value = `a${String.fromCharCode(point)}b`;
    const text = jsonText({ [value]: [value] });
    expect(JSON.parse(text)).toEqual({ [value]: [value] });
    expect(text).toMatch(/^[ -~]+$/);
  });

  test("has U+FFFD for what stands for a byte, and leaves pairs and backslashes alone", () => {
    expect(JSON.parse(jsonText("a\udce9b\ud83d\ude00c\ud83d"))).toBe("a\ufffdb\ud83d\ude00c\ufffd");
    for (const text of ["\\udce9", "\\\\udce9", "\\u001b", "\n\\", "é語"])
      expect(JSON.parse(jsonText(text))).toBe(text);
    expect(JSON.parse(jsonText("\\\udce9"))).toBe("\\\ufffd");
  });
});
