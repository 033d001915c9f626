import { describe, expect, test } from "vitest";
import { RESET_PORT, RESET_ROM_SIZE, resetRom } from "../../src/monitors/reset-rom.ts";
import { endStatus, MACHINE_FAILED } from "../../src/plan/end-status.ts";
import { bytesOf } from "../../src/sandbox/bytes-of.ts";

describe("the status of run", () => {
  test.each([
    ["linux", "qemu", true, 0, 0],
    ["linux", "qemu", true, 3, 1],
    ["linux", "qemu", true, 255, 127],
    ["linux", "qemu", true, 1, MACHINE_FAILED],
    ["linux", "qemu", undefined, 255, MACHINE_FAILED],
    ["linux", "qemu", undefined, 1, MACHINE_FAILED],
    ["unikraft", "qemu", undefined, 0, 0],
    ["unikraft", "qemu", undefined, 255, MACHINE_FAILED],
    ["unikraft", "qemu", undefined, 1, MACHINE_FAILED],
    ["mewz", "qemu", true, 1, 0],
    ["mewz", "qemu", true, 7, 3],
    ["mewz", "qemu", true, 255, MACHINE_FAILED],
    ["nanos", "qemu", true, 0, 0],
    ["nanos", "qemu", true, 255, MACHINE_FAILED],
    ["linux", "firecracker", undefined, 0, 0],
    ["linux", "firecracker", undefined, 148, MACHINE_FAILED],
    ["linux", "cloud-hypervisor", undefined, 1, MACHINE_FAILED],
    ["mirage", "hvt", undefined, 1, 1],
    ["mirage", "spt", undefined, 255, MACHINE_FAILED],
    ["hermit", "uhyve", undefined, 3, 3],
  ] as const)("of %s on %s (isa-debug-exit: %s) that ends with %i is %i", (guest, monitor, debugExit, code, status) => {
    expect(endStatus({ guest, monitor, ...(debugExit === undefined ? {} : { debugExit }) }, code)).toBe(status);
  });
});

describe("the ROM that ends QEMU after a reset", () => {
  test.each([0, 127])("is one that firmware takes, and tells %i", (value) => {
    const bytes = new Uint8Array(bytesOf(resetRom(value), RESET_ROM_SIZE));
    expect(bytes).toHaveLength(512);
    expect([...bytes.slice(0, 3)]).toEqual([0x55, 0xaa, 1]);
    expect(bytes.reduce((sum, byte) => (sum + byte) & 0xff, 0)).toBe(0);
    const told = Buffer.from([0xba, RESET_PORT & 0xff, RESET_PORT >> 8, 0xb0, value, 0xee]);
    expect(Buffer.from(bytes).indexOf(told)).toBe(0x3c);
  });
});
