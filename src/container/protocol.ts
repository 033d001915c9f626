import { RuntimeFailure } from "../failure.ts";
import { isSysError, messageOf } from "../sys/errors.ts";
import { recvFds, sendFds } from "../sys/socket.ts";

/**
 * What create, start and init say to each other, over SOCK_SEQPACKET sockets: one message, one packet.
 *
 *   create ⇄ init (a socketpair)                     start ⇄ init (init.sock in the container's directory)
 *   ← ready       namespaces joined                  → start    carry out the rest of the plan
 *   → hooks       run createContainer hooks          ← exec     the next call is execve
 *   ← ready       they succeeded                     ← error    what failed; init ends
 *   → created     the container is made: wait        (end)      after `exec`: the monitor runs, since execve has
 *   ← error       what failed; init ends                        closed the socket; without it: init was killed
 *   (end)         create is gone: init ends too
 */
export type Message =
  | { readonly type: "ready" | "hooks" | "created" | "start" | "exec" | "end" }
  | { readonly type: "error"; readonly text: string };

/** Longest error text that crosses a socket, in UTF-16 units; the rest is cut off. */
const TEXT_LIMIT = 4096;
const PACKET_LIMIT = 16384;

/** @throws RuntimeFailure `init` when the other side is gone. */
export function send(fd: number, type: Exclude<Message["type"], "error" | "end">): void {
  try {
    sendFds(fd, type, []);
  } catch (error) {
    if (isSysError(error, "EPIPE", "ECONNRESET")) throw initEnded();
    throw error;
  }
}

export function initEnded(): RuntimeFailure {
  return new RuntimeFailure("init", "Init of the container ended unexpectedly: it was killed", { kind: "system" });
}

export function sendError(fd: number, error: unknown): void {
  sendFds(fd, `error ${messageOf(error).slice(0, TEXT_LIMIT)}`, []);
}

/** The next message; `end` when the other side is gone or says what the table does not have. */
export function receive(fd: number): Message {
  const text = receiveText(fd);
  if (text.startsWith("error ")) return { type: "error", text: text.slice("error ".length) };
  switch (text) {
    case "ready":
    case "hooks":
    case "created":
    case "start":
    case "exec":
      return { type: text };
    default:
      return { type: "end" };
  }
}

/** Empty at the end of the connection, also when the other side ended with our message unread. */
function receiveText(fd: number): string {
  try {
    return recvFds(fd, PACKET_LIMIT).text;
  } catch (error) {
    if (isSysError(error, "ECONNRESET")) return "";
    throw error;
  }
}
