import { describe, expect, test } from "vitest";
import { DEFAULT_CONFIGURATION } from "../../src/config/defaults.ts";
import type { GuestNeeds } from "../../src/guests/guest.ts";
import { GUESTS } from "../../src/guests/registry.ts";
import type { MonitorInput } from "../../src/monitors/monitor.ts";
import { MONITORS } from "../../src/monitors/registry.ts";
import { readMetadata } from "../../src/oci/annotations.ts";
import { cleanPath } from "../../src/oci/clean-path.ts";
import { defaultSpec } from "../../src/oci/default-spec.ts";
import { featuresDocument } from "../../src/oci/features.ts";
import { parseSpec } from "../../src/oci/parse-spec.ts";
import { cpuVendor } from "../../src/plan/cpu-vendor.ts";
import { factQuery } from "../../src/plan/fact-query.ts";
import type { HostFacts } from "../../src/plan/host-facts.ts";
import { libraries } from "../../src/plan/libraries.ts";
import { plainText, shellWord } from "../../src/plan/quote.ts";
import { planOf } from "../lib/plan-bundle.ts";

const NEEDS: GuestNeeds = { commandLine: "app", disks: [], nics: [], monitorOptions: [], warnings: [] };
const INPUT: MonitorInput = {
  binary: "/usr/bin/monitor",
  arch: "x86_64",
  kernel: "/guest/kernel",
  memory: 64 * 1024 * 1024,
  vcpus: 1,
  accelerator: "kvm",
  seccomp: true,
  guest: NEEDS,
  application: { args: ["app"], env: [] },
  nics: [],
  configuration: DEFAULT_CONFIGURATION.monitors.qemu,
};
const DISK = { id: "rootfs", path: "/guest/a,b", mountPoint: "/", readonly: true };

const FACTS: HostFacts = {
  arch: "x86_64",
  monitorBinary: { path: "/usr/bin/qemu-system-x86_64", dynamic: true },
  existing: ["/usr/share/qemu"],
  libraryLinks: {},
  devices: ["/dev/null", "/dev/urandom", "/dev/kvm"],
  imageFiles: {
    "/unikraft/bin/kernel": { found: true, size: 1, kernel: { format: "bzimage", protocol: 0x20f, bits: 64 } },
  },
};

describe("qemu", () => {
  test("gets memory in bytes, so that the guest has what it was given", () => {
    const argv = MONITORS.qemu.argv({ ...INPUT, memory: 67117056 });
    expect(argv[argv.indexOf("-m") + 1]).toBe("67117056B");
  });

  test("has its own seccomp filter unless the spec has none", () => {
    expect(MONITORS.qemu.argv(INPUT)).toContain("-sandbox");
    expect(MONITORS.qemu.argv({ ...INPUT, seccomp: false })).not.toContain("-sandbox");
  });

  test("gets a comma in a path doubled", () => {
    const argv = MONITORS.qemu.argv({ ...INPUT, guest: { ...NEEDS, disks: [DISK] } });
    expect(argv).toContain("format=raw,if=none,id=rootfs,file=/guest/a,,b,readonly=on");
    expect(argv).toContain("virtio-blk-pci,serial=rootfs,drive=rootfs");
  });

  test("gets the command line last and unchanged, or none", () => {
    expect(MONITORS.qemu.argv({ ...INPUT, guest: { ...NEEDS, commandLine: "a,b" } }).slice(-2)).toEqual([
      "-append",
      "a,b",
    ]);
    expect(MONITORS.qemu.argv({ ...INPUT, guest: { ...NEEDS, commandLine: "" } })).not.toContain("-append");
  });

  test.each([
    ["kvm", undefined, "host"],
    ["kvm", "intel", "host"],
    ["kvm", "amd", "host,arch-capabilities=off"],
    ["tcg", "amd", "max"],
  ] as const)("with %s on %s has the processor %s", (accelerator, vendor, model) => {
    const argv = MONITORS.qemu.argv({ ...INPUT, accelerator, ...(vendor === undefined ? {} : { cpuVendor: vendor }) });
    expect(argv[argv.indexOf("-cpu") + 1]).toBe(model);
  });

  test("on arm64 is the machine virt", () => {
    const argv = MONITORS.qemu.argv({ ...INPUT, arch: "aarch64" });
    expect(argv[argv.indexOf("-M") + 1]).toBe("virt");
    expect(MONITORS.qemu.program("aarch64")).toBe("qemu-system-aarch64");
  });
});

describe("solo5", () => {
  test.each(["hvt", "spt"] as const)("%s gets options, two dashes, the kernel and one command line", (kind) => {
    const guest = { ...NEEDS, commandLine: "a b", disks: [{ ...DISK, path: "/guest/block" }] };
    expect(MONITORS[kind].argv({ ...INPUT, guest })).toEqual([
      "/usr/bin/monitor",
      "--mem=64",
      "--block:rootfs=/guest/block",
      "--",
      "/guest/kernel",
      "a b",
    ]);
    expect(MONITORS[kind].argv({ ...INPUT, guest: { ...NEEDS, commandLine: "" } }).at(-1)).toBe("/guest/kernel");
  });
});

describe("the registries", () => {
  test("name only monitors that there are, and each guest can boot somewhere", () => {
    for (const guest of Object.values(GUESTS)) {
      expect(guest.monitors.length).toBeGreaterThan(0);
      for (const monitor of guest.monitors) expect(MONITORS).toHaveProperty(monitor);
    }
  });
});

describe("the default spec", () => {
  test("is a valid unikernel bundle that leads to a plan", () => {
    expect(planOf({ config: defaultSpec(), facts: FACTS, bundle: "/b" })).toMatchObject({
      runtime: "urunc",
      plan: { guest: "unikraft", rootfs: "/b/rootfs" },
      warnings: [],
    });
  });

  test("asks the host for what its plan needs", () => {
    const spec = parseSpec(defaultSpec());
    if (!spec.ok) throw new Error("the default spec is invalid");
    const found = readMetadata(spec.value.annotations, undefined);
    if (found.kind !== "unikernel") throw new Error("the default spec is no unikernel");
    const input = { id: "c1", spec: spec.value, metadata: found.metadata, bundle: "/b" };
    const query = factQuery({ ...input, configuration: DEFAULT_CONFIGURATION }, "x86_64");
    expect(query).toMatchObject({
      program: "qemu-system-x86_64",
      kvm: true,
      devices: ["/dev/null", "/dev/urandom", "/dev/kvm"],
      imageFiles: ["/unikraft/bin/kernel"],
      kernel: "/unikraft/bin/kernel",
      volumes: [],
    });
    expect(query.paths).toEqual(expect.arrayContaining(["/usr/share/qemu", "/usr/local/share/qemu"]));
    expect(query.libraries).toContain("/usr/lib");
    const qemu = {
      ...DEFAULT_CONFIGURATION.monitors.qemu,
      path: "/opt/qemu",
      dataPath: "/opt/share",
      accel: "tcg" as const,
    };
    const configuration = { ...DEFAULT_CONFIGURATION, monitors: { ...DEFAULT_CONFIGURATION.monitors, qemu } };
    const other = factQuery({ ...input, configuration }, "x86_64");
    expect(other).toMatchObject({ program: "/opt/qemu", kvm: false });
    expect(other.paths.slice(0, 2)).toEqual(["/opt/share/qemu", "/opt/share/seabios"]);
  });
});

describe("the features document", () => {
  test("claims nothing that is not done, and names monitors and guests", () => {
    const document = featuresDocument({
      mountOptions: ["ro"],
      version: "1.0",
      monitors: [
        { kind: "qemu", path: "/usr/bin/qemu-system-x86_64", version: "7.2.22" },
        { kind: "uhyve", path: "/usr/bin/uhyve" },
      ],
    });
    expect(document.linux.cgroup).toEqual({ v1: true, v2: true, systemd: true, systemdUser: true, rdma: true });
    const { seccomp, apparmor, selinux, intelRdt } = document.linux;
    expect([seccomp, apparmor, selinux, intelRdt].map(({ enabled }) => enabled)).toEqual([true, true, true, false]);
    expect(document.annotations).toEqual({
      "com.urunc.runtime.version": "1.0",
      "com.urunc.runtime.guests": "unikraft,mirage,rumprun,linux,mewz,hermit,includeos,nanos,osv,freebsd",
      "com.urunc.runtime.monitors": "qemu,hvt,spt,firecracker,cloud-hypervisor,hyperlight-unikraft,uhyve",
      "com.urunc.runtime.monitor.qemu": "/usr/bin/qemu-system-x86_64",
      "com.urunc.runtime.monitor.qemu.version": "7.2.22",
      "com.urunc.runtime.monitor.uhyve": "/usr/bin/uhyve",
    });
    expect(document.potentiallyUnsafeConfigAnnotations).toEqual(["com.urunc.unikernel."]);
  });
});

describe("shared libraries", () => {
  test("keep links between the library directories as links", () => {
    const facts = {
      ...FACTS,
      existing: ["/lib", "/usr/lib", "/lib64"],
      libraryLinks: { "/lib": "usr/lib", "/lib64": "/opt/lib64" },
    };
    expect(libraries(facts)).toEqual({
      files: [
        { source: "/lib64", target: "/lib64" },
        { source: "/usr/lib", target: "/usr/lib" },
      ],
      links: [{ path: "/lib", target: "usr/lib" }],
    });
  });

  test("in /usr/local/lib are those that are needed, not the directory", () => {
    const facts = {
      ...FACTS,
      existing: ["/usr/lib", "/usr/local/lib"],
      localLibraries: ["/usr/local/lib/libslirp.so.0"],
    };
    expect(libraries(facts).files.map(({ source }) => source)).toEqual(["/usr/lib", "/usr/local/lib/libslirp.so.0"]);
  });
});

describe("text for people", () => {
  test.each([
    ["abc", "abc"],
    ["a b", "'a b'"],
    ["", "''"],
    ["it's", "'it'\\''s'"],
    ["a\nb", "$'a\\x0ab'"],
    ["\u001b[2J'\\", "$'\\x1b[2J\\'\\\\'"],
    ["\u202e", "$'\\u202e'"],
  ])("%j as a word of the shell is %s", (word, shown) => {
    expect(shellWord(word)).toBe(shown);
  });

  test("stays as it is where it is harmless", () => {
    expect(plainText("it's a 語")).toBe("it's a 語");
    expect(plainText("a\u0007b")).toBe("a\\x07b");
  });
});

describe("helpers of the plan", () => {
  test.each([
    ["/a/../b", "/b"],
    ["/../..", "/"],
    ["a//b/.", "a/b"],
    ["../a", "../a"],
    ["", "."],
    ["a/..", "."],
  ])("%s is cleaned to %s", (path, clean) => {
    expect(cleanPath(path)).toBe(clean);
  });

  test.each([
    ["cpu:type:x86,ven0002fam0019mod0011:feature:,0000\n", "amd"],
    ["cpu:type:x86,ven0000fam0006mod008F:feature:,0000\n", "intel"],
    ["cpu:type:x86,ven0005fam0006mod0001:feature:,0000\n", "other"],
    ["cpu:type:aarch64:feature:,0000\n", undefined],
    ["", undefined],
  ])("the maker of %j is %s", (modalias, vendor) => {
    expect(cpuVendor(modalias)).toBe(vendor);
  });

  test("a command line longer than an argument may be is refused", () => {
    const config = { ...defaultSpec(), process: { cwd: "/", args: ["x".repeat(131072)] } };
    expect(planOf({ config, facts: FACTS, bundle: "/b" })).toMatchObject({
      problems: [{ code: "command-line-too-long" }],
    });
  });

  test("an image file whose name every object has is still missing", () => {
    const annotations = {
      "com.urunc.unikernel.unikernelType": "unikraft",
      "com.urunc.unikernel.hypervisor": "qemu",
      "com.urunc.unikernel.binary": "__proto__",
    };
    expect(planOf({ config: { ...defaultSpec(), annotations }, facts: FACTS, bundle: "/b" })).toMatchObject({
      problems: [{ code: "image-file" }],
    });
  });
});
