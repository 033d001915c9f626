import { BUS_NAME } from "../dbus/answers.ts";
import { type Call, decodeMessage, encodeCall, type Incoming } from "../dbus/message.ts";
import { RuntimeFailure } from "../failure.ts";
import { connectWithin } from "../sys/connect.ts";
import { POLLIN, POLLOUT, SOCK_STREAM } from "../sys/constants.ts";
import type { Deadline } from "../sys/deadline.ts";
import { isSysError, messageOf } from "../sys/errors.ts";
import { close, read, write } from "../sys/file.ts";
import { getenv, geteuid, poll } from "../sys/process.ts";

const SYSTEM_BUS = "/run/dbus/system_bus_socket";
const CHUNK = 4096;
/** Without a word for this long, what was said last may be lost: a systemd that starts anew forgets whom to tell what. */
const SILENCE_MS = 5000;

/** Who was asked is not there, or not any more: it may help to ask once more. */
export class Away extends RuntimeFailure {
  constructor(message: string) {
    super("dbus", message, { kind: "system" });
  }
}

/** A connection to a message bus. */
export interface Bus {
  /** Sends calls as one packet; the serial of the last. */
  send(calls: readonly Call[]): number;
  /** The next message that says something. @throws RuntimeFailure `dbus` at the deadline. */
  receive(): Incoming;
  close(): void;
}

/**
 * The system's bus for root, the user's for everybody else.
 *
 * @param deadline of the whole conversation: neither the bus nor who is on it is waited for any longer.
 * @throws RuntimeFailure `dbus`.
 */
export function openBus(deadline: Deadline): Bus {
  const path = busPath();
  const fd = connectTo(path, deadline);
  const input = inputOf(fd, path, deadline);
  let serial = 0;
  const bus: Bus = {
    send: (calls) => {
      writeBytes(
        fd,
        calls.map((call) => encodeCall(call, ++serial)),
        () => awaitEvent(fd, path, POLLOUT, deadline),
      );
      return serial;
    },
    receive: () => input.message(),
    close: () => close(fd),
  };
  try {
    // No answer is waited for before the next line: the bus keeps the order.
    const greeting = asciiBytes(`\0AUTH EXTERNAL ${hexOf(String(geteuid()))}\r\nBEGIN\r\n`);
    writeBytes(fd, [greeting], () => awaitEvent(fd, path, POLLOUT, deadline));
    bus.send([busCall("Hello", [])]);
    const line = input.line();
    if (!line.startsWith("OK ")) throw failure(`D-Bus at ${path} does not let us in: ${line}`);
    return bus;
  } catch (error) {
    close(fd);
    throw error;
  }
}

/** A call of the bus itself. */
export function busCall(member: string, body: Call["body"]): Call {
  return { destination: BUS_NAME, path: "/org/freedesktop/DBus", interface: BUS_NAME, member, body };
}

function busPath(): string {
  if (geteuid() === 0) return SYSTEM_BUS;
  const path = /^unix:path=([^,;]+)/.exec(getenv("DBUS_SESSION_BUS_ADDRESS") ?? "")?.[1];
  return path ?? `${getenv("XDG_RUNTIME_DIR") ?? `/run/user/${geteuid()}`}/bus`;
}

function connectTo(path: string, deadline: Deadline): number {
  const advice = "start D-Bus, or call without --systemd-cgroup";
  let fd: number | undefined;
  try {
    fd = connectWithin(path, SOCK_STREAM, deadline);
  } catch (error) {
    throw failure(`Connect to ${path}: ${messageOf(error)}: ${advice}`, error);
  }
  if (fd === undefined) throw failure(`Connect to ${path}: nobody accepts connections in time: ${advice}`);
  return fd;
}

/** Waits until the connection can be read, or written. @throws Away after a while of silence. */
function awaitEvent(fd: number, path: string, event: number, deadline: Deadline): void {
  const [happened = 0] = poll([fd], Math.min(SILENCE_MS, deadline.left()), [event]);
  if (happened === 0) throw new Away(`D-Bus at ${path}: no answer in time: does systemd hang?`);
}

function failure(message: string, cause?: unknown): RuntimeFailure {
  return new RuntimeFailure("dbus", message, { kind: "system", cause });
}

function asciiBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function hexOf(text: string): string {
  return [...text].map((character) => character.charCodeAt(0).toString(16)).join("");
}

function writeBytes(fd: number, parts: readonly Uint8Array[], awaitRoom: () => void): void {
  for (const part of parts) {
    const bytes = part.slice().buffer;
    for (let at = 0; at < bytes.byteLength; ) at += writeSome(fd, bytes, at, awaitRoom);
  }
}

function writeSome(fd: number, bytes: ArrayBuffer, at: number, awaitRoom: () => void): number {
  try {
    return write(fd, bytes, at, bytes.byteLength - at);
  } catch (error) {
    if (!isSysError(error)) throw error;
    if (error.code !== "EAGAIN") throw failure(`Write to D-Bus: ${error.message}`, error);
  }
  awaitRoom();
  return 0;
}

function readSome(fd: number, chunk: ArrayBuffer): number {
  let size: number;
  try {
    size = read(fd, chunk, 0, chunk.byteLength);
  } catch (error) {
    throw isSysError(error) ? failure(`Read from D-Bus: ${error.message}`, error) : error;
  }
  if (size === 0) throw failure("D-Bus: the bus closed the connection");
  return size;
}

/** What comes in, cut into a first line and messages. */
function inputOf(fd: number, path: string, deadline: Deadline) {
  let bytes = new Uint8Array(0);
  const take = (size: number) => {
    const taken = bytes.slice(0, size);
    bytes = bytes.slice(size);
    return taken;
  };
  const more = () => {
    awaitEvent(fd, path, POLLIN, deadline);
    const chunk = new ArrayBuffer(CHUNK);
    const size = readSome(fd, chunk);
    const joined = new Uint8Array(bytes.length + size);
    joined.set(bytes);
    joined.set(new Uint8Array(chunk, 0, size), bytes.length);
    bytes = joined;
  };
  const skip = (size: number) => {
    let left = size;
    for (; left > bytes.length; more()) left -= take(bytes.length).length;
    take(left);
  };
  return {
    line: (): string => {
      let end = bytes.indexOf(0x0a);
      for (; end < 0; end = bytes.indexOf(0x0a)) more();
      return String.fromCharCode(...take(end + 1)).trim();
    },
    message: (): Incoming => {
      for (;;) {
        const found = decodeMessage(bytes);
        if (found === "broken") throw failure("D-Bus: what the bus sent is no message");
        if (found === undefined) more();
        else skip(found.size);
        if (found?.message !== undefined) return found.message;
      }
    },
  };
}
