import type { Problem } from "../failure.ts";
import type { Solo5Device } from "../kernel/kernel-file.ts";
import type { MonitorKind } from "../monitors/kinds.ts";
import type { WrittenFile } from "../monitors/monitor.ts";
import type { GuestNetwork } from "./network.ts";

/** A disk as the guest asks for it. */
export interface GuestDisk {
  /** Letters, digits and `_`, at most 67; for Solo5 guests the device name of the manifest. */
  readonly id: string;
  /** Path inside the monitor's root. */
  readonly path: string;
  /** Where the guest mounts it; absent: it reads the bytes. */
  readonly mountPoint?: string;
  readonly readonly: boolean;
}

/** Ways to share a directory tree with a guest. */
export type ShareKind = "virtiofs" | "9p";

/** The container's rootfs, shared with the guest as its root. */
export interface SharedRoot {
  readonly kind: ShareKind;
  /** Name the guest mounts it by. */
  readonly tag: string;
  readonly readonly: boolean;
}

/** A bind mount of the container inside of a Linux guest. */
export interface GuestMount {
  /** Name of the copy among those that our initrd brings. */
  readonly source?: string;
  readonly destination: string;
  readonly readonly: boolean;
  /** Further options of mount(8) that the init mounts with. */
  readonly flags?: readonly string[];
}

/** What a guest kind is told. */
export interface GuestInput {
  readonly monitor: MonitorKind;
  /** uname machine: `x86_64`, `aarch64`. */
  readonly arch: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  /** Version of the guest's framework from the image; empty when unknown. */
  readonly version: string;
  /** True when an initrd is attached. */
  readonly initrd: boolean;
  /** The block image of the annotations, already at its place in the monitor's root. */
  readonly block?: { readonly path: string; readonly mountPoint: string; readonly readonly: boolean };
  /** That block image is the file system of the container's rootfs. */
  readonly blockIsRootfs?: true;
  /** The processor is emulated in software, which is slow and may stand still for a while. */
  readonly emulated?: true;
  /** The block image is its own kernel: the firmware starts from it. */
  readonly bootDisk?: true;
  /** The container's rootfs where it is the guest's root by a share. */
  readonly sharedRoot?: SharedRoot;
  /** Bind mounts that an init of ours has to see to: absent sources lie at their place already. */
  readonly mounts?: readonly GuestMount[];
  /** File systems of the host that it gets as disks beside its root. */
  readonly volumes?: readonly GuestDisk[];
  /** `solo5BlkDev` of the annotations. */
  readonly blockDevice?: string;
  /** What the kernel's Solo5 manifest declares; absent when it has none. */
  readonly devices?: readonly Solo5Device[];
  /** The configuration asks for a virtio console where the guest can have one. */
  readonly virtioConsole?: boolean;
  /** Container boot: the image is an ordinary one, and the init is ours. */
  readonly containerBoot?: boolean;
  /** Who the application is, for guests that can be told; absent: root in `/`. */
  readonly process?: GuestProcess;
  /** What the guest takes over from its container, a nic each; the first is that of the default route. */
  readonly networks: readonly GuestNetwork[];
  /** `solo5NetDev` of the annotations. */
  readonly netDevice?: string;
}

/** An application's arguments and environment as lists. */
export interface Application {
  /** The first is the program's name. */
  readonly args: readonly string[];
  /** Entries `NAME=VALUE`. */
  readonly env: readonly string[];
}

export interface GuestProcess {
  readonly cwd: string;
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  readonly terminal: boolean;
  readonly hostname?: string;
}

/** What a guest kind answers: all a monitor has to know about it. */
export interface GuestNeeds {
  /** The kernel's command line, one text. */
  readonly commandLine: string;
  readonly disks: readonly GuestDisk[];
  /** What a monitor that takes lists passes on; absent: the container's own arguments and environment. */
  readonly application?: Application;
  /**
   * Ids of the nics the guest takes, in the order of the networks: the first is for the first of them. Where there are
   * fewer, the guest runs without the rest.
   */
  readonly nics: readonly string[];
  /**
   * How the virtio nics are shown to the guest on QEMU's PCI machines: with the PCI id of the legacy interface, or with
   * the modern one only. Absent: as QEMU does.
   */
  readonly virtioNet?: "legacy" | "modern";
  /** The guest's console is a virtio device, not the serial port. */
  readonly virtioConsole?: true;
  /** The guest sets the MTU of its nics by what it is told, so that the monitor need not show it. */
  readonly knowsMtu?: true;
  /** On x86 the kernel can be entered by the PVH boot protocol only. */
  readonly entersByPvh?: true;
  /** The firmware starts the first disk, and there is no kernel file and no command line. */
  readonly startsFromDisk?: true;
  /** Options of one monitor that this guest needs, each a whole argv element made by us. */
  readonly monitorOptions: readonly string[];
  /** Text for the guest's init, which the initrd brings (`file`: as /urunit.conf) or is (`raw`). */
  readonly initConfiguration?: { readonly form: "file" | "raw"; readonly text: string };
  /** Files that the disks are made of besides those of the image. */
  readonly files?: readonly WrittenFile[];
  /** The guest tells its exit status by QEMU's isa-debug-exit, which is among the options. */
  readonly debugExit?: true;
  /**
   * A reset of the machine is a way in which this guest ends well. Absent: it is the end of a kernel that cannot go on,
   * and a monitor that can tells it by a status of its own.
   */
  readonly endsByReset?: true;
  /** A value of isa-debug-exit that no program of this guest ends with; absent: 127. */
  readonly freeExitValue?: number;
  /** What the guest will not get although it was asked for: an error where the configuration is strict. */
  readonly warnings: readonly string[];
  /** What else people may want to know. */
  readonly remarks?: readonly string[];
}

export type GuestAnswer = { readonly needs: GuestNeeds } | { readonly problems: readonly Problem[] };

/** One guest kind: pure, knows nothing of monitors but their kind. */
export interface Guest {
  /** Monitors this guest boots on. */
  readonly monitors: readonly MonitorKind[];
  readonly supportsInitrd: boolean;
  readonly supportsBlock: boolean;
  /** It can start from the boot sector of its block image, on QEMU for PCs. */
  readonly startsFromDisk?: true;
  /** File systems of a container's rootfs that it can have as the disk of its root, or beside it; absent: none. */
  readonly rootFilesystems?: readonly string[];
  /** Whether the init that is asked for mounts with the options of the bundle. */
  mountsWithOptions?(args: readonly string[], containerBoot: boolean): boolean;
  /** It has users, programs and device files, so that options of mounts about these mean something. */
  readonly hasPrograms?: true;
  /** Whether its init mounts further disks at their places; absent: it never does. */
  mountsVolumes?(args: readonly string[], containerBoot: boolean): boolean;
  /** Where it mounts that disk; absent: at `/`. */
  readonly rootfsPlace?: string;
  /** Ways it can have the container's rootfs shared as its root, the preferred one first; absent: none. */
  readonly sharedRoots?: readonly ShareKind[];
  /**
   * Whether files can be added to an initrd of the image: as an archive after it, or into the one archive that is read.
   * Absent: it is no archive.
   */
  readonly mountsInInitrd?: "appended" | "merged";
  /** Least guest memory in bytes. */
  readonly minimumMemory: number;
  needs(input: GuestInput): GuestAnswer;
  /**
   * The guest's exit status, told from the one that QEMU ended with; undefined when that says that the machine has
   * failed. Asked where `debugExit` is among the needs and no signal ended QEMU.
   */
  exitStatus?(monitorStatus: number): number | undefined;
}
