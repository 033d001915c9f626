import { RuntimeFailure } from "../failure.ts";
import type { LaunchPlan } from "../plan/launch-plan.ts";
import { O_WRONLY, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV } from "../sys/constants.ts";
import { messageOf } from "../sys/errors.ts";
import { close, fstatfsType, openat2, openDirectory, writeAll } from "../sys/file.ts";

/** magic.h */
const PROC_SUPER_MAGIC = 0x9fa0;
/** Nothing mounted below /proc and no link in it may lead elsewhere (CVE-2025-52881). */
const ONLY_PROC = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

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
      const fd = openat2(proc, `sys/${path}`, O_WRONLY, 0, ONLY_PROC);
      if (fstatfsType(fd) !== PROC_SUPER_MAGIC) throw new Error("it is not on procfs");
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
