// What must not go wrong when something else does: lost state, full disks, readers that have gone, callers in a hurry.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { helloBundle } from "../lib/bundle.ts";
import { run, until } from "../lib/command.ts";
import { isAlive, names } from "../lib/host.ts";
import { scratch } from "../lib/hygiene.ts";
import { urunc } from "../lib/runtime.ts";

describe("a state file that is lost", () => {
  const damages: readonly (readonly [string, (path: string) => void])[] = [
    ["empty", (path) => writeFileSync(path, "")],
    ["an empty object", (path) => writeFileSync(path, "{}")],
    ["a link", (path) => replaceBy(path, () => symlinkSync("/etc/passwd", path))],
    ["a directory", (path) => replaceBy(path, () => mkdirSync(path))],
    ["a FIFO", (path) => replaceBy(path, () => spawnSync("mkfifo", [path]))],
    ["gone", (path) => rmSync(path)],
  ];
  for (const [what, damage] of damages) {
    it(`by being ${what} does not keep delete --force from ending the monitor`, () => {
      const runtime = urunc();
      const { pid } = runtime.create("lost", helloBundle({ args: ["--stay"] }));
      expect(runtime.verb("start", "lost").status).toBe(0);
      damage(join(runtime.root, "lost", "state.json"));
      expect(runtime.verb("state", "lost").status).toBe(1);
      expect(runtime.verb("delete", "--force", "lost").status).toBe(0);
      expect(isAlive(pid)).toBe(false);
      expect(names(runtime.root)).toEqual([]);
    });
  }
});

function replaceBy(path: string, make: () => void): void {
  rmSync(path);
  make();
}

describe("a hook that fails in create", () => {
  it("is followed by the poststop hooks, and nothing is left", () => {
    const runtime = urunc();
    const journal = join(scratch(), "journal");
    const hook = (script: string) => ({ path: "/bin/sh", args: ["sh", "-c", script] });
    const bundle = helloBundle({
      hooks: { createRuntime: [hook("exit 3")], poststop: [hook(`echo poststop >> ${journal}`)] },
    });
    const outcome = runtime.verb("create", "--bundle", bundle, "hooked");
    expect(outcome.status).toBe(1);
    expect(runtime.lastError()).toContain("exit status 3");
    expect(readFileSync(journal, "utf8")).toBe("poststop\n");
    expect(names(runtime.root)).toEqual([]);
  });

  it("finds the umask of the caller in createContainer", () => {
    const runtime = urunc();
    const journal = join(scratch(), "journal");
    const hook = { path: "/bin/sh", args: ["sh", "-c", `umask >> ${journal}`] };
    runtime.create("umask", helloBundle({ hooks: { createContainer: [hook] } }));
    expect(readFileSync(journal, "utf8")).toBe("0022\n");
  });
});

describe("run with a terminal", () => {
  it("goes on with the guest when nobody takes its output", () => {
    const runtime = urunc();
    const bundle = helloBundle({ terminal: true });
    const command = `${runtime.program} --root ${runtime.root} run --bundle ${bundle} full > /dev/full`;
    expect(run(scratch(), ["sh", "-c", command], { env: environment() }).status).toBe(0);
    expect(names(runtime.root)).toEqual([]);
  });

  it("is not stopped by input that the guest does not read", () => {
    const runtime = urunc();
    const bundle = helloBundle({ terminal: true });
    const command = `yes | ${runtime.program} --root ${runtime.root} run --bundle ${bundle} yes`;
    const outcome = run(scratch(), ["sh", "-c", command], { env: environment() });
    expect(outcome.status).toBe(0);
    expect(outcome.stdout()).toContain("powering off");
    expect(names(runtime.root)).toEqual([]);
  });

  /** The configuration that `urunc()` has written. */
  const environment = () => ({ URUNC_CONFIG_FILE: join(scratch(), "config.toml") });
});

describe("run in the foreground", () => {
  it("undoes everything when it is told to end before the container starts", async () => {
    const runtime = urunc();
    const reached = join(scratch(), "reached");
    const hook = { path: "/bin/sh", args: ["sh", "-c", `: > ${reached}; exec sleep 1`], env: ["PATH=/usr/bin:/bin"] };
    const running = runtime.begin("run", "--bundle", helloBundle({ hooks: { createRuntime: [hook] } }), "early");
    await until("the hook runs", () => existsSync(reached));
    running.child.kill("SIGTERM");
    expect(await running.ended()).toBe(128 + 15);
    expect(running.stdout()).toBe("");
    expect(names(runtime.root)).toEqual([]);
  });
});

describe("a log that cannot be written", () => {
  it("does not hide the error nor add one", () => {
    const runtime = urunc();
    const outcome = run(scratch(), [runtime.program, "--root", runtime.root, "--log", "/dev/full", "state", "none"]);
    expect(outcome.status).toBe(1);
    expect(outcome.stderr()).toBe("container does not exist\n");
  });
});
