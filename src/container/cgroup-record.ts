import type { Inodes } from "../cgroups/owned.ts";
import type { CgroupPlace } from "../resources/cgroup-place.ts";
import { AT_FDCWD, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } from "../sys/constants.ts";
import { isShortage, isSysError } from "../sys/errors.ts";
import { close, openat, readText, replaceFile, writeAll } from "../sys/file.ts";

/** The container's cgroup; noted before it is made. */
export interface CgroupRecord {
  readonly place: CgroupPlace;
  /** Bytes. */
  readonly guestMemory: number;
  /** The bundle's limit where it is another number, since a monitor gives whole units. */
  readonly bundleLimit?: number;
  /** Bytes that limits of memory have more than the bundle's. */
  readonly overhead: number;
  /** The directories that were made. Without it none of our processes has been in the cgroup. */
  readonly made?: Inodes;
}

export const CGROUP_RECORD = "cgroup.json";
const LIMIT = 65536;

/** Of a half-written note nothing has been made yet, so that no second name is needed. */
export function writeCgroupRecord(directory: number, record: CgroupRecord): void {
  const fd = openat(directory, CGROUP_RECORD, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    writeAll(fd, JSON.stringify(record));
  } finally {
    close(fd);
  }
}

/** The note as it is once the cgroup is made, before a process is in it. */
export function noteMade(directory: number, record: CgroupRecord, made: Inodes): void {
  replaceFile(directory, CGROUP_RECORD, JSON.stringify({ ...record, made }), { mode: 0o600, durable: false });
}

/**
 * The note in a container's directory; undefined for one without a cgroup of its own, or where the file is none of ours.
 *
 * @throws SysError where it could not be read for now.
 */
export function readCgroupRecord(directory: string): CgroupRecord | undefined {
  let fd: number;
  try {
    fd = openat(AT_FDCWD, `${directory}/${CGROUP_RECORD}`, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (isSysError(error) && !isShortage(error)) return undefined;
    throw error;
  }
  try {
    const value: unknown = JSON.parse(readText(fd, LIMIT));
    return isCgroupRecord(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || (isSysError(error) && !isShortage(error))) return undefined;
    throw error;
  } finally {
    close(fd);
  }
}

function isCgroupRecord(value: unknown): value is CgroupRecord {
  if (typeof value !== "object" || value === null || !("place" in value)) return false;
  const { place } = value;
  if (typeof place !== "object" || place === null) return false;
  const { v1, v2, unit } = { v1: undefined, v2: undefined, unit: undefined, ...place };
  const isText = (text: unknown) => text === undefined || typeof text === "string";
  const { guestMemory, bundleLimit, overhead, made } = {
    guestMemory: undefined,
    bundleLimit: 0,
    overhead: undefined,
    made: {},
    ...value,
  };
  return (
    typeof v1 === "object" &&
    v1 !== null &&
    Object.values(v1).every(isDirectory) &&
    (v2 === undefined || isDirectory(v2)) &&
    isText(unit) &&
    typeof guestMemory === "number" &&
    typeof bundleLimit === "number" &&
    typeof overhead === "number" &&
    typeof made === "object" &&
    made !== null
  );
}

function isDirectory(path: unknown): boolean {
  return typeof path === "string" && path.startsWith("/sys/fs/cgroup/") && !path.split("/").includes("..");
}
