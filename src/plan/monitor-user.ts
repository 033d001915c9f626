import type { IdRange } from "../config/configuration.ts";
import type { LaunchPlan } from "./launch-plan.ts";
import type { Planning } from "./plan-input.ts";

/** Who the monitor is: a user of its own, without groups, where it has one, else the bundle's. */
export function monitorUser({ user, monitorId }: LaunchPlan): LaunchPlan["user"] {
  if (monitorId === undefined) return user;
  return { uid: monitorId, gid: monitorId, additionalGids: [], umask: user.umask };
}

/** The range is the host's: in a user namespace the bundle's mapping decides, which engines make for each container. */
export function decideMonitorUids(planning: Planning, isServedByMonitor: boolean): IdRange | undefined {
  const { monitorUids } = planning.configuration.runtime;
  if (monitorUids === undefined || planning.spec.linux.namespaces.some(({ type }) => type === "user")) return undefined;
  if (isServedByMonitor) {
    const message =
      "runtime.monitor_uids: a root by 9p is served by the monitor, which needs the bundle's user for it: install virtiofsd, or bring the root another way";
    planning.problems.push({ code: "monitor-uids", message });
  }
  return monitorUids;
}
