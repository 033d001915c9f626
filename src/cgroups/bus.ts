import { BUS_NAME } from "../dbus/answers.ts";
import { type Call, decodeMessage, encodeCall, type Incoming } from "../dbus/message.ts";
import { RuntimeFailure } from "../failure.ts";
import { POLLIN, SOCK_STREAM } from "../sys/constants.ts";
import { isSysError, messageOf } from "../sys/errors.ts";
import { close, read, write } from "../sys/file.ts";
import { getenv, geteuid, monotonicMs, poll } from "../sys/process.ts";
import { connectUnix, unixSocket } from "../sys/socket.ts";

const SYSTEM_BUS = "/run/dbus/system_bus_socket";
const TIMEOUT_MS = 30_000;
const CHUNK = 4096;

/** A connection to a message bus. */
export interface Bus {
  /** Sends calls as one packet; the serial of the last. */
  send(calls: readonly Call[]): number;
  /** The next message that says something. @throws RuntimeFailure `dbus` after half a minute. */
  receive(): Incoming;
  close(): void;
}

/** The system's bus for root, the user's for everybody else. @throws RuntimeFailure `dbus`. */
export function openBus(): Bus {
  const path = busPath();
  const fd = unixSocket(SOCK_STREAM);
  try {
    connectUnix(fd, path);
  } catch (error) {
    close(fd);
    const advice = "start D-Bus, or call without --systemd-cgroup";
    throw failure(`Connect to ${path}: ${messageOf(error)}: ${advice}`, error);
  }
  const input = inputOf(fd);
  let serial = 0;
  const bus: Bus = {
    send: (calls) => {
      writeBytes(
        fd,
        calls.map((call) => encodeCall(call, ++serial)),
      );
      return serial;
    },
    receive: () => input.message(),
    close: () => close(fd),
  };
  try {
    // No answer is waited for before the next line: the bus keeps the order.
    writeBytes(fd, [asciiBytes(`\0AUTH EXTERNAL ${hexOf(String(geteuid()))}\r\nBEGIN\r\n`)]);
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

function failure(message: string, cause?: unknown): RuntimeFailure {
  return new RuntimeFailure("dbus", message, { kind: "system", cause });
}

function asciiBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function hexOf(text: string): string {
  return [...text].map((character) => character.charCodeAt(0).toString(16)).join("");
}

function writeBytes(fd: number, parts: readonly Uint8Array[]): void {
  for (const part of parts) {
    const bytes = part.slice().buffer;
    try {
      for (let at = 0; at < bytes.byteLength; ) at += write(fd, bytes, at, bytes.byteLength - at);
    } catch (error) {
      throw isSysError(error) ? failure(`Write to D-Bus: ${error.message}`, error) : error;
    }
  }
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
function inputOf(fd: number) {
  let bytes = new Uint8Array(0);
  const deadline = monotonicMs() + TIMEOUT_MS;
  const take = (size: number) => {
    const taken = bytes.slice(0, size);
    bytes = bytes.slice(size);
    return taken;
  };
  const more = () => {
    const [ready = 0] = poll([fd], Math.max(0, Math.ceil(deadline - monotonicMs())));
    if ((ready & POLLIN) === 0) throw failure("D-Bus: systemd does not answer within half a minute");
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
