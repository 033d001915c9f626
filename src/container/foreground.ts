import { POLLIN } from "../sys/constants.ts";
import { isSysError } from "../sys/errors.ts";
import { close, read, write } from "../sys/file.ts";
import { poll, readSignal, signalfd, waitpid } from "../sys/process.ts";
import { SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH } from "../sys/signals.ts";
import { getWindowSize, isatty, restoreMode, setRawMode, setWindowSize } from "../sys/terminal.ts";
import type { CreatedContainer } from "./create.ts";
import { signalProcess } from "./process.ts";
import { identityOf } from "./status.ts";

/** Signals that `run` passes on to the container's process; they are to be blocked when {@link attend} is called. */
export const FORWARDED = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGCONT, SIGWINCH];

const STDIN = 0;
const STDOUT = 1;
const CHUNK = 8192;

/**
 * Stays with a container in the foreground until its process ends: forwards signals and, when the container has a
 * terminal, its bytes and window size.
 *
 * @returns how the monitor ended.
 */
export function attend(container: CreatedContainer): { readonly code: number } | { readonly signal: number } {
  const signals = signalfd(FORWARDED);
  const { master, pidfd } = container;
  const mode = master !== undefined && isatty(STDIN) ? setRawMode(STDIN) : undefined;
  try {
    if (master !== undefined) copyWindowSize(master);
    forward(container, signals);
    if (master !== undefined) drain(master);
  } finally {
    if (mode !== undefined) restoreMode(STDIN, mode);
    for (const fd of master === undefined ? [signals, pidfd] : [signals, pidfd, master]) close(fd);
  }
  const end = waitpid(container.record.pid, 0);
  return end?.code === undefined ? { signal: end?.signal ?? 0 } : { code: end.code };
}

function forward({ record, pidfd, master }: CreatedContainer, signals: number): void {
  let input = master !== undefined;
  let output = master !== undefined;
  for (;;) {
    const fds = [pidfd, signals];
    if (output) fds.push(master ?? -1);
    if (input) fds.push(STDIN);
    const events = new Map(poll(fds, -1).map((revents, index) => [fds[index], revents]));
    if ((events.get(signals) ?? 0) !== 0) passOn(signals, record, master);
    if (master !== undefined && (events.get(master) ?? 0) !== 0) output = copy(master, STDOUT);
    if (master !== undefined && (events.get(STDIN) ?? 0) !== 0) input = copy(STDIN, master);
    if (((events.get(pidfd) ?? 0) & POLLIN) !== 0) return;
  }
}

function passOn(signals: number, record: CreatedContainer["record"], master: number | undefined): void {
  for (let signal = readSignal(signals); signal !== undefined; signal = readSignal(signals)) {
    if (signal === SIGWINCH && master !== undefined) copyWindowSize(master);
    else signalProcess(identityOf(record), signal);
  }
}

function copyWindowSize(master: number): void {
  if (!isatty(STDIN)) return;
  const { rows, columns } = getWindowSize(STDIN);
  setWindowSize(master, rows, columns);
}

/** Copies what is there; false at the end of the source (a pty master says EIO when no slave is open any more). */
function copy(from: number, to: number): boolean {
  const buffer = new ArrayBuffer(CHUNK);
  try {
    const length = read(from, buffer, 0, CHUNK);
    for (let offset = 0; offset < length; ) offset += write(to, buffer, offset, length - offset);
    return length > 0;
  } catch (error) {
    if (isSysError(error, "EIO")) return false;
    throw error;
  }
}

/** What the monitor wrote last. */
function drain(master: number): void {
  for (;;) {
    const [events = 0] = poll([master], 0);
    if ((events & POLLIN) === 0 || !copy(master, STDOUT)) return;
  }
}
