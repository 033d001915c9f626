import { isObject } from "../oci/decode.ts";
import { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } from "../sys/constants.ts";
import { isShortage, isSysError } from "../sys/errors.ts";
import { close, openat, readText, replaceFile } from "../sys/file.ts";

/** What `start` changes in a namespace that outlives the container; noted before it is done, for `delete`. */
export interface NetworkRecord {
  /** The namespace as the kernel names it. */
  readonly namespace: string;
  /** Its cookie, since another namespace may get that name; absent where the kernel has none, and in older records. */
  readonly cookie?: string;
  /** Path of the namespace; empty where it was made for the container and ends with it. */
  readonly path: string;
  readonly nics: readonly NicRecord[];
}

/** What is made for one nic. */
export interface NicRecord {
  /** Index of the link in the namespace. */
  readonly link: number;
  /** From which the names of the tap, the filters and the table are made. */
  readonly hash: string;
  /** The tap is the monitor's and goes with it; otherwise it is ours to take away. */
  readonly isHanded: boolean;
  /** There are filters on the link; whether its discipline is ours to take away. */
  readonly madeIngress?: boolean;
  /** There is a table; whether forwarding on the link is ours to take away. */
  readonly madeForwarding?: boolean;
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
  if (!isObject(value)) return false;
  const { namespace, cookie, path, nics } = value;
  const isNamed = typeof namespace === "string" && (cookie === undefined || typeof cookie === "string");
  return isNamed && typeof path === "string" && Array.isArray(nics) && nics.every(isNicRecord);
}

function isFlag(value: unknown): boolean {
  return value === undefined || typeof value === "boolean";
}

function isNicRecord(value: unknown): value is NicRecord {
  if (!isObject(value)) return false;
  const { link, hash, isHanded, madeIngress, madeForwarding } = value;
  const hasFlags = typeof isHanded === "boolean" && isFlag(madeIngress) && isFlag(madeForwarding);
  return Number.isSafeInteger(link) && typeof hash === "string" && hasFlags;
}
