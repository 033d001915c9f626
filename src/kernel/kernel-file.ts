/** What the first bytes of a kernel file and its notes say about it. */

/** What Solo5 unikernels are linked for, in the order of their numbers (solo5, include/elf_abi.h). */
export const SOLO5_TARGETS = ["hvt", "spt", "virtio", "muen", "genode", "xen"] as const;
export type Solo5Target = (typeof SOLO5_TARGETS)[number];

/** A device that the manifest declares: the guest does not start without it. */
export interface Solo5Device {
  readonly kind: "block" | "net";
  /** 1 to 67 letters and digits. */
  readonly name: string;
}

export interface Solo5Notes {
  /** Absent for a target that has no name here. */
  readonly target?: Solo5Target;
  /** The number of the target. */
  readonly targetNumber: number;
  readonly abi: number;
  /** Absent when the manifest is missing or cannot be read. */
  readonly devices?: readonly Solo5Device[];
}

export interface ElfKernel {
  readonly format: "elf";
  readonly bits: 32 | 64;
  /** As uname calls it (`x86_64`, `aarch64`, `i386`), else `machine <number>`. */
  readonly machine: string;
  /** Has XEN_ELFNOTE_PHYS32_ENTRY, the entry of the PVH boot protocol. */
  readonly pvh: boolean;
  /** `addresses`: the header itself says what to load where, so the class of the ELF file does not matter. */
  readonly multiboot: "none" | "elf" | "addresses";
  /** The program interpreter it asks for, if it fits into the first bytes. */
  readonly interpreter?: string;
  readonly solo5?: Solo5Notes;
  /** Has the note of Hermit that says how the kernel is entered. */
  readonly hermit?: true;
}

export type KernelFile =
  | ElfKernel
  /** Linux for x86 with its boot header. */
  | { readonly format: "bzimage"; readonly protocol: number; readonly bits: 32 | 64 }
  /** Linux for arm64, not compressed. */
  | { readonly format: "arm64-image" }
  | { readonly format: "gzip" }
  /** A disk with a boot sector, from which the firmware starts. */
  | { readonly format: "boot-disk" }
  /** `what` completes the sentence "it is …". */
  | { readonly format: "other"; readonly what: string };
