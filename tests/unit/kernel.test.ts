import { describe, expect, test } from "vitest";
import { whyNotBootable } from "../../src/kernel/boots-on.ts";
import type { KernelFile } from "../../src/kernel/kernel-file.ts";
import { readKernel } from "../../src/kernel/read-kernel.ts";
import { elfWithNotes, hermitFile, KERNELS, readerOf, solo5File, solo5Kernel } from "../lib/kernels.ts";

const kernelOf = (file: Buffer) => readKernel(readerOf(file));

/** 512 bytes of nothing with bytes at places. */
function file(...parts: readonly (readonly [at: number, text: string])[]): Buffer {
  const bytes = Buffer.alloc(2048);
  for (const [at, text] of parts) bytes.write(text, at, "latin1");
  return bytes;
}

function multiboot(flags: number, checksum: number): Buffer {
  const elf = Buffer.concat([elfWithNotes([]), Buffer.alloc(8192)]);
  for (const [index, word] of [0x1badb002, flags, checksum >>> 0].entries()) elf.writeUInt32LE(word, 4096 + index * 4);
  return elf;
}

describe("an ELF file", () => {
  test("with Hermit's note is a Hermit application", () => {
    expect(kernelOf(hermitFile())).toEqual(KERNELS["hermit"]);
    const other = { name: "HERMIT", type: 0x5b00, content: Buffer.alloc(4) };
    expect(kernelOf(elfWithNotes([other, { ...other, name: "HARMIT", type: 0x5a00 }]))).toEqual(KERNELS["plain-elf"]);
  });

  test("with Xen's note has an entry for PVH", () => {
    const note = { name: "Xen", type: 18, content: Buffer.alloc(8) };
    expect(kernelOf(elfWithNotes([note]))).toEqual(KERNELS["pvh"]);
    expect(kernelOf(elfWithNotes([{ ...note, type: 6 }]))).toEqual(KERNELS["plain-elf"]);
    expect(kernelOf(elfWithNotes([{ ...note, name: "Zen" }]))).toEqual(KERNELS["plain-elf"]);
  });

  test.each(["hvt", "spt", "virtio", "muen", "xen"] as const)("with Solo5's notes is built for %s", (target) => {
    expect(kernelOf(solo5File(target))).toMatchObject({ solo5: { target, abi: 2, devices: [] } });
  });

  test("with a Solo5 manifest names its devices", () => {
    const devices = [
      { kind: "net", name: "service" },
      { kind: "block", name: "x".repeat(67) },
    ] as const;
    expect(kernelOf(solo5File("hvt", devices))).toMatchObject({ solo5: { devices } });
  });

  test("with a device name that could be an option has no manifest", () => {
    const kernel = kernelOf(solo5File("hvt", [{ kind: "block", name: "a=/etc/shadow" }]));
    expect(kernel).toMatchObject({ solo5: { target: "hvt" } });
    expect(kernel).not.toHaveProperty("solo5.devices");
  });

  test("with a multiboot header is told apart by its flags, and needs the right checksum", () => {
    expect(kernelOf(multiboot(3, -(0x1badb002 + 3)))).toMatchObject({ multiboot: "elf" });
    expect(kernelOf(multiboot(0x10003, -(0x1badb002 + 0x10003)))).toMatchObject({ multiboot: "addresses" });
    expect(kernelOf(multiboot(3, 0))).toMatchObject({ multiboot: "none" });
  });

  test("of the other byte order is none we can boot", () => {
    expect(kernelOf(Buffer.from("\x7fELF\x02\x02\x01".padEnd(64, "\0"), "latin1"))).toMatchObject({ format: "other" });
  });

  test("is read with one more read than the first when its notes lie far from the start", () => {
    const near = solo5File("hvt");
    const far = Buffer.concat([near.subarray(0, 64 + 2 * 56), Buffer.alloc(65536), near.subarray(64 + 2 * 56)]);
    for (const at of [64 + 8, 64 + 56 + 8]) far.writeBigUInt64LE(far.readBigUInt64LE(at) + 65536n, at);
    let reads = 0;
    const read = readerOf(far);
    const kernel = readKernel((offset, length) => {
      reads++;
      return read(offset, length);
    });
    expect(kernel).toMatchObject({ solo5: { target: "hvt", devices: [] } });
    expect(reads).toBe(2);
  });
});

describe("other files are told by their beginning", () => {
  test.each<[string, Buffer, KernelFile]>([
    ["Linux", file([0x202, "HdrS\x0f\x02"], [0x236, "\x03\x00"]), { format: "bzimage", protocol: 0x20f, bits: 64 }],
    ["old Linux", file([0x202, "HdrS\x04\x02"]), { format: "bzimage", protocol: 0x204, bits: 32 }],
    ["Linux for arm64", file([0, "MZ"], [56, "ARM\x64"]), { format: "arm64-image" }],
    ["gzip", file([0, "\x1f\x8b\x08"]), { format: "gzip" }],
    ["script", Buffer.from("#!/bin/sh\n"), { format: "other", what: "a script" }],
    ["initrd", file([0, "070701"]), { format: "other", what: "a cpio archive: that is an initrd" }],
    ["disk", file([510, "\x55\xaa"]), { format: "boot-disk" }],
    ["EFI", file([0, "MZ"]), { format: "other", what: "an EFI program" }],
    ["nothing", Buffer.from("x"), { format: "other", what: "of no format known here" }],
  ])("%s", (_, content, kernel) => {
    expect(kernelOf(content)).toEqual(kernel);
  });
});

describe("a kernel boots", () => {
  const why = (name: string, ...rest: readonly ["qemu" | "hvt" | "spt", string]) =>
    whyNotBootable(KERNELS[name] ?? { format: "gzip" }, ...rest);

  test.each([
    ["pvh", "qemu"],
    ["multiboot", "qemu"],
    ["bzimage", "qemu"],
    ["virtio", "qemu"],
    ["hvt", "hvt"],
    ["spt", "spt"],
  ] as const)("%s on %s", (name, monitor) => {
    expect(why(name, monitor, "x86_64")).toBeUndefined();
    expect(why(name, monitor, "aarch64")).toBeDefined();
  });

  test.each(["arm", "arm64-image", "gzip"])("%s on QEMU for arm64 only", (name) => {
    expect(why(name, "qemu", "aarch64")).toBeUndefined();
    expect(why(name, "qemu", "x86_64")).toBeDefined();
  });

  test("on no monitor of another target", () => {
    expect(why("hvt", "spt", "x86_64")).toBe("it is built for Solo5's target hvt, not for spt");
    const unknown = { ...solo5Kernel("hvt"), solo5: { targetNumber: 9, abi: 1 } };
    expect(whyNotBootable(unknown, "hvt", "x86_64")).toContain("target 9");
  });

  test("is said without the control characters that stand in a kernel", () => {
    const { solo5: _, ...kernel } = { ...solo5Kernel("hvt"), interpreter: "\x7fELF\x9b31m" };
    expect(whyNotBootable(kernel, "spt", "x86_64")).toContain('for the interpreter "?ELF?31m"');
  });
});
