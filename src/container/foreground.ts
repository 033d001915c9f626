import { POLLIN } from "../sys/constants.ts";
import { close, dup2, dupCloexec, pipe, setNonblock } from "../sys/file.ts";
import { poll, readSignal, signalfd, waitpid } from "../sys/process.ts";
import { SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH } from "../sys/signals.ts";
import { getWindowSize, isatty, restoreMode, setRawMode, setWindowSize } from "../sys/terminal.ts";
import type { CreatedContainer } from "./create.ts";
import { OutputTail } from "./output-tail.ts";
import { signalContainer } from "./stop.ts";
import { type Stream, stream } from "./stream.ts";

/** Signals that `run` passes on to the container's process; they and SIGPIPE are blocked when {@link attend} is called. */
export const FORWARDED = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGCONT, SIGWINCH];
/** Those that ask for the end. */
const ENDING: readonly number[] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;

/** A blocked signal that asks for the end and came before the container was started; others are dropped. */
export function pendingSignal(): number | undefined {
  const signals = signalfd(FORWARDED);
  try {
    for (let signal = readSignal(signals); signal !== undefined; signal = readSignal(signals)) {
      if (ENDING.includes(signal)) return signal;
    }
    return undefined;
  } finally {
    close(signals);
  }
}

/** A pipe that stands in the place of stdout for the process that is made next, as runc's does. */
export interface OutputPipe {
  /** What the process writes; the caller closes it. */
  readonly reader: number;
  /** Gives this process its own stdout back. */
  restore(): void;
}

/** So that what a guest wrote last is known when its machine fails. */
export function outputPipe(): OutputPipe {
  const [reader, writer] = pipe();
  const own = dupCloexec(STDOUT, STDERR + 1);
  dup2(writer, STDOUT);
  close(writer);
  return {
    reader,
    restore: () => {
      dup2(own, STDOUT);
      close(own);
    },
  };
}

/** How a container's process ended, and what its guest wrote last. */
export type End = ({ readonly code: number } | { readonly signal: number }) & { readonly tail: OutputTail };

/**
 * Stays with a container in the foreground until its process ends: forwards signals and the guest's output, and when
 * the container has a terminal, its input and window size.
 *
 * @param reader of an {@link OutputPipe}, closed here; absent for a terminal.
 */
export function attend(container: CreatedContainer, reader: number | undefined, warn: (message: string) => void): End {
  const signals = signalfd(FORWARDED);
  const { master, pidfd } = container;
  const output = master ?? reader;
  const tail = new OutputTail();
  const mode = master !== undefined && isatty(STDIN) ? setRawMode(STDIN) : undefined;
  try {
    forward({ container, signals, warn }, output === undefined ? [] : streamsOf(output, master, tail));
  } finally {
    if (mode !== undefined) restoreMode(STDIN, mode);
    for (const fd of output === undefined ? [signals, pidfd] : [signals, pidfd, output]) close(fd);
  }
  const end = waitpid(container.record.pid, 0);
  return end?.code === undefined ? { signal: end?.signal ?? 0, tail } : { code: end.code, tail };
}

/** Guest to user, and on a terminal user to guest. The output is ours to make non-blocking; the user's stdin is not. */
function streamsOf(output: number, master: number | undefined, tail: OutputTail): readonly Stream[] {
  setNonblock(output, true);
  const fromGuest = stream(output, STDOUT, tail);
  if (master === undefined) return [fromGuest];
  copyWindowSize(master);
  return [fromGuest, stream(STDIN, master)];
}

interface Attendance {
  readonly container: CreatedContainer;
  readonly signals: number;
  readonly warn: (message: string) => void;
}

function forward(attendance: Attendance, streams: readonly Stream[]): void {
  const { pidfd } = attendance.container;
  const { signals } = attendance;
  for (;;) {
    const waits = streams.map((one) => one.wait()).filter((wait) => wait !== undefined);
    const fds = [pidfd, signals, ...waits.map((wait) => wait.fd)];
    const revents = poll(fds, -1, [POLLIN, POLLIN, ...waits.map((wait) => wait.events)]);
    const [ended = 0, signalled = 0, ...ready] = revents;
    if (signalled !== 0) passOn(attendance);
    for (const [index, wait] of waits.entries()) if (ready[index] !== 0) wait.proceed();
    if (ended !== 0) {
      // What the monitor wrote last.
      streams[0]?.drain();
      return;
    }
  }
}

function passOn({ container, signals, warn }: Attendance): void {
  const { record, master } = container;
  for (let signal = readSignal(signals); signal !== undefined; signal = readSignal(signals)) {
    if (signal === SIGWINCH && master !== undefined) copyWindowSize(master);
    else signalContainer(record, signal, { wait: false, warn });
  }
}

function copyWindowSize(master: number): void {
  if (!isatty(STDIN)) return;
  const { rows, columns } = getWindowSize(STDIN);
  setWindowSize(master, rows, columns);
}
