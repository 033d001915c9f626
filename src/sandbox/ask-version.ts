/** Running a program of the host to learn its version: the only time that a monitor runs outside of its own root. */
import { ANSWER_LIMIT } from "../monitors/versions.ts";
import { type Child, cloneChild } from "../sys/child.ts";
import {
  AT_FDCWD,
  AT_RECURSIVE,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MS_PRIVATE,
  O_RDWR,
  PR_SET_PDEATHSIG,
} from "../sys/constants.ts";
import { deadlineIn } from "../sys/deadline.ts";
import { isSysError } from "../sys/errors.ts";
import { close, closeAllBut, dup2, open, pipe, read, setNonblock } from "../sys/file.ts";
import { isHostRoot } from "../sys/host-root.ts";
import { mountSetattr } from "../sys/mount.ts";
import {
  chdir,
  exit,
  fexecve,
  kill,
  poll,
  prctl,
  resetSignalHandlers,
  setSignalMask,
  setsid,
  waitpid,
} from "../sys/process.ts";
import { SIGKILL } from "../sys/signals.ts";
import { decodeUtf8 } from "../sys/text.ts";
import { giveUpCapabilities, giveUpRights } from "./privileges.ts";

/** QEMU takes 30 to 70 ms, on a busy machine 200. */
const TIMEOUT_MS = 3000;
/** More than this is never read. */
const READ_LIMIT = 4096;
/** Nobody, and no group. */
const NOBODY = 65534;
const APART = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC;

/**
 * What `PROGRAM --version` writes to stdout and stderr, Solo5 the latter: the first {@link ANSWER_LIMIT} bytes of what
 * it wrote in time.
 *
 * Host's root gives it away: the program is nobody without any right, in namespaces of its own with all mounts
 * read-only and no network. It has no environment, no input and no descriptor of ours. The end of the first process
 * is the end of all: it is killed when it has not ended in time.
 *
 * @param program descriptor of the file, so that it is the one whose answer is wanted.
 * @throws SysError when it could not be run for want of something.
 */
export function askVersion(program: number, path: string): string {
  const [readEnd, writeEnd] = pipe();
  try {
    const child = cloneApart((apart) => becomeProgram(program, path, writeEnd, apart));
    close(writeEnd);
    try {
      return collect(readEnd, child.pidfd);
    } finally {
      end(child.pid);
      close(child.pidfd);
    }
  } finally {
    close(readEnd);
  }
}

/**
 * Without the rights to namespaces the program is the caller's own, with the caller's rights.
 *
 * @param live is told whether it has namespaces of its own.
 */
function cloneApart(live: (apart: boolean) => never): Child {
  try {
    return cloneChild(APART, () => live(true));
  } catch (error) {
    if (!isSysError(error, "EPERM", "EINVAL", "ENOSPC")) throw error;
    return cloneChild(0, () => live(false));
  }
}

function becomeProgram(program: number, path: string, output: number, apart: boolean): never {
  try {
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    // The group by which all are found that have no namespace to end with.
    setsid();
    dup2(open("/dev/null", O_RDWR), 0);
    dup2(output, 1);
    dup2(output, 2);
    // What the caller left open for a container is not this program's. Its own file is closed by execve.
    closeAllBut(3, [program]);
    if (apart) {
      const attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
      mountSetattr(AT_FDCWD, "/", AT_RECURSIVE, attributes, 0, MS_PRIVATE);
    }
    chdir("/");
    if (isHostRoot()) giveUpRights({ uid: NOBODY, gid: NOBODY, additionalGids: [], umask: 0o077 }, true);
    else giveUpCapabilities();
    setSignalMask([]);
    resetSignalHandlers();
    fexecve(program, [path, "--version"], []);
  } catch {
    // No answer is the answer.
  } finally {
    exit(127);
  }
}

/** Until the program ends, the pipe is closed, enough is there, or time is up. */
function collect(readEnd: number, pidfd: number): string {
  setNonblock(readEnd, true);
  const buffer = new ArrayBuffer(READ_LIMIT);
  const deadline = deadlineIn(TIMEOUT_MS);
  let length = 0;
  while (length < READ_LIMIT) {
    const left = deadline.left();
    if (left === 0) break;
    const [, ended] = poll([readEnd, pidfd], left);
    const count = readSome(readEnd, buffer, length);
    // Who outlives the program may hold the pipe open.
    if (count === 0 || (count === undefined && ended !== 0)) break;
    length += count ?? 0;
  }
  return decodeUtf8(buffer, 0, Math.min(length, ANSWER_LIMIT));
}

/** Bytes read, 0 at the end; undefined when there are none yet. */
function readSome(fd: number, buffer: ArrayBuffer, offset: number): number | undefined {
  try {
    return read(fd, buffer, offset, buffer.byteLength - offset);
  } catch (error) {
    if (isSysError(error, "EAGAIN")) return undefined;
    throw error;
  }
}

/** Until it is reaped its pid is no other's. */
function end(pid: number): void {
  for (const attempt of [() => kill(pid, SIGKILL), () => kill(-pid, SIGKILL)]) {
    try {
      attempt();
    } catch (error) {
      if (!isSysError(error, "ESRCH")) throw error;
    }
  }
  waitpid(pid, 0);
}
