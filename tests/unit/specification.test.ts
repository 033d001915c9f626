import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = resolve(".");
const TEXT = readFileSync(join(ROOT, "SPECIFICATION.md"), "utf8");

/** `folder/name` of a row with the names of tests that follow it. */
function references(): readonly (readonly [file: string, tests: readonly string[]])[] {
  return [...TEXT.matchAll(/`((?:e2e|attack|property|unit|golden)\/[\w-]+)`((?:,? ?"[^"]+")*)/g)].map(
    ([, file = "", tests = ""]) => [file, [...tests.matchAll(/"([^"]+)"/g)].map(([, name = ""]) => name)] as const,
  );
}

function sourceOf(file: string): string {
  const [folder = "", start = ""] = file.split("/");
  const directory = join(ROOT, "tests", folder);
  const found = readdirSync(directory).filter((name) => name.startsWith(`${start}.`) && name.endsWith(".test.ts"));
  return found.map((name) => readFileSync(join(directory, name), "utf8")).join("\n");
}

describe("SPECIFICATION.md", () => {
  test("names tests", () => {
    expect(references().length).toBeGreaterThan(20);
  });

  test("has a test in every row", () => {
    const rows = TEXT.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| Promise"));
    for (const row of rows) expect(row).toMatch(/`(e2e|attack|property|unit|golden)\/[\w-]+`[^|]*\|$/);
  });

  test.each(references())("%s exists with the tests it names", (file, tests) => {
    const source = sourceOf(file);
    expect(source).not.toBe("");
    for (const name of tests) expect(source, name).toContain(name);
  });
});
