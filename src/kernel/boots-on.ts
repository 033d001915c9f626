/** Whether a monitor can boot a kernel, told from the file alone, so that `create` says why instead of a silent guest. */
import type { MonitorKind } from "../monitors/kinds.ts";
import { isBefore, type Version, versionText } from "../version-number.ts";
import type { ElfKernel, KernelFile } from "./kernel-file.ts";

/** Why it cannot be booted, as the end of a sentence; undefined when nothing speaks against it. */
type Check = (kernel: KernelFile, arch: string, version: Version | undefined) => string | undefined;

const CHECKS: Readonly<Record<MonitorKind, Check>> = {
  qemu: (kernel, arch) => (arch === "aarch64" ? bootsOnArm(kernel, true) : bootsOnQemu(kernel)),
  hvt: (kernel) => isForTender(kernel, "hvt"),
  spt: (kernel) => isForTender(kernel, "spt"),
  firecracker: (kernel, arch, version) =>
    arch === "aarch64" ? bootsOnArm(kernel, false) : bootsOnFirecracker(kernel, version),
  "cloud-hypervisor": (kernel, arch, version) =>
    arch === "aarch64" ? bootsOnArm(kernel, false) : bootsOnCloudHypervisor(kernel, version),
  "hyperlight-unikraft": isElf64,
  uhyve: isHermit,
};

/** What speaks against booting this kernel on this version of the monitor on a host of this architecture. */
export function whyNotBootable(
  kernel: KernelFile,
  monitor: MonitorKind,
  arch: string,
  version?: Version,
): string | undefined {
  const machine = machineOf(kernel);
  if (machine !== undefined && machine !== arch && !(machine === "i386" && arch === "x86_64")) {
    return `it is built for ${machine}, this host is ${arch}`;
  }
  return CHECKS[monitor](kernel, arch, version);
}

function machineOf(kernel: KernelFile): string | undefined {
  switch (kernel.format) {
    case "elf":
      return kernel.machine;
    case "bzimage":
      return kernel.bits === 64 ? "x86_64" : "i386";
    case "arm64-image":
      return "aarch64";
    case "gzip":
    case "boot-disk":
    case "other":
      return undefined;
  }
}

/** What the file is, as the end of the sentence "it is …". */
function nameOf(kernel: KernelFile): string {
  switch (kernel.format) {
    case "elf":
      return "an ELF file";
    case "bzimage":
      return "a Linux kernel";
    case "arm64-image":
      return "a Linux kernel for arm64";
    case "gzip":
      return "a gzip file: unpack it";
    case "boot-disk":
      return "a disk image with a boot sector";
    case "other":
      return kernel.what;
  }
}

/**
 * QEMU takes Linux by its header, else a multiboot kernel, else an ELF file with a PVH note (QEMU, hw/i386/x86.c). A
 * multiboot header wins over the note, and then an x86-64 file is refused unless the header has the addresses.
 */
function bootsOnQemu(kernel: KernelFile): string | undefined {
  if (kernel.format === "bzimage") return undefined;
  if (kernel.format !== "elf") return `it is ${nameOf(kernel)}`;
  const built = kernel.solo5 === undefined ? undefined : isForTarget(kernel, "virtio");
  if (built !== undefined) return built;
  if (kernel.multiboot === "addresses" || (kernel.multiboot === "elf" && kernel.machine === "i386")) return undefined;
  if (kernel.multiboot === "elf") {
    return "it is a 64-bit ELF file with a multiboot header, which QEMU refuses: make it a 32-bit ELF file";
  }
  if (kernel.pvh) return undefined;
  return `it is ${programOf(kernel)} with neither a PVH note nor a multiboot header, so QEMU finds no entry`;
}

function bootsOnArm(kernel: KernelFile, takesOthers: boolean): string | undefined {
  if (kernel.format === "arm64-image") return undefined;
  if (takesOthers && kernel.format === "elf")
    return kernel.solo5 === undefined ? undefined : isForTarget(kernel, "virtio");
  // QEMU unpacks a compressed Image itself.
  if (takesOthers && kernel.format === "gzip") return undefined;
  return `it is ${nameOf(kernel)}, not an uncompressed arm64 Image`;
}

/** Versions that first boot a bzImage themselves (the changelogs of both). */
const FIRECRACKER_BZIMAGE: Version = { major: 1, minor: 17, patch: 0 };
const CLOUD_HYPERVISOR_BZIMAGE: Version = { major: 39, minor: 0, patch: 0 };

/** Most versions there are do not take a bzImage, so one that is not known is not expected to. */
function bootsOnFirecracker(kernel: KernelFile, version: Version | undefined): string | undefined {
  if (kernel.format !== "bzimage") return isElf64(kernel);
  const isOld = version === undefined || isBefore(version, FIRECRACKER_BZIMAGE);
  return whyNotBzImage(kernel.bits, isOld ? FIRECRACKER_BZIMAGE : undefined, version);
}

function bootsOnCloudHypervisor(kernel: KernelFile, version: Version | undefined): string | undefined {
  if (kernel.format === "bzimage") {
    const isOld = version !== undefined && isBefore(version, CLOUD_HYPERVISOR_BZIMAGE);
    return whyNotBzImage(kernel.bits, isOld ? CLOUD_HYPERVISOR_BZIMAGE : undefined, version);
  }
  if (kernel.format !== "elf") return `it is ${nameOf(kernel)}`;
  return kernel.pvh ? undefined : `it is ${programOf(kernel)} without a PVH note`;
}

/** @param needed the version that it takes, where the monitor's is not known to be so new. */
function whyNotBzImage(bits: 32 | 64, needed: Version | undefined, version: Version | undefined): string | undefined {
  if (bits === 32) return "it is a 32-bit Linux kernel";
  if (needed === undefined) return undefined;
  const found = version === undefined ? "" : `, and this is ${versionText(version)}`;
  return `it is a compressed Linux kernel, which needs version ${versionText(needed)} or newer${found}: give the ELF file vmlinux`;
}

function isElf64(kernel: KernelFile): string | undefined {
  if (kernel.format === "bzimage") return "it is a compressed Linux kernel: give the ELF file vmlinux";
  if (kernel.format !== "elf") return `it is ${nameOf(kernel)}, not an ELF file`;
  if (kernel.solo5 !== undefined) return isForTarget(kernel, undefined);
  return kernel.bits === 64 ? undefined : "it is a 32-bit ELF file";
}

/** Uhyve itself refuses a kernel without the note (hermit-entry, src/elf.rs). */
function isHermit(kernel: KernelFile): string | undefined {
  const reason = isElf64(kernel);
  if (reason !== undefined || kernel.format !== "elf" || kernel.hermit) return reason;
  return `it is ${programOf(kernel)} without Hermit's note, so it is no Hermit application`;
}

function isForTender(kernel: KernelFile, target: "hvt" | "spt"): string | undefined {
  if (kernel.format !== "elf") return `it is ${nameOf(kernel)}, not a Solo5 unikernel`;
  const { solo5 } = kernel;
  if (solo5?.target === target && solo5.abi < LEAST_ABI) {
    return `it is built for version ${solo5.abi} of Solo5's interface ${target}, tenders since 0.8.0 take ${LEAST_ABI}: build it with a newer Solo5`;
  }
  return isForTarget(kernel, target);
}

/**
 * HVT_ABI_VERSION and SPT_ABI_VERSION since Solo5 0.8.0 (solo5, include/hvt_abi.h and spt_abi.h): a tender takes its own
 * only. What is newer is the tender's to judge.
 */
const LEAST_ABI = 2;

/** Refuses what is built for another target of Solo5, and for tenders what is built for none. */
function isForTarget(kernel: ElfKernel, target: "hvt" | "spt" | "virtio" | undefined): string | undefined {
  const { solo5 } = kernel;
  if (solo5 === undefined) return `it is ${programOf(kernel)} without a Solo5 ABI note, so it is no Solo5 unikernel`;
  if (target !== undefined && solo5.target === target) return undefined;
  const built = `it is built for Solo5's target ${solo5.target ?? solo5.targetNumber}`;
  return target === undefined ? built : `${built}, not for ${target}`;
}

/** An ELF file by what its interpreter says about it. */
function programOf(kernel: ElfKernel): string {
  if (kernel.interpreter === undefined) return "an ELF file";
  // JSON leaves some control characters as they are.
  const name = kernel.interpreter.replace(/[^ -~]/g, "?");
  return `an ELF program for the interpreter ${JSON.stringify(name)}`;
}
