import { RuntimeFailure } from "../failure.ts";
import type { BindMount, LaunchPlan } from "../plan/launch-plan.ts";
import type { BlockMount } from "../plan/mountinfo.ts";
import { O_PATH, S_IFDIR, S_IFMT, S_IFREG } from "../sys/constants.ts";
import { isSysError, messageOf } from "../sys/errors.ts";
import { close, fstat, hasEntry, open, openDirectory, openInRoot, removeTree, renameat2 } from "../sys/file.ts";
import { MEBIBYTE } from "../units.ts";
import { type Budget, copyTree } from "./copy-tree.ts";
import { openPlace } from "./place-in-root.ts";
import { noteUndo, type RootfsCopy } from "./undo-journal.ts";

/** Of all copies of a container: they are made while `create` is waited for. */
const MOST_BYTES = 256 * MEBIBYTE;
const MOST_ENTRIES = 100_000;

/** What an own file of the image is called while a copy has its place; each bind mount has its number. */
const KEPT = ".urunc-kept-";

/**
 * Copies what the bundle binds into the file system of the rootfs, which is about to become the guest's disk. What the
 * image has at such a place is kept beside it under another name. `delete` takes the copies out again, so that the
 * snapshot does not keep a secret and a later start finds the image as it was.
 *
 * @param directory the container's, for the journal.
 * @param warn is told what is left out.
 * @throws RuntimeFailure `bind-mount` naming source and destination.
 */
export function copyIntoRootfs(
  { root, rootfsCopies = [] }: LaunchPlan,
  directory: number,
  warn: (message: string) => void,
): void {
  if (root.mount === undefined || rootfsCopies.length === 0) return;
  const budget: Budget = { bytes: MOST_BYTES, entries: MOST_ENTRIES };
  const image = openDirectory(root.mount.mountPoint);
  try {
    for (const [index, mount] of rootfsCopies.entries()) {
      try {
        const copy = copyOf(mount, index, root.mount);
        if (!copyMount(image, mount, copy, directory, budget)) {
          warn(
            `The guest does not get the bind mount ${mount.destination}: ${mount.source} is neither a file nor a directory`,
          );
        }
      } catch (error) {
        if (!isSysError(error) && !(error instanceof RuntimeFailure)) throw error;
        const message = `Bind mount ${mount.source} on ${mount.destination} of the guest: ${messageOf(error)}`;
        throw new RuntimeFailure("bind-mount", message, { cause: error });
      }
    }
  } finally {
    close(image);
  }
}

function copyOf({ destination }: BindMount, index: number, { mountPoint, device }: BlockMount): RootfsCopy {
  const cut = destination.lastIndexOf("/");
  const [parent, name] = [destination.slice(0, cut) || "/", destination.slice(cut + 1)];
  return { undo: "copy", mountPoint, device, parent, name, kept: `${KEPT}${index}` };
}

/** @returns whether it is something that has a copy. */
function copyMount(image: number, mount: BindMount, copy: RootfsCopy, directory: number, budget: Budget): boolean {
  const source = open(mount.source, O_PATH);
  try {
    const type = fstat(source).mode & S_IFMT;
    if (type !== S_IFDIR && type !== S_IFREG) return false;
    const parent = openPlace(image, copy.parent, true);
    try {
      makeRoom(parent, copy, directory);
      copyTree(source, parent, copy.name, budget);
    } finally {
      close(parent);
    }
  } finally {
    close(source);
  }
  return true;
}

/** What a journal that was lost has left is older than what has its place: it stays. */
function makeRoom(parent: number, copy: RootfsCopy, directory: number): void {
  const { name, kept = "" } = copy;
  const isKept = hasEntry(parent, kept);
  const isThere = hasEntry(parent, name);
  const { kept: _, ...alone } = copy;
  noteUndo(directory, isKept || isThere ? copy : alone);
  if (isKept) removeTree(parent, name);
  else if (isThere) renameat2(parent, name, parent, kept, 0);
}

/** Takes a copy out of the mounted file system again and puts what the image had in its place; may be played again. */
export function removeCopy({ mountPoint, parent, name, kept }: RootfsCopy): void {
  const image = openDirectory(mountPoint);
  try {
    const place = openInRoot(image, parent, O_PATH);
    try {
      if (kept === undefined) removeTree(place, name);
      else if (hasEntry(place, kept)) {
        removeTree(place, name);
        renameat2(place, kept, place, name, 0);
      }
    } finally {
      close(place);
    }
  } catch (error) {
    // The guest has removed it.
    if (!isSysError(error, "ENOENT")) throw error;
  } finally {
    close(image);
  }
}
