import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { openingsBelow, openingsIn } from "../lib/openings.ts";

const HEADING = "## Paths that are opened by name";

/** `file call` of each row's first cell; calls that follow a file are that file's. */
function rows(): readonly string[] {
  const section = readFileSync("docs/security.md", "utf8").split(HEADING)[1]?.split("\n## ")[0] ?? "";
  const found: string[] = [];
  for (const row of section.split("\n").filter((line) => line.startsWith("| `"))) {
    const [, where = "", what = "", why = ""] = row.split("|");
    expect(what.trim(), row).not.toBe("");
    expect(why.trim(), row).not.toBe("");
    let file = "";
    for (const [, word = ""] of where.matchAll(/`([^`]+)`/g)) {
      if (word.endsWith(".ts")) file = word;
      else found.push(`${file} ${word}`);
    }
  }
  return found.sort();
}

describe("the table of docs/security.md", () => {
  test("has every path that is opened by its name before it is looked at, and no other", () => {
    const calls = openingsBelow("src").map(({ file, call }) => `${file} ${call}`);
    expect(rows()).toEqual([...new Set(calls)].sort());
  });
});

describe("what is found in a source", () => {
  const calls = (source: string) => openingsIn("a.ts", source).map(({ call }) => call);

  test("is a call that opens whatever stands at a path, with constants and templates", () => {
    const source = 'const fd = open("/dev/kvm", O_RDWR); withFile(`/proc/$' + "{pid}/x`, O_RDONLY, (fd) => fd)";
    expect(calls(source)).toEqual(["open(/dev/kvm)", "withFile(/proc/$" + "{pid}/x)"]);
  });

  test("is not a reference, a directory, a new file, or a mount of no file", () => {
    expect(calls("open(path, O_PATH); open(path, O_RDONLY | O_DIRECTORY)")).toEqual([]);
    expect(calls("openat(fd, name, O_WRONLY | O_CREAT | O_EXCL, 0o600)")).toEqual([]);
    expect(calls('mount(null, "/", null, MS_REC, null)')).toEqual([]);
  });

  test("is a call whose body, not whose flags, has a reference", () => {
    expect(calls("withFile(path, O_RDONLY, (fd) => openat(fd, name, O_PATH))")).toEqual(["withFile(path)"]);
  });
});
