import { cloneChild } from "../sys/child.ts";
import { CLONE_NEWUSER, O_RDONLY, O_WRONLY } from "../sys/constants.ts";
import { close, open, pipe, read, withFile, writeAll } from "../sys/file.ts";
import { exit, waitpid } from "../sys/process.ts";

/**
 * A user namespace by which a mount shows the files of one user and group as another's (mount_setattr(2),
 * MOUNT_ATTR_IDMAP). Nobody runs in it: it is made by a child that ends at once.
 *
 * @returns its descriptor.
 */
export function openOwnerMap(owner: { readonly uid: number; readonly gid: number }, id: number): number {
  const [reader, writer] = pipe();
  const child = cloneChild(CLONE_NEWUSER, () => {
    close(writer);
    // Until its parent has what it wants, or has ended.
    read(reader, new ArrayBuffer(1), 0, 1);
    exit(0);
  });
  close(reader);
  try {
    const maps = { uid_map: owner.uid, gid_map: owner.gid };
    for (const [file, from] of Object.entries(maps)) {
      withFile(`/proc/${child.pid}/${file}`, O_WRONLY, (fd) => writeAll(fd, `${from} ${id} 1\n`));
    }
    return open(`/proc/${child.pid}/ns/user`, O_RDONLY);
  } finally {
    close(writer);
    waitpid(child.pid, 0);
    close(child.pidfd);
  }
}
