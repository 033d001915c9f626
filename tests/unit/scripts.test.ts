// What a newcomer meets: every script answers --help, and the tests need no more than the Node that package.json names.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const SCRIPTS = readdirSync("script", { withFileTypes: true })
  .filter((entry) => entry.isFile() && !entry.name.includes("."))
  .map((entry) => entry.name);

describe("the scripts", () => {
  test.each(SCRIPTS)("script/%s --help says how it is used, and does nothing", (name) => {
    // Nothing but what Debian always has, so that a script that begins to work fails.
    const answer = spawnSync(`script/${name}`, ["--help"], { encoding: "utf8" });
    expect(answer.stderr).toBe("");
    expect(answer.stdout).toMatch(new RegExp(`^usage: script/${name}\\b`, "i"));
    expect(answer.stdout.split("\n").length).toBeGreaterThan(3);
    expect(answer.status).toBe(0);
  });

  test.each(SCRIPTS)("script/%s refuses an option that it does not know, by name", (name) => {
    const answer = spawnSync(`script/${name}`, ["--no-such-option"], { encoding: "utf8" });
    expect(answer.status).not.toBe(0);
    expect(answer.stderr).toContain("--no-such-option");
  });
});

/** Of ECMAScript 2023 and later, and of Node after 18.18: what a file of the tests would stop at there. */
const TOO_NEW = [
  /\.(toSorted|toReversed|toSpliced)\(/,
  /\b(Object|Map)\.groupBy\(/,
  /\bPromise\.(withResolvers|try)\(/,
  /\bArray\.fromAsync\(/,
  /\.(isWellFormed|toWellFormed)\(/,
  /\bprocess\.(loadEnvFile|getBuiltinModule)\(/,
  /\b(globSync|styleText)\(/,
  /"node:sqlite"/,
];

function filesBelow(directory: string): readonly string[] {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name);
    if (statSync(path).isDirectory()) return filesBelow(path);
    return /\.(ts|mjs)$/.test(name) ? [path] : [];
  });
}

describe("the code that runs on Node", () => {
  // The files of tests/engine run on the engine alone.
  const rooms = [
    "src",
    "script",
    "engine",
    "tests/unit",
    "tests/golden",
    "tests/property",
    "tests/lib",
    "tests/e2e",
    "tests/attack",
  ];
  test.each(rooms)("in %s uses nothing that Node 18.18 has not", (room) => {
    const found = filesBelow(room).filter((path) => {
      const text = path.endsWith("scripts.test.ts") ? "" : readFileSync(path, "utf8");
      return TOO_NEW.some((pattern) => pattern.test(text));
    });
    expect(found).toEqual([]);
  });
});
