// Inputs of any size and with any characters: what is told is bounded and steers no terminal, and a pid file is no way
// to replace what somebody else put there.
import { lstatSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { annotation, helloBundle } from "../lib/bundle.ts";
import { run, succeed } from "../lib/command.ts";
import { names } from "../lib/host.ts";
import { scratch } from "../lib/hygiene.ts";
import { urunc } from "../lib/runtime.ts";

/** More than the engine can pass to a function. */
const MANY = 120_000;

function numbered<T>(count: number, one: (index: number) => T): readonly T[] {
  return Array.from({ length: count }, (_, index) => one(index));
}

function keys(count: number, prefix: string): Readonly<Record<string, string>> {
  return Object.fromEntries(numbered(count, (index) => [`${prefix}${index}`, "1"]));
}

describe("an input with very many parts", () => {
  it("is told of in a log of bounded size", () => {
    const runtime = urunc();
    runtime.create("many", helloBundle({ annotations: keys(22_000, annotation("unknown")) }));
    const log = readFileSync(runtime.log, "utf8");
    expect(log).toContain("21992 more keys like these are not known");
    expect(log.length).toBeLessThan(50_000);
  });

  it("with very long parts is told of in short", () => {
    const runtime = urunc();
    const bundle = helloBundle({ annotations: { [annotation("unikernelType")]: "x".repeat(1_000_000) } });
    expect(runtime.verb("create", "--bundle", bundle, "long").status).toBe(1);
    expect(readFileSync(runtime.log, "utf8").length).toBeLessThan(20_000);
  });

  const PARTS = {
    annotations: { annotations: keys(MANY, annotation("x")) },
    sysctls: { sysctl: keys(MANY, "net.x") },
    "resource limits": { process: { rlimits: numbered(MANY, () => ({ type: "RLIMIT_X", hard: 1, soft: 1 })) } },
    namespaces: { namespaces: numbered(MANY, (index) => ({ type: `x${index}` })) },
    arguments: { args: numbered(MANY, (index) => `a${index}`) },
    variables: { env: numbered(MANY, (index) => `E${index}=1`) },
    groups: { user: { uid: 0, gid: 0, additionalGids: numbered(MANY, (index) => index) } },
    "unknown keys": { linux: keys(MANY, "unknown") },
  };

  it.each(Object.entries(PARTS))("has an outcome of its own words: %s", (_, options) => {
    const runtime = urunc();
    const { stderr, stdout } = runtime.verb("plan", "--bundle", helloBundle(options));
    expect(stderr() + stdout().slice(0, 1000)).not.toMatch(/arguments in function call|call stack|InternalError/);
    expect(stdout()).not.toBe("");
  });

  it("has a bounded number of problems told", () => {
    const { stdout, status } = urunc().verb("plan", "--bundle", helloBundle(PARTS.namespaces));
    expect(status).toBe(1);
    expect(stdout()).toContain("119960 more problems are left out");
    expect(stdout().length).toBeLessThan(20_000);
  });

  it("in the configuration is an error that names the file", () => {
    const runtime = urunc(numbered(80_000, (index) => `k${index} = 1`).join("\n"));
    expect(runtime.verb("create", "--bundle", helloBundle({}), "toml").status).toBe(1);
    expect(runtime.lastError()).toMatch(/config\.toml.* 65536 bytes/);
  });

  it("on the command line is an error of usage", () => {
    const { program } = urunc();
    const { status, stderr } = run(scratch(), ["sh", "-c", 'exec "$0" --log-format json state $(seq 70000)', program]);
    expect(status).toBe(1);
    expect(stderr()).toContain("requires exactly 1 argument(s)");
  });
});

describe("characters that steer a terminal", () => {
  const STEERS = /[\0-\x08\x0b-\x1f\x7f-\x9f]/;
  const HOSTILE = "a\x1b[2J\x9b31m\x90\x7f";

  it("leave no verb, whatever it was given", () => {
    const runtime = urunc();
    const annotations = { [annotation(HOSTILE)]: HOSTILE, [HOSTILE]: HOSTILE };
    const bundle = helloBundle({ name: HOSTILE, args: [HOSTILE], env: [`A=${HOSTILE}`], annotations });
    const wrong = helloBundle({ name: `wrong-${HOSTILE}`, annotations: { [annotation("unikernelType")]: HOSTILE } });
    runtime.create("steering", bundle);
    mkdirSync(join(runtime.root, HOSTILE));
    const verbs: readonly (readonly string[])[] = [
      ["state", "steering"],
      ["list"],
      ["list", "-q"],
      ["list", "--format", "json"],
      ["ps", "steering"],
      ["ps", "--format", "json", "steering"],
      ["plan", "--bundle", bundle],
      ["plan", "--format", "json", "--bundle", bundle],
      ["plan", "--bundle", wrong],
      ["create", "--bundle", wrong, "wrong"],
      ["create", "--bundle", `${bundle}/nothing`, "nothing"],
      ["create", "--bundle", bundle, "--pid-file", `/nowhere/${HOSTILE}`, "pid"],
      ["events", "--stats", "steering"],
      ["features"],
      ["kill", "steering", HOSTILE],
      ["start", HOSTILE],
      ["state", HOSTILE],
      ["delete", HOSTILE],
      ["update", "--memory", HOSTILE, "steering"],
      ["exec", "steering", HOSTILE],
      [HOSTILE],
      [`--${HOSTILE}`],
    ];
    for (const verb of verbs) {
      const { stdout, stderr } = runtime.verb(...verb);
      expect.soft(stdout() + stderr(), JSON.stringify(verb)).not.toMatch(STEERS);
    }
    expect(readFileSync(runtime.log, "utf8")).not.toMatch(STEERS);
    succeed(run(scratch(), ["rmdir", join(runtime.root, HOSTILE)]));
  });

  it("leave no verb whose log is stderr", () => {
    const { program } = urunc();
    for (const format of ["text", "json"]) {
      const { stderr } = run(scratch(), [program, "--log-format", format, HOSTILE]);
      expect(stderr()).not.toBe("");
      expect(stderr()).not.toMatch(STEERS);
    }
  });
});

describe("a pid file", () => {
  const KINDS = {
    "a pipe": (path: string) => void succeed(run(scratch(), ["mkfifo", path])),
    "a device": (path: string) => void succeed(run(scratch(), ["mknod", path, "c", "1", "3"])),
    "a directory": (path: string) => void mkdirSync(path),
    "a symbolic link": (path: string) => symlinkSync("/nowhere", path),
  };

  it.each(Object.entries(KINDS))("does not replace %s", (_, make) => {
    const runtime = urunc();
    const path = join(scratch(), "pid");
    make(path);
    const before = lstatSync(path);
    expect(runtime.verb("create", "--bundle", helloBundle({}), "--pid-file", path, "id").status).toBe(1);
    expect(runtime.lastError()).toBe(`Pid file ${path}: it is there and no regular file: name another one`);
    expect([lstatSync(path).ino, lstatSync(path).mode]).toEqual([before.ino, before.mode]);
    if (before.isSymbolicLink()) expect(readlinkSync(path)).toBe("/nowhere");
    expect(names(runtime.root)).toEqual([]);
  });

  it("replaces a file", () => {
    const runtime = urunc();
    const path = join(scratch(), "again.pid");
    writeFileSync(path, "a longer text than a pid");
    const { pid } = runtime.create("again", helloBundle({}));
    expect(readFileSync(path, "utf8")).toBe(String(pid));
  });
});
