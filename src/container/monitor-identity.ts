import type { LaunchPlan } from "../plan/launch-plan.ts";
import { AT_FDCWD } from "../sys/constants.ts";
import { close, readlinkat } from "../sys/file.ts";
import { isHostRoot } from "../sys/host-root.ts";
import type { CleanupStack } from "./cleanup.ts";
import type { ContainerDirectory } from "./container-directory.ts";
import { releaseMonitorId, takeMonitorId } from "./monitor-ids.ts";
import { openOwnerMap } from "./owner-map.ts";

/** A user of the host that is the monitor's alone. */
export interface MonitorIdentity {
  readonly id: number;
  /** Absolute path of the container's directory, by which it is known whose it is. */
  readonly container: string;
  /** A user namespace for mounts of files that only the bundle's user may use. */
  readonly ownerMap: number;
  /** Closes that; once is enough. */
  close(): void;
}

/** Takes one where the configuration has a range; given back when `create` fails. Others than the host's root have one only. */
export function takeMonitorIdentity(
  { monitorUids, user }: LaunchPlan,
  directory: ContainerDirectory,
  cleanup: CleanupStack,
  warn: (message: string) => void,
): MonitorIdentity | undefined {
  if (monitorUids === undefined) return undefined;
  if (!isHostRoot()) {
    warn("runtime.monitor_uids: without root's rights the monitor runs as the bundle's user");
    return undefined;
  }
  const container = readlinkat(AT_FDCWD, `/proc/self/fd/${directory.fd}`);
  const id = takeMonitorId(monitorUids, container);
  cleanup.push(() => releaseMonitorId(id, container));
  const ownerMap = openOwnerMap(user, id);
  let isOpen = true;
  const closeMap = () => {
    if (isOpen) close(ownerMap);
    isOpen = false;
  };
  cleanup.push(closeMap);
  return { id, container, ownerMap, close: closeMap };
}
