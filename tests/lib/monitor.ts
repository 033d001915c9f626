// Monitors that run only where they are installed and KVM works.
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";

/** Why this program cannot be found; undefined when it can. */
export function missingProgram(monitor: string): string | undefined {
  return spawnSync("sh", ["-c", `command -v ${monitor}`]).status === 0 ? undefined : `${monitor} is not in PATH`;
}

/** Why this program cannot run here, with KVM; undefined when it can. */
export function missing(monitor: string): string | undefined {
  const reason = missingProgram(monitor);
  if (reason !== undefined) return reason;
  try {
    accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
    return undefined;
  } catch {
    return "/dev/kvm cannot be opened";
  }
}
