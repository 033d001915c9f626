import { O_APPEND, O_CREAT, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } from "../sys/constants.ts";
import { isSysError, messageOf } from "../sys/errors.ts";
import { makeDirectories, open, writeLine } from "../sys/file.ts";
import { wallClock } from "../sys/process.ts";

/**
 * The points in time of a container's way to its monitor, in order: the place in the list is the number. CR is
 * `create`, RX the init, ST `start`. Names and numbers are those of the Go implementation, so that both can be compared.
 */
const POINTS = [
  "CR.invoked",
  "CR.unikontainer_created",
  "CR.initial_setup",
  "CR.start_reexec",
  "RX.create_invoked",
  "RX.close_pipes_and_setup_base",
  "CR.received_pids",
  "CR.hooks_executed",
  "CR.sent_ack",
  "RX.received_ack",
  "CR.terminated",
  "ST.invoked",
  "ST.unikontainer_created",
  "ST.sent_start_msg",
  "RX.received_start_msg",
  "RX.joined_netns",
  "RX.network_setup_completed",
  "RX.disk_setup_completed",
  "RX.execve_hypervisor",
] as const;
export type Point = (typeof POINTS)[number];

/** Seconds and nanoseconds since the epoch. */
export type Moment = readonly [number, number];

/** Writes a line for each point that is reached. */
export interface Timestamps {
  /** @param moment now, unless it was taken before the file was known. */
  stamp(point: Point, moment?: Moment): void;
}

/** No file is named: nothing is taken, and nothing costs anything. */
const OFF: Timestamps = { stamp: () => undefined };

/**
 * Opens the file of timestamps, which create, its init and start append to: one write(2) a line, so that lines of
 * several processes do not mix. A file that cannot be had is a warning, since no container depends on it.
 *
 * @param path undefined: timestamps are off.
 */
export function openTimestamps(path: string | undefined, id: string, warn: (message: string) => void): Timestamps {
  if (path === undefined) return OFF;
  let fd: number;
  try {
    fd = openFile(path);
  } catch (error) {
    warn(`Open timestamps: ${messageOf(error)}: nothing is stamped`);
    return OFF;
  }
  return {
    stamp: (point, [seconds, nanoseconds] = wallClock()) => {
      const order = POINTS.indexOf(point);
      const name = `"timestampID":"TS${pad(order, 2)}","timestampName":"${point}","timestampOrder":${order}`;
      // Nanoseconds since the epoch have more digits than a number keeps.
      tryWrite(fd, `{"containerID":${JSON.stringify(id)},${name},"time":${seconds}${pad(nanoseconds, 9)}}`);
    },
  };
}

/** O_NONBLOCK: a FIFO without a reader is an error, not a wait. */
function openFile(path: string): number {
  const flags = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
  try {
    return open(path, flags, 0o644);
  } catch (error) {
    if (!isSysError(error, "ENOENT")) throw error;
    makeDirectories(path.slice(0, path.lastIndexOf("/")), 0o755);
    return open(path, flags, 0o644);
  }
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, "0");
}

/** A full disk must not end what is measured. */
function tryWrite(fd: number, line: string): void {
  try {
    writeLine(fd, line);
  } catch (error) {
    if (!isSysError(error)) throw error;
  }
}
