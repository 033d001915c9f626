import { RuntimeFailure } from "./failure.ts";
import { shortened } from "./few.ts";
import { jsonText } from "./json-text.ts";
import { plainText } from "./plain-text.ts";
import { O_APPEND, O_CREAT, O_NOCTTY, O_NONBLOCK, O_WRONLY } from "./sys/constants.ts";
import { isSysError, messageOf } from "./sys/errors.ts";
import { open, writeLine } from "./sys/file.ts";
import { wallClock } from "./sys/process.ts";

export type Level = "error" | "warning" | "info" | "debug";

/** Lines as runc writes them, which containerd's shim and Podman read back. */
export interface Log {
  /** Descriptor of the log file or of stderr. */
  readonly descriptor: number;
  /** Changes the least important level that is written. */
  setLevel(level: Level): void;
  /** Gives every line that is written to somebody else, too. */
  also(listener: (level: Level, message: string) => void): void;
  error(message: string): void;
  warning(message: string): void;
  info(message: string): void;
  debug(message: string): void;
}

const STDERR = 2;
const FLAGS = O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_NOCTTY;
const RANK: Readonly<Record<Level, number>> = { error: 0, warning: 1, info: 2, debug: 3 };

/**
 * Opens the log: a file (created, appended to, mode 0644) or stderr. Lines above `level` are dropped. A pipe without a
 * reader is an error, and one that is full loses lines: nobody waits for who reads the log.
 *
 * @throws RuntimeFailure when the file cannot be opened.
 */
export function openLog(options: { path: string | undefined; format: "text" | "json"; level: Level }): Log {
  const fd = options.path === undefined ? STDERR : openFile(options.path);
  const line = options.format === "json" ? jsonLine : textLine;
  const listeners: ((level: Level, message: string) => void)[] = [];
  let limit = RANK[options.level];
  const put = (level: Level) => (message: string) => {
    if (RANK[level] > limit) return;
    const text = shortened(message);
    tryWrite(fd, line(level, text));
    for (const listener of listeners) listener(level, text);
    // The log file is for the caller, stderr for the person (runc does the same for what ends it).
    if (level === "error" && fd !== STDERR) tryWrite(STDERR, plainText(text));
  };
  const setLevel = (level: Level) => {
    limit = RANK[level];
  };
  return {
    descriptor: fd,
    setLevel,
    also: (listener) => {
      listeners.push(listener);
    },
    error: put("error"),
    warning: put("warning"),
    info: put("info"),
    debug: put("debug"),
  };
}

function openFile(path: string): number {
  try {
    return open(path, FLAGS, 0o644);
  } catch (error) {
    const message = `Open log: ${messageOf(error)}: name a file that can be written to with --log`;
    throw new RuntimeFailure("log", message, { cause: error });
  }
}

/** Lines go to journald or syslog from now on, too, with the name of the container. */
export async function alsoToSyslog(log: Log, container: string): Promise<void> {
  const { openSyslog } = await import("./syslog.ts");
  const send = openSyslog(container);
  if (typeof send === "string") log.warning(send);
  else log.also(send);
}

/** A log that cannot be written (a full disk, a closed stderr) must not end what it tells of. */
function tryWrite(fd: number, line: string): void {
  try {
    writeLine(fd, line);
  } catch (error) {
    if (!isSysError(error)) throw error;
  }
}

function jsonLine(level: Level, message: string): string {
  return jsonText({ level, msg: message, time: timestamp() });
}

function textLine(level: Level, message: string): string {
  return `time="${timestamp()}" level=${level} msg=${jsonText(message)}`;
}

/** RFC 3339 with nanoseconds, UTC. */
export function timestamp(): string {
  const [seconds, nanoseconds] = wallClock();
  const toSeconds = new Date(seconds * 1000).toISOString().slice(0, 19);
  return `${toSeconds}.${String(nanoseconds).padStart(9, "0")}Z`;
}
