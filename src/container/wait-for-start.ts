/** The wait of a created container for `start`. Nothing is thrown from here: nobody could undo what create has made. */
import { POLLOUT } from "../sys/constants.ts";
import { deadlineIn, waitUntil } from "../sys/deadline.ts";
import { isShortage, isSysError, messageOf } from "../sys/errors.ts";
import { close, writeAll } from "../sys/file.ts";
import { exit, poll, readSignal, releaseCode } from "../sys/process.ts";
import { accept, peerCredentials } from "../sys/socket.ts";
import { receiveWithin, sendError } from "./protocol.ts";

const STDERR = 2;
/** For what the kernel may have again in a moment, and for a caller to say what it wants. */
const PATIENCE_MS = 5_000;
const STEP_MS = 20;

/**
 * Waits for `start`, of the user who created the container. Others are turned away; a signal that ends processes ends
 * this one, and so does an error, of which `start` or the container's standard error is told.
 *
 * @returns the connection of `start`.
 */
export function awaitStart(listener: number, owner: number, signals: number): number {
  try {
    releasePages();
    for (;;) {
      const [ready = 0, signalled = 0] = poll([listener, signals], -1);
      if (signalled !== 0) endIfSignalled(signals);
      if (ready === 0) continue;
      const starter = acceptPatiently(listener);
      if (wantsStart(starter, owner)) {
        close(listener);
        return starter;
      }
      close(starter);
    }
  } catch (error) {
    sayAndEnd(error);
  }
}

/** Nobody knows for how long it waits. Where the kernel keeps the pages, it waits with them. */
function releasePages(): void {
  try {
    releaseCode();
  } catch (error) {
    if (!isSysError(error)) throw error;
  }
}

/** There may be too many open files on the machine for a moment. */
function acceptPatiently(listener: number): number {
  let starter: number | undefined;
  const isAccepted = () => {
    try {
      starter = accept(listener);
    } catch (error) {
      if (!isShortage(error) && !isSysError(error, "ECONNABORTED", "EINTR")) throw error;
    }
    return starter !== undefined;
  };
  waitUntil(isAccepted, deadlineIn(PATIENCE_MS), STEP_MS);
  return starter ?? accept(listener);
}

/** Whoever connects and says nothing is not waited for. */
function wantsStart(starter: number, owner: number): boolean {
  try {
    if (peerCredentials(starter).uid !== owner) return false;
    return receiveWithin(starter, deadlineIn(PATIENCE_MS))?.type === "start";
  } catch (error) {
    fail(starter, error);
  }
}

/** A process that ends by a signal has the status 128 + its number. */
export function endIfSignalled(signals: number): void {
  const signal = readSignal(signals);
  if (signal !== undefined) exit(128 + signal);
}

/** Says why and ends; when nobody listens any more the exit status has to do. */
export function fail(socket: number, error: unknown): never {
  try {
    sendError(socket, error);
  } finally {
    exit(1);
  }
}

/** Nobody is connected. A reader of the container's output who reads nothing is not waited for. */
function sayAndEnd(error: unknown): never {
  try {
    const [writable = 0] = poll([STDERR], 0, [POLLOUT]);
    if ((writable & POLLOUT) !== 0)
      writeAll(STDERR, `urunc: the container cannot wait for start: ${messageOf(error)}\n`);
  } finally {
    exit(1);
  }
}
