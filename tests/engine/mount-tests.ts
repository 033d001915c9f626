import * as sys from "urunc:sys";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  CLONE_NEWNS,
  MNT_DETACH,
  MOUNT_ATTR_RDONLY,
  MOVE_MOUNT_F_EMPTY_PATH,
  MS_REC,
  O_DIRECTORY,
  O_PATH,
  OPEN_TREE_CLONE,
} from "../../src/sys/constants.ts";
import { isCloexec } from "./file-tests.ts";
import {
  ABSENT,
  BAD_FD,
  check,
  equal,
  inChild,
  readFile,
  scratchPath,
  sysError,
  type Test,
  test,
  withFd,
} from "./harness.ts";

const MS_PRIVATE = 0x40000;
const MS_RDONLY = 1;
const MS_BIND = 0x1000;
const MS_REMOUNT = 0x20;

/** Runs with a tmpfs of its own at the path it is given; nothing of it is seen outside. */
function inMounts(name: string, run: (place: string) => void): void {
  const place = scratchPath(name);
  sys.mkdirat(AT_FDCWD, place, 0o700);
  inChild(CLONE_NEWNS, () => {
    sys.mount(null, "/", null, MS_REC | MS_PRIVATE, null);
    sys.mount("test", place, "tmpfs", 0, "size=1m,mode=0750");
    run(place);
  });
}

function isMounted(place: string): boolean {
  return readFile("/proc/self/mountinfo").includes(` ${place} `);
}

export const mountTests: readonly Test[] = [
  test(["mount", "umount2"], "file systems are mounted with their options and unmounted", () => {
    inMounts("mount", (place) => {
      equal(sys.fstatat(AT_FDCWD, place, 0).mode & 0o777, 0o750);
      check(isMounted(place), "it is mounted");
      sys.mount(null, place, null, MS_REMOUNT | MS_BIND | MS_RDONLY, null);
      equal(sysError("EROFS", () => sys.mkdirat(AT_FDCWD, `${place}/x`, 0o700)).syscall, "mkdirat");
      withFd(sys.open(place, O_PATH), () => sysError("EBUSY", () => sys.umount2(place, 0)));
      sys.umount2(place, MNT_DETACH);
      check(!isMounted(place), "it is unmounted");
      sysError("EINVAL", () => sys.umount2(place, 0));
      sysError("EINVAL", () => sys.umount2(place, 0x1000));
      equal(sysError("ENODEV", () => sys.mount("x", place, "no-such-type", 0, null)).path, place);
      sysError("ENOENT", () => sys.mount("x", ABSENT, "tmpfs", 0, null));
      sysError("EINVAL", () => sys.mount("x", place, "tmpfs", 0, "no-such-option=1"));
    });
  }),

  test(["pivotRoot", "chroot"], "the root is changed", () => {
    inMounts("pivot", (place) => {
      equal(sysError("EBUSY", () => sys.pivotRoot("/", "/")).path, "/");
      sysError("ENOENT", () => sys.pivotRoot(ABSENT, "/"));
      sys.mkdirat(AT_FDCWD, `${place}/inner`, 0o700);
      sys.chdir(place);
      sys.pivotRoot(".", ".");
      sys.umount2(".", MNT_DETACH);
      sys.chdir("/");
      equal(withFd(sys.open("/", O_DIRECTORY), sys.readdir), ["inner"]);
      sysError("ENOENT", () => sys.chroot(ABSENT));
      sys.chroot("inner");
      equal(withFd(sys.open("/", O_DIRECTORY), sys.readdir), []);
      equal(sys.getcwd(), "(unreachable)/");
    });
  }),

  test(["mountIdmap"], "an attached mount and what is no user namespace are refused", () => {
    inMounts("idmap", (place) => {
      withFd(sys.openTree(AT_FDCWD, place, OPEN_TREE_CLONE), (tree) => {
        withFd(sys.open(place, O_DIRECTORY), (other) => sysError("EINVAL", () => sys.mountIdmap(tree, other)));
        sysError("EBADF", () => sys.mountIdmap(tree, BAD_FD));
      });
    });
  }),

  test(["openTree", "moveMount", "mountSetattr"], "a detached copy of a tree is changed and attached", () => {
    inMounts("tree", (place) => {
      for (const name of ["from", "to"]) sys.mkdirat(AT_FDCWD, `${place}/${name}`, 0o700);
      withFd(sys.openTree(AT_FDCWD, `${place}/from`, OPEN_TREE_CLONE), (tree) => {
        check(isCloexec(tree), "close-on-exec");
        sys.mountSetattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, MOUNT_ATTR_RDONLY, 0, MS_PRIVATE);
        sys.moveMount(tree, "", AT_FDCWD, `${place}/to`, MOVE_MOUNT_F_EMPTY_PATH);
      });
      sysError("EROFS", () => sys.mkdirat(AT_FDCWD, `${place}/to/x`, 0o700));
      sys.mountSetattr(AT_FDCWD, `${place}/to`, 0, 0, MOUNT_ATTR_RDONLY, 0);
      sys.mkdirat(AT_FDCWD, `${place}/to/x`, 0o700);
      equal(withFd(sys.open(`${place}/from`, 0), sys.readdir), ["x"]);
      sysError("ENOENT", () => sys.openTree(AT_FDCWD, ABSENT, OPEN_TREE_CLONE));
      sysError("EINVAL", () => sys.openTree(AT_FDCWD, "/", 0x40000000));
      sysError("EBADF", () => sys.openTree(BAD_FD, "x", 0));
      sysError("EBADF", () => sys.moveMount(BAD_FD, "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH));
      equal(sysError("ENOENT", () => sys.moveMount(AT_FDCWD, `${place}/to`, AT_FDCWD, ABSENT, 0)).path, ABSENT);
      sysError("EINVAL", () => sys.moveMount(AT_FDCWD, "/", AT_FDCWD, "/", 0x40000000));
      sysError("ENOENT", () => sys.mountSetattr(AT_FDCWD, ABSENT, 0, MOUNT_ATTR_RDONLY, 0, 0));
      sysError("EINVAL", () => sys.mountSetattr(AT_FDCWD, place, 0, 0x40000000, 0, 0));
      sysError("EBADF", () => sys.mountSetattr(BAD_FD, "", AT_EMPTY_PATH, MOUNT_ATTR_RDONLY, 0, 0));
    });
  }),

  test(
    ["fsopen", "fsconfigSet", "fsconfigCreate", "fsmount"],
    "a file system is made without a place in the tree",
    () => {
      inMounts("fsopen", (place) => {
        const context = sys.fsopen("tmpfs");
        check(isCloexec(context), "the context is close-on-exec");
        sys.fsconfigSet(context, "mode", "0711");
        sys.fsconfigSet(context, "ro", null);
        sysError("EINVAL", () => sys.fsconfigSet(context, "no-such-option", "1"));
        sysError("EINVAL", () => sys.fsmount(context, 0));
        sys.fsconfigCreate(context);
        sysError("EBUSY", () => sys.fsconfigCreate(context));
        const mount = sys.fsmount(context, MOUNT_ATTR_RDONLY);
        check(isCloexec(mount), "the mount is close-on-exec");
        sys.close(context);
        equal(sys.fstat(mount).mode & 0o777, 0o711);
        sys.moveMount(mount, "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH);
        sys.close(mount);
        equal(sys.fstatat(AT_FDCWD, place, 0).mode & 0o777, 0o711);
        sysError("ENODEV", () => sys.fsopen("no-such-type"));
        sysError("EBADF", () => sys.fsconfigSet(BAD_FD, "a", "b"));
        sysError("EBADF", () => sys.fsconfigCreate(BAD_FD));
        sysError("EBADF", () => sys.fsmount(BAD_FD, 0));
      });
    },
  ),
];
