import type { KernelFile } from "../kernel/kernel-file.ts";
import type { CpuVendor } from "../monitors/monitor.ts";
import type { BlockMount } from "./mountinfo.ts";

/**
 * What the plan may know about the host, found out by `sandbox/host-facts.ts` before the plan is made, so that making
 * the plan needs no effects. `factQuery` says what to find out.
 */
export interface HostFacts {
  /** uname machine: `x86_64`, `aarch64`. */
  readonly arch: string;
  /** The monitor's program, symlinks resolved; absent when it is not installed. */
  readonly monitorBinary?: HostProgram;
  /** Why KVM cannot be used; absent when it can. */
  readonly kvmProblem?: string;
  /** Maker of the processor, by `cpuVendor`; matters for KVM on x86 only. Absent: not known. */
  readonly cpuVendor?: CpuVendor;
  /** Host paths that exist, out of those asked for (data directories, library directories). */
  readonly existing: readonly string[];
  /** Library directories that are symbolic links on the host (merged /usr): path → target. */
  readonly libraryLinks: Readonly<Record<string, string>>;
  /** Libraries in /usr/local/lib that the programs are linked with; only where not each library is bound by itself. */
  readonly localLibraries?: readonly string[];
  /** Device nodes that exist as character or block devices. */
  readonly devices: readonly string[];
  /** The image's files the plan asked for, by the path the image gave. */
  readonly imageFiles: Readonly<Record<string, ImageFileFact>>;
  /** The host's files the plan asked for. */
  readonly hostFiles?: Readonly<Record<string, ImageFileFact>>;
  /** The block device that the container's rootfs is mounted from, or why it has none; absent when not asked for. */
  readonly rootfsMount?: MountFact;
  /** The same of bind mounts, by their source: those that are mount points of block devices, out of those asked for. */
  readonly volumes?: Readonly<Record<string, MountFact>>;
  /** Sources of bind mounts that are neither files nor directories, out of those asked for. */
  readonly specialSources?: readonly string[];
  /** virtiofsd, symlinks resolved; absent when it is missing or was not asked for. */
  readonly virtiofsd?: HostProgram;
  /** Why the socket that was asked for cannot be used; absent when it can, or none was. */
  readonly socketProblem?: string;
  /** guest-init as it was installed with this program; absent when it is missing or was not asked for. */
  readonly guestInit?: string;
}

/** A file system that can be taken off the host, or why it cannot. */
export type MountFact = { readonly mount: BlockMount } | { readonly reason: string };

export interface HostProgram {
  readonly path: string;
  /** It names an ELF interpreter, so it needs the host's shared libraries. */
  readonly dynamic: boolean;
  /** The linker and all shared libraries, where they are few and lie in the usual directories. */
  readonly libraries?: readonly string[];
  /** What it answered to `--version`, maybe nothing; absent when not asked for. */
  readonly versionAnswer?: string;
}

export type ImageFileFact =
  | {
      readonly found: true;
      readonly size: number;
      /** What the kernel is; of that file only, and only when it is not empty. */
      readonly kernel?: KernelFile;
    }
  | { readonly found: false; readonly reason: string };
