import { describe, expect, test } from "vitest";
import { DEFAULT_CONFIGURATION } from "../../src/config/defaults.ts";
import { parseConfiguration } from "../../src/config/parse-configuration.ts";
import { MONITOR_KINDS } from "../../src/monitors/kinds.ts";

function read(text: string) {
  const result = parseConfiguration(text, "/c.toml");
  if (!result.ok) throw new Error(result.problems.map((problem) => problem.message).join("\n"));
  return result;
}

function problemsOf(text: string): readonly string[] {
  const result = parseConfiguration(text, "/c.toml");
  return result.ok ? [] : result.problems.map((problem) => problem.message);
}

describe("the configuration file", () => {
  test("that is empty is the default", () => {
    expect(read("").value).toEqual(DEFAULT_CONFIGURATION);
  });

  test("changes only what it names", () => {
    const { value } = read('[monitors.qemu]\ndefault_memory_mb = 512\naccel = "kvm"\n[log]\nlevel = "warn"\n');
    expect(value.monitors.qemu).toEqual({ ...DEFAULT_CONFIGURATION.monitors.qemu, defaultMemoryMb: 512, accel: "kvm" });
    expect(value.monitors.hvt).toEqual(DEFAULT_CONFIGURATION.monitors.hvt);
    expect(value.log.level).toBe("warn");
  });

  test("says what becomes of ordinary bundles, losses, filters and log lines", () => {
    const text = '[runtime]\nordinary = "refuse"\nstrict = true\nseccomp = "bundle"\n[log]\nsyslog = true\n';
    const { value, warnings } = read(text);
    expect(value.runtime).toMatchObject({ ordinary: "refuse", strict: true, seccomp: "bundle" });
    expect(value.log.syslog).toBe(true);
    expect(warnings).toEqual([]);
    expect(read("").value.runtime).toMatchObject({ ordinary: "runc", strict: false, seccomp: "always" });
  });

  test.each([
    ['[runtime]\nordinary = "Refuse"', 'runtime.ordinary: must be one of runc, refuse, found "Refuse"'],
    ["[runtime]\nordinary = true", "runtime.ordinary: must be one of runc, refuse, found true"],
    ['[runtime]\nseccomp = "never"', 'runtime.seccomp: must be one of always, bundle, found "never"'],
    ['[runtime]\nstrict = "yes"', 'runtime.strict: must be true or false, found "yes"'],
  ])("takes no other words for what keeps guests in: %j", (text, problem) => {
    expect(problemsOf(text)).toEqual([`/c.toml: ${problem}`]);
  });

  test("has a table for each monitor", () => {
    for (const kind of MONITOR_KINDS) {
      const { value, warnings } = read(`[monitors.${kind}]\ndefault_memory_mb = 99\ndefault_vcpus = 3\npath = "/p"\n`);
      expect(value.monitors[kind]).toEqual({
        ...DEFAULT_CONFIGURATION.monitors[kind],
        defaultMemoryMb: 99,
        defaultVcpus: 3,
        path: "/p",
      });
      expect(warnings).toEqual([]);
    }
  });

  test("has a control socket for the monitors that have one", () => {
    for (const kind of ["qemu", "firecracker", "cloud-hypervisor"] as const) {
      expect(read(`[monitors.${kind}]\nsocket_path = "/tmp/a.sock"\n`).value.monitors[kind].socketPath).toBe(
        "/tmp/a.sock",
      );
    }
    expect(read('[monitors.qemu]\nmachine = "q35"\n').value.monitors.qemu.machine).toBe("q35");
  });

  test.each(["/run/x", "x", "/tmp/", "/tmp/..", "/tmp/a/b", "/tmp/a b", "/tmp/../x", `/tmp/${"a".repeat(103)}`])(
    "takes no control socket at %s",
    (path) => {
      expect(problemsOf(`[monitors.qemu]\nsocket_path = "${path}"\n`)[0]).toMatch(/socket_path: must be \/tmp\/NAME/);
    },
  );

  test("says where kernels for container boot may lie, and which is the default", () => {
    const text = '[container_boot]\nkernel = "/boot/k"\ndirectories = ["/a/", "/b"]\nmax_initrd_mb = 7\n';
    expect(read(text).value.containerBoot).toEqual({
      kernel: "/boot/k",
      initrd: "",
      directories: ["/a", "/b"],
      maxInitrdMb: 7,
      guestInit: "",
    });
    expect(problemsOf('[container_boot]\ndirectories = "/a"')).toHaveLength(1);
    expect(problemsOf('[container_boot]\ndirectories = ["/a", "b"]')).toHaveLength(1);
    expect(problemsOf('[container_boot]\ninitrd = "b"')).toHaveLength(1);
  });

  test("takes 0 and empty texts as the default", () => {
    const text =
      '[monitors.spt]\ndefault_memory_mb = 0\ndefault_vcpus = 0\npath = ""\n[timestamps]\ndestination = ""\n';
    expect(read(text).value).toEqual(DEFAULT_CONFIGURATION);
  });

  test("names the socket of a monitor whose guests are to be asked, unless the file does", () => {
    const qemu = read("[monitors.qemu]\ngraceful_shutdown = true\nshutdown_timeout = 5\n").value.monitors.qemu;
    expect(qemu).toMatchObject({ gracefulShutdown: true, shutdownTimeout: 5, socketPath: "/tmp/urunc-vmm-api.sock" });
    const named = '[monitors.firecracker]\ngraceful_shutdown = true\nsocket_path = "/tmp/a.sock"\n';
    expect(read(named).value.monitors.firecracker.socketPath).toBe("/tmp/a.sock");
    expect(read("[monitors.spt]\ngraceful_shutdown = true\n").warnings).toEqual([
      "/c.toml: monitors.spt.graceful_shutdown: is not known and has no effect",
    ]);
  });

  test("turns timestamps on, with a place of one's own", () => {
    const text = '[timestamps]\nenabled = true\ndestination = "/srv/stamps"\n';
    expect(read(text).value.timestamps).toEqual({ enabled: true, destination: "/srv/stamps" });
    expect(read(text).warnings).toEqual([]);
  });

  test.each([
    ["200000-265535", { first: 200_000, last: 265_535 }],
    [" 7 - 7 ", { first: 7, last: 7 }],
    ["", undefined],
  ])("monitor_uids %j is a range", (text, range) => {
    expect(read(`[runtime]\nmonitor_uids = "${text}"`).value.runtime.monitorUids).toEqual(range);
  });

  test.each(['"0-5"', '"9-8"', '"5"', '"1-4294967295"', "[1, 2]", '"a-b"'])("monitor_uids %s is an error", (value) => {
    expect(() => read(`[runtime]\nmonitor_uids = ${value}`)).toThrow("runtime.monitor_uids");
  });

  test("virtiofsd has a path and words for options", () => {
    const toml = '[extra_binaries.virtiofsd]\npath = "/opt/virtiofsd"\noptions = " --cache  never "';
    const { value } = read(toml);
    expect(value.virtiofsd).toEqual({ path: "/opt/virtiofsd", options: ["--cache", "never"] });
    expect(() => read('[extra_binaries.virtiofsd]\npath = "virtiofsd"')).toThrow("must be an absolute path");
    expect(() => read("[extra_binaries.virtiofsd]\noptions = 1")).toThrow("must be a text of words");
  });

  test.each([
    ["[runtime]\nlibcontainer = true", "/c.toml: runtime.libcontainer: has no effect yet"],
    ["[extra_binaries.passt]\npath = 1", "/c.toml: extra_binaries.passt: is not known and has no effect"],
    ["[extra_binaries.virtiofsd]\npid = 1", "/c.toml: extra_binaries.virtiofsd.pid: is not known and has no effect"],
    ['[monitors.hvt]\nsocket_path = "/x"', "/c.toml: monitors.hvt.socket_path: is not known and has no effect"],
    ['[monitors.uhyve]\nmachine = "pc"', "/c.toml: monitors.uhyve.machine: is not known and has no effect"],
    ["[monitors.hedge]\npath = 1", "/c.toml: monitors.hedge: is not known and has no effect"],
    ["[monitors.hvt]\nvhost = true", "/c.toml: monitors.hvt.vhost: has no effect yet"],
    ['[monitors.hvt]\naccel = "kvm"', "/c.toml: monitors.hvt.accel: is not known and has no effect"],
    ["[monitor.qemu]\npath = 1", "/c.toml: monitor: is not known and has no effect: did you mean monitors?"],
    ['"a b" = 1', '/c.toml: "a b": is not known and has no effect'],
    ["[log]\nlevle = 1", "/c.toml: log.levle: is not known and has no effect: did you mean level?"],
    ["[runtime]\nstrickt = true", "/c.toml: runtime.strickt: is not known and has no effect: did you mean strict?"],
  ])("%j is taken with a warning", (text, warning) => {
    expect(read(text).warnings).toEqual([warning]);
  });

  test.each([
    ["log = 1", "/c.toml: log: must be a table, found 1"],
    [
      '[container_boot]\ndirectories = ["/a", "b"]',
      '/c.toml: container_boot.directories[1]: must be an absolute path, found "b"',
    ],
    [
      '[container_boot]\ndirectories = "/a"',
      '/c.toml: container_boot.directories: must be a list, each entry an absolute path, found "/a"',
    ],
    [
      '[network]\ndns = ["1.1.1.1", "127.0.0.1"]',
      '/c.toml: network.dns[1]: must be an IP address that is not a loopback address, found "127.0.0.1"',
    ],
    ["[[monitors]]", "/c.toml: monitors: must be a table, found a list"],
    [
      '[log]\nlevel = "loud"',
      '/c.toml: log.level: must be one of panic, fatal, error, warn, info, debug, trace, found "loud"',
    ],
    ['[log]\nsyslog = "yes"', '/c.toml: log.syslog: must be true or false, found "yes"'],
    [
      "[monitors.qemu]\ndefault_vcpus = -1",
      "/c.toml: monitors.qemu.default_vcpus: must be an integer from 0 to 1024, found -1",
    ],
    [
      "[monitors.qemu]\ndefault_memory_mb = 1.5",
      "/c.toml: monitors.qemu.default_memory_mb: must be an integer from 0 to 16777216, found 1.5",
    ],
    ['[monitors.qemu]\npath = "qemu"', '/c.toml: monitors.qemu.path: must be an absolute path, found "qemu"'],
    ["[monitors.qemu]\naccel = true", "/c.toml: monitors.qemu.accel: must be one of auto, kvm, tcg, found true"],
  ])("%j is refused", (text, problem) => {
    expect(problemsOf(text)).toEqual([problem]);
  });

  test("that is no TOML is refused with line and column", () => {
    expect(problemsOf("[log]\nlevel = \n")[0]).toMatch(/^\/c\.toml: line 2, column \d+: /);
  });

  test("cannot change what every object has", () => {
    expect(read("[__proto__]\nlog = 1\n[log.__proto__]\nlevel = 7\n").value).toEqual(DEFAULT_CONFIGURATION);
  });
});
