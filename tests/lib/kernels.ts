/** Kernels as facts, by a short name, and as files made byte by byte. */
import type { ReadBytes } from "../../src/kernel/bytes.ts";
import type { ElfKernel, KernelFile, Solo5Device, Solo5Target } from "../../src/kernel/kernel-file.ts";
import { SOLO5_TARGETS } from "../../src/kernel/kernel-file.ts";

const ELF: ElfKernel = { format: "elf", bits: 64, machine: "x86_64", pvh: false, multiboot: "none" };

export function solo5Kernel(target: Solo5Target, devices: readonly Solo5Device[] = [], abi = 2): ElfKernel {
  const multiboot = target === "virtio" ? "addresses" : "none";
  const targetNumber = SOLO5_TARGETS.indexOf(target) + 1;
  return { ...ELF, multiboot, interpreter: "/nonexistent/solo5/", solo5: { target, targetNumber, abi, devices } };
}

const BLOCK = { kind: "block", name: "storage" } as const;
const NET = { kind: "net", name: "service" } as const;

/** The names that golden cases use in facts.json. */
export const KERNELS: Readonly<Record<string, KernelFile>> = {
  pvh: { ...ELF, pvh: true },
  multiboot: { ...ELF, bits: 32, machine: "i386", multiboot: "elf" },
  "multiboot-64": { ...ELF, multiboot: "elf", pvh: true },
  "plain-elf": ELF,
  hermit: { ...ELF, hermit: true },
  program: { ...ELF, interpreter: "/lib64/ld-linux-x86-64.so.2" },
  arm: { ...ELF, machine: "aarch64" },
  bzimage: { format: "bzimage", protocol: 0x20f, bits: 64 },
  "arm64-image": { format: "arm64-image" },
  gzip: { format: "gzip" },
  "boot-disk": { format: "boot-disk" },
  script: { format: "other", what: "a script" },
  hvt: solo5Kernel("hvt"),
  "hvt-block": solo5Kernel("hvt", [BLOCK]),
  "hvt-rootfs": solo5Kernel("hvt", [{ kind: "block", name: "rootfs" }]),
  "hvt-disk0": solo5Kernel("hvt", [{ kind: "block", name: "disk0" }]),
  "hvt-old-abi": solo5Kernel("hvt", [{ kind: "block", name: "disk0" }], 1),
  "hvt-no-manifest": { ...ELF, solo5: { target: "hvt", targetNumber: 1, abi: 2 } },
  "hvt-net": solo5Kernel("hvt", [BLOCK, NET]),
  "hvt-two-blocks": solo5Kernel("hvt", [BLOCK, { kind: "block", name: "second" }]),
  "hvt-other-name": solo5Kernel("hvt", [{ kind: "block", name: "htdocs" }]),
  spt: solo5Kernel("spt"),
  "spt-rootfs": solo5Kernel("spt", [{ kind: "block", name: "rootfs" }]),
  virtio: solo5Kernel("virtio"),
  "virtio-block": solo5Kernel("virtio", [BLOCK]),
};

interface Note {
  readonly name: string;
  readonly type: number;
  readonly content: Buffer;
}

/** An ELF file for x86-64 with nothing but notes, each in a segment of its own as Solo5's linker scripts put them. */
export function elfWithNotes(notes: readonly Note[]): Buffer {
  const parts = notes.map(({ name, type, content }) => {
    const text = Buffer.from(`${name}\0`);
    const head = Buffer.alloc(12);
    for (const [index, value] of [text.length, content.length, type].entries()) head.writeUInt32LE(value, index * 4);
    return Buffer.concat([head, padded(text), padded(content)]);
  });
  const header = Buffer.alloc(64);
  header.write("\x7fELF\x02\x01\x01", "latin1");
  header.writeUInt16LE(2, 16);
  header.writeUInt16LE(62, 18);
  header.writeBigUInt64LE(64n, 32);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(parts.length, 56);
  let offset = 64 + 56 * parts.length;
  const table = parts.map((part) => {
    const entry = Buffer.alloc(56);
    entry.writeUInt32LE(4, 0);
    entry.writeBigUInt64LE(BigInt(offset), 8);
    entry.writeBigUInt64LE(BigInt(part.length), 32);
    entry.writeBigUInt64LE(4n, 48);
    offset += part.length;
    return entry;
  });
  return Buffer.concat([header, ...table, ...parts]);
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}

/** The file of a Solo5 unikernel, as far as it is looked at before it is started. */
export function solo5File(target: Solo5Target, devices: readonly Solo5Device[] = []): Buffer {
  const abi = Buffer.alloc(16);
  abi.writeUInt32LE(SOLO5_TARGETS.indexOf(target) + 1, 0);
  abi.writeUInt32LE(2, 4);
  const manifest = Buffer.alloc(4 + 8 + 104 * (devices.length + 1));
  manifest.writeUInt32LE(1, 4);
  manifest.writeUInt32LE(devices.length + 1, 8);
  manifest.writeUInt32LE(0x40000000, 12 + 68);
  for (const [index, { kind, name }] of devices.entries()) {
    const at = 12 + 104 * (index + 1);
    manifest.write(name, at, "latin1");
    manifest.writeUInt32LE(kind === "block" ? 1 : 2, at + 68);
  }
  return elfWithNotes([
    { name: "Solo5", type: 0x3154464d, content: manifest },
    { name: "Solo5", type: 0x31494241, content: abi },
  ]);
}

/** The file of a Hermit application, likewise. */
export function hermitFile(): Buffer {
  return elfWithNotes([{ name: "HERMIT", type: 0x5a00, content: Buffer.from([4]) }]);
}

/** Reads of a file in memory. */
export function readerOf(file: Buffer): ReadBytes {
  return (offset, length) => {
    const part = new Uint8Array(file.subarray(offset, offset + length));
    return part.buffer;
  };
}
