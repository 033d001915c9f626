import { RuntimeFailure } from "../failure.ts";
import type { Deadline } from "../sys/deadline.ts";
import { isSysError, messageOf } from "../sys/errors.ts";
import { poll } from "../sys/process.ts";
import { recvFds, sendFds } from "../sys/socket.ts";

/**
 * What create, start and init say to each other, over SOCK_SEQPACKET sockets: one message, one packet.
 *
 *   create ⇄ init (a socketpair)                     start ⇄ init (init.sock in the container's directory)
 *   → placed      init is in the cgroup that systemd → start    carry out the rest of the plan
 *                 has made; said only then           ← record   what `delete` has to undo, before it is done
 *   → mapped      the ids of the user namespace are  → kept     it is written
 *                 there: only where there is one     ← note     a line for the log: what was decided
 *   ← ready       namespaces joined                  ← exec     the next call is execve
 *   → hooks       run createContainer hooks, let go  ← error    what failed; init ends
 *   ← ready       of mounts: both succeeded          (end)      after `exec`: the monitor runs, since execve has
 *   → created     the container is made: wait                   closed the socket; without it: init was killed
 *   ← error       what failed; init ends
 *   (end)         create is gone: init ends too
 */
export type Message =
  | { readonly type: "placed" | "ready" | "mapped" | "hooks" | "created" | "start" | "kept" | "exec" | "end" }
  | { readonly type: "record"; readonly text: string }
  | { readonly type: "error"; readonly text: string }
  | { readonly type: "note"; readonly level: NoteLevel; readonly text: string };

/** Levels of the log that a note may have. */
export type NoteLevel = "info" | "warning";

/** Longest error text that crosses a socket, in UTF-16 units; the rest is cut off. */
const TEXT_LIMIT = 4096;
const PACKET_LIMIT = 16384;

/** @throws RuntimeFailure `init` when the other side is gone. */
export function send(fd: number, type: Exclude<Message["type"], "error" | "note" | "record" | "end">): void {
  try {
    sendFds(fd, type, []);
  } catch (error) {
    if (isSysError(error, "EPIPE", "ECONNRESET")) throw initEnded();
    throw error;
  }
}

export function initEnded(): RuntimeFailure {
  return new RuntimeFailure(
    "init",
    "Init of the container ended unexpectedly: it was killed, or said why on its standard error",
    { kind: "system" },
  );
}

export function sendError(fd: number, error: unknown): void {
  sendFds(fd, `error ${messageOf(error).slice(0, TEXT_LIMIT)}`, []);
}

/** @returns Waits until it is kept. @throws RuntimeFailure `init` when it was not. */
export function sendRecord(fd: number, text: string): () => void {
  sendFds(fd, `record ${text}`, []);
  return () => {
    if (receive(fd).type === "kept") return;
    throw new RuntimeFailure("init", "Nobody keeps what has to be undone: start is gone");
  };
}

/** Nobody may be there to read it, which is no reason to end. */
export function sendNote(fd: number, level: NoteLevel, text: string): void {
  try {
    sendFds(fd, `note ${level} ${text.slice(0, TEXT_LIMIT)}`, []);
  } catch (error) {
    if (!isSysError(error)) throw error;
  }
}

/** As {@link receive}; undefined when nothing has come at the deadline. */
export function receiveWithin(fd: number, deadline: Deadline): Message | undefined {
  const [events = 0] = poll([fd], deadline.left());
  return events === 0 ? undefined : receive(fd);
}

/** The next message; `end` when the other side is gone or says what the table does not have. */
export function receive(fd: number): Message {
  const text = receiveText(fd);
  if (text.startsWith("error ")) return { type: "error", text: text.slice("error ".length) };
  if (text.startsWith("record ")) return { type: "record", text: text.slice("record ".length) };
  for (const level of ["info", "warning"] as const) {
    const start = `note ${level} `;
    if (text.startsWith(start)) return { type: "note", level, text: text.slice(start.length) };
  }
  switch (text) {
    case "placed":
    case "ready":
    case "mapped":
    case "kept":
    case "hooks":
    case "created":
    case "start":
    case "exec":
      return { type: text };
    default:
      return { type: "end" };
  }
}

/**
 * Empty at the end of the connection. Where the other side has ended with a message of ours unread the kernel says that
 * first, and only then gives out what it had said before (its reason, perhaps).
 */
function receiveText(fd: number): string {
  try {
    return recvFds(fd, PACKET_LIMIT).text;
  } catch (error) {
    if (isSysError(error, "ECONNRESET")) return receiveRest(fd);
    throw error;
  }
}

function receiveRest(fd: number): string {
  try {
    return recvFds(fd, PACKET_LIMIT).text;
  } catch (error) {
    if (isSysError(error, "ECONNRESET", "EAGAIN")) return "";
    throw error;
  }
}
