/** What the host's security module is to make of the monitor: an AppArmor profile, an SELinux label. */
import { RuntimeFailure } from "../failure.ts";
import type { LaunchPlan } from "../plan/launch-plan.ts";
import { O_WRONLY } from "../sys/constants.ts";
import { isSysError, messageOf } from "../sys/errors.ts";
import { close, exists, open, readTextFileIfPresent, writeAll } from "../sys/file.ts";

const APPARMOR_ENABLED = "/sys/module/apparmor/parameters/enabled";
const SELINUX = "/sys/fs/selinux/enforce";

/** An attribute of this process, open: the monitor's root has no /proc. */
export interface Label {
  readonly fd: number;
  readonly text: string;
  readonly key: string;
}

/**
 * What is asked for has to be there: a container that seems to be confined and is not is worse than none (runc's rule).
 *
 * @throws RuntimeFailure `label`.
 */
export function checkLabels({ apparmorProfile, selinuxLabel }: LaunchPlan): void {
  if (apparmorProfile !== undefined && readTextFileIfPresent(APPARMOR_ENABLED, 16)?.startsWith("Y") !== true) {
    throw new RuntimeFailure("label", "process.apparmorProfile: AppArmor is not enabled on this host: leave it out");
  }
  if (selinuxLabel !== undefined && !exists(SELINUX)) {
    throw new RuntimeFailure("label", "process.selinuxLabel: SELinux is not enabled on this host: leave it out");
  }
}

/** Opens what the next execve takes its label from (apparmor_parser(8), selinux setexeccon(3)). */
export function openLabels({ apparmorProfile, selinuxLabel }: LaunchPlan): readonly Label[] {
  const labels: Label[] = [];
  if (apparmorProfile !== undefined) {
    const fd = openFirst(["/proc/self/attr/apparmor/exec", "/proc/self/attr/exec"]);
    labels.push({ fd, text: `exec ${apparmorProfile}`, key: "process.apparmorProfile" });
  }
  if (selinuxLabel !== undefined) {
    labels.push({ fd: openFirst(["/proc/self/attr/exec"]), text: selinuxLabel, key: "process.selinuxLabel" });
  }
  return labels;
}

/** From now on the next execve changes the label. */
export function setLabels(labels: readonly Label[]): void {
  for (const { fd, text, key } of labels) {
    try {
      writeAll(fd, text);
    } catch (error) {
      const advice = "is it loaded on this host?";
      throw new RuntimeFailure("label", `${key}: ${text}: ${messageOf(error)}: ${advice}`, { cause: error });
    }
    close(fd);
  }
}

/** Before Linux 5.8 AppArmor had the one file that all modules share. */
function openFirst([path = "", ...others]: readonly string[]): number {
  try {
    return open(path, O_WRONLY);
  } catch (error) {
    if (others.length > 0 && isSysError(error, "ENOENT")) return openFirst(others);
    throw error;
  }
}
