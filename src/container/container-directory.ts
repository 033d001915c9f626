import { RuntimeFailure } from "../failure.ts";
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_SYMLINK_NOFOLLOW,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
} from "../sys/constants.ts";
import { isSysError } from "../sys/errors.ts";
import {
  close,
  emptyDirectory,
  fstat,
  fstatat,
  makeDirectories,
  mkdirat,
  open,
  openat,
  readlinkat,
  readText,
  removeTree,
  replaceFile,
  symlinkat,
  unlinkat,
} from "../sys/file.ts";
import { lockWithin } from "../sys/lock.ts";
import { geteuid, getpid } from "../sys/process.ts";
import { identityOfPid, type ProcessIdentity } from "./process.ts";
import { badState, type ContainerRecord, parseRecord } from "./record.ts";

/** Names inside a container's directory. */
export const STATE_FILE = "state.json";
export const INIT_SOCKET = "init.sock";
/** A symbolic link whose text is `pid:start time:inode`: it needs no room on the disk, and no half of it can be written. */
const PROCESS_LINK = "process";
/** The same of a verb that runs hooks under the lock. */
const HOOK_RUNNER_LINK = "hooks";

const STATE_LIMIT = 8 << 20;
const LOCK_TIMEOUT_MS = 10_000;

/** `<root>/<id>`, open and locked: one verb at a time works on a container. */
export interface ContainerDirectory {
  readonly id: string;
  readonly path: string;
  /** The directory; its flock(2) is the container's lock and ends with the descriptor. */
  readonly fd: number;
  /** Name of the container that no other has as long as the directory is there: source of the mount of its monitor's root. */
  readonly mark: string;
}

/**
 * runc's rule for ids: they become a directory's name.
 *
 * @throws RuntimeFailure `bad-id`.
 */
export function checkId(id: string): void {
  if (id === "") throw new RuntimeFailure("bad-id", "container ID can not be empty");
  if (!/^[\w+.-]+$/.test(id) || id === "." || id === ".." || id.length > 255) {
    throw new RuntimeFailure("bad-id", "invalid container ID format");
  }
}

/**
 * Makes the directory of a new container.
 *
 * @throws RuntimeFailure `exists` when the id is in use.
 */
export function makeContainerDirectory(root: string, id: string): ContainerDirectory {
  const path = `${root}/${id}`;
  try {
    makeBelowRoot(root, path);
  } catch (error) {
    if (isSysError(error, "EEXIST")) throw idInUse();
    throw error;
  }
  try {
    return lockDirectory(path, id);
  } catch (error) {
    if (isSysError(error)) removeUnopened(path);
    throw error;
  }
}

/** A directory that was made and could not be opened, for want of descriptors for example. */
function removeUnopened(path: string): void {
  try {
    unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
  } catch (error) {
    if (!isSysError(error)) throw error;
  }
}

/** A root that exists is the normal case: it is made only when mkdir(2) misses it. */
function makeBelowRoot(root: string, path: string): void {
  try {
    mkdirat(AT_FDCWD, path, 0o700);
  } catch (error) {
    if (!isSysError(error, "ENOENT")) throw error;
    makeDirectories(root, 0o700);
    mkdirat(AT_FDCWD, path, 0o700);
  }
}

/**
 * Opens and locks the directory of a container.
 *
 * @throws RuntimeFailure `not-found`, `not-ours`, or `busy` when another verb holds the lock for longer than ten seconds.
 */
export function lockContainerDirectory(root: string, id: string): ContainerDirectory {
  return lockDirectory(`${root}/${id}`, id);
}

function lockDirectory(path: string, id: string): ContainerDirectory {
  const fd = openContainerPath(path);
  if (fd === undefined) throw notFound();
  try {
    lock(fd, path);
    const opened = fstat(fd);
    if (!isStillThere(opened, path)) throw notFound();
    return { id, path, fd, mark: markOf(opened) };
  } catch (error) {
    close(fd);
    throw error;
  }
}

function markOf({ dev, ino }: FileId): string {
  return `urunc:${dev}:${ino}`;
}

/** The mark of a container that is not locked. */
export function readMark(path: string): string {
  return markOf(fstatat(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW));
}

interface FileId {
  readonly dev: number;
  readonly ino: number;
}

/**
 * Opens what may be the directory of a container.
 *
 * @returns undefined where there is none.
 * @throws RuntimeFailure `not-ours` for one of another user, who could have the runtime end processes and run hooks.
 */
export function openContainerPath(path: string): number | undefined {
  let fd: number;
  try {
    fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    if (isSysError(error, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
    throw error;
  }
  const { uid } = fstat(fd);
  if (uid === 0 || uid === geteuid()) return fd;
  close(fd);
  throw new RuntimeFailure(
    "not-ours",
    `Container directory ${path} belongs to user ${uid}: it is not trusted: remove it`,
    { kind: "system" },
  );
}

function lock(fd: number, path: string): void {
  if (lockWithin(fd, LOCK_TIMEOUT_MS)) return;
  const advice = "try again, or end both by 'delete --force'";
  const why = `not free within ${LOCK_TIMEOUT_MS / 1000} s: another urunc works on this container`;
  throw new RuntimeFailure("busy", `Lock of ${path}: ${why}: ${advice}`, { kind: "system" });
}

/** The holder of the lock before us may have been `delete`, and `create` may have made the name anew. */
function isStillThere(opened: FileId, path: string): boolean {
  try {
    const now = fstatat(AT_FDCWD, path, 0);
    return now.ino === opened.ino && now.dev === opened.dev;
  } catch (error) {
    if (isSysError(error, "ENOENT", "ENOTDIR")) return false;
    throw error;
  }
}

export function writeRecord(directory: ContainerDirectory, record: ContainerRecord): void {
  replaceFile(directory.fd, STATE_FILE, JSON.stringify(record), { mode: 0o600, durable: false });
}

/**
 * What the state file of a directory holds.
 *
 * @returns `absent` for a directory without one (a create that was killed half-way), `foreign` for runc's.
 * @throws RuntimeFailure `bad-state`.
 */
export function readRecord(directoryFd: number, path: string): ContainerRecord | "absent" | "foreign" {
  let fd: number;
  try {
    fd = openat(directoryFd, STATE_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (isSysError(error, "ENOENT")) return "absent";
    throw isSysError(error) ? badState(`${path}/${STATE_FILE}`, error.message) : error;
  }
  try {
    return parseRecord(readText(fd, STATE_LIMIT), `${path}/${STATE_FILE}`) ?? "foreign";
  } catch (error) {
    throw isSysError(error) ? badState(`${path}/${STATE_FILE}`, error.message) : error;
  } finally {
    close(fd);
  }
}

/** Notes the process apart from the state, so that `delete --force` finds it even when the state is lost. */
export function writeProcessLink(directory: ContainerDirectory, identity: ProcessIdentity): void {
  writeIdentity(directory, PROCESS_LINK, identity);
}

/** What {@link writeProcessLink} noted; undefined when `create` did not come that far. */
export function readProcessLink(path: string): ProcessIdentity | undefined {
  return readIdentity(path, PROCESS_LINK);
}

/** Runs hooks, and notes meanwhile who does: they may take for good, and `delete --force` must have the lock. */
export function asHookRunner(directory: ContainerDirectory, run: () => void): void {
  writeIdentity(directory, HOOK_RUNNER_LINK, identityOfPid(getpid()));
  run();
  unlinkat(directory.fd, HOOK_RUNNER_LINK, 0);
}

/** Who runs hooks of this container, or did until it was killed. */
export function readHookRunner(path: string): ProcessIdentity | undefined {
  return readIdentity(path, HOOK_RUNNER_LINK);
}

function writeIdentity(directory: ContainerDirectory, name: string, { pid, startTime, inode }: ProcessIdentity): void {
  symlinkat(`${pid}:${startTime}${inode === undefined ? "" : `:${inode}`}`, directory.fd, name);
}

function readIdentity(path: string, name: string): ProcessIdentity | undefined {
  let text: string;
  try {
    text = readlinkat(AT_FDCWD, `${path}/${name}`);
  } catch (error) {
    if (isSysError(error)) return undefined;
    throw error;
  }
  if (!/^\d+:\d+(:\d+)?$/.test(text)) return undefined;
  const [pid = 0, startTime = 0, inode] = text.split(":").map(Number);
  return inode === undefined ? { pid, startTime } : { pid, startTime, inode };
}

/** Removes the directory; the lock goes with the descriptor. */
export function removeContainerDirectory(directory: ContainerDirectory): void {
  emptyDirectory(directory.fd);
  removeTree(AT_FDCWD, directory.path);
  close(directory.fd);
}

export function idInUse(): RuntimeFailure {
  return new RuntimeFailure("exists", "container with given ID already exists");
}

export function notFound(): RuntimeFailure {
  return new RuntimeFailure("not-found", "container does not exist");
}
