import type { LaunchPlan } from "../plan/launch-plan.ts";
import { close } from "../sys/file.ts";
import { copyBootFiles } from "./copy-boot-files.ts";
import { copyIntoRootfs } from "./rootfs-copies.ts";
import { takeDevices } from "./take-devices.ts";

/** What `create` hands to the init: descriptors. */
export interface PreparedStorage {
  /** A file system with copies of boot files. */
  readonly copies?: number;
  /** Claims of devices, which the monitor inherits. */
  readonly claims: readonly number[];
  /** Closes them in this process; may be called again. */
  close(): void;
}

/**
 * What has to be done before the container has a mount namespace of its own, since it has to be seen in the host's.
 *
 * @param directory the container's, for the journal.
 * @param warn is told what the guest does not get.
 */
export function prepareStorage(plan: LaunchPlan, directory: number, warn: (message: string) => void): PreparedStorage {
  if (plan.takes.length === 0) return { claims: [], close: () => undefined };
  const copies = copyBootFiles(plan);
  copyIntoRootfs(plan, directory, warn);
  const claims = takeDevices(plan, directory);
  const open = copies === undefined ? [...claims] : [...claims, copies];
  return {
    claims,
    ...(copies === undefined ? {} : { copies }),
    close: () => {
      for (const fd of open.splice(0)) close(fd);
    },
  };
}
