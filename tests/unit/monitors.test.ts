import { describe, expect, test } from "vitest";
import { DEFAULT_CONFIGURATION, DEFAULT_MONITOR } from "../../src/config/defaults.ts";
import type { GuestNeeds } from "../../src/guests/guest.ts";
import { firecrackerConfiguration } from "../../src/monitors/firecracker.ts";
import type { MonitorInput } from "../../src/monitors/monitor.ts";
import { MONITORS } from "../../src/monitors/registry.ts";

const MEBIBYTE = 1024 * 1024;
const NEEDS: GuestNeeds = { commandLine: "app", disks: [], nics: [], monitorOptions: [], warnings: [] };
const DISK = { id: "rootfs", path: "/guest/block", mountPoint: "/", readonly: false };
const INPUT: MonitorInput = {
  binary: "/usr/bin/monitor",
  arch: "x86_64",
  kernel: "/guest/kernel",
  memory: 64 * MEBIBYTE,
  vcpus: 2,
  accelerator: "kvm",
  seccomp: true,
  guest: NEEDS,
  nics: [],
  application: { args: ["app"], env: [] },
  configuration: DEFAULT_MONITOR,
};

/** What a value may be: a test of its own, or the closed members of an object, or the elements of a list. */
type Rule =
  | { readonly kind: "value"; readonly fits: (value: unknown) => boolean }
  | { readonly kind: "list"; readonly of: Rule }
  | {
      readonly kind: "object";
      readonly required: Readonly<Record<string, Rule>>;
      readonly optional: Readonly<Record<string, Rule>>;
    };

const text: Rule = { kind: "value", fits: (value) => typeof value === "string" };
const flag: Rule = { kind: "value", fits: (value) => typeof value === "boolean" };
const integer = (least: number, most: number): Rule => ({
  kind: "value",
  fits: (value) => typeof value === "number" && Number.isInteger(value) && value >= least && value <= most,
});
const word = (...words: readonly string[]): Rule => ({
  kind: "value",
  fits: (value) => typeof value === "string" && words.includes(value),
});
const id: Rule = { kind: "value", fits: (value) => typeof value === "string" && /^[A-Za-z0-9_]+$/.test(value) };
const object = (required: Readonly<Record<string, Rule>>, optional: Readonly<Record<string, Rule>> = {}): Rule => ({
  kind: "object",
  required,
  optional,
});

const BUCKET = object(
  { size: integer(0, Number.MAX_SAFE_INTEGER), refill_time: integer(0, Number.MAX_SAFE_INTEGER) },
  { one_time_burst: integer(0, Number.MAX_SAFE_INTEGER) },
);
const LIMITER = object({}, { bandwidth: BUCKET, ops: BUCKET });

/** Firecracker 1.17: what its published interface and its own readers of the file have in common. */
const CONFIGURATION = object(
  {
    "boot-source": object({ kernel_image_path: text }, { boot_args: text, initrd_path: text }),
    drives: {
      kind: "list",
      of: object(
        { drive_id: id, is_root_device: flag },
        {
          path_on_host: text,
          is_read_only: flag,
          partuuid: text,
          cache_type: word("Unsafe", "Writeback"),
          io_engine: word("Sync", "Async"),
          rate_limiter: LIMITER,
          socket: text,
        },
      ),
    },
  },
  {
    "machine-config": object(
      { vcpu_count: integer(1, 32), mem_size_mib: integer(1, 2 ** 32) },
      {
        smt: flag,
        track_dirty_pages: flag,
        cpu_template: word("C3", "T2", "T2S", "T2CL", "T2A", "V1N1", "None"),
        huge_pages: word("None", "Transparent", "2M"),
      },
    ),
    "network-interfaces": {
      kind: "list",
      of: object(
        { iface_id: id, host_dev_name: text },
        { guest_mac: text, mtu: integer(68, 65535), rx_rate_limiter: LIMITER, tx_rate_limiter: LIMITER },
      ),
    },
    vsock: object({ guest_cid: integer(3, 2 ** 32), uds_path: text }, { vsock_id: text }),
  },
);

/** Every place where the value breaks the rule. */
function faults(value: unknown, rule: Rule, place = "file"): readonly string[] {
  if (rule.kind === "value") return rule.fits(value) ? [] : [`${place}: wrong value`];
  if (rule.kind === "list") {
    if (!Array.isArray(value)) return [`${place}: no list`];
    return value.flatMap((entry, index) => faults(entry, rule.of, `${place}[${index}]`));
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [`${place}: no object`];
  const members = new Map<string, unknown>(Object.entries(value));
  const missing = Object.keys(rule.required).filter((name) => !members.has(name));
  return [
    ...missing.map((name) => `${place}.${name}: missing`),
    ...[...members].flatMap(([name, member]) => {
      const own = rule.required[name] ?? rule.optional[name];
      return own === undefined ? [`${place}.${name}: unknown`] : faults(member, own, `${place}.${name}`);
    }),
  ];
}

const NIC = { id: "net0", tap: "u0a1b2c3d", interface: "eth0", mac: "0a:58:0a:04:00:05", mtu: 1500 };

describe("firecracker", () => {
  test.each<readonly [string, Partial<MonitorInput>]>([
    ["nothing", {}],
    ["an initrd", { initrd: "/guest/initrd" }],
    ["a disk", { guest: { ...NEEDS, disks: [DISK] } }],
    ["two disks", { guest: { ...NEEDS, disks: [DISK, { ...DISK, id: "annot_vol", readonly: true }] } }],
    ["a nic", { nics: [NIC] }],
    ["a vsock device", { vsock: { cid: 3 } }],
    ["two nics and a disk", { nics: [NIC, { ...NIC, id: "net1" }], guest: { ...NEEDS, disks: [DISK] } }],
    ["all processors", { vcpus: MONITORS.firecracker.maximumVcpus }],
  ])("is given a configuration its schema takes, with %s", (_, change) => {
    const files = MONITORS.firecracker.writtenFiles?.({ ...INPUT, ...change }) ?? [];
    expect(files).toHaveLength(1);
    const content: unknown = JSON.parse(files[0]?.content ?? "");
    expect(faults(content, CONFIGURATION)).toEqual([]);
  });

  test("opens the taps of its nics by their names, and writes no member that older releases refuse", () => {
    expect(firecrackerConfiguration({ ...INPUT, nics: [NIC] })["network-interfaces"]).toEqual([
      { iface_id: "net0", guest_mac: "0a:58:0a:04:00:05", host_dev_name: "u0a1b2c3d" },
    ]);
    const warnings = (mtu: number, guest = NEEDS) =>
      MONITORS.firecracker.judge?.({ ...INPUT, guest, nics: [{ ...NIC, mtu }] }).warnings;
    expect(warnings(1400)).toHaveLength(1);
    expect(warnings(1500)).toEqual([]);
    expect(warnings(1400, { ...NEEDS, knowsMtu: true })).toEqual([]);
  });

  test("judges a command line of a megabyte of blanks in no time", () => {
    const commandLine = `a${" ".repeat(1 << 20)}b`;
    const begin = performance.now();
    const problems = MONITORS.firecracker.judge?.({ ...INPUT, guest: { ...NEEDS, commandLine } }).problems;
    expect(performance.now() - begin).toBeLessThan(1000);
    expect(problems?.map(({ code }) => code)).toEqual(["command-line-too-long"]);
  });

  test.each([
    ["a b", true],
    ["  a b  ", true],
    ["", true],
    ["\ta", false],
    ["a \n ", false],
    [" \t ", false],
  ])("passes on %j: %s", (commandLine, passes) => {
    const problems = MONITORS.firecracker.judge?.({ ...INPUT, guest: { ...NEEDS, commandLine } }).problems;
    expect(problems).toHaveLength(passes ? 0 : 1);
  });

  test("would be refused an unknown, a missing and a wrong member", () => {
    const made = firecrackerConfiguration({ ...INPUT, guest: { ...NEEDS, disks: [DISK] } });
    expect(faults({ ...made, "machine-config": { ...made["machine-config"], vcpus: 1 } }, CONFIGURATION)).toEqual([
      "file.machine-config.vcpus: unknown",
    ]);
    expect(faults({ ...made, drives: [{ drive_id: "a b" }] }, CONFIGURATION)).toEqual([
      "file.drives[0].is_root_device: missing",
      "file.drives[0].drive_id: wrong value",
    ]);
    expect(faults({ "boot-source": made["boot-source"] }, CONFIGURATION)).toEqual(["file.drives: missing"]);
  });

  test("has no interfaces, no root device, and a list of drives even when it is empty", () => {
    const made = firecrackerConfiguration(INPUT);
    expect(Object.keys(made)).toEqual(["boot-source", "machine-config", "drives"]);
    expect(made.drives).toEqual([]);
    const withDisk = firecrackerConfiguration({ ...INPUT, guest: { ...NEEDS, disks: [DISK] } });
    expect(withDisk.drives).toEqual([
      { drive_id: "rootfs", path_on_host: "/guest/block", is_read_only: false, is_root_device: false },
    ]);
  });

  test("has no boot parameters of its own when the guest has none", () => {
    const made = firecrackerConfiguration({ ...INPUT, guest: { ...NEEDS, commandLine: "" } });
    expect(made["boot-source"].boot_args).toBe("");
  });

  test("reads the file it is told of, with its filter unless the spec has none", () => {
    const files = MONITORS.firecracker.writtenFiles?.(INPUT) ?? [];
    const argv = MONITORS.firecracker.argv(INPUT);
    expect(argv).toEqual(["/usr/bin/monitor", "--no-api", "--config-file", files[0]?.path]);
    expect(MONITORS.firecracker.argv({ ...INPUT, seccomp: false }).at(-1)).toBe("--no-seccomp");
  });

  test("opens a control socket on request only", () => {
    const configuration = { ...DEFAULT_MONITOR, socketPath: "/tmp/api.sock" };
    const argv = MONITORS.firecracker.argv({ ...INPUT, configuration });
    expect(argv).not.toContain("--no-api");
    expect(argv.slice(1, 3)).toEqual(["--api-sock", "/tmp/api.sock"]);
  });

  test.each([
    ["x".repeat(2039), 0],
    ["x".repeat(2040), 1],
    ["é".repeat(1024), 1],
    [" a -- ", 0],
    ["a\u3000", 1],
    ["\ta", 1],
  ])("judges the command line %#", (commandLine, count) => {
    const judgement = MONITORS.firecracker.judge?.({ ...INPUT, guest: { ...NEEDS, commandLine } });
    expect(judgement?.problems).toHaveLength(count);
  });
});

describe("cloud-hypervisor", () => {
  test("gets bytes, processors, kernel, console, filter, disks and command line", () => {
    const guest = { ...NEEDS, commandLine: "--x -- y", disks: [DISK] };
    expect(MONITORS["cloud-hypervisor"].argv({ ...INPUT, guest, initrd: "/guest/initrd" })).toEqual([
      "/usr/bin/monitor",
      "--memory",
      "size=67108864",
      "--cpus",
      "boot=2",
      "--kernel",
      "/guest/kernel",
      "--console",
      "off",
      "--serial",
      "tty",
      "--seccomp",
      "true",
      "--disk",
      "path=/guest/block,id=rootfs,serial=rootfs,readonly=off,image_type=raw",
      "--initramfs",
      "/guest/initrd",
      "--cmdline=--x -- y",
    ]);
  });

  test("gets a serial number of 20 bytes at most and a path with a comma in quotes", () => {
    const disk = { ...DISK, id: "a".repeat(30), path: "/guest/a,b", readonly: true };
    const argv = MONITORS["cloud-hypervisor"].argv({ ...INPUT, guest: { ...NEEDS, disks: [disk] } });
    expect(argv).toContain(
      `path="/guest/a,b",id=${"a".repeat(30)},serial=${"a".repeat(20)},readonly=on,image_type=raw`,
    );
  });

  test("is not given what it would refuse", () => {
    const judge = (commandLine: string) =>
      MONITORS["cloud-hypervisor"].judge?.({ ...INPUT, guest: { ...NEEDS, commandLine } })?.problems.length;
    expect(judge("a ~")).toBe(0);
    expect(judge("é")).toBe(1);
    expect(judge("a\nb")).toBe(1);
  });
});

describe("hyperlight-unikraft", () => {
  test("gets kernel, initrd and memory, and says what it does not pass on", () => {
    const input = { ...INPUT, initrd: "/guest/initrd", application: { args: ["a"], env: ["A=1"] } };
    const argv = ["/usr/bin/monitor", "/guest/kernel", "--initrd", "/guest/initrd", "--memory", "67108864"];
    expect(MONITORS["hyperlight-unikraft"].argv(input)).toEqual(argv);
    expect(MONITORS["hyperlight-unikraft"].judge?.(input).warnings).toHaveLength(2);
    const bare = { ...INPUT, application: { args: [], env: [] } };
    expect(MONITORS["hyperlight-unikraft"].judge?.(bare)).toEqual({ problems: [], warnings: [], remarks: [] });
  });
});

describe("uhyve", () => {
  test("gets memory in MiB, variables each as one option, and arguments behind two pairs of dashes", () => {
    const application = { args: ["app", "a b", "--net=tap", "it's", ""], env: ["A=1", "B=-e host"] };
    expect(MONITORS.uhyve.argv({ ...INPUT, application })).toEqual([
      "/usr/bin/monitor",
      "--memory-size=64MiB",
      "--cpu-count=2",
      "--file-isolation=none",
      "--env-vars=A=1",
      "--env-vars=B=-e host",
      "--",
      "/guest/kernel",
      "--",
      "'a b'",
      "--net=tap",
      "'it'\\''s'",
      "''",
    ]);
  });

  test("gets no second dashes without arguments", () => {
    expect(MONITORS.uhyve.argv(INPUT).slice(-2)).toEqual(["--", "/guest/kernel"]);
  });
});

describe("qemu", () => {
  const machine = (change: Partial<MonitorInput>, name: "auto" | "pc" | "q35" | "microvm" | "virt") => {
    const input = { ...INPUT, ...change, configuration: { ...DEFAULT_MONITOR, machine: name } };
    const argv = MONITORS.qemu.argv(input);
    const judgement = MONITORS.qemu.judge?.(input);
    return {
      machine: argv[argv.indexOf("-M") + 1],
      problems: judgement?.problems.length,
      remarks: judgement?.remarks?.length ?? 0,
    };
  };

  test.each([
    ["x86_64", "auto", "pc", 0],
    ["x86_64", "q35", "q35", 0],
    ["x86_64", "microvm", "microvm", 0],
    ["x86_64", "virt", "virt", 1],
    ["aarch64", "auto", "virt", 0],
    ["aarch64", "virt", "virt", 0],
    ["aarch64", "pc", "pc", 1],
  ] as const)("on %s with %s is the machine %s", (arch, name, found, problems) => {
    expect(machine({ arch }, name)).toEqual({ machine: found, problems, remarks: 0 });
  });

  test("warns of microvm in software emulation", () => {
    expect(machine({ accelerator: "tcg" }, "microvm").remarks).toBe(1);
  });

  test("has the disks of a machine without PCI on its own bus", () => {
    const input = { ...INPUT, guest: { ...NEEDS, disks: [DISK] } };
    const argv = MONITORS.qemu.argv({ ...input, configuration: { ...DEFAULT_MONITOR, machine: "microvm" } });
    expect(argv).toContain("virtio-blk-device,serial=rootfs,drive=rootfs");
  });

  test("opens a control socket on request, a comma in its name doubled", () => {
    expect(MONITORS.qemu.argv(INPUT)).not.toContain("-qmp");
    const argv = MONITORS.qemu.argv({ ...INPUT, configuration: { ...DEFAULT_MONITOR, socketPath: "/tmp/a,b" } });
    expect(argv[argv.indexOf("-qmp") + 1]).toBe("unix:/tmp/a,,b,server=on,wait=off");
  });
});

test("every monitor has a default configuration", () => {
  expect(Object.keys(DEFAULT_CONFIGURATION.monitors)).toEqual(Object.keys(MONITORS));
});
