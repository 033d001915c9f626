import { RuntimeFailure } from "../failure.ts";
import type { BlockMount } from "../plan/mountinfo.ts";
import { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } from "../sys/constants.ts";
import { isSysError } from "../sys/errors.ts";
import { close, openat, readText, replaceFile } from "../sys/file.ts";

/** A copy in the file system of the rootfs. */
export interface RootfsCopy {
  readonly undo: "copy";
  /** Where the file system is mounted, and its device as `major:minor`. */
  readonly mountPoint: string;
  readonly device: string;
  /** Directory of the image, and the copy's name in it. */
  readonly parent: string;
  readonly name: string;
  /** What the image's own is called meanwhile; absent: it had nothing there. */
  readonly kept?: string;
}

/** What has to be done to put a step that reached the host back; written before the step. */
export type UndoEntry =
  /** Mount the file system again. */
  | { readonly undo: "unmount"; readonly mount: BlockMount; readonly backing: string | null }
  /** Let the loop device go with its last user again. */
  | { readonly undo: "keep-loop"; readonly source: string; readonly device: string; readonly backing: string | null }
  | RootfsCopy;

const FILE = "undo.json";
const LIMIT = 1 << 20;

/** Adds an entry to the journal of a container's directory. */
export function noteUndo(directory: number, entry: UndoEntry): void {
  const text = JSON.stringify([...readUndo(directory), entry]);
  replaceFile(directory, FILE, text, { mode: 0o600, durable: false });
}

/**
 * The entries, oldest first; none when nothing reached the host.
 *
 * @throws RuntimeFailure `bad-journal` for a file that is none of ours.
 */
export function readUndo(directory: number): readonly UndoEntry[] {
  let fd: number;
  try {
    fd = openat(directory, FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (isSysError(error, "ENOENT")) return [];
    throw error;
  }
  try {
    const value: unknown = JSON.parse(readText(fd, LIMIT));
    if (Array.isArray(value) && value.every(isEntry)) return value;
    throw new RuntimeFailure("bad-journal", `${FILE} is no journal`, { kind: "system" });
  } catch (error) {
    if (error instanceof SyntaxError) throw new RuntimeFailure("bad-journal", `${FILE}: ${error.message}`);
    throw error;
  } finally {
    close(fd);
  }
}

function isEntry(value: unknown): value is UndoEntry {
  if (!isObject(value)) return false;
  const { undo, mount, source, device, backing, kept } = { ...EMPTY, ...value };
  if (undo === "copy") {
    const texts = COPY_MEMBERS.every((name) => typeof Reflect.get(value, name) === "string");
    return texts && (kept === undefined || typeof kept === "string");
  }
  if (backing !== null && typeof backing !== "string") return false;
  if (undo === "keep-loop") return typeof source === "string" && typeof device === "string";
  return undo === "unmount" && isObject(mount) && MEMBERS.every((name) => typeof Reflect.get(mount, name) === "string");
}

const EMPTY: Readonly<Record<string, unknown>> = {
  undo: undefined,
  mount: undefined,
  source: undefined,
  device: undefined,
  backing: undefined,
  kept: undefined,
};
const COPY_MEMBERS: readonly (keyof RootfsCopy)[] = ["mountPoint", "device", "parent", "name"];
const MEMBERS: readonly (keyof BlockMount)[] = ["source", "device", "mountPoint", "fsType", "options", "superOptions"];

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
