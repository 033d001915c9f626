/**
 * The part of the OCI runtime specification's config.json (runtime-spec 1.2) that a unikernel container uses, as typed
 * values. `parseSpec` in parse-spec.ts makes them; nothing else does.
 */

import type { Resources } from "./resources.ts";
import type { IoPriority, Scheduler } from "./scheduling.ts";

export const NAMESPACE_TYPES = ["pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"] as const;
export type NamespaceType = (typeof NAMESPACE_TYPES)[number];

export interface Namespace {
  readonly type: NamespaceType;
  /** Absolute path of a namespace file to join; absent: a new one is made. */
  readonly path?: string;
}

export const HOOK_KINDS = [
  "prestart",
  "createRuntime",
  "createContainer",
  "startContainer",
  "poststart",
  "poststop",
] as const;
export type HookKind = (typeof HOOK_KINDS)[number];

export interface Hook {
  /** Absolute. */
  readonly path: string;
  /** argv with argv[0]; defaults to [path]. */
  readonly args: readonly string[];
  readonly env: readonly string[];
  /** Seconds, > 0. */
  readonly timeout?: number;
}

export interface Rlimit {
  /** `RLIMIT_…` name. */
  readonly type: string;
  /** -1: no limit. */
  readonly soft: number;
  /** -1: no limit. */
  readonly hard: number;
}

export interface IdMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

export const PERSONALITIES = ["LINUX", "LINUX32"] as const;
/** Execution domain of personality(2). */
export type Personality = (typeof PERSONALITIES)[number];

export const CLOCKS = ["monotonic", "boottime"] as const;

/** What is added to a clock in a new time namespace. */
export type TimeOffsets = Readonly<
  Partial<Record<(typeof CLOCKS)[number], { readonly secs: number; readonly nanosecs: number }>>
>;

export interface SpecMount {
  readonly destination: string;
  readonly type?: string;
  readonly source?: string;
  readonly options: readonly string[];
  /** It has `uidMappings` or `gidMappings`. */
  readonly isIdMapped?: true;
}

export interface Spec {
  readonly ociVersion: string;
  readonly root: { readonly path: string; readonly readonly: boolean };
  readonly hostname?: string;
  readonly domainname?: string;
  readonly process: {
    readonly terminal: boolean;
    readonly consoleSize?: { readonly width: number; readonly height: number };
    readonly args: readonly string[];
    readonly env: readonly string[];
    readonly cwd: string;
    readonly user: {
      readonly uid: number;
      readonly gid: number;
      readonly additionalGids: readonly number[];
      readonly umask?: number;
    };
    /** Names of those that are both effective and in the bounding set: what the bundle's processes may do at most. */
    readonly capabilities: readonly string[];
    readonly rlimits: readonly Rlimit[];
    readonly oomScoreAdj?: number;
    readonly apparmorProfile?: string;
    readonly selinuxLabel?: string;
    readonly scheduler?: Scheduler;
    readonly ioPriority?: IoPriority;
  };
  readonly mounts: readonly SpecMount[];
  readonly hooks: Readonly<Record<HookKind, readonly Hook[]>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly linux: {
    readonly namespaces: readonly Namespace[];
    readonly uidMappings: readonly IdMapping[];
    readonly gidMappings: readonly IdMapping[];
    /** Bytes; absent or ≤ 0 in the file: no limit. */
    readonly memoryLimit?: number;
    /** Microseconds of processor time in each period; absent: no limit. */
    readonly cpuLimit?: { readonly quota: number; readonly period: number };
    /** linux.seccomp is present; with `runtime.seccomp` = bundle its absence switches our filter and the monitor's own off. */
    readonly seccomp: boolean;
    /** Kernel parameters by their names, with dots or slashes. */
    readonly sysctl: Readonly<Record<string, string>>;
    /** The profile names a socket for notifications. */
    readonly seccompListener?: true;
    readonly cgroupsPath?: string;
    /** Absent when the file has no such member. */
    readonly resources?: Resources;
    readonly rootfsPropagation?: string;
    readonly personality?: Personality;
    readonly timeOffsets?: TimeOffsets;
    /** Paths of `linux.devices`; absent: there are none. */
    readonly deviceNodes?: readonly string[];
    /** Members that would change something, and do nothing here. */
    readonly unused?: readonly string[];
  };
}
