import { RuntimeFailure } from "../failure.ts";
import type { LaunchPlan } from "../plan/launch-plan.ts";
import { O_WRONLY } from "../sys/constants.ts";
import { messageOf } from "../sys/errors.ts";
import { close, openDirectory, writeAll } from "../sys/file.ts";
import { openOnProc } from "../sys/sysctl.ts";

/**
 * Sets the parameters of the namespaces this process is in.
 *
 * @param sharesNetwork its network namespace is the host's, by whatever path.
 * @throws RuntimeFailure `sysctl`.
 */
export function setSysctls({ sysctls = [] }: LaunchPlan, sharesNetwork: boolean): void {
  if (sysctls.length === 0) return;
  const proc = openDirectory("/proc");
  for (const { path, value } of sysctls) {
    if (sharesNetwork && path.startsWith("net/")) {
      throw new RuntimeFailure("sysctl", `linux.sysctl: ${path}: the network namespace is the host's: leave it out`);
    }
    try {
      const fd = openOnProc(proc, `sys/${path}`, O_WRONLY);
      writeAll(fd, value);
      close(fd);
    } catch (error) {
      throw new RuntimeFailure("sysctl", `linux.sysctl: set ${path} to ${value}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
  close(proc);
}
