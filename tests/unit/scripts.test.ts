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

/** A line of bash with script/lib/common. */
function bash(line: string): { status: number | null; lines: readonly string[] } {
  const done = spawnSync("bash", ["-euo", "pipefail", "-c", `. script/lib/common; beat_every=1; ${line}`], {
    encoding: "utf8",
    timeout: 28_000,
  });
  return { status: done.status, lines: `${done.stdout}${done.stderr}`.trimEnd().split("\n") };
}

describe("a step of the scripts", () => {
  // The command ends when it has been asked after: its beats are what is counted, not the time.
  const ASKED = `slow() { until [ "$(cat "$beats" | grep -c " s) ")" -ge 1 ]; do sleep 0.2; done; echo done; }
    beats=$(mktemp); trap 'rm -f "$beats"' EXIT;`;

  test("is heard of while it says nothing, whether its output is shown or not", () => {
    const shown = bash(`${ASKED} heard "the step" slow | tee "$beats"`);
    expect(shown).toEqual({ status: 0, lines: [expect.stringMatching(/^ {2}\(\d+ s\) the step still runs$/), "done"] });
    const hidden = bash(`${ASKED} quietly "the step" slow | tee "$beats"`);
    expect(hidden).toEqual({ status: 0, lines: ["the step", expect.stringMatching(/^ {2}\(\d+ s\) the step$/)] });
  });

  test("shows what it has kept back when it fails, and ends with the command's status", () => {
    expect(bash(`quietly "the step" sh -c 'echo reason; exit 7'`)).toEqual({
      status: 7,
      lines: ["the step", "reason"],
    });
    expect(bash(`heard "the step" sh -c 'echo reason; exit 7'`)).toEqual({ status: 7, lines: ["reason"] });
  });

  test("has its output passed on as it is, the last line without an end too", () => {
    expect(bash(`heard "the step" printf 'a\\n  b\\\\c\\n\\nd'`)).toEqual({
      status: 0,
      lines: ["a", "  b\\c", "", "d"],
    });
  });
});
