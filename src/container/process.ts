import { RuntimeFailure } from "../failure.ts";
import { POLLIN } from "../sys/constants.ts";
import { isSysError } from "../sys/errors.ts";
import { close, readTextFile } from "../sys/file.ts";
import { pidfdOpen, pidfdSendSignal, poll } from "../sys/process.ts";

/** Name of the process that waits between create and start; execve replaces it by the monitor's. */
export const INIT_NAME = "urunc:init";

/** A process as proc(5) shows it. */
export interface ProcessStat {
  /** comm: at most 15 bytes. */
  readonly name: string;
  /** Z or X: it has ended. */
  readonly state: string;
  /** Clock ticks since boot. */
  readonly startTime: number;
}

/** A process by the two numbers that name it for good: a pid alone may have been given to another one since. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTime: number;
}

export function readProcessStat(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = readTextFile(`/proc/${pid}/stat`, 4096);
  } catch (error) {
    if (isSysError(error, "ENOENT", "ESRCH")) return undefined;
    throw error;
  }
  // The name is in parentheses and may hold any byte, so the last one ends it.
  const end = text.lastIndexOf(")");
  const fields = text.slice(end + 2).split(" ");
  return { name: text.slice(text.indexOf("(") + 1, end), state: fields[0] ?? "X", startTime: Number(fields[19]) };
}

/** The identity of a process that is there, be it as a zombie. */
export function identityOfPid(pid: number): ProcessIdentity {
  return { pid, startTime: readProcessStat(pid)?.startTime ?? 0 };
}

/** The process if it still is the one and has not ended; a zombie has. */
export function liveProcess(identity: ProcessIdentity): ProcessStat | undefined {
  if (identity.pid <= 0) return undefined;
  const stat = readProcessStat(identity.pid);
  if (stat === undefined || stat.startTime !== identity.startTime) return undefined;
  return stat.state === "Z" || stat.state === "X" ? undefined : stat;
}

/** As long as runc polls for the end of a killed process. */
const KILL_TIMEOUT_MS = 10_000;
/** For one that ends by itself. */
const END_TIMEOUT_MS = 1000;

/** Waits a while for the end of a process that is about to end by itself. */
export function awaitEnd(identity: ProcessIdentity): void {
  withPidfd(identity, (pidfd) => hasEnded(pidfd, END_TIMEOUT_MS));
}

/** pidfd_open(2): a pidfd polls readable when the process has ended. */
function hasEnded(pidfd: number, timeout: number): boolean {
  const [events = 0] = poll([pidfd], timeout);
  return (events & POLLIN) !== 0;
}

/**
 * SIGKILL, then waits for the end: until the process is a zombie or gone.
 *
 * @param wake called in between: a process that is frozen by cgroup v1 does not notice the signal.
 */
export function killProcess(identity: ProcessIdentity, wake?: () => void): void {
  withPidfd(identity, (pidfd) => {
    pidfdSendSignal(pidfd, 9);
    wake?.();
    if (!hasEnded(pidfd, KILL_TIMEOUT_MS)) {
      throw new RuntimeFailure("still-running", `container init still running: pid ${identity.pid}`, {
        kind: "system",
      });
    }
    return true;
  });
}

/**
 * Hands the pidfd of a process that lives to `use`: a signal by it cannot reach another process that got the same pid.
 *
 * @returns undefined when the process has ended, before or meanwhile.
 */
export function withPidfd<T>(identity: ProcessIdentity, use: (pidfd: number) => T): { readonly result: T } | undefined {
  if (identity.pid <= 0) return undefined;
  let pidfd: number;
  try {
    pidfd = pidfdOpen(identity.pid);
  } catch (error) {
    if (isSysError(error, "ESRCH")) return undefined;
    throw error;
  }
  try {
    // Checked after the pidfd holds the process: from here on its pid cannot be given to another.
    if (liveProcess(identity) === undefined) return undefined;
    return { result: use(pidfd) };
  } catch (error) {
    if (isSysError(error, "ESRCH")) return undefined;
    throw error;
  } finally {
    close(pidfd);
  }
}
