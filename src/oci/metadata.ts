import type { GuestKind } from "../guests/kinds.ts";
import type { MonitorKind } from "../monitors/kinds.ts";

/** What the image or the bundle says about its unikernel, validated. `readMetadata` makes it; nothing else does. */
export interface UnikernelMetadata {
  readonly guest: GuestKind;
  readonly monitor: MonitorKind;
  /** Path of the kernel below the container's rootfs; empty with `boot`. */
  readonly binary: string;
  /** Container boot: an ordinary image with a kernel of the host. Only the spec can ask for it, never an image. */
  readonly boot?: { readonly kernel: string; readonly initrd?: string };
  /** Used, split at blanks, only when process.args is empty. */
  readonly cmdline: string;
  readonly version: string;
  readonly initrd?: string;
  readonly block?: { readonly path: string; readonly mountPoint: string };
  readonly mountRootfs: boolean;
  readonly solo5NetDevice?: string;
  readonly solo5BlockDevice?: string;
  /**
   * vAccel over vsock: the port of the agent, and the host's socket where the monitor connects to one. Only the spec can
   * ask for it, never an image.
   */
  readonly vaccel?: { readonly port: number; readonly socket?: string };
  /** Where the values were found. */
  readonly source: "annotations" | "urunc.json";
  /** The decoded annotations by full key, as they go into state.json. */
  readonly annotations: Readonly<Record<string, string>>;
}
