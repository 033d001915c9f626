/**
 * Users of the host that monitors have for themselves. Whom one belongs to is a symbolic link by its number, whose text is
 * the directory of the container: all roots of this host share them. One whose container has gone is free, however it went.
 */
import type { IdRange } from "../config/configuration.ts";
import { RuntimeFailure } from "../failure.ts";
import { fnv1a } from "../fnv.ts";
import { isSysError } from "../sys/errors.ts";
import { close, exists, readlinkat, removeIfPresent, symlinkat } from "../sys/file.ts";
import { lockWithin } from "../sys/lock.ts";
import { openPrivateDirectory } from "../sys/private-directory.ts";
import { runtimeDirectory } from "./runtime-directory.ts";

/** Looking through a whole range takes a tenth of it. */
const LOCK_TIMEOUT_MS = 5000;

/**
 * Takes a free one.
 *
 * @param container absolute path of the container's directory.
 * @throws RuntimeFailure `monitor-uids` where none is free, or it cannot be found out.
 */
export function takeMonitorId({ first, last }: IdRange, container: string): number {
  return withUsers((users) => {
    const size = last - first + 1;
    // From a place that is the container's: most are found at the first look, and one that it had before is found again.
    const start = fnv1a(container) % size;
    for (let step = 0; step < size; step++) {
      const id = first + ((start + step) % size);
      if (isTaken(users, id, container)) continue;
      removeIfPresent(users, `${id}`);
      symlinkat(container, users, `${id}`);
      return id;
    }
    const message = `runtime.monitor_uids: all ${size} users from ${first} to ${last} belong to other containers: give a wider range`;
    throw new RuntimeFailure("monitor-uids", message, { kind: "system" });
  });
}

/** Gives it back; one that was taken by another container meanwhile stays that one's. */
export function releaseMonitorId(id: number, container: string): void {
  withUsers((users) => {
    if (ownerOf(users, id) === container) removeIfPresent(users, `${id}`);
  });
}

function isTaken(users: number, id: number, container: string): boolean {
  const owner = ownerOf(users, id);
  return owner !== undefined && owner !== container && exists(owner);
}

function ownerOf(users: number, id: number): string | undefined {
  try {
    return readlinkat(users, `${id}`);
  } catch (error) {
    if (isSysError(error, "ENOENT")) return undefined;
    throw error;
  }
}

function withUsers<T>(use: (users: number) => T): T {
  const path = `${runtimeDirectory()}/urunc-uids`;
  const users = openPrivateDirectory(path);
  const failure = (why: string) =>
    new RuntimeFailure("monitor-uids", `runtime.monitor_uids: ${path} ${why}`, { kind: "system" });
  if (users === undefined) throw failure("is not a directory of root's alone: remove it");
  try {
    if (!lockWithin(users, LOCK_TIMEOUT_MS)) throw failure("is locked by another process: try again");
    return use(users);
  } finally {
    close(users);
  }
}
