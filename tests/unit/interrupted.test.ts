// The table of engine/interrupted.md and the C of the bindings.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bindings, quoted, tableOf } from "../lib/engine-bindings.ts";

const rows = tableOf(readFileSync(join(import.meta.dirname, "../../engine/interrupted.md"), "utf8")).map(
  ([names = "", then = ""]) => ({ names: quoted(names), then }),
);
const all = bindings();
/** Functions of the C files that make their call again. */
const MAKES_AGAIN = /\bAGAIN\(|\bpoll_within\(|[^_]\bload\(|[^_]\bbpf\(|\bexport_program\(/;

describe("engine/interrupted.md", () => {
  it("has each binding once: a new one gets a row", () => {
    expect(rows.flatMap(({ names }) => names).sort()).toEqual(all.map(({ name }) => name).sort());
  });

  it("says of each row one of three things", () => {
    for (const { names, then } of rows) expect(then, names.join()).toMatch(/^(again|done|cannot be)\b/);
  });

  it("promises no call to be made again that is made once, and the other way round", () => {
    for (const { name, body } of all) {
      const then = rows.find(({ names }) => names.includes(name))?.then ?? "";
      expect(MAKES_AGAIN.test(body), name).toBe(then.startsWith("again"));
    }
  });

  it("never makes close again", () => {
    expect(all.filter(({ body }) => /AGAIN\(close\(/.test(body))).toEqual([]);
  });
});
