import { describe, expect, test } from "vitest";
import { DEFAULT_MONITOR } from "../../src/config/defaults.ts";
import type { GuestNeeds } from "../../src/guests/guest.ts";
import { whyNotBootable } from "../../src/kernel/boots-on.ts";
import type { MonitorKind } from "../../src/monitors/kinds.ts";
import type { Monitor, MonitorInput } from "../../src/monitors/monitor.ts";
import { MONITORS } from "../../src/monitors/registry.ts";
import { readVersion } from "../../src/monitors/versions.ts";
import { isBefore, parseVersion, versionText } from "../../src/version-number.ts";

const MEBIBYTE = 1024 * 1024;
const NEEDS: GuestNeeds = { commandLine: "app", disks: [], nics: [], monitorOptions: [], warnings: [] };
const DISK = { id: "rootfs", path: "/guest/block", readonly: false };
const NIC = { id: "net0", tap: "tap0", interface: "eth0", mac: "02:00:00:00:00:01", mtu: 1400 };
const INPUT: MonitorInput = {
  binary: "/usr/bin/monitor",
  arch: "x86_64",
  kernel: "/guest/kernel",
  memory: 64 * MEBIBYTE,
  vcpus: 1,
  accelerator: "kvm",
  seccomp: true,
  guest: NEEDS,
  nics: [],
  application: { args: ["app"], env: [] },
  configuration: DEFAULT_MONITOR,
};

function read(kind: MonitorKind, answer: string): string | undefined {
  const { versions }: Monitor = MONITORS[kind];
  const version = versions === undefined ? undefined : readVersion(answer, versions.answer);
  return version === undefined ? undefined : versionText(version);
}

/** Versions that something of this launch needs. */
function needed(kind: MonitorKind, change: Partial<MonitorInput>): readonly string[] {
  const { versions }: Monitor = MONITORS[kind];
  return (versions?.needs?.({ ...INPUT, ...change }) ?? []).map(({ since }) => versionText(since));
}

describe("a monitor's version", () => {
  test.each<[MonitorKind, string, string]>([
    ["hvt", "solo5-hvt tender, version v0.12.1-7-g469c1a8\nABI version 2\n", "0.12.1"],
    ["spt", "spt-of-mine tender, version v0.6.9\nABI version 1\n", "0.6.9"],
    ["qemu", "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)\nCopyright (c)\n", "7.2.22"],
    ["qemu", "QEMU emulator version 10.1.50\nCopyright (c)\n", "10.1.50"],
    ["qemu", "QEMU emulator version 9.0.0-rc1 (v9.0.0-rc1)\n", "9.0.0"],
    [
      "firecracker",
      "Firecracker v1.16.1\n\n2026-11-23T18:17:41.2 [anonymous-instance:main] Firecracker exiting\n",
      "1.16.1",
    ],
    ["firecracker", "Firecracker v0.25.2\n\nSupported snapshot data format versions: v0.23.0", "0.25.2"],
    ["firecracker", "Firecracker v1.17.0-dev\n", "1.17.0"],
    ["cloud-hypervisor", "cloud-hypervisor v53.0.0\nMigration Protocol Versions: 0\n", "53.0.0"],
    ["cloud-hypervisor", "cloud-hypervisor v36.0\n", "36.0.0"],
    ["uhyve", "uhyve 0.10.0\n", "0.10.0"],
  ])("%s is read from what it answers", (kind, answer, version) => {
    expect(read(kind, answer)).toBe(version);
  });

  test.each<[MonitorKind, string]>([
    ["hvt", ""],
    ["hvt", "QEMU emulator version 7.2.22\n"],
    ["spt", "solo5-spt tender, version \n"],
    ["qemu", "QEMU emulator version unknown\n"],
    ["firecracker", "Firecracker v1.16.1.2.3.4 (x)\n"],
    ["firecracker", `${"\n".repeat(300)}Firecracker v1.16.1\n`],
    ["cloud-hypervisor", "cloud-hypervisor v99999999999999999999.0\n"],
    ["uhyve", "uhyve\u0000 0.10.0\n"],
    ["hyperlight-unikraft", "hyperlight-unikraft 0.6.0\n"],
  ])("%s has none in %j", (kind, answer) => {
    expect(read(kind, answer)).toBeUndefined();
  });

  test.each<[MonitorKind, Partial<MonitorInput>, readonly string[]]>([
    ["hvt", { memory: 1024 * MEBIBYTE }, []],
    ["hvt", { memory: 1026 * MEBIBYTE }, ["0.9.0"]],
    ["hvt", { memory: 1026 * MEBIBYTE, arch: "aarch64" }, []],
    ["spt", { memory: 8192 * MEBIBYTE }, []],
    ["firecracker", {}, []],
    ["firecracker", { guest: { ...NEEDS, entersByPvh: true } }, ["1.12.0"]],
    ["cloud-hypervisor", {}, []],
    ["cloud-hypervisor", { guest: { ...NEEDS, disks: [DISK] } }, ["50.1.0"]],
    ["qemu", { share: { kind: "9p", tag: "fs0", readonly: false, path: "/guest/share" } }, []],
    ["qemu", { share: { kind: "virtiofs", tag: "fs0", readonly: false, path: "/guest/s" } }, ["5.0.0"]],
    ["qemu", { accelerator: "tcg" }, ["5.0.0"]],
    ["uhyve", { nics: [NIC] }, ["0.10.0"]],
  ])("%s has to be newer only where something depends on it", (kind, change, versions) => {
    expect(needed(kind, change)).toEqual(versions);
  });

  test("decides whether Firecracker is told the MTU", () => {
    const interfaces = (text: string | undefined) => {
      const version = text === undefined ? undefined : parseVersion(text);
      const input = { ...INPUT, nics: [NIC], ...(version === undefined ? {} : { version }) };
      const [file] = MONITORS.firecracker.writtenFiles?.(input) ?? [];
      return [file?.content.includes('"mtu":1400'), MONITORS.firecracker.judge?.(input).warnings.length];
    };
    expect(interfaces("1.16.0")).toEqual([true, 0]);
    expect(interfaces("1.15.9")).toEqual([false, 1]);
    expect(interfaces(undefined)).toEqual([false, 1]);
  });

  test("decides which monitor boots a bzImage", () => {
    const reason = (kind: MonitorKind, text?: string, bits: 32 | 64 = 64) => {
      const version = text === undefined ? undefined : parseVersion(text);
      return whyNotBootable({ format: "bzimage", protocol: 0x20f, bits }, kind, "x86_64", version);
    };
    expect(reason("firecracker", "1.17.0")).toBeUndefined();
    expect(reason("firecracker", "1.16.1")).toContain("needs version 1.17.0 or newer, and this is 1.16.1");
    expect(reason("firecracker")).toContain("needs version 1.17.0 or newer:");
    expect(reason("firecracker", "1.17.0", 32)).toContain("32-bit");
    expect(reason("cloud-hypervisor", "39.0")).toBeUndefined();
    expect(reason("cloud-hypervisor", "38.9")).toContain("needs version 39.0.0 or newer, and this is 38.9.0");
    expect(reason("cloud-hypervisor")).toBeUndefined();
    expect(reason("qemu", "4.2.0")).toBeUndefined();
  });

  test("of every monitor has an oldest that is before what single launches need", () => {
    for (const monitor of Object.values<Monitor>(MONITORS)) {
      const { oldest, needs } = monitor.versions ?? {};
      for (const { since } of needs?.({ ...INPUT, accelerator: "tcg", guest: { ...NEEDS, disks: [DISK] } }) ?? []) {
        expect(oldest !== undefined && isBefore(oldest.since, since)).toBe(true);
      }
    }
  });
});
