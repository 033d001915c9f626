import { type CgroupPlace, directories } from "../resources/cgroup-place.ts";
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW } from "../sys/constants.ts";
import { isSysError } from "../sys/errors.ts";
import { fstatat } from "../sys/file.ts";

/** The inode of each directory. The kernel gives no number twice, so one that was made anew has another. */
export type Inodes = Readonly<Record<string, number>>;

/** Those of a cgroup that has just been made. @throws SysError when one is gone already. */
export function inodesOf(place: CgroupPlace): Inodes {
  return Object.fromEntries(
    directories(place).map((path) => [path, fstatat(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW).ino] as const),
  );
}

/** The part of a cgroup that is still what was made; the rest is gone or another's of the same name. */
export function ownedPart({ v2, v1, unit }: CgroupPlace, made: Inodes): CgroupPlace {
  const isOwned = (path: string) => made[path] !== undefined && inodeOf(path) === made[path];
  return {
    ...(v2 !== undefined && isOwned(v2) ? { v2 } : {}),
    v1: Object.fromEntries(Object.entries(v1).filter(([, path]) => isOwned(path))),
    ...(unit === undefined ? {} : { unit }),
  };
}

function inodeOf(path: string): number | undefined {
  try {
    return fstatat(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW).ino;
  } catch (error) {
    if (isSysError(error, "ENOENT")) return undefined;
    throw error;
  }
}
