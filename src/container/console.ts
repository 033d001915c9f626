import { RuntimeFailure } from "../failure.ts";
import { connectWithin } from "../sys/connect.ts";
import { SOCK_STREAM } from "../sys/constants.ts";
import { deadlineIn } from "../sys/deadline.ts";
import { messageOf } from "../sys/errors.ts";
import { close } from "../sys/file.ts";
import { sendFds } from "../sys/socket.ts";
import { openPtyMaster, openPtyPeer, ptyNumber, setWindowSize } from "../sys/terminal.ts";

/** As long as other verbs wait for a container. */
const CONNECT_TIMEOUT_MS = 10_000;

/** A new pseudo-terminal for the container. */
export interface Console {
  readonly master: number;
  readonly slave: number;
}

/**
 * Makes a pty. The slave is taken from the master by ioctl, not by a path that something else may stand at
 * (CVE-2025-52565).
 *
 * @throws RuntimeFailure `console`.
 */
export function openConsole(size: { readonly width: number; readonly height: number } | undefined): Console {
  try {
    const master = openPtyMaster("/dev/ptmx");
    if (size !== undefined) setWindowSize(master, size.height, size.width);
    return { master, slave: openPtyPeer(master) };
  } catch (error) {
    throw new RuntimeFailure("console", `Open terminal: ${messageOf(error)}`, { kind: "system", cause: error });
  }
}

/** A connection to a socket of the caller's, who gets a descriptor by it. */
export interface CallersSocket {
  /** For messages: what it is and where. */
  readonly name: string;
  readonly fd: number;
}

/** Those of one `create`. */
export interface CallersSockets {
  readonly console?: CallersSocket;
  readonly pidfd?: CallersSocket;
}

/** The paths of `--console-socket` and `--pidfd-socket`. */
interface CallersPaths {
  readonly consoleSocket?: string;
  readonly pidfdSocket?: string;
}

/**
 * Connects to the caller's `--console-socket` and `--pidfd-socket`. Who listens there is a stranger, whose queue may be
 * full for good: this is done before anything is made, and under no lock.
 *
 * @throws RuntimeFailure `console`, of a full queue after ten seconds.
 */
export function connectToCallers({ consoleSocket, pidfdSocket }: CallersPaths): CallersSockets {
  return {
    ...(consoleSocket === undefined ? {} : { console: connectTo("console socket", consoleSocket) }),
    ...(pidfdSocket === undefined ? {} : { pidfd: connectTo("pidfd socket", pidfdSocket) }),
  };
}

/** @param what for messages. */
function connectTo(what: string, path: string): CallersSocket {
  const name = `${what} ${path}`;
  let fd: number | undefined;
  try {
    fd = connectWithin(path, SOCK_STREAM, deadlineIn(CONNECT_TIMEOUT_MS));
  } catch (error) {
    throw failure(`Connect to ${name}: ${messageOf(error)}`, error);
  }
  if (fd === undefined) {
    throw failure(
      `Connect to ${name}: nobody there accepts connections: given up after ${CONNECT_TIMEOUT_MS / 1000} s`,
    );
  }
  return { name, fd };
}

/** Sends the master, named as its pty (the payload runc sends). */
export function sendConsole(socket: CallersSocket, console: Console): void {
  sendDescriptor(socket, `/dev/pts/${ptyNumber(console.master)}`, console.master);
}

/** Sends a pidfd of the container's process. */
export function sendPidfd(socket: CallersSocket, pidfd: number): void {
  sendDescriptor(socket, "pidfd", pidfd);
}

/** It does not wait: the few bytes have room in a new connection, whether somebody reads them or not. */
function sendDescriptor({ name, fd }: CallersSocket, payload: string, sent: number): void {
  try {
    sendFds(fd, payload, [sent]);
  } catch (error) {
    throw failure(`Send to ${name}: ${messageOf(error)}`, error);
  } finally {
    close(fd);
  }
}

function failure(message: string, cause?: unknown): RuntimeFailure {
  return new RuntimeFailure("console", message, { cause });
}
