import type { Problem } from "../failure.ts";
import type { MonitorKind } from "../monitors/kinds.ts";
import type { GuestNetwork } from "./network.ts";

/** A disk as the guest asks for it. */
export interface GuestDisk {
  /** Letters, digits and `_`, at most 67; for Solo5 guests the device name of the manifest. */
  readonly id: string;
  /** Path inside the monitor's root. */
  readonly path: string;
  /** Where the guest mounts it. */
  readonly mountPoint: string;
  readonly readonly: boolean;
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
  /** `solo5BlkDev` of the annotations. */
  readonly blockDevice?: string;
  /** What the guest takes over from its container; absent: it has no nic. */
  readonly network?: GuestNetwork;
  /** `solo5NetDev` of the annotations. */
  readonly netDevice?: string;
}

/** What a guest kind answers: all a monitor has to know about it. */
export interface GuestNeeds {
  /** The kernel's command line, one text. */
  readonly commandLine: string;
  readonly disks: readonly GuestDisk[];
  /** Name of the nic the guest wants for its network, as disks have an id; absent: it takes none. */
  readonly nic?: string;
  /** Options of one monitor that this guest needs, each a whole argv element made by us. */
  readonly monitorOptions: readonly string[];
  /** What the guest will not get although it was asked for. */
  readonly warnings: readonly string[];
}

export type GuestAnswer = { readonly needs: GuestNeeds } | { readonly problems: readonly Problem[] };

/** One guest kind: pure, knows nothing of monitors but their kind. */
export interface Guest {
  /** Monitors this guest boots on. */
  readonly monitors: readonly MonitorKind[];
  readonly supportsInitrd: boolean;
  readonly supportsBlock: boolean;
  /** Least guest memory in bytes. */
  readonly minimumMemory: number;
  needs(input: GuestInput): GuestAnswer;
}
