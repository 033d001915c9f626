import type { MonitorKind } from "../monitors/kinds.ts";

export const NETWORK_MODES = ["dynamic", "static", "none"] as const;
/**
 * `dynamic`: the guest is in the place of its container; `static`: it has a private subnet of its own behind the
 * container's address (Knative); `none`: it has no nic.
 */
export type NetworkMode = (typeof NETWORK_MODES)[number];

export const ACCELERATOR_CHOICES = ["auto", "kvm", "tcg"] as const;
/** `auto`: KVM where it works, else software emulation with a warning. */
export type AcceleratorChoice = (typeof ACCELERATOR_CHOICES)[number];

export const MACHINE_CHOICES = ["auto", "pc", "q35", "microvm", "virt"] as const;
/** Machine of QEMU; `auto`: the one that boots every guest of the host's architecture. */
export type MachineChoice = (typeof MACHINE_CHOICES)[number];

export const CONSOLE_CHOICES = ["serial", "virtio"] as const;
/** What the console of a Linux guest is. */
export type ConsoleChoice = (typeof CONSOLE_CHOICES)[number];

export const ORDINARY_CHOICES = ["runc", "refuse"] as const;
/** What happens to a bundle that names no unikernel: runc runs it, or nobody does. */
export type OrdinaryChoice = (typeof ORDINARY_CHOICES)[number];

export const SECCOMP_CHOICES = ["always", "bundle"] as const;
/** When monitors are behind a system call filter; `bundle`: only where the bundle has `linux.seccomp`. */
export type SeccompChoice = (typeof SECCOMP_CHOICES)[number];

export const LOG_LEVELS = ["panic", "fatal", "error", "warn", "info", "debug", "trace"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** `[monitors.<name>]` */
export interface MonitorConfiguration {
  /** MiB. */
  readonly defaultMemoryMb: number;
  readonly defaultVcpus: number;
  /** MiB that the cgroup's limit of memory has for the monitor itself; 0: what the monitor is known to need. */
  readonly memoryOverheadMb: number;
  /** Absolute path of the program; empty: looked up in PATH. */
  readonly path: string;
  /** qemu only: parent of the `qemu` and `seabios` data directories; empty: the usual places. */
  readonly dataPath: string;
  /** qemu only: the host's kernel serves the nics. */
  readonly vhost: boolean;
  /** qemu only. */
  readonly accel: AcceleratorChoice;
  /** qemu only. */
  readonly machine: MachineChoice;
  /** qemu only. */
  readonly console: ConsoleChoice;
  /** Control socket in /tmp of the monitor's root, for monitors that have one; empty: none. */
  readonly socketPath: string;
  /** Whether `kill` presses the guest's power button by the control socket, which then is never empty. */
  readonly gracefulShutdown: boolean;
  /** Seconds after which `kill` ends a monitor whose guest did not power off; 0: the caller does that. */
  readonly shutdownTimeout: number;
}

/** `[container_boot]`: ordinary images on a kernel of the host. */
export interface ContainerBootConfiguration {
  /** Absolute path of the kernel that `bootKernel = default` stands for; empty: none. */
  readonly kernel: string;
  /** Absolute path of its initrd, which brings the modules it needs; empty: none. */
  readonly initrd: string;
  /** Directories that annotations may name a kernel and an initrd in. */
  readonly directories: readonly string[];
  /** MiB: most that an initrd made of a rootfs may have. */
  readonly maxInitrdMb: number;
  /** Absolute path of guest-init; empty: where it was installed with urunc. */
  readonly guestInit: string;
}

/** `[timestamps]` */
export interface TimestampsConfiguration {
  readonly enabled: boolean;
  /** Absolute path of the file that is appended to. */
  readonly destination: string;
}

/** `[extra_binaries.virtiofsd]` */
export interface VirtiofsdConfiguration {
  /** Absolute path; empty: the usual places. */
  readonly path: string;
  /** Absent: those that suit the program. */
  readonly options?: readonly string[];
}

/** `[network]` */
export interface NetworkConfiguration {
  /** What holds where neither annotation nor Knative's container name says otherwise. */
  readonly mode: NetworkMode;
  /** Name servers for guests whose container has none that they can reach. */
  readonly dns: readonly string[];
}

/** Ids of the host, both ends included. */
export interface IdRange {
  readonly first: number;
  readonly last: number;
}

/** `[runtime]` */
export interface RuntimeConfiguration {
  /** Whether annotations of the spec may connect a guest with an accelerator's agent on the host. */
  readonly vaccel: boolean;
  readonly ordinary: OrdinaryChoice;
  /** Whether it is an error that the guest does not get something of the bundle, or gets a copy it writes to in vain. */
  readonly strict: boolean;
  readonly seccomp: SeccompChoice;
  /** Each monitor gets a user of its own out of them; absent: monitors run as the bundle's user. */
  readonly monitorUids?: IdRange;
}

/** The configuration file /etc/urunc/config.toml, complete with its defaults. */
export interface Configuration {
  readonly log: {
    readonly level: LogLevel;
    /** Whether lines go to journald or syslog, too. */
    readonly syslog: boolean;
  };
  readonly timestamps: TimestampsConfiguration;
  readonly runtime: RuntimeConfiguration;
  readonly monitors: Readonly<Record<MonitorKind, MonitorConfiguration>>;
  readonly containerBoot: ContainerBootConfiguration;
  readonly virtiofsd: VirtiofsdConfiguration;
  readonly network: NetworkConfiguration;
}
