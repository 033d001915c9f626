import type { MonitorConfiguration } from "../config/configuration.ts";
import type { Problem } from "../failure.ts";
import type { Application, GuestNeeds, SharedRoot, ShareKind } from "../guests/guest.ts";
import type { Version } from "../version-number.ts";
import type { ControlProtocol } from "./power-off.ts";
import type { NeededVersion } from "./versions.ts";
import type { Vsock, VsockKind } from "./vsock.ts";

/** `kvm` or software emulation, decided before the plan is made. `none` for monitors without either (spt). */
export type Accelerator = "kvm" | "tcg" | "none";

/** Makers of x86 processors as far as monitors treat them differently. */
export type CpuVendor = "intel" | "amd" | "other";

/** How a monitor gets its tap: as an open descriptor with virtio headers, or it opens the device by its name. */
export type TapHandover = "descriptor" | "name";

/** A nic of the guest and the tap behind it. */
export interface Nic {
  /** For Solo5 guests the device name of the manifest. */
  readonly id: string;
  readonly tap: string;
  /** The descriptor the monitor inherits; absent where it opens the tap by its name. */
  readonly fd?: number;
  /** Name of the container's interface whose place the nic takes. */
  readonly interface: string;
  readonly mac: string;
  readonly mtu: number;
}

/** What a monitor is told. All paths are inside its own root. */
export interface MonitorInput {
  readonly binary: string;
  /** Absent: not known. */
  readonly version?: Version;
  /** uname machine: `x86_64`, `aarch64`. */
  readonly arch: string;
  readonly kernel: string;
  readonly initrd?: string;
  /** Bytes, a multiple of `memoryUnit`. */
  readonly memory: number;
  readonly vcpus: number;
  readonly accelerator: Accelerator;
  readonly cpuVendor?: CpuVendor;
  /** Whether the monitor's own seccomp filter is to be on. */
  readonly seccomp: boolean;
  readonly guest: GuestNeeds;
  /** For monitors that take arguments and environment as lists, not as a kernel command line. */
  readonly application: Application;
  readonly nics: readonly Nic[];
  /** `path`: the directory for 9p, the socket of the server for virtiofs. */
  readonly share?: SharedRoot & { readonly path: string };
  readonly vsock?: Vsock;
  readonly configuration: MonitorConfiguration;
}

/** A host file or directory the monitor needs in its root. */
export interface HostBind {
  /** Absolute path on the host. */
  readonly source: string;
  /**
   * Absolute path in the monitor's root. Several binds with the same target are alternatives: the first that exists on
   * the host is taken.
   */
  readonly target: string;
  /** None of the alternatives on the host: left out when optional, else an error. */
  readonly optional: boolean;
}

/** A file we write into the monitor's root. */
export interface WrittenFile {
  /** Absolute path in the monitor's root, chosen by us. */
  readonly path: string;
  readonly content: string;
}

/** The same of bytes. */
export interface BinaryFile {
  readonly path: string;
  /** In hexadecimal digits; what is missing to the size is zero. */
  readonly digits: string;
  /** Bytes. */
  readonly size: number;
}

/** What a monitor has to say about a launch that is possible by its table of abilities. */
export interface Judgement {
  readonly problems: readonly Problem[];
  /** What the guest will not get although it was asked for: an error where the configuration is strict. */
  readonly warnings: readonly string[];
  /** What else people may want to know. */
  readonly remarks?: readonly string[];
}

/** What a monitor's versions differ in, as far as it matters here. */
export interface MonitorVersions {
  /** Its answer to `--version`; the first group is the version. */
  readonly answer: RegExp;
  /** The oldest that takes what is written for every guest. */
  readonly oldest: NeededVersion;
  /** What of this launch only newer ones take. */
  needs?(input: MonitorInput): readonly NeededVersion[];
}

/** One monitor: pure, knows nothing of guests but their needs. */
export interface Monitor {
  /** Program looked up in PATH when the configuration names no path. */
  program(arch: string): string;
  /** uname machines it runs on; absent: whatever its program is there for. */
  readonly architectures?: readonly string[];
  /** Absent: nothing depends on its version, and it is not asked for it. */
  readonly versions?: MonitorVersions;
  /** Accelerators it can use, the preferred one first; `none` only for monitors that need no /dev/kvm. */
  readonly accelerators: readonly [Accelerator, ...Accelerator[]];
  /** Whether it takes arguments and its configuration as UTF-8 only: programs in Rust do (std::env::args, serde_json). */
  readonly unicodeOnly?: true;
  /** Guest memory is rounded down to a multiple of this many bytes. */
  readonly memoryUnit: number;
  /** Least bytes of memory it gives a guest, whatever the guest needs. */
  readonly minimumMemory?: number;
  /** Most bytes of memory it can give a guest. */
  readonly maximumMemory: number;
  /** Most virtual CPUs it can give a guest. */
  readonly maximumVcpus: number;
  readonly supportsInitrd: boolean;
  readonly supportsBlock: boolean;
  /** A block image has to be a multiple of so many bytes; absent: any size will do. */
  readonly blockUnit?: number;
  /** Whether it can attach a disk that must not be written to. */
  readonly supportsReadonlyBlock: boolean;
  /** What its control socket speaks; absent: it has none. */
  readonly control?: ControlProtocol;
  /** How it can share a directory with a guest; absent: not at all. */
  readonly shares?: readonly ShareKind[];
  /** How it takes a tap; absent: it cannot have a nic. */
  readonly tap?: TapHandover;
  /** How it attaches a vsock device; absent: it cannot. */
  readonly vsock?: VsockKind;
  /** argv with argv[0] = input.binary. */
  argv(input: MonitorInput): readonly string[];
  /** Files it reads besides those of host and image. */
  writtenFiles?(input: MonitorInput): readonly WrittenFile[];
  /** The same of files that are no text. */
  binaryFiles?(input: MonitorInput): readonly BinaryFile[];
  /** What it cannot pass to this guest as it was asked for. */
  judge?(input: MonitorInput): Judgement;
  /** Host paths besides the binary and shared libraries. */
  dataFiles(configuration: MonitorConfiguration): readonly HostBind[];
}
