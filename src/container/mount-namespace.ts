import {
  AT_FDCWD,
  CLONE_NEWNS,
  MNT_DETACH,
  MOVE_MOUNT_F_EMPTY_PATH,
  MS_REC,
  MS_SLAVE,
  O_DIRECTORY,
  O_PATH,
  O_RDONLY,
  OPEN_TREE_CLONE,
  RESOLVE_NO_XDEV,
} from "../sys/constants.ts";
import { isSysError } from "../sys/errors.ts";
import { close, fstat, open, openat2 } from "../sys/file.ts";
import { chroot, mount, moveMount, openTree, pivotRoot, umount2 } from "../sys/mount.ts";
import { chdir, fchdir, setns, unshare } from "../sys/process.ts";
import { join, type NamespaceSet } from "./namespaces.ts";

/** Makes the container's own copy of the mounts at last. */
export type MakeMounts = () => void;

/**
 * Joins the mount namespace, if there is one to join, after all others, since paths change their meaning with it, and
 * makes the container's own (docs/decisions/016). A copy of the mounts keeps every file system of the host in use. So
 * while the container waits its own namespace has next to nothing in it, and the copy is made at `start`.
 *
 * @param cover a directory that is this container's alone: the root meanwhile.
 */
export function joinMounts(set: NamespaceSet, cover: string): MakeMounts {
  const joined = set.joined.find(({ type }) => type === "mount");
  if (set.hasUser || set.hasHooks) {
    if (joined !== undefined) join(joined);
    for (const { fd } of set.joined) close(fd);
    // In a user namespace there is no way back to the mounts of the host: the container waits in them.
    if (!set.hasHooks) return () => unshare(CLONE_NEWNS);
    makeOwn();
    return () => undefined;
  }
  const back = joined === undefined ? wayBack() : () => join(joined);
  for (const one of set.joined) if (one !== joined || back === undefined) close(one.fd);
  if (back === undefined) return () => unshare(CLONE_NEWNS);
  makeOwn();
  leaveFor(cover);
  return () => {
    back();
    if (joined !== undefined) close(joined.fd);
    // The monitor's root is made by pivot_root(2): never in a namespace that belongs to others.
    unshare(CLONE_NEWNS);
  };
}

/** To the mounts of the caller, and to its root if that is one of chroot(2); undefined without the right to go there. */
function wayBack(): (() => void) | undefined {
  const mounts = open("/proc/self/ns/mnt", O_RDONLY);
  const root = open("/", O_PATH | O_DIRECTORY);
  try {
    setns(mounts, CLONE_NEWNS);
  } catch (error) {
    if (!isSysError(error, "EPERM")) throw error;
    close(mounts);
    close(root);
    return undefined;
  }
  const isChroot = hasParent(root);
  if (isChroot) returnTo(root);
  // A directory of the host is held only where it has to be.
  else close(root);
  return () => {
    setns(mounts, CLONE_NEWNS);
    close(mounts);
    if (isChroot) {
      returnTo(root);
      close(root);
    }
  };
}

/** Whether a directory is not the root of this process: that one is its own parent. */
function hasParent(directory: number): boolean {
  let parent: number;
  try {
    parent = openat2(directory, "..", O_PATH | O_DIRECTORY, 0, RESOLVE_NO_XDEV);
  } catch (error) {
    // In another mount, were it one of the same directory.
    if (isSysError(error, "EXDEV")) return true;
    throw error;
  }
  const [above, own] = [fstat(parent), fstat(directory)];
  close(parent);
  return above.dev !== own.dev || above.ino !== own.ino;
}

/** What is mounted there is the container's alone; what the host unmounts is unmounted there too. */
function makeOwn(): void {
  unshare(CLONE_NEWNS);
  mount(null, "/", null, MS_REC | MS_SLAVE, null);
}

/** Makes a directory the root of this mount namespace, and all there is in it. */
function leaveFor(directory: string): void {
  const root = openTree(AT_FDCWD, directory, OPEN_TREE_CLONE);
  moveMount(root, "", AT_FDCWD, directory, MOVE_MOUNT_F_EMPTY_PATH);
  fchdir(root);
  pivotRoot(".", ".");
  umount2(".", MNT_DETACH);
  chdir("/");
  close(root);
}

function returnTo(root: number): void {
  fchdir(root);
  chroot(".");
}
