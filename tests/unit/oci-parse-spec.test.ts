import { describe, expect, test } from "vitest";
import { parseSpec } from "../../src/oci/parse-spec.ts";
import { peekBundle } from "../../src/oci/peek.ts";
import { FULL_CONFIG } from "../lib/arbitrary.ts";

const MINIMAL = { ociVersion: "1.0.0", root: { path: "rootfs" }, process: { cwd: "/" } };

function specOf(config: unknown) {
  const result = parseSpec(config);
  if (!result.ok) throw new Error(result.problems.map((problem) => problem.message).join("\n"));
  return result.value;
}

function problemsOf(config: unknown): readonly string[] {
  const result = parseSpec(config);
  return result.ok ? [] : result.problems.map((problem) => problem.message.replace(/^config\.json: /, ""));
}

const withProcess = (members: object) => ({ ...MINIMAL, process: { ...MINIMAL.process, ...members } });
const withLinux = (linux: object) => ({ ...MINIMAL, linux });

describe("config.json", () => {
  test("with the least members gets the values of the specification for the others", () => {
    expect(specOf(MINIMAL)).toEqual({
      ociVersion: "1.0.0",
      root: { path: "rootfs", readonly: false },
      process: {
        terminal: false,
        args: [],
        env: [],
        cwd: "/",
        user: { uid: 0, gid: 0, additionalGids: [] },
        capabilities: [],
        rlimits: [],
      },
      mounts: [],
      hooks: { prestart: [], createRuntime: [], createContainer: [], startContainer: [], poststart: [], poststop: [] },
      annotations: {},
      linux: { namespaces: [], uidMappings: [], gidMappings: [], seccomp: false, sysctl: {} },
    });
  });

  test("with all members keeps them", () => {
    const spec = specOf(FULL_CONFIG);
    expect(spec.process.consoleSize).toEqual({ width: 80, height: 25 });
    expect(spec.process.user).toEqual({ uid: 1, gid: 2, additionalGids: [3], umask: 18 });
    expect(spec.hooks.prestart).toEqual([{ path: "/bin/true", args: ["true"], env: ["A=1"], timeout: 1 }]);
    expect(spec.linux.memoryLimit).toBe(268435456);
    expect(spec.linux.seccomp).toBe(true);
  });

  test("may have null where a Go program had an empty pointer", () => {
    const config = {
      ...MINIMAL,
      hooks: null,
      annotations: null,
      linux: { namespaces: null, seccomp: null, resources: null },
    };
    expect(specOf(config).linux.seccomp).toBe(false);
  });

  test("may have a profile that wants somebody to be notified", () => {
    const seccomp = (members: object) =>
      specOf(withLinux({ seccomp: { defaultAction: "SCMP_ACT_ALLOW", ...members } }));
    expect(seccomp({}).linux.seccompListener).toBeUndefined();
    expect(seccomp({ listenerPath: "/run/agent.sock" }).linux.seccompListener).toBe(true);
  });

  test("may have members nobody here knows", () => {
    expect(specOf({ ...MINIMAL, solaris: 1, process: { cwd: "/", solarisProfile: 7 } }).process.args).toEqual([]);
  });

  test.each(["0.9.0", "2.0.0", "1", "1.0", "one", ""])("of version %j is refused", (ociVersion) => {
    expect(problemsOf({ ...MINIMAL, ociVersion })).toHaveLength(1);
  });

  test.each(["1.0.2-dev", "1.2.0+x", "1.1.0"])("of version %s is taken", (ociVersion) => {
    expect(specOf({ ...MINIMAL, ociVersion }).ociVersion).toBe(ociVersion);
  });

  test("without version, root or process names what is missing", () => {
    expect(problemsOf({})).toEqual(["ociVersion: is missing", "root: is missing", "process: is missing"]);
  });

  test.each([
    [withProcess({ cwd: "tmp" }), 'process.cwd: must be an absolute path, found "tmp"'],
    [withProcess({ cwd: "/proc/self/fd/7" }), 'process.cwd: must not be below /proc, found "/proc/self/fd/7"'],
    [withProcess({ cwd: "//proc/./self" }), 'process.cwd: must not be below /proc, found "//proc/./self"'],
    [withProcess({ cwd: undefined }), "process.cwd: is missing"],
    [
      withProcess({ scheduler: { policy: "SCHED_ISO" } }),
      'process.scheduler.policy: must be one of SCHED_OTHER, SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_IDLE, SCHED_DEADLINE, found "SCHED_ISO"',
    ],
    [
      withProcess({ scheduler: { policy: "SCHED_OTHER", nice: 20 } }),
      "process.scheduler.nice: must be an integer from -20 to 19, found 20",
    ],
    [
      withProcess({ scheduler: { policy: "SCHED_FIFO" } }),
      "process.scheduler.priority: must be from 1 to 99 with SCHED_FIFO, found 0",
    ],
    [
      withProcess({ scheduler: { policy: "SCHED_BATCH", priority: 1 } }),
      "process.scheduler.priority: belongs to SCHED_FIFO and SCHED_RR only, found 1",
    ],
    [
      withProcess({ scheduler: { policy: "SCHED_RR", priority: 1, period: 1 } }),
      "process.scheduler: runtime, deadline and period belong to SCHED_DEADLINE only",
    ],
    [
      withProcess({ scheduler: { policy: "SCHED_OTHER", flags: ["SCHED_FLAG_X"] } }),
      'process.scheduler.flags[0]: must be the name of a flag of sched_setattr(2), found "SCHED_FLAG_X"',
    ],
    [withProcess({ ioPriority: { priority: 1 } }), "process.ioPriority.class: is missing"],
    [
      withProcess({ ioPriority: { class: "IOPRIO_CLASS_BE", priority: 8 } }),
      "process.ioPriority.priority: must be an integer from 0 to 7, found 8",
    ],
    [
      withLinux({ personality: { domain: "SOLARIS" } }),
      'linux.personality.domain: must be one of LINUX, LINUX32, found "SOLARIS"',
    ],
    [withLinux({ personality: {} }), "linux.personality.domain: is missing"],
    [
      withLinux({ timeOffsets: { realtime: { secs: 1 } } }),
      "linux.timeOffsets.realtime: is no clock of monotonic, boottime",
    ],
    [
      withLinux({ timeOffsets: { boottime: { nanosecs: 1e9 } } }),
      "linux.timeOffsets.boottime.nanosecs: must be an integer from 0 to 999999999, found 1000000000",
    ],
    [withProcess({ args: ["a\0b"] }), "process.args[0]: must not contain a NUL character"],
    [withProcess({ args: "sh" }), 'process.args: must be a list, found "sh"'],
    // Uhyve takes the word alone for all of its own environment.
    [withProcess({ env: ["host"] }), 'process.env[0]: must be NAME=VALUE, found "host"'],
    [withProcess({ env: ["A"] }), 'process.env[0]: must be NAME=VALUE, found "A"'],
    [withProcess({ user: { gid: 0 } }), "process.user.uid: is missing"],
    [
      withProcess({ user: { uid: 4294967295, gid: 0 } }),
      "process.user.uid: must be an integer from 0 to 4294967294, found 4294967295",
    ],
    [
      withProcess({ user: { uid: "0", gid: 0 } }),
      'process.user.uid: must be an integer from 0 to 4294967294, found "0"',
    ],
    [
      withProcess({ user: { uid: 0, gid: 1.5 } }),
      "process.user.gid: must be an integer from 0 to 4294967294, found 1.5",
    ],
    [
      withProcess({ terminal: true, consoleSize: { width: -1, height: 1 } }),
      "process.consoleSize.width: must be an integer from 0 to 65535, found -1",
    ],
    [
      withLinux({ namespaces: [{ type: "pid" }, { type: "pid" }] }),
      'linux.namespaces[1].type: is given twice, found "pid"',
    ],
    [withLinux({ namespaces: [{}] }), "linux.namespaces[0].type: is missing"],
    [
      withLinux({ namespaces: [{ type: "ipc", path: "x" }] }),
      'linux.namespaces[0].path: must be an absolute path, found "x"',
    ],
    [
      withLinux({ resources: { memory: { limit: 1.5 } } }),
      "linux.resources.memory.limit: must be an integer, found 1.5",
    ],
    [
      withLinux({ rootfsPropagation: "x" }),
      'linux.rootfsPropagation: must be one of private, rprivate, slave, rslave, shared, rshared, unbindable, runbindable, found "x"',
    ],
    [
      { ...MINIMAL, hooks: { poststop: [{ path: "true" }] } },
      'hooks.poststop[0].path: must be an absolute path, found "true"',
    ],
    [
      { ...MINIMAL, hooks: { poststop: [{ path: "/x", timeout: 0 }] } },
      "hooks.poststop[0].timeout: must be an integer from 1 to 9007199254740991, found 0",
    ],
    [{ ...MINIMAL, annotations: { a: 1 } }, "annotations.a: must be a string, found 1"],
    [{ ...MINIMAL, annotations: { "": "x" } }, "annotations: must not have an empty key"],
    [{ ...MINIMAL, root: { path: "" } }, "root.path: must not be empty"],
    [{ ...MINIMAL, mounts: [{}] }, "mounts[0].destination: is missing"],
  ])("%# is refused with the place and the demand", (config, problem) => {
    expect(problemsOf(config)).toEqual([problem]);
  });

  test("without a terminal may have any console size", () => {
    expect(specOf(withProcess({ consoleSize: "x" })).process.consoleSize).toBeUndefined();
  });

  test("takes the greatest limit of a 64-bit number as no limit", () => {
    const rlimits = [{ type: "RLIMIT_CORE", soft: 0, hard: 2 ** 64 }];
    expect(specOf(withProcess({ rlimits })).process.rlimits).toEqual([{ type: "RLIMIT_CORE", soft: 0, hard: -1 }]);
  });

  test("takes a memory limit that is not positive as no limit", () => {
    expect(specOf(withLinux({ resources: { memory: { limit: -1 } } })).linux.memoryLimit).toBeUndefined();
  });

  test("takes an empty namespace path as none", () => {
    expect(specOf(withLinux({ namespaces: [{ type: "network", path: "" }] })).linux.namespaces).toEqual([
      { type: "network" },
    ]);
  });

  test("gives a hook without arguments its path as the only one", () => {
    expect(specOf({ ...MINIMAL, hooks: { prestart: [{ path: "/x" }] } }).hooks.prestart[0]?.args).toEqual(["/x"]);
  });
});

describe("a look at config.json", () => {
  test("finds annotations and root path in a file that is invalid otherwise", () => {
    expect(peekBundle({ root: { path: "r" }, annotations: { a: "1", b: 2 }, process: 5 })).toEqual({
      annotations: { a: "1" },
      others: { b: 2 },
      rootPath: "r",
    });
  });

  test("finds nothing in what is no object", () => {
    expect(peekBundle([1])).toEqual({ annotations: {}, others: {} });
  });
});
