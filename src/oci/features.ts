/** The features document (runtime-spec, features.md): what this runtime does, nothing it does not. */
import { GUEST_KINDS } from "../guests/kinds.ts";
import { MONITOR_KINDS, type MonitorKind } from "../monitors/kinds.ts";
import { HOOK_KINDS, NAMESPACE_TYPES } from "./spec.ts";
import { ANNOTATION_PREFIX } from "./validate-metadata.ts";

export interface FeaturesInfo {
  readonly version: string;
  /** As found on the host. */
  readonly monitors: readonly FoundMonitor[];
  /** Options of mounts that have their effect. */
  readonly mountOptions: readonly string[];
}

export interface FoundMonitor {
  readonly kind: MonitorKind;
  readonly path: string;
  /** Absent: nothing depends on it, or it does not tell it. */
  readonly version?: string;
}

interface Switch {
  readonly enabled: boolean;
}

export interface FeaturesDocument {
  readonly ociVersionMin: string;
  readonly ociVersionMax: string;
  readonly hooks: readonly string[];
  readonly mountOptions: readonly string[];
  readonly linux: {
    readonly namespaces: readonly string[];
    readonly capabilities: readonly string[];
    readonly cgroup: Readonly<Record<"v1" | "v2" | "systemd" | "systemdUser" | "rdma", boolean>>;
    readonly seccomp: Switch;
    readonly apparmor: Switch;
    readonly selinux: Switch;
    readonly intelRdt: Switch;
    readonly mountExtensions: { readonly idmap: Switch };
    readonly netDevices: Switch;
  };
  readonly annotations: Readonly<Record<string, string>>;
  readonly potentiallyUnsafeConfigAnnotations: readonly string[];
}

const OFF: Switch = { enabled: false };

/** Keys of our own annotations in the document. */
const OWN = "com.urunc.runtime.";

export function featuresDocument(info: FeaturesInfo): FeaturesDocument {
  const annotations: Record<string, string> = {
    [`${OWN}version`]: info.version,
    [`${OWN}guests`]: GUEST_KINDS.join(","),
    [`${OWN}monitors`]: MONITOR_KINDS.join(","),
  };
  for (const { kind, path, version } of info.monitors) {
    annotations[`${OWN}monitor.${kind}`] = path;
    if (version !== undefined) annotations[`${OWN}monitor.${kind}.version`] = version;
  }
  return {
    ociVersionMin: "1.0.0",
    ociVersionMax: "1.2.0",
    hooks: HOOK_KINDS,
    mountOptions: info.mountOptions,
    linux: {
      namespaces: NAMESPACE_TYPES,
      // The monitor keeps no capability, whatever the spec lists.
      capabilities: [],
      cgroup: { v1: true, v2: true, systemd: true, systemdUser: true, rdma: true },
      seccomp: { enabled: true },
      // Taken by execve where the host has the module; an error where it does not.
      apparmor: { enabled: true },
      selinux: { enabled: true },
      intelRdt: OFF,
      mountExtensions: { idmap: OFF },
      netDevices: OFF,
    },
    annotations,
    potentiallyUnsafeConfigAnnotations: [ANNOTATION_PREFIX],
  };
}
