import { RuntimeFailure } from "../failure.ts";
import { COPIES_TARGET } from "../plan/image-files.ts";
import type { HostFile, ImageFile, LaunchPlan, MadeInitrd, Share, Tmpfs } from "../plan/launch-plan.ts";
import { writeInitrd } from "../storage/initrd.ts";
import { mountBelow } from "../storage/share-mounts.ts";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  MNT_DETACH,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MOVE_MOUNT_F_EMPTY_PATH,
  MS_PRIVATE,
  MS_REC,
  MS_SLAVE,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_PATH,
  O_WRONLY,
  OPEN_TREE_CLONE,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFMT,
  S_IFREG,
  SOCK_STREAM,
} from "../sys/constants.ts";
import { isSysError, messageOf } from "../sys/errors.ts";
import {
  close,
  fstat,
  fstatat,
  mkdirat,
  mknodat,
  openat,
  openDirectory,
  openInRoot,
  symlinkat,
  umask,
  writeBytes,
} from "../sys/file.ts";
import {
  fsconfigCreate,
  fsconfigSet,
  fsmount,
  fsopen,
  mount,
  mountSetattr,
  moveMount,
  openTree,
  pivotRoot,
  umount2,
} from "../sys/mount.ts";
import { chdir, fchdir } from "../sys/process.ts";
import { bindUnix, listen, unixSocket } from "../sys/socket.ts";
import { encodeUtf8 } from "../sys/text.ts";
import { bytesOf } from "./bytes-of.ts";
import { mapOwners } from "./map-owners.ts";
import { newTmpfs } from "./new-tmpfs.ts";
import { openSocketFile } from "./socket-file.ts";

export const DEVICES = "/dev";

/** Bytes of the root itself: it holds directories, links, device nodes and small files only. */
const ROOT_SIZE = 1 << 20;
/** What a tmpfs needs besides a file's bytes: the rest of its last page and its directory. */
const INITRD_SLACK = 1 << 16;
const PROC = "/proc";
/** Where procfs lies when /proc itself is a directory of ours. */
const PROCESSES = "/guest/proc";

/**
 * Makes the monitor's root in this (the container's own) mount namespace and moves into it: a private tmpfs with only
 * what the plan lists, read-only but for its tmpfs mounts. Host and image are not written to, and with the namespace
 * everything is gone.
 *
 * @param cover a directory that the tmpfs may cover, seen by this namespace only.
 * @param given mounts made outside of the container: the device nodes, where they cannot be made here, and copies of
 *   boot files; the user namespace of {@link mapOwners}, where the monitor has a user of its own; and the source that the
 *   root's mount is to have.
 * @param warn is told what the guest does not get.
 * @returns the listening socket of the share's server where there is one.
 * @throws RuntimeFailure `root` naming the step and the path.
 */
export function enterMonitorRoot(
  plan: LaunchPlan,
  cover: string,
  given: {
    readonly devices: number | undefined;
    readonly copies: number | undefined;
    readonly ownerMap: number | undefined;
    readonly mark: string;
  },
  warn: (message: string) => void,
): number | undefined {
  const { devices, copies, ownerMap, mark } = given;
  const step = (name: string, path: string, action: () => void) => {
    try {
      action();
    } catch (error) {
      if (error instanceof RuntimeFailure) throw error;
      throw new RuntimeFailure("root", `${name} ${path}: ${messageOf(error)}`, { kind: "system", cause: error });
    }
  };

  // Modes are meant as they stand; the monitor's umask is set with its identity.
  const mask = umask(0);
  // Nothing we mount may reach the host, and pivot_root(2) refuses shared mounts.
  step("Detach mounts from the host's", "/", () => mount(null, "/", null, MS_REC | MS_SLAVE, null));
  const image = openRootfs(plan.rootfs);
  const root = newTmpfs(ROOT_SIZE, 0o755, MOUNT_ATTR_NOSUID, mark);
  step("Mount monitor root over", cover, () => attach(root, AT_FDCWD, cover));
  const tree = treeBuilder(root, ownerMap);

  // First, since a monitor's own files may lie below one of them.
  for (const area of plan.tmpfs) step("Mount tmpfs on", area.target, () => mountTmpfs(tree, root, area));
  for (const link of plan.links) step("Link", link.path, () => tree.link(link.path, link.target));
  if (devices !== undefined)
    step("Mount device nodes on", DEVICES, () => attach(devices, root, tree.directory(DEVICES)));
  else for (const { path } of plan.devices) step("Make device node", path, () => makeDevice(tree, root, path));
  for (const file of plan.hostFiles) step("Bind", file.source, () => bindHostFile(tree, root, file));
  if (copies !== undefined) step("Mount", COPIES_TARGET, () => mountCopies(tree, root, copies));
  for (const file of plan.imageFiles.filter(({ copied }) => copied !== true))
    step("Bind image file", file.source, () => bindImageFile(tree, root, image, file));
  const { initrd } = plan;
  if (initrd !== undefined) step("Make initrd", initrd.target, () => makeInitrd(tree, root, image, initrd, warn));
  close(image);
  const { share } = plan;
  if (share !== undefined) {
    step("Share", plan.rootfs, () => bindShare(tree, root, plan.rootfs, share, warn));
    step("Mount", PROC, () => mountProc(tree, root, share.sysctls));
  }
  const server = share?.server;
  let listener: number | undefined;
  if (server !== undefined) {
    step("Listen on", server.socket, () => {
      listener = listenIn(tree, root, server.socket);
    });
  }
  for (const file of plan.files) step("Write", file.path, () => tree.write(file.path, encodeUtf8(file.content)));
  for (const { path, digits, size } of plan.binaryFiles ?? []) {
    step("Write", path, () => tree.write(path, bytesOf(digits, size)));
  }

  step("Make read-only", "the monitor's root", () =>
    mountSetattr(root, "", AT_EMPTY_PATH, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, 0, 0),
  );
  step("Enter", "the monitor's root", () => pivotInto(root));
  umask(mask);
  return listener;
}

function openRootfs(path: string): number {
  try {
    return openDirectory(path);
  } catch (error) {
    const advice = isSysError(error, "EACCES") ? ": the root of the container's user namespace must reach it" : "";
    const message = `Open rootfs ${path}: ${messageOf(error)}${advice}`;
    throw new RuntimeFailure("root", message, { kind: "system", cause: error });
  }
}

/** pivot_root(2) with both paths the same: the old root ends up below the new one and is detached there. */
function pivotInto(root: number): void {
  fchdir(root);
  pivotRoot(".", ".");
  umount2(".", MNT_DETACH);
  chdir("/");
  close(root);
}

function attach(mountFd: number, dirfd: number, path: string): void {
  moveMount(mountFd, "", dirfd, path, MOVE_MOUNT_F_EMPTY_PATH);
}

/** Makes directories, mount points and links below the new root; paths are absolute in it and ours. */
interface TreeBuilder {
  readonly ownerMap: number | undefined;
  directory(path: string): string;
  file(path: string): string;
  link(path: string, target: string): void;
  /** A file, readable by all. */
  write(path: string, content: ArrayBuffer): void;
  /** The path relative to the root, with its parents made. */
  place(path: string): string;
}

function treeBuilder(root: number, ownerMap: number | undefined): TreeBuilder {
  const made = new Set<string>([""]);
  const makeDirectory = (relative: string) => {
    if (made.has(relative)) return;
    makeDirectory(relative.slice(0, Math.max(0, relative.lastIndexOf("/"))));
    mkdirat(root, relative, 0o755);
    made.add(relative);
  };
  const place = (path: string) => {
    const relative = path.slice(1);
    makeDirectory(relative.slice(0, Math.max(0, relative.lastIndexOf("/"))));
    return relative;
  };
  return {
    ownerMap,
    place,
    directory: (path) => {
      makeDirectory(path.slice(1));
      return path.slice(1);
    },
    file: (path) => {
      const relative = place(path);
      close(openat(root, relative, O_WRONLY | O_CREAT | O_EXCL, 0o644));
      return relative;
    },
    link: (path, target) => symlinkat(target, root, place(path)),
    write: (path, content) => {
      const fd = openat(root, place(path), O_WRONLY | O_CREAT | O_EXCL, 0o444);
      writeBytes(fd, content);
      close(fd);
    },
  };
}

/** A node with the numbers of the host's; open to the monitor's user, since the root is the monitor's alone. */
export function makeNode(directory: number, name: string, path: string): void {
  const { mode, rdevMajor, rdevMinor } = fstatat(AT_FDCWD, path, 0);
  const type = mode & S_IFMT;
  if (type !== S_IFCHR && type !== S_IFBLK) throw new RuntimeFailure("root", `${path} on the host is no device node`);
  mknodat(directory, name, type | (mode & 0o777) | 0o006, rdevMajor, rdevMinor);
}

/** Where nodes may not be made, as in a user namespace, the host's is bound and keeps its owner and mode. */
function makeDevice(tree: TreeBuilder, root: number, path: string): void {
  try {
    makeNode(root, tree.place(path), path);
  } catch (error) {
    if (!isSysError(error, "EPERM")) throw error;
    const source = openTree(AT_FDCWD, path, OPEN_TREE_CLONE);
    bind(tree, root, source, path, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
  }
}

function bindHostFile(tree: TreeBuilder, root: number, file: HostFile): void {
  const source = file.socket === true ? cloneSocket(file.source) : openTree(AT_FDCWD, file.source, OPEN_TREE_CLONE);
  if (tree.ownerMap !== undefined) mapOwners(source, tree.ownerMap, MOUNT_ATTR_RDONLY, file.target);
  bind(tree, root, source, file.target, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
}

function mountCopies(tree: TreeBuilder, root: number, copies: number): void {
  mountSetattr(copies, "", AT_EMPTY_PATH, MOUNT_ATTR_RDONLY, 0, 0);
  attach(copies, root, tree.directory(COPIES_TARGET));
  close(copies);
}

function cloneSocket(path: string): number {
  const opened = openSocketFile(path);
  const source = openTree(opened, "", OPEN_TREE_CLONE | AT_EMPTY_PATH);
  close(opened);
  return source;
}

/** The path is the image's: it is resolved below the rootfs, and what was opened is what is bound. */
function bindImageFile(tree: TreeBuilder, root: number, image: number, file: ImageFile): void {
  const opened = openInRoot(image, file.source, O_PATH);
  if ((fstat(opened).mode & S_IFMT) !== S_IFREG) {
    throw new RuntimeFailure("image-file", `Image file ${file.source}: not a regular file`);
  }
  const source = openTree(opened, "", OPEN_TREE_CLONE | AT_EMPTY_PATH);
  close(opened);
  const access = file.readonly ? MOUNT_ATTR_RDONLY : 0;
  if (tree.ownerMap !== undefined) mapOwners(source, tree.ownerMap, access, file.target);
  bind(tree, root, source, file.target, access | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

/**
 * What is mounted below the rootfs on the host is not the image's; the bundle's bind mounts are. Devices in it are the
 * guest's to open, not the monitor's.
 */
function bindShare(
  tree: TreeBuilder,
  root: number,
  rootfs: string,
  share: Share,
  warn: (message: string) => void,
): void {
  const source = openTree(AT_FDCWD, rootfs, OPEN_TREE_CLONE);
  bind(tree, root, source, share.target, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
  const top = openat(root, share.target.slice(1), O_PATH | O_DIRECTORY);
  mountBelow(top, share.mounts, warn);
  if (share.ownReadonly) mountSetattr(top, "", AT_EMPTY_PATH, MOUNT_ATTR_RDONLY, 0, 0);
  close(top);
}

/**
 * For programs that reopen their own files: processes only, nothing of the kernel (proc(5), subset=pid). What is read of
 * the kernel besides has no place in there, so it lies beside it.
 *
 * @param sysctls files of the host's /proc/sys.
 */
function mountProc(tree: TreeBuilder, root: number, sysctls: readonly string[]): void {
  const context = fsopen("proc");
  fsconfigSet(context, "subset", "pid");
  fsconfigCreate(context);
  const fd = fsmount(context, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
  close(context);
  attach(fd, root, tree.directory(sysctls.length === 0 ? PROC : PROCESSES));
  close(fd);
  if (sysctls.length === 0) return;
  tree.link(`${PROC}/self`, `${PROCESSES}/self`);
  for (const path of sysctls) bindHostFile(tree, root, { source: path, target: path });
}

/** Listening from the start: the monitor may connect before the server is up. Open to the monitor's user. */
function listenIn(tree: TreeBuilder, root: number, path: string): number {
  const listener = unixSocket(SOCK_STREAM);
  bindUnix(listener, `/proc/self/fd/${root}/${tree.place(path)}`);
  listen(listener, 1);
  return listener;
}

/** In a file system of its own, which the monitor only reads. Pages are there for what is written, not for the limit. */
function makeInitrd(
  tree: TreeBuilder,
  root: number,
  image: number,
  initrd: MadeInitrd,
  warn: (message: string) => void,
): void {
  const cut = initrd.target.lastIndexOf("/");
  const area = newTmpfs(initrd.limit + INITRD_SLACK, 0o755, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
  const file = openat(area, initrd.target.slice(cut + 1), O_WRONLY | O_CREAT | O_EXCL, 0o444);
  writeInitrd(file, initrd, image, warn);
  close(file);
  mountSetattr(area, "", AT_EMPTY_PATH, MOUNT_ATTR_RDONLY, 0, 0);
  attach(area, root, tree.directory(initrd.target.slice(0, cut)));
  close(area);
}

function bind(tree: TreeBuilder, root: number, source: number, target: string, attributes: number): void {
  const isDirectory = (fstat(source).mode & S_IFMT) === S_IFDIR;
  const place = isDirectory ? tree.directory(target) : tree.file(target);
  // A clone would still get what the host mounts below it later (mount_namespaces(7)).
  mountSetattr(source, "", AT_EMPTY_PATH, attributes, 0, MS_PRIVATE);
  attach(source, root, place);
  close(source);
}

function mountTmpfs(tree: TreeBuilder, root: number, area: Tmpfs): void {
  const noexec = area.noexec ? MOUNT_ATTR_NOEXEC : 0;
  const fd = newTmpfs(area.size, area.mode, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | noexec);
  attach(fd, root, tree.directory(area.target));
  close(fd);
}
