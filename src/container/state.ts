import { AT_FDCWD } from "../sys/constants.ts";
import { isSysError } from "../sys/errors.ts";
import { fstatat, readTextFileIfPresent } from "../sys/file.ts";
import { statusWithPause } from "./cgroup.ts";
import { notFound } from "./container-directory.ts";
import type { ContainerRecord } from "./record.ts";
import type { Status } from "./status.ts";

/** What `state` and `list` print of a container: runc's members in runc's order. */
export interface ContainerState {
  readonly ociVersion: string;
  readonly id: string;
  /** 0 when stopped. */
  readonly pid: number;
  readonly status: Status | string;
  readonly bundle: string;
  readonly rootfs: string;
  readonly created: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly owner: string;
}

/** @throws RuntimeFailure `not-found` when the container is deleted in this moment. */
export function stateOf(root: string, record: ContainerRecord): ContainerState {
  const directory = `${root}/${record.id}`;
  const status = statusWithPause(directory, record);
  return {
    ociVersion: record.ociVersion,
    id: record.id,
    pid: status === "stopped" ? 0 : record.pid,
    status,
    bundle: record.bundle,
    rootfs: record.rootfs,
    created: record.created,
    annotations: record.annotations,
    owner: ownerOf(directory),
  };
}

/** Name of the user a directory belongs to; its number when /etc/passwd has no name for it. */
function ownerOf(path: string): string {
  const uid = userOf(path);
  if (uid === 0) return "root";
  const passwd = readTextFileIfPresent("/etc/passwd", 1 << 20) ?? "";
  const line = passwd.split("\n").find((entry) => entry.split(":")[2] === String(uid));
  return line?.split(":")[0] ?? String(uid);
}

function userOf(path: string): number {
  try {
    return fstatat(AT_FDCWD, path, 0).uid;
  } catch (error) {
    if (isSysError(error, "ENOENT")) throw notFound();
    throw error;
  }
}
