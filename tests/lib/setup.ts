// Before the first test: the helper programs in C.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { HELLO_BUNDLE, HELPERS, SOURCE, URUNC } from "./paths.ts";

const PROGRAMS = ["collector", "console", "denied", "family", "fills", "forbidden", "peer", "pty", "tells"] as const;
/** The benchmark's program that only waits: the tests of the runtime itself take it for a monitor. */
const PAUSE = join(SOURCE, "bench", "pause.c");

/** A warning is an error in continuous integration only, as in the scripts. */
const STRICT = ["", "0", "false"].includes(process.env.CI ?? "") ? [] : ["-Werror"];

export default function setup(): void {
  if (process.getuid?.() !== 0) {
    throw new Error("The end-to-end tests make namespaces and mounts: run them as root");
  }
  for (const needed of [process.env.URUNC_TEST_BINARY ?? URUNC, HELLO_BUNDLE]) {
    if (!existsSync(needed)) {
      throw new Error(`${needed} is missing: run script/build and script/image`);
    }
  }
  mkdirSync(HELPERS, { recursive: true });
  for (const name of PROGRAMS) compile(join(SOURCE, "tests", "lib", "native", `${name}.c`), name);
  compile(PAUSE, "pause");
}

function compile(source: string, name: string): void {
  const made = spawnSync(
    "cc",
    ["-O1", "-Wall", "-Wextra", ...STRICT, "-static", "-o", join(HELPERS, name), source, "-lutil"],
    { encoding: "utf8" },
  );
  if (made.status !== 0) {
    throw new Error(`cc ${source}: ${made.stderr}`);
  }
}
