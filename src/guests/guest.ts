import type { Problem } from "../failure.ts";
import type { MonitorKind } from "../monitors/kinds.ts";

/** A disk as the guest asks for it. */
export interface GuestDisk {
  /** Letters, digits and `_`; made by us, never by the image. The Solo5 device name for Solo5 guests. */
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
  readonly arch: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  /** Version of the guest's framework from the image; empty when unknown. */
  readonly version: string;
  /** True when an initrd is attached. */
  readonly initrd: boolean;
  /** The block image of the annotations, already at its place in the monitor's root. */
  readonly block?: { readonly path: string; readonly mountPoint: string };
  /** `solo5BlkDev` of the annotations. */
  readonly blockDevice?: string;
}

/** What a guest kind answers: all a monitor has to know about it. */
export interface GuestNeeds {
  /** The kernel's command line, one text. */
  readonly commandLine: string;
  readonly disks: readonly GuestDisk[];
  /** Options of one monitor that this guest needs, each a whole argv element made by us. */
  readonly monitorOptions: readonly string[];
}

/** One guest kind: pure, knows nothing of monitors but their kind. */
export interface Guest {
  /** Monitors this guest boots on (REFERENCE §1.4). */
  readonly monitors: readonly MonitorKind[];
  readonly supportsInitrd: boolean;
  readonly supportsBlock: boolean;
  /** Least guest memory in bytes. */
  readonly minimumMemory: number;
  needs(input: GuestInput): { readonly needs: GuestNeeds } | { readonly problems: readonly Problem[] };
}
