import { RuntimeFailure } from "../failure.ts";
import { isSysError } from "../sys/errors.ts";
import { close, readTextFile } from "../sys/file.ts";
import { SIGKILL } from "../sys/signals.ts";
import { type HeldProcess, holdByNumber, holdByPidfd, inodeOf, livesUnseen, openPidfd } from "./held-process.ts";

/** Name of the process that waits between create and start; execve replaces it by the monitor's. */
export const INIT_NAME = "urunc:init";

/** A process as proc(5) shows it. */
export interface ProcessStat {
  /** comm: at most 15 bytes; absent where /proc hides the process. */
  readonly name?: string;
  /** Z or X: it has ended. */
  readonly state: string;
  /** Clock ticks since boot. */
  readonly startTime: number;
}

/** A process by the numbers that name it for good: a pid alone may have been given to another one since. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTime: number;
  /** Inode of its pidfds, which no other process ever gets since Linux 6.9: for a process that /proc does not show. */
  readonly inode?: number;
}

export function readProcessStat(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = readTextFile(`/proc/${pid}/stat`, 4096);
  } catch (error) {
    // EPERM: hidepid=1 of proc(5).
    if (isSysError(error, "ENOENT", "ESRCH", "EPERM", "EACCES")) return undefined;
    throw error;
  }
  // The name is in parentheses and may hold any byte, so the last one ends it.
  const end = text.lastIndexOf(")");
  const fields = text.slice(end + 2).split(" ");
  return { name: text.slice(text.indexOf("(") + 1, end), state: fields[0] ?? "X", startTime: Number(fields[19]) };
}

/**
 * The identity of a process that is there, be it as a zombie.
 *
 * @param pidfd of it, for a process that /proc may not go on showing.
 */
export function identityOfPid(pid: number, pidfd?: number): ProcessIdentity {
  const startTime = readProcessStat(pid)?.startTime ?? 0;
  return pidfd === undefined ? { pid, startTime } : { pid, startTime, inode: inodeOf(pidfd) };
}

/** The process if it still is the one and has not ended; a zombie has. */
export function liveProcess(identity: ProcessIdentity): ProcessStat | undefined {
  if (identity.pid <= 0) return undefined;
  const stat = readProcessStat(identity.pid);
  if (stat === undefined) return livesUnseen(identity) ? { state: "?", startTime: identity.startTime } : undefined;
  if (stat.startTime !== identity.startTime && !isSeenLate(identity)) return undefined;
  return stat.state === "Z" || stat.state === "X" ? undefined : stat;
}

/** The one whose start time /proc hid when it was made. */
function isSeenLate(identity: ProcessIdentity): boolean {
  return identity.startTime === 0 && livesUnseen(identity);
}

/** Whether a process is held by SIGSTOP or a debugger (proc(5), states T and t). */
export function isStopped(identity: ProcessIdentity): boolean {
  const state = liveProcess(identity)?.state;
  return state === "T" || state === "t";
}

/** As long as runc polls for the end of a killed process. */
const KILL_TIMEOUT_MS = 10_000;
/** For one that ends by itself. */
const END_TIMEOUT_MS = 1000;

/** Waits a while for the end of a process that is about to end by itself. */
export function awaitEnd(identity: ProcessIdentity): void {
  withProcess(identity, (process) => process.awaitEnd(END_TIMEOUT_MS));
}

/**
 * SIGKILL, then waits for the end: until the process is a zombie or gone.
 *
 * @param wake called in between: a process that is frozen by cgroup v1 does not notice the signal.
 */
export function killProcess(identity: ProcessIdentity, wake?: () => void): void {
  withProcess(identity, (process) => {
    process.signal(SIGKILL);
    wake?.();
    if (!process.awaitEnd(KILL_TIMEOUT_MS)) {
      const why = `SIGKILL has not ended it within ${KILL_TIMEOUT_MS / 1000} s`;
      throw new RuntimeFailure("still-running", `container init still running: pid ${identity.pid}: ${why}`, {
        kind: "system",
      });
    }
  });
}

/**
 * Hands a process that lives to `use`.
 *
 * @returns undefined when the process has ended, before or meanwhile.
 */
export function withProcess<T>(
  identity: ProcessIdentity,
  use: (process: HeldProcess) => T,
): { readonly result: T } | undefined {
  if (identity.pid <= 0) return undefined;
  let pidfd: number | undefined;
  try {
    pidfd = openPidfd(identity.pid);
    // Checked after the pidfd holds the process: from here on its pid cannot be given to another.
    if (liveProcess(identity) === undefined) return undefined;
    const byNumber = holdByNumber(identity.pid, () => liveProcess(identity) === undefined);
    return { result: use(pidfd === undefined ? byNumber : holdByPidfd(pidfd, byNumber)) };
  } catch (error) {
    if (isSysError(error, "ESRCH")) return undefined;
    throw error;
  } finally {
    if (pidfd !== undefined) close(pidfd);
  }
}
