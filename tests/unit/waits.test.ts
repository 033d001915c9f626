// The table of waits in docs/lifecycle.md, and the source: who waits has a row, and the limit in it is the one of the code.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

interface Row {
  readonly limit: string;
  readonly file: string;
}

const ROWS: readonly Row[] = readFileSync("docs/lifecycle.md", "utf8")
  .split("\n")
  .flatMap((line) => {
    const cells = line.split("|").map((cell) => cell.trim());
    const file = /^`(src\/[\w/-]+\.ts)`$/.exec(cells[5] ?? "")?.[1];
    return file === undefined ? [] : [{ limit: cells[3] ?? "", file }];
  });

/** What waits, or takes a time to wait for. */
const WAITS =
  /\b(poll|waitUntil|deadlineIn|receive|receiveWithin|lockWithin|readChild|waitpid|connectWithin|recvNetlink|whileBusy)\(/;
/** They wait as long as their callers say. */
const TOOLS = ["deadline", "lock", "connect", "child-output", "native.d"].map((name) => `src/sys/${name}.ts`);
/** Files whose waits are in the row of another. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "src/container/protocol.ts": "src/container/start.ts",
  "src/container/init.ts": "src/container/create.ts",
  "src/storage/take-devices.ts": "src/storage/block-device.ts",
  "src/storage/undo.ts": "src/storage/block-device.ts",
};

function sources(directory: string): readonly string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? sources(path) : [path];
  });
}

function inWords(milliseconds: number): string {
  return milliseconds >= 1000 ? `${milliseconds / 1000} s` : `${milliseconds} ms`;
}

describe("the table of waits", () => {
  const waiting = sources("src").filter((path) => !TOOLS.includes(path) && WAITS.test(readFileSync(path, "utf8")));

  it("finds waits at all", () => {
    expect(waiting.length).toBeGreaterThan(20);
    expect(ROWS.length).toBeGreaterThan(20);
  });

  it.each(waiting)("has a row for %s", (path) => {
    expect(ROWS.map(({ file }) => file)).toContain(ELSEWHERE[path] ?? path);
  });

  const limits = ROWS.map(({ file }) => file).flatMap((file) =>
    [...readFileSync(file, "utf8").matchAll(/const (\w+_MS) = ([\d_]+);/g)]
      .filter(([, name]) => !/STEP|PAUSE/.test(name ?? ""))
      .map(([, name = "", value = ""]) => [file, name, inWords(Number(value.replaceAll("_", "")))] as const),
  );

  it.each(limits)("has the limit of %s, %s: %s", (file, _name, words) => {
    expect(ROWS.filter((row) => row.file === file).map(({ limit }) => limit)).toContain(words);
  });
});
