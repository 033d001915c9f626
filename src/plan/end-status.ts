/** What the status that a monitor ended with says about its guest. */
import type { Guest } from "../guests/guest.ts";
import { GUESTS } from "../guests/registry.ts";
import type { LaunchPlan } from "./launch-plan.ts";

/**
 * Exit status of `run` when the machine has failed: its kernel panicked or reset it by a fault, or the monitor could not
 * start or go on. No program's status becomes this one but that of Solo5's abort, which means the same.
 */
export const MACHINE_FAILED = 255;

/** The guest's own exit status where the monitor's tells it, else the monitor's; {@link MACHINE_FAILED}. */
export function endStatus(
  { guest: kind, monitor, debugExit }: Pick<LaunchPlan, "guest" | "monitor" | "debugExit">,
  code: number,
): number {
  switch (monitor) {
    case "qemu": {
      const guest: Guest = GUESTS[kind];
      if (debugExit === true && guest.exitStatus !== undefined) return guest.exitStatus(code) ?? MACHINE_FAILED;
      // Its own failure and a panic; a reset.
      return code === 1 ? MACHINE_FAILED : code;
    }
    // They have statuses of their own for faults only (Firecracker, src/vmm/src/lib.rs, FcExitCode).
    case "firecracker":
    case "cloud-hypervisor":
      return code === 0 ? 0 : MACHINE_FAILED;
    default:
      return code;
  }
}
