import { SOCK_NONBLOCK } from "./constants.ts";
import { type Deadline, waitUntil } from "./deadline.ts";
import { isSysError } from "./errors.ts";
import { close } from "./file.ts";
import { connectUnix, unixSocket } from "./socket.ts";

const STEP_MS = 10;

/**
 * Connects to a socket of somebody who may never accept: connect(2) itself waits for good while the queue of
 * connections is full (unix(7)).
 *
 * @param type SOCK_STREAM or SOCK_SEQPACKET.
 * @returns the connection, which does not block; undefined when the queue still was full at the deadline.
 * @throws SysError
 */
export function connectWithin(path: string, type: number, deadline: Deadline): number | undefined {
  const socket = unixSocket(type | SOCK_NONBLOCK);
  try {
    if (tryConnect(socket, path) || waitUntil(() => tryConnect(socket, path), deadline, STEP_MS)) return socket;
  } catch (error) {
    close(socket);
    throw error;
  }
  close(socket);
  return undefined;
}

/** False while the queue is full. */
function tryConnect(socket: number, path: string): boolean {
  try {
    connectUnix(socket, path);
    return true;
  } catch (error) {
    if (isSysError(error, "EAGAIN", "EWOULDBLOCK")) return false;
    throw error;
  }
}
