import { RuntimeFailure } from "../failure.ts";
import { SOCK_STREAM } from "../sys/constants.ts";
import { messageOf } from "../sys/errors.ts";
import { close } from "../sys/file.ts";
import { connectUnix, sendFds, unixSocket } from "../sys/socket.ts";
import { openPtyMaster, openPtyPeer, ptyNumber, setWindowSize } from "../sys/terminal.ts";

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

/** Sends the master over the caller's `--console-socket`, named as its pty (the payload runc sends). */
export function sendConsole(socketPath: string, console: Console): void {
  sendDescriptor("console socket", socketPath, `/dev/pts/${ptyNumber(console.master)}`, console.master);
}

/** Sends a pidfd of the container's process over the caller's `--pidfd-socket`. */
export function sendPidfd(socketPath: string, pidfd: number): void {
  sendDescriptor("pidfd socket", socketPath, "pidfd", pidfd);
}

function sendDescriptor(what: string, socketPath: string, payload: string, fd: number): void {
  const socket = unixSocket(SOCK_STREAM);
  try {
    connectUnix(socket, socketPath);
    sendFds(socket, payload, [fd]);
  } catch (error) {
    throw new RuntimeFailure("console", `Send to ${what} ${socketPath}: ${messageOf(error)}`, { cause: error });
  } finally {
    close(socket);
  }
}
