import type { IdRange } from "../config/configuration.ts";
import type { GuestDisk, SharedRoot } from "../guests/guest.ts";
import type { GuestKind } from "../guests/kinds.ts";
import type { MonitorKind } from "../monitors/kinds.ts";
import type { Accelerator, BinaryFile, Nic, WrittenFile } from "../monitors/monitor.ts";
import type { ControlProtocol } from "../monitors/power-off.ts";
import type { Vsock } from "../monitors/vsock.ts";
import type { Resources } from "../oci/resources.ts";
import type { IoPriority, Scheduler } from "../oci/scheduling.ts";
import type { IdMapping, Namespace, Personality, Rlimit, TimeOffsets } from "../oci/spec.ts";
import type { GuestRoot } from "./decide-root.ts";
import type { Sysctl } from "./decide-sysctls.ts";
import type { MountFlag } from "./mount-options.ts";
import type { BlockMount } from "./mountinfo.ts";
import type { NetworkSettings } from "./network-settings.ts";

/** A file of the image, opened below the container's rootfs and bound into the monitor's root. */
export interface ImageFile {
  /** Path as the image names it, resolved below the rootfs only. */
  readonly source: string;
  /** Absolute path in the monitor's root, chosen by us. */
  readonly target: string;
  readonly readonly: boolean;
  /** It is copied by `create`, since its file system is taken off the host. */
  readonly copied?: true;
}

/** A file system of the host that `create` unmounts, so that the guest can have its block device. */
export interface DeviceToTake {
  readonly mount: BlockMount;
  readonly readonly: boolean;
}

/** A host path bound read-only into the monitor's root. */
export interface HostFile {
  readonly source: string;
  readonly target: string;
  /** A socket, which may be a tenant's to name: it has to be one, and no symbolic link on the way is followed. */
  readonly socket?: true;
}

/**
 * An initrd made at `start` in memory of the monitor's own: archives one after the other. It is charged to the
 * container beside the guest's memory.
 */
export interface MadeInitrd {
  /** Absolute path in the monitor's root; its directory is a file system of its own, read-only for the monitor. */
  readonly target: string;
  /** Most bytes. */
  readonly limit: number;
  /** What sets the limit, for people. */
  readonly limitSource: string;
  readonly parts: readonly InitrdPart[];
}

export type InitrdPart =
  /** An archive of the image, by its path below the rootfs. */
  | { readonly kind: "image-file"; readonly source: string }
  /** The same, without its end and without what lies at these places: entries that come after belong to it. */
  | { readonly kind: "image-archive"; readonly source: string; readonly without: readonly string[] }
  /** An archive of the host. */
  | { readonly kind: "host-file"; readonly source: string }
  /** The container's rootfs, without what lies at these places; no end. */
  | { readonly kind: "rootfs"; readonly without: readonly string[] }
  /** A file or a directory tree of the host, at this path. */
  | { readonly kind: "mount"; readonly source: string; readonly path: string }
  | { readonly kind: "directory"; readonly path: string; readonly mode: number }
  /** A program of the host as one entry. */
  | { readonly kind: "program"; readonly path: string; readonly source: string }
  | { readonly kind: "text"; readonly path: string; readonly mode: number; readonly text: string }
  /** End of the entries before it. */
  | { readonly kind: "end" }
  /** No archive: the kernel keeps it as it is. */
  | { readonly kind: "raw"; readonly text: string };

/** The container's rootfs, shared with the guest as its root. */
export interface Share extends SharedRoot {
  /** Where the rootfs lies in the monitor's root. */
  readonly target: string;
  /** The rootfs is read-only, whatever is mounted below it. */
  readonly ownReadonly: boolean;
  /** What is mounted below it. */
  readonly mounts: readonly BindMount[];
  /** Files of the kernel that its server reads, below /proc/sys. Of the rest of /proc it has processes only: it reopens its own files there. */
  readonly sysctls: readonly string[];
  /** The program that serves it; absent where the monitor does. */
  readonly server?: ShareServer;
}

/** A bind mount of the bundle for the guest. */
export interface BindMount {
  /** Absolute path on the host. */
  readonly source: string;
  /** Absolute path in the guest, as the bundle has it; links of the image may lead elsewhere in its tree. */
  readonly destination: string;
  readonly readonly: boolean;
  /** With what is mounted below the source. */
  readonly recursive: boolean;
  /** Further options, which hold for programs of the guest; absent: none. */
  readonly flags?: readonly MountFlag[];
  /** What the host has read-only below the source is writable all the same. */
  readonly writableBelow?: true;
}

/** virtiofsd: started by the process that then becomes the monitor, in the monitor's root. */
export interface ShareServer {
  /** The same in the monitor's root as on the host. */
  readonly path: string;
  readonly argv: readonly string[];
  /** Absolute path in the monitor's root; the server gets it as a descriptor. */
  readonly socket: string;
  /** Capability names it keeps. */
  readonly capabilities: readonly string[];
}

export interface SymbolicLink {
  readonly path: string;
  readonly target: string;
}

export interface Tmpfs {
  readonly target: string;
  /** Bytes. */
  readonly size: number;
  /** Permission bits of its root. */
  readonly mode: number;
  readonly noexec: boolean;
}

/** How the monitor is asked to press the guest's power button. */
export interface MonitorControl {
  readonly protocol: ControlProtocol;
  /** Absolute path in the monitor's root. */
  readonly socket: string;
  /** Seconds that `kill` waits before it ends the monitor; 0: it does not wait. */
  readonly timeout: number;
}

export interface DeviceNode {
  /** Absolute path in the monitor's root, the same as on the host. */
  readonly path: string;
}

/** The cgroup to make. */
export interface CgroupPlan {
  /** `linux.cgroupsPath` as it was given; absent: named by the container's id. */
  readonly path?: string;
  /** Bytes that the limits of memory have more than the bundle's, for the monitor. */
  readonly overhead: number;
  /** The bundle's, with the overhead. */
  readonly resources: Resources;
}

/** Ids of a new user namespace as ids of the host. */
export interface IdMappings {
  readonly uids: readonly IdMapping[];
  readonly gids: readonly IdMapping[];
}

/**
 * Everything `create` and `start` will do for one container, decided: frozen JSON that can be printed, compared and
 * carried out.
 */
export interface LaunchPlan {
  readonly guest: GuestKind;
  readonly monitor: MonitorKind;
  /** Absent: nothing depends on it, or it is not known. */
  readonly monitorVersion?: string;
  readonly accelerator: Accelerator;
  /** Guest memory in bytes. */
  readonly memory: number;
  readonly vcpus: number;
  /** The kernel's command line; also part of argv. */
  readonly commandLine: string;
  /** The execve of the monitor; paths inside its root. */
  readonly exec: { readonly path: string; readonly argv: readonly string[]; readonly env: readonly string[] };
  readonly disks: readonly GuestDisk[];
  /** Absent unless the configuration wants guests to be asked. */
  readonly control?: MonitorControl;
  /** The monitor's exit status is 2 * the guest's + 1, unless that is 0. */
  readonly debugExit?: true;
  /** Absent: as is usual, the guest is in the place of its container. */
  readonly network?: NetworkSettings;
  /** Absent unless the annotations ask for one. */
  readonly vsock?: Vsock;
  /** None before `start`, which reads the network. */
  readonly nics: readonly Nic[];
  readonly namespaces: readonly Namespace[];
  /** Of a user namespace that is made. */
  readonly idMappings?: IdMappings;
  readonly rootfs: string;
  /** What the guest has for its root, and why. */
  readonly root: GuestRoot;
  readonly share?: Share;
  /** Put back by `delete`. */
  readonly takes: readonly DeviceToTake[];
  /** Bind mounts that are copied into the file system of the rootfs before it is taken; `delete` takes them out again. */
  readonly rootfsCopies?: readonly BindMount[];
  readonly imageFiles: readonly ImageFile[];
  readonly initrd?: MadeInitrd;
  readonly hostFiles: readonly HostFile[];
  readonly links: readonly SymbolicLink[];
  /** Written into the monitor's root, readable by all. */
  readonly files: readonly WrittenFile[];
  /** Absent: none. */
  readonly binaryFiles?: readonly BinaryFile[];
  readonly tmpfs: readonly Tmpfs[];
  readonly devices: readonly DeviceNode[];
  /** Absent: the monitor stays in the cgroups of the caller of `create`. */
  readonly cgroup?: CgroupPlan;
  readonly user: {
    readonly uid: number;
    readonly gid: number;
    readonly additionalGids: readonly number[];
    readonly umask: number;
  };
  /** Of these the monitor gets one as its uid and gid, in the place of `user`. */
  readonly monitorUids?: IdRange;
  /** The one it has. */
  readonly monitorId?: number;
  /** Capability names the monitor keeps; each needs a reason, so far none has one. */
  readonly capabilities: readonly string[];
  readonly noNewPrivileges: true;
  /** The monitor may make the system calls of its list only (src/seccomp/filters.ts), and its own filter is on: always, unless configured. */
  readonly seccomp: boolean;
  /** AppArmor's profile for the monitor. */
  readonly apparmorProfile?: string;
  /** SELinux' label for the monitor. */
  readonly selinuxLabel?: string;
  /** Kernel parameters of the container's namespaces; absent: none. */
  readonly sysctls?: readonly Sysctl[];
  readonly rlimits: readonly Rlimit[];
  readonly oomScoreAdj?: number;
  readonly scheduler?: Scheduler;
  readonly ioPriority?: IoPriority;
  readonly personality?: Personality;
  /** Of a time namespace that is made. */
  readonly timeOffsets?: TimeOffsets;
  readonly hostname?: string;
  readonly domainname?: string;
  readonly terminal: boolean;
}
