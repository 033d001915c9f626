import { POLLIN, POLLOUT } from "../sys/constants.ts";
import { isSysError } from "../sys/errors.ts";
import { read, write } from "../sys/file.ts";
import { poll } from "../sys/process.ts";
import type { OutputTail } from "./output-tail.ts";

/** Bytes read at once: PIPE_BUF, so that a pipe which polls writable takes them without blocking (pipe(7)). */
const CHUNK = 4096;
/** How long the last output of a guest may wait for its reader, in ms. */
const DRAIN_TIMEOUT_MS = 1000;

/** One direction of a terminal's bytes, with at most one chunk on its way. */
export interface Stream {
  /** What to poll for, and what to do when it is there; undefined when the stream has ended. */
  wait(): { readonly fd: number; readonly events: number; proceed(): void } | undefined;
  /** Moves what is there without waiting for more. */
  drain(): void;
}

/**
 * A stream from one descriptor to another. What cannot be delivered is dropped: a full disk or a reader that has gone
 * must not end the guest, nor keep it from being signalled.
 *
 * @param tail is told all that was read.
 */
export function stream(from: number, to: number, tail?: OutputTail): Stream {
  const buffer = new ArrayBuffer(CHUNK);
  let offset = 0;
  let length = 0;
  let open = true;

  const fill = () => {
    const got = attempt(() => read(from, buffer, 0, CHUNK));
    // A pty's master says EIO when no slave is open any more.
    open = got === undefined || got > 0;
    offset = 0;
    length = got === undefined || got === FAILED ? 0 : got;
    tail?.add(buffer, length);
  };
  const flush = () => {
    const put = attempt(() => write(to, buffer, offset, length - offset));
    offset = put === FAILED ? length : offset + (put ?? 0);
  };
  const ready = (fd: number, events: number, timeout: number) => (poll([fd], timeout, [events])[0] ?? 0) !== 0;

  return {
    wait: () => {
      if (offset < length) return { fd: to, events: POLLOUT, proceed: flush };
      return open ? { fd: from, events: POLLIN, proceed: fill } : undefined;
    },
    drain: () => {
      for (;;) {
        while (offset < length) {
          if (!ready(to, POLLOUT, DRAIN_TIMEOUT_MS)) return;
          flush();
        }
        if (!open || !ready(from, POLLIN, 0)) return;
        fill();
      }
    },
  };
}

const FAILED = -1;

/** undefined: not now; FAILED: never. */
function attempt(action: () => number): number | undefined {
  try {
    return action();
  } catch (error) {
    if (isSysError(error, "EAGAIN")) return undefined;
    if (isSysError(error)) return FAILED;
    throw error;
  }
}
