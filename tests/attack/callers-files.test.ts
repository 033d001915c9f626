// Names that somebody has planted where the runtime makes its own files, and files of the working directory.
import {
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { run, succeed } from "../lib/command.ts";
import { names } from "../lib/host.ts";
import { atEnd, leftovers, scratch } from "../lib/hygiene.ts";
import { lightBundle, lightRuntime } from "../lib/light.ts";

// firecracker #5631: the jailer followed links at the destinations of its copies. We copy nothing; these are the names
// that are written.
describe("a planted link", () => {
  const victim = () => join(scratch(), "victim");

  it("in the place of a container's directory is not followed, not even by delete --force", () => {
    const runtime = lightRuntime();
    mkdirSync(runtime.root);
    mkdirSync(victim());
    writeFileSync(join(victim(), "file"), "kept\n");
    const planted = join(runtime.root, "c1");
    symlinkSync(victim(), planted);
    atEnd(() => rmSync(planted, { force: true }));
    expect(runtime.verb("create", "--bundle", lightBundle(), "c1").status).toBe(1);
    for (const verb of [["state"], ["start"], ["kill"], ["delete"], ["delete", "--force"]]) {
      runtime.verb(...verb, "c1");
      expect(readFileSync(join(victim(), "file"), "utf8"), verb.join(" ")).toBe("kept\n");
    }
  });

  it("for the pid file is refused, and for the temporary one beside it replaced; neither is written through", () => {
    const runtime = lightRuntime();
    const pidFile = join(scratch(), "pid");
    const planted = [
      [symlinkSync, pidFile, false],
      [symlinkSync, join(scratch(), ".pid.tmp"), true],
      [linkSync, pidFile, true],
      [linkSync, join(scratch(), ".pid.tmp"), true],
    ] as const;
    for (const [plant, place, isReplaced] of planted) {
      rmSync(pidFile, { force: true });
      rmSync(victim(), { force: true });
      writeFileSync(victim(), "kept\n");
      plant(victim(), place);
      const created = runtime.verb("create", "--bundle", lightBundle(), "--pid-file", pidFile, "planted");
      expect(created.status, place).toBe(isReplaced ? 0 : 1);
      expect(readFileSync(victim(), "utf8"), place).toBe("kept\n");
      expect(existsSync(join(scratch(), ".pid.tmp"))).toBe(false);
      expect(lstatSync(pidFile).isFile()).toBe(isReplaced);
      if (!isReplaced) continue;
      expect(readFileSync(pidFile, "utf8")).toBe(String(runtime.state("planted").pid));
      succeed(runtime.verb("delete", "planted"));
    }
  });

  it("for a state file is not read", () => {
    const runtime = lightRuntime();
    const bundle = lightBundle();
    runtime.create("first", bundle);
    const state = join(runtime.root, "first", "state.json");
    writeFileSync(victim(), readFileSync(state));
    rmSync(state);
    symlinkSync(victim(), state);
    expect(runtime.verb("start", "first").status).toBe(1);
    expect(runtime.verb("kill", "first", "KILL").status).toBe(1);
    expect(runtime.verb("state", "first").stderr()).toContain("delete --force");
  });
});

describe("a container's directory of another user", () => {
  it("is not trusted, and named with its owner", () => {
    const runtime = lightRuntime();
    runtime.create("c1", lightBundle());
    const directory = join(runtime.root, "c1");
    chownSync(directory, 12345, 0);
    for (const verb of [["state"], ["start"], ["kill"], ["delete"], ["delete", "--force"]]) {
      expect(runtime.verb(...verb, "c1").status, verb.join(" ")).toBe(1);
      expect(runtime.lastError(), verb.join(" ")).toContain(`${directory} belongs to user 12345`);
    }
    chownSync(directory, 0, 0);
    expect(runtime.status("c1")).toBe("created");
  });
});

// The engine: code or settings that are picked up from the working directory or the environment. Under containerd the
// working directory is the bundle, which the image's author may have a say in.
describe("the working directory", () => {
  const BAIT = ["index.js", "main.js", "package.json", ".env", "sys.so", "config.toml", "urunc.js", "std.js", "os.js"];

  it("holds nothing that any verb opens but what it is given by name", { timeout: 60_000 }, () => {
    const runtime = lightRuntime();
    const bundle = lightBundle();
    const cwd = join(scratch(), "cwd");
    mkdirSync(cwd);
    for (const name of BAIT) writeFileSync(join(cwd, name), "throw new Error('executed')\n");
    runtime.create("c1", bundle);
    const log = join(scratch(), "opened");
    const env = {
      URUNC_CONFIG_FILE: join(scratch(), "config.toml"),
      NODE_OPTIONS: `--require ${cwd}/index.js`,
      NODE_PATH: cwd,
      QJS_PATH: cwd,
      LD_PRELOAD: join(cwd, "sys.so"),
      LD_LIBRARY_PATH: cwd,
    };
    const verbs = [
      ["create", "--bundle", bundle, "c2"],
      ["start", "c1"],
      ["state", "c1"],
      ["list"],
      ["ps", "c1"],
      ["kill", "c1", "WINCH"],
      ["plan", "--bundle", bundle],
      ["features"],
      ["exec", "c1", "sh"],
      ["pause", "c1"],
      ["delete", "--force", "c1"],
      ["delete", "c2"],
      ["--help"],
      ["--version"],
    ];
    for (const verb of verbs) {
      // The tracer itself is a dynamic program: the variables are for the verb alone.
      const settings = Object.entries(env).flatMap(([name, value]) => ["-E", `${name}=${value}`]);
      const strace = ["strace", "-qq", "-o", log, "-e", "trace=%file", ...settings];
      run(scratch(), [...strace, runtime.program, "--root", runtime.root, ...verb], { cwd });
      const opened = readFileSync(log, "utf8")
        .split("\n")
        .filter((line) => !line.startsWith("execve("));
      expect(opened.length, verb.join(" ")).toBeGreaterThan(0);
      for (const name of BAIT.filter((bait) => bait !== "config.toml")) {
        expect(
          opened.filter((line) => line.includes(`${name}"`)),
          verb.join(" "),
        ).toEqual([]);
      }
      expect(
        opened.filter((line) => line.includes(cwd)),
        verb.join(" "),
      ).toEqual([]);
      expect(
        opened.filter((line) => /"(config\.toml|\.\/[^"]*)"/.test(line)),
        verb.join(" "),
      ).toEqual([]);
    }
    expect(names(runtime.root)).toEqual([]);
    expect(leftovers()).toEqual([]);
  });
});

// CVE-2026-30892 (crun): a user given as text became another one. `exec -u` is not for unikernels; here the only users
// are the numbers of config.json.
describe("a user that is no number of 32 bits", () => {
  it.each([[-1], [4294967296], ["0"], [""], ["0x0"], ["1000:"], [" 0"], [1.5], [[0]], [true]])(
    "%j is refused and makes nothing",
    (uid) => {
      const runtime = lightRuntime();
      const process = { args: ["light"], env: [], cwd: "/" };
      for (const user of [
        { uid, gid: 0 },
        { uid: 0, gid: uid },
        { uid: 0, gid: 0, additionalGids: [uid] },
      ]) {
        const bundle = lightBundle("numbers", { process: { ...process, user } });
        expect(runtime.verb("create", "--bundle", bundle, "numbers").status, JSON.stringify(user)).toBe(1);
        expect(names(runtime.root)).toEqual([]);
      }
    },
  );
});
