import type { GlobalOptions } from "../cli/command.ts";
import { RuntimeFailure } from "../failure.ts";
import { close, exists } from "../sys/file.ts";
import {
  type ContainerDirectory,
  checkId,
  lockContainerDirectory,
  notFound,
  openContainerPath,
  readRecord,
} from "./container-directory.ts";
import type { ContainerRecord } from "./record.ts";
import { runtimeDirectory } from "./runtime-directory.ts";

/** Where runc keeps its containers when nobody gives it a root. */
export function runcRoot(): string {
  return `${runtimeDirectory()}/runc`;
}

/** Whether runc has a container of this id in its own root. */
export function isRuncDefault(id: string): boolean {
  return exists(`${runcRoot()}/${id}/state.json`);
}

/** Whose a container id is. */
export type Found =
  | { readonly owner: "urunc"; readonly record: ContainerRecord }
  | { readonly owner: "runc" }
  /** A directory without state file: a `create` that was killed half-way, or is at work. */
  | { readonly owner: "unfinished" }
  | { readonly owner: "none" };

/**
 * Finds a container below the root directory. Without `--root` runc has a default of its own, so a container it made
 * for us then lies there.
 *
 * @throws RuntimeFailure `bad-id`, `bad-state`, `not-ours`.
 */
export function findContainer(global: GlobalOptions, id: string): Found {
  checkId(id);
  const path = `${global.root}/${id}`;
  const fd = openContainerPath(path);
  if (fd === undefined) {
    return { owner: !global.rootGiven && isRuncDefault(id) ? "runc" : "none" };
  }
  try {
    const record = readRecord(fd, path);
    if (record === "foreign") return { owner: "runc" };
    return record === "absent" ? { owner: "unfinished" } : { owner: "urunc", record };
  } finally {
    close(fd);
  }
}

/** A container of ours, locked, with its record as it is under the lock. */
export interface LockedContainer {
  readonly directory: ContainerDirectory;
  readonly record: ContainerRecord;
}

/**
 * Locks a container and reads its record.
 *
 * @param onUnfinished what to do with the directory of a `create` that was killed, before `not-found` is thrown.
 * @returns `runc` when it is runc's.
 * @throws RuntimeFailure `not-found`.
 */
export function lockContainer(
  global: GlobalOptions,
  id: string,
  onUnfinished: (directory: ContainerDirectory) => void = ({ fd }) => close(fd),
): LockedContainer | "runc" {
  checkId(id);
  let directory: ContainerDirectory;
  try {
    directory = lockContainerDirectory(global.root, id);
  } catch (error) {
    if (error instanceof RuntimeFailure && error.code === "not-found" && findContainer(global, id).owner === "runc") {
      return "runc";
    }
    throw error;
  }
  const record = readRecord(directory.fd, directory.path);
  if (record === "foreign") {
    close(directory.fd);
    return "runc";
  }
  if (record === "absent") {
    onUnfinished(directory);
    throw notFound();
  }
  return { directory, record };
}
