import { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } from "../sys/constants.ts";
import { isShortage, isSysError } from "../sys/errors.ts";
import { close, openat, readText, replaceFile } from "../sys/file.ts";

/** What `start` changes on a link that outlives the container; noted before it is done, for `delete`. */
export interface NetworkRecord {
  /** The namespace as the kernel names it. */
  readonly namespace: string;
  /** Path of the namespace; empty where it was made for the container and ends with it. */
  readonly path: string;
  /** Index of the link in the namespace. */
  readonly link: number;
  /** Name of the tap, which outlives the monitor where that opens it by name. */
  readonly tap: string;
  /** Marks the filters. */
  readonly cookie: string;
  readonly madeIngress: boolean;
}

const FILE = "network.json";
const LIMIT = 65536;

/** `start` writes what the init hands it: in a user namespace the init may not. */
export function keepNetworkRecord(directory: number, text: string): void {
  replaceFile(directory, FILE, text, { mode: 0o600, durable: false });
}

/**
 * undefined where nothing was changed, or where the file is none of ours.
 *
 * @throws SysError where it could not be read for now.
 */
export function readNetworkRecord(directory: number): NetworkRecord | undefined {
  let fd: number;
  try {
    fd = openat(directory, FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (isSysError(error) && !isShortage(error)) return undefined;
    throw error;
  }
  try {
    const value: unknown = JSON.parse(readText(fd, LIMIT));
    return isNetworkRecord(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || (isSysError(error) && !isShortage(error))) return undefined;
    throw error;
  } finally {
    close(fd);
  }
}

function isNetworkRecord(value: unknown): value is NetworkRecord {
  if (typeof value !== "object" || value === null) return false;
  const { namespace, path, link, tap, cookie, madeIngress } = { ...EMPTY, ...value };
  return (
    typeof namespace === "string" &&
    typeof path === "string" &&
    typeof link === "number" &&
    Number.isSafeInteger(link) &&
    typeof tap === "string" &&
    typeof cookie === "string" &&
    typeof madeIngress === "boolean"
  );
}

const EMPTY: Readonly<Record<keyof NetworkRecord, unknown>> = {
  namespace: undefined,
  path: undefined,
  link: undefined,
  tap: undefined,
  cookie: undefined,
  madeIngress: undefined,
};
