import { isSysError, messageOf } from "../sys/errors.ts";
import { readTextFile } from "../sys/file.ts";
import { SIGINT, SIGKILL, SIGQUIT, SIGTERM } from "../sys/signals.ts";
import { pressPowerButton } from "./control-socket.ts";
import type { HeldProcess } from "./held-process.ts";
import { withProcess } from "./process.ts";
import type { ContainerRecord } from "./record.ts";
import { identityOf, statusOf } from "./status.ts";

/** Signals that ask for the end and mean nothing else; container engines send them to stop a container. */
const STOP_SIGNALS: readonly number[] = [SIGTERM, SIGINT, SIGQUIT];

/**
 * Sends a signal to a container's process: the one that was asked for, with two exceptions for those that ask for the
 * end. With `graceful_shutdown` the guest's power button is pressed instead. And where the kernel would drop the signal,
 * since the monitor is pid 1 of its namespace and has no handler for it, SIGKILL is sent: no guest can hear it, so the
 * caller's grace period would pass for nothing.
 *
 * @param options.wait whether to wait for the configured time and end what did not power off.
 * @returns false when the process has ended before.
 */
export function signalContainer(
  record: ContainerRecord,
  signal: number,
  options: { readonly wait: boolean; readonly warn: (message: string) => void },
): boolean {
  const sent = withProcess(identityOf(record), (process) => {
    if (!STOP_SIGNALS.includes(signal)) {
      process.signal(signal);
    } else if (powerOff(record, options.warn)) {
      if (options.wait) endAfter(process, record.urunc.control?.timeout ?? 0);
    } else {
      const status = readStatus(record.pid);
      process.signal(status !== undefined && isDropped(status, signal) ? SIGKILL : signal);
    }
    return true;
  });
  return sent?.result === true;
}

/** Whether the power button was pressed. Where it cannot be, the signal is what is left. */
function powerOff(record: ContainerRecord, warn: (message: string) => void): boolean {
  const { control } = record.urunc;
  if (control === undefined || statusOf(record) !== "running") return false;
  try {
    pressPowerButton(identityOf(record), control);
    return true;
  } catch (error) {
    warn(`Power off by ${control.socket} of the monitor's root: ${messageOf(error)}: the signal is sent instead`);
    return false;
  }
}

/** Waits for the end and forces it when the time is over. 0: the caller does that itself. */
function endAfter(process: HeldProcess, seconds: number): void {
  if (seconds === 0) return;
  if (!process.awaitEnd(seconds * 1000)) process.signal(SIGKILL);
}

/**
 * Whether the kernel drops a signal whose default is to end the process: pid 1 of a namespace gets only those it has a
 * handler for, or has blocked, as the waiting init has (pid_namespaces(7), proc_pid_status(5)).
 *
 * @param status text of /proc/PID/status.
 */
function isDropped(status: string, signal: number): boolean {
  const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1] ?? "";
  // The outer namespaces come first.
  const pids = field("NSpid").split("\t");
  if (pids.length < 2 || pids.at(-1) !== "1") return false;
  const has = (mask: string) => ((Number.parseInt(field(mask).slice(-8), 16) >>> (signal - 1)) & 1) === 1;
  return !has("SigCgt") && !has("SigBlk");
}

/**
 * Undefined when /proc hides the process, or it has ended meanwhile and its parent knows.
 *
 * @throws SysError ESRCH when it ends in this moment.
 */
function readStatus(pid: number): string | undefined {
  try {
    return readTextFile(`/proc/${pid}/status`, 1 << 16);
  } catch (error) {
    if (isSysError(error, "ENOENT", "EPERM", "EACCES")) return undefined;
    throw error;
  }
}
