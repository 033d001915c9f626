import { RuntimeFailure } from "../failure.ts";
import { O_PATH, S_IFDIR, S_IFMT, S_IFREG } from "../sys/constants.ts";
import { isSysError, messageOf } from "../sys/errors.ts";
import { close, fstat, open } from "../sys/file.ts";
import { reopen } from "../sys/regular-file.ts";
import { archiveFile, archiveTree, type TreeWalk } from "./archive-tree.ts";
import type { ArchiveWriter } from "./archive-writer.ts";
import { cpioHead } from "./cpio.ts";
import { followLinks, type GuestTree } from "./guest-tree.ts";

/** Where entries of a bind mount go. */
interface Target {
  readonly writer: ArchiveWriter;
  readonly walk: TreeWalk;
  readonly tree: GuestTree;
  readonly made: Set<string>;
  readonly warn: (message: string) => void;
}

/** Modes of directories that are not 0755 anywhere, for where it is not known what the image has. */
const USUAL_MODES: Readonly<Record<string, number>> = { tmp: 0o1777, "var/tmp": 0o1777, root: 0o700 };

/**
 * Adds a copy of what a bind mount of the bundle has: a file, or a directory tree with its links as they are. Devices,
 * sockets and the like have no copy.
 *
 * @param source path on the host, links followed as mount(2) does.
 * @param path in the guest; links of the image are followed.
 * @throws RuntimeFailure `bind-mount` naming the source.
 */
export function addMount(target: Target, source: string, path: string): void {
  const place = followLinks(target.tree, path);
  if (place === undefined) {
    throw new RuntimeFailure("bind-mount", `Bind mount ${path}: a loop of symbolic links of the image`);
  }
  const fd = openSource(source, path);
  try {
    const type = fstat(fd).mode & S_IFMT;
    if (type !== S_IFDIR && type !== S_IFREG) {
      target.warn(`The guest does not get the bind mount ${path}: ${source} is neither a file nor a directory`);
      return;
    }
    addParents(target, place);
    if (type === S_IFREG) {
      const file = reopen(fd);
      try {
        archiveFile(target.walk, file, place);
      } finally {
        close(file);
      }
      return;
    }
    archiveTree(target.walk, fd, place, new Set());
    target.made.add(place);
  } finally {
    close(fd);
  }
}

function openSource(source: string, path: string): number {
  try {
    return open(source, O_PATH);
  } catch (error) {
    if (!isSysError(error)) throw error;
    throw new RuntimeFailure("bind-mount", `Bind mount ${path}: ${messageOf(error)}`, { cause: error });
  }
}

/** An archive without the directories of a file loses the file. */
function addParents({ writer, tree, made }: Target, place: string): void {
  for (let cut = place.indexOf("/"); cut > 0; cut = place.indexOf("/", cut + 1)) {
    const name = place.slice(0, cut);
    if (made.has(name) || tree.has(name)) continue;
    const mode = S_IFDIR | (USUAL_MODES[name] ?? 0o755);
    writer.text(
      cpioHead({ name, mode, uid: 0, gid: 0, mtime: 0, size: 0, ino: 0, nlink: 1, rdevMajor: 0, rdevMinor: 0 }),
    );
    made.add(name);
  }
}
