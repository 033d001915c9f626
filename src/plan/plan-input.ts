import type { Configuration, MonitorConfiguration } from "../config/configuration.ts";
import type { Problem } from "../failure.ts";
import type { Guest } from "../guests/guest.ts";
import type { GuestNetwork } from "../guests/network.ts";
import type { Monitor } from "../monitors/monitor.ts";
import { cleanPath } from "../oci/clean-path.ts";
import type { UnikernelMetadata } from "../oci/metadata.ts";
import type { Spec } from "../oci/spec.ts";
import type { Version } from "../version-number.ts";
import type { HostFacts } from "./host-facts.ts";

/** A network for the guest, known only when the container is started, and the tap that leads to it. */
export interface PlanNetwork {
  readonly guest: GuestNetwork;
  /** Name of the tap. */
  readonly tap: string;
  /** Its descriptor, which the monitor inherits. */
  readonly fd: number;
}

/** All a plan is made of. */
export interface PlanInput {
  readonly spec: Spec;
  readonly metadata: UnikernelMetadata;
  readonly configuration: Configuration;
  readonly facts: HostFacts;
  /** The container's id. */
  readonly id: string;
  /** Absolute path of the bundle. */
  readonly bundle: string;
  /** Uid and gid that `create` has taken for the monitor alone; absent: it runs as the bundle's user. */
  readonly monitorId?: number;
  /** None at `create`: the plan then has no nic. The first is that of the default route. */
  readonly networks: readonly PlanNetwork[];
}

/** Absolute path of the container's rootfs. */
export function rootfsPath({ spec, bundle }: Pick<PlanInput, "spec" | "bundle">): string {
  return cleanPath(spec.root.path.startsWith("/") ? spec.root.path : `${bundle}/${spec.root.path}`);
}

/** The input with what every step looks up in it, and where findings go. */
export interface Planning extends PlanInput {
  readonly guest: Guest;
  readonly monitor: Monitor;
  /** The monitor's; absent: not known. */
  readonly version?: Version;
  readonly settings: MonitorConfiguration;
  readonly problems: Problem[];
  readonly warnings: string[];
}
