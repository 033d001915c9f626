import { INIT_NAME, liveProcess, type ProcessIdentity } from "./process.ts";
import type { ContainerRecord } from "./record.ts";

/** Statuses of the runtime-spec. */
export type Status = "creating" | "created" | "running" | "stopped";

/** The process a record names. */
export function identityOf(record: ContainerRecord): ProcessIdentity {
  const { startTime, inode } = record.urunc;
  return inode === undefined ? { pid: record.pid, startTime } : { pid: record.pid, startTime, inode };
}

/**
 * The status, computed from the process and never from a remembered word: `created` while the process still is our
 * init, `running` once execve has made it the monitor, `stopped` when it is gone, a zombie or another process.
 * While its hooks run a container is `creating`: should `create` be killed then, its init ends by itself.
 */
export function statusOf(record: ContainerRecord): Status {
  const process = liveProcess(identityOf(record));
  if (process === undefined) return "stopped";
  const isInit = process.name === undefined || process.name === INIT_NAME;
  if (record.status === "running" || !isInit) return "running";
  return record.status;
}
