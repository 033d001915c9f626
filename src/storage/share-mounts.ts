import { RuntimeFailure } from "../failure.ts";
import type { BindMount } from "../plan/launch-plan.ts";
import { type MountFlag, TIMES } from "../plan/mount-options.ts";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_T_EMPTY_PATH,
  MS_PRIVATE,
  OPEN_TREE_CLONE,
  S_IFDIR,
  S_IFMT,
  S_IFREG,
} from "../sys/constants.ts";
import { isSysError, messageOf } from "../sys/errors.ts";
import { close, fstat } from "../sys/file.ts";
import { mountSetattr, moveMount, openTree } from "../sys/mount.ts";
import { openPlace } from "./place-in-root.ts";

/**
 * Mounts what the bundle binds below a shared root. A place that the image does not have is made there, as every
 * runtime does. Paths are resolved below the share only, and what was opened is what is mounted on.
 *
 * @param share the root of the share.
 * @param warn is told what is left out.
 * @throws RuntimeFailure `bind-mount` naming source and destination.
 */
export function mountBelow(share: number, mounts: readonly BindMount[], warn: (message: string) => void): void {
  for (const mount of mounts) {
    try {
      mountOne(share, mount, warn);
    } catch (error) {
      if (!isSysError(error)) throw error;
      const message = `Bind mount ${mount.source} on ${mount.destination} of the guest: ${messageOf(error)}`;
      throw new RuntimeFailure("bind-mount", message, { cause: error });
    }
  }
}

/** linux/mount.h; relatime is the absence of the others. */
const ATTRIBUTES: Readonly<Record<MountFlag, number>> = {
  nosuid: MOUNT_ATTR_NOSUID,
  nodev: MOUNT_ATTR_NODEV,
  noexec: MOUNT_ATTR_NOEXEC,
  nosymfollow: 0x200000,
  nodiratime: 0x80,
  relatime: 0,
  noatime: 0x10,
  strictatime: 0x20,
};
const MOUNT_ATTR__ATIME = 0x70;

/** Of each mount below the share on the host; whether programs of the guest are held to them is its own init's matter. */
function attributesOf({ readonly, writableBelow, flags = [] }: BindMount): { set: number; clear: number } {
  const access = readonly ? MOUNT_ATTR_RDONLY : 0;
  const asked = flags.reduce((all, flag) => all | ATTRIBUTES[flag], 0);
  const isTimed = flags.some((flag) => TIMES.includes(flag));
  return {
    set: access | asked | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
    clear: (isTimed ? MOUNT_ATTR__ATIME : 0) | (writableBelow === true && !readonly ? MOUNT_ATTR_RDONLY : 0),
  };
}

function mountOne(share: number, mount: BindMount, warn: (message: string) => void): void {
  const recursive = mount.recursive ? AT_RECURSIVE : 0;
  const source = openTree(AT_FDCWD, mount.source, OPEN_TREE_CLONE | recursive);
  try {
    const type = fstat(source).mode & S_IFMT;
    if (type !== S_IFDIR && type !== S_IFREG) {
      const { source: path, destination } = mount;
      warn(`The guest does not get the bind mount ${destination}: ${path} is neither a file nor a directory`);
      return;
    }
    const { set, clear } = attributesOf(mount);
    mountSetattr(source, "", AT_EMPTY_PATH | recursive, set, clear, MS_PRIVATE);
    const place = openPlace(share, mount.destination, type === S_IFDIR);
    moveMount(source, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
    close(place);
  } finally {
    close(source);
  }
}
