// Monitors that run only where they are installed and KVM works.
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";

/** Why this program cannot run here; undefined when it can. */
export function missing(monitor: string): string | undefined {
  if (spawnSync("sh", ["-c", `command -v ${monitor}`]).status !== 0) return `${monitor} is not in PATH`;
  try {
    accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
    return undefined;
  } catch {
    return "/dev/kvm cannot be opened";
  }
}
