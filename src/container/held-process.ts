/** Processes by what the kernel lets us hold of them: a pidfd, or where that is denied their number. */
import { PID_FS_MAGIC, POLLIN } from "../sys/constants.ts";
import { deadlineIn, waitUntil } from "../sys/deadline.ts";
import { isDenied, isSysError } from "../sys/errors.ts";
import { close, fileIdentity, fstatfsType } from "../sys/file.ts";
import { getsid, kill, pidfdOpen, pidfdSendSignal, poll } from "../sys/process.ts";

/** Between two looks at a process that only its number is known of. */
const STEP_MS = 5;

/** A process that lives and that signals can be sent to. */
export interface HeldProcess {
  /** @throws SysError ESRCH when it has ended. */
  signal(signal: number): void;
  /** Waits for its end, at most for so long; whether it came. A zombie has ended. */
  awaitEnd(milliseconds: number): boolean;
}

/** pidfd_open(2); undefined where it is denied. */
export function openPidfd(pid: number): number | undefined {
  try {
    return pidfdOpen(pid);
  } catch (error) {
    if (isDenied(error)) return undefined;
    throw error;
  }
}

/**
 * By a pidfd: a signal by it cannot reach another process that got the same pid.
 *
 * @param byNumber where signals by it are denied.
 */
export function holdByPidfd(pidfd: number, byNumber: HeldProcess): HeldProcess {
  return {
    signal: (signal) => {
      try {
        pidfdSendSignal(pidfd, signal);
      } catch (error) {
        if (!isDenied(error)) throw error;
        byNumber.signal(signal);
      }
    },
    awaitEnd: (milliseconds) => hasEnded(pidfd, milliseconds),
  };
}

/** By its number, as before there were pidfds: that it still is the one is looked at just before each signal. */
export function holdByNumber(pid: number, isGone: () => boolean): HeldProcess {
  return {
    signal: (signal) => {
      if (!isGone()) kill(pid, signal);
    },
    awaitEnd: (milliseconds) => waitUntil(isGone, deadlineIn(milliseconds), STEP_MS),
  };
}

/** pidfd_open(2): a pidfd polls readable when the process has ended. */
function hasEnded(pidfd: number, milliseconds: number): boolean {
  const [events = 0] = poll([pidfd], milliseconds);
  return (events & POLLIN) !== 0;
}

/** Inode number of a pidfd; before Linux 6.9 that of all of them. */
export function inodeOf(pidfd: number): number {
  const [, inode = 0] = fileIdentity(pidfd);
  return inode;
}

/**
 * Whether a process that /proc does not show lives: where /proc is hidden from us (hidepid of proc(5)) it shows no
 * process that we may not look into, such as our own init. By the inode of its pidfd. Before Linux 6.9 the process must be
 * one that we may signal and the first of its session, as our init is.
 */
export function livesUnseen({ pid, inode }: { readonly pid: number; readonly inode?: number }): boolean {
  try {
    const pidfd = openPidfd(pid);
    if (pidfd === undefined) return leadsItsSession(pid);
    try {
      if (hasEnded(pidfd, 0)) return false;
      return fstatfsType(pidfd) === PID_FS_MAGIC ? inodeOf(pidfd) === inode : leadsItsSession(pid);
    } finally {
      close(pidfd);
    }
  } catch (error) {
    if (isSysError(error, "ESRCH", "EPERM")) return false;
    throw error;
  }
}

function leadsItsSession(pid: number): boolean {
  kill(pid, 0);
  return getsid(pid) === pid;
}
