/** Lines of the log for whoever collects those of the host: journald by its own protocol, else syslog. */
import type { Level } from "./log.ts";
import { plainText } from "./plan/quote.ts";
import { POLLOUT, SOCK_DGRAM } from "./sys/constants.ts";
import { isSysError, messageOf } from "./sys/errors.ts";
import { close, setNonblock } from "./sys/file.ts";
import { getpid, poll, wallClock } from "./sys/process.ts";
import { connectUnix, sendFds, unixSocket } from "./sys/socket.ts";

const JOURNAL = "/run/systemd/journal/socket";
const SYSLOG = "/dev/log";

const IDENTIFIER = "urunc";
/** Severities of syslog(3), which are journald's priorities. */
const SEVERITIES: Readonly<Record<Level, number>> = { error: 3, warning: 4, info: 6, debug: 7 };
/** LOG_DAEMON of syslog(3). */
const FACILITY = 3;
/** UTF-16 units of a line; the rest is cut off. */
const LONGEST_LINE = 4096;
/** Milliseconds that a collector whose queue is full may take, once in a verb; then the line is lost. */
const PATIENCE_MS = 100;

/** Where lines go, and how long to wait for who takes them. */
interface Collector {
  readonly path: string;
  /** Milliseconds; none are left after a line that was given up: a verb must not wait for each of its lines. */
  patience: number;
}

const MONTHS: readonly string[] = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/**
 * Finds out who collects lines.
 *
 * @param container its id, which every line has.
 * @returns what sends one line, or why nobody gets any.
 */
export function openSyslog(container: string): ((level: Level, message: string) => void) | string {
  const reasons: string[] = [];
  for (const [path, packet] of [
    [JOURNAL, journalPacket],
    [SYSLOG, syslogPacket],
  ] as const) {
    try {
      close(connectTo(path));
      const collector = { path, patience: PATIENCE_MS };
      return (level, message) => send(collector, packet(level, container, oneLine(container, message)));
    } catch (error) {
      if (!isSysError(error)) throw error;
      reasons.push(messageOf(error));
    }
  }
  return `log.syslog of the configuration: nobody collects log lines: ${reasons.join("; ")}`;
}

function oneLine(container: string, message: string): string {
  return plainText(`container ${container}: ${message}`.slice(0, LONGEST_LINE));
}

/** systemd, "Native Journal Protocol": a field a line. */
function journalPacket(level: Level, container: string, line: string): string {
  const fields = [
    `MESSAGE=${line}`,
    `PRIORITY=${SEVERITIES[level]}`,
    `SYSLOG_FACILITY=${FACILITY}`,
    `SYSLOG_IDENTIFIER=${IDENTIFIER}`,
    `SYSLOG_PID=${getpid()}`,
    `CONTAINER_ID_FULL=${container}`,
  ];
  return `${fields.join("\n")}\n`;
}

/** RFC 3164 as the C library writes it: without a host name. In UTC, which is musl's way. */
function syslogPacket(level: Level, _container: string, line: string): string {
  const now = new Date(wallClock()[0] * 1000);
  const day = String(now.getUTCDate()).padStart(2);
  const time = `${MONTHS[now.getUTCMonth()]} ${day} ${now.toISOString().slice(11, 19)}`;
  return `<${FACILITY * 8 + SEVERITIES[level]}>${time} ${IDENTIFIER}[${getpid()}]: ${line}`;
}

/** Connected anew for each line: descriptors are closed on the way, and the collector may be another one by then. */
function send(collector: Collector, packet: string): void {
  try {
    const socket = connectTo(collector.path);
    try {
      sendPatiently(socket, packet, collector);
    } finally {
      close(socket);
    }
  } catch (error) {
    // What cannot be told is in the other log.
    if (!isSysError(error)) throw error;
  }
}

function sendPatiently(socket: number, packet: string, collector: Collector): void {
  try {
    sendFds(socket, packet, []);
  } catch (error) {
    if (!isSysError(error, "EAGAIN") || collector.patience === 0) throw error;
    const [ready = 0] = poll([socket], collector.patience, [POLLOUT]);
    if (ready === 0) collector.patience = 0;
    sendFds(socket, packet, []);
  }
}

function connectTo(path: string): number {
  const socket = unixSocket(SOCK_DGRAM);
  try {
    connectUnix(socket, path);
    setNonblock(socket, true);
    return socket;
  } catch (error) {
    close(socket);
    throw error;
  }
}
