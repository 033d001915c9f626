import * as sys from "urunc:sys";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_SYMLINK_NOFOLLOW,
  LOCK_EX,
  LOCK_NB,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  RENAME_NOREPLACE,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_SYMLINKS,
  S_IFCHR,
  S_IFMT,
  S_IFREG,
} from "../../src/sys/constants.ts";
import {
  ABSENT,
  BAD_FD,
  callUntyped,
  check,
  equal,
  inChild,
  readFile,
  scratchPath,
  sysError,
  type Test,
  test,
  withFd,
  withFile,
} from "./harness.ts";

const SEEK_SET = 0;
const SEEK_END = 2;
const LONG_NAME = "n".repeat(256);
const LONG_PATH = "p/".repeat(2100);
const PROC_SUPER_MAGIC = 0x9fa0;
const MFD_ALLOW_SEALING = 2;
const F_SEAL_WRITE = 8;

/** FD_CLOEXEC as the kernel tells it; `flags:` of fdinfo is octal and has O_CLOEXEC. */
export function isCloexec(fd: number): boolean {
  const flags = /^flags:\s*([0-7]+)$/m.exec(readFile(`/proc/self/fdinfo/${fd}`))?.[1] ?? "";
  return (Number.parseInt(flags, 8) & 0o2000000) !== 0;
}

function text(buffer: ArrayBuffer, length: number): string {
  return sys.decodeUtf8(buffer, 0, length);
}

const SCMP_ACT_ALLOW = 0x7fff0000;
/** SCMP_ACT_ERRNO(EPERM). */
const EPERM_ACTION = 0x00050000 | 1;

export const fileTests: readonly Test[] = [
  test(["open", "close"], "open gives a close-on-exec descriptor and close takes it back", () => {
    const fd = sys.open("/dev/null", 2);
    check(isCloexec(fd), "close-on-exec");
    sys.close(fd);
    sysError("EBADF", () => sys.close(fd));
  }),

  test("open", "an error names the call, the number, the code and the path", () => {
    const error = sysError("ENOENT", () => sys.open(ABSENT, 0));
    equal(
      [error.name, error.syscall, error.errno, error.code, error.path],
      ["SysError", "openat", 2, "ENOENT", ABSENT],
    );
    equal(error.message, `openat ${ABSENT}: No such file or directory (ENOENT)`);
    check((error.stack ?? "").includes("open"), "the stack names the binding");
    equal(sysError("EBADF", () => sys.close(BAD_FD)).path, undefined);
    equal(sysError("EBADF", () => sys.close(BAD_FD)).message, "close: Bad file descriptor (EBADF)");
  }),

  test("open", "names and paths that are too long are refused by the kernel", () => {
    equal(sysError("ENAMETOOLONG", () => sys.open(LONG_NAME, 0)).path, LONG_NAME);
    sysError("ENAMETOOLONG", () => sys.open(LONG_PATH, 0));
    sysError("ENOENT", () => sys.open("", 0));
  }),

  test("open", "open makes a file with the mode it was given", () => {
    const path = scratchPath("mode");
    withFd(sys.open(path, 2 | 0o100 | 0o200, 0o640), (fd) => equal(sys.fstat(fd).mode, S_IFREG | 0o640));
    sysError("EEXIST", () => sys.open(path, 2 | 0o100 | 0o200, 0o640));
  }),

  test("openat", "openat starts at the directory", () => {
    withFile("at", "x", () => {
      withFd(sys.open(scratchPath("."), O_DIRECTORY), (folder) => {
        withFd(sys.openat(folder, "at", 0), (fd) => {
          check(isCloexec(fd), "close-on-exec");
          equal(sys.readText(fd, 10), "x");
        });
        sysError("ENOENT", () => sys.openat(folder, "absent", 0));
        sysError("ENOTDIR", () => sys.openat(folder, "at/below", 0));
      });
    });
    sysError("EBADF", () => sys.openat(BAD_FD, "at", 0));
  }),

  test("openat2", "openat2 keeps a path below its root", () => {
    sys.mkdirat(AT_FDCWD, scratchPath("root"), 0o700);
    sys.symlinkat("/secret", AT_FDCWD, scratchPath("root/link"));
    withFd(sys.open(scratchPath("root"), O_PATH | O_DIRECTORY), (root) => {
      withFd(sys.openat2(root, "../../inside", 2 | 0o100, 0o600, RESOLVE_IN_ROOT), (fd) =>
        check(isCloexec(fd), "cloexec"),
      );
      equal(sys.fstatat(AT_FDCWD, scratchPath("root/inside"), 0).size, 0);
      sysError("ENOENT", () => sys.openat2(root, "link", 0, 0, RESOLVE_IN_ROOT));
      sysError("ELOOP", () => sys.openat2(root, "link", 0, 0, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS));
      equal(sysError("EINVAL", () => sys.openat2(root, "inside", 0, 0, 0x80000000)).syscall, "openat2");
      sysError("EINVAL", () => sys.openat2(root, "inside", 0, 0o600, 0));
    });
  }),

  test("closeRange", "closeRange closes exactly its range", () => {
    const fds = [300, 301, 302].map((minimum) => sys.dupCloexec(1, minimum));
    equal(fds, [300, 301, 302]);
    sys.closeRange(300, 301);
    sysError("EBADF", () => sys.fstat(300));
    sysError("EBADF", () => sys.fstat(301));
    sys.fstat(302);
    inChild(0, () => {
      sys.closeRange(300, 0xffffffff);
      sysError("EBADF", () => sys.fstat(302));
    });
    sys.close(302);
    sysError("EINVAL", () => sys.closeRange(2, 1));
  }),

  test(["read", "write"], "read and write touch only their part of the buffer", () => {
    const buffer = sys.encodeUtf8("0123456789");
    const [reader, writer] = sys.pipe();
    equal(sys.write(writer, buffer, 2, 3), 3);
    equal(sys.read(reader, buffer, 8, 2), 2);
    equal(text(buffer, 10), "0123456723");
    equal(sys.read(reader, buffer, 0, 10), 1);
    equal(text(buffer, 10), "4123456723");
    equal(sys.write(writer, buffer, 10, 0), 0);
    sysError("EBADF", () => sys.read(writer, buffer, 0, 1));
    sysError("EBADF", () => sys.write(reader, buffer, 0, 1));
    sys.close(writer);
    equal(sys.read(reader, buffer, 0, 10), 0);
    sys.close(reader);
    sysError("EBADF", () => sys.read(BAD_FD, buffer, 0, 1));
    sysError("EBADF", () => sys.write(BAD_FD, buffer, 0, 1));
    withFd(sys.open("/", O_DIRECTORY), (fd) => sysError("EISDIR", () => sys.read(fd, buffer, 0, 1)));
  }),

  test("read", "read of an empty non-blocking pipe throws EAGAIN", () => {
    const [reader, writer] = sys.pipe();
    sys.setNonblock(reader, true);
    sysError("EAGAIN", () => sys.read(reader, new ArrayBuffer(1), 0, 1));
    sys.close(reader);
    sys.close(writer);
  }),

  test("pread", "pread reads at a position and leaves the offset alone", () => {
    withFile("pread", "0123456789", (fd) => {
      const buffer = new ArrayBuffer(4);
      equal(sys.pread(fd, buffer, 0, 4, 3), 4);
      equal(text(buffer, 4), "3456");
      equal(sys.pread(fd, buffer, 1, 3, 8), 2);
      equal(sys.pread(fd, buffer, 0, 4, 100), 0);
      equal(sys.lseek(fd, 0, 1), 0);
    });
    const [reader, writer] = sys.pipe();
    sysError("ESPIPE", () => sys.pread(reader, new ArrayBuffer(1), 0, 1, 0));
    sys.close(reader);
    sys.close(writer);
  }),

  test(["writeText", "readText"], "texts go out and in as UTF-8", () => {
    withFile("text", "", (fd) => {
      equal(sys.writeText(fd, "a\0ä€😀\ud800"), 2 + 2 + 3 + 4 + 3);
      sys.lseek(fd, 0, SEEK_SET);
      equal(sys.readText(fd, 14), "a\0ä€😀\ufffd");
      equal(sys.readText(fd, 14), "");
      sys.lseek(fd, 0, SEEK_SET);
      const error = sysError("EFBIG", () => sys.readText(fd, 13));
      equal(error.syscall, "read");
    });
    sysError("EBADF", () => sys.writeText(BAD_FD, "x"));
    sysError("EBADF", () => sys.readText(BAD_FD, 1));
    withFd(sys.open("/", O_DIRECTORY), (fd) => sysError("EISDIR", () => sys.readText(fd, 1)));
  }),

  test("readText", "readText reads files around the size of its buffers", () => {
    for (const size of [0, 1, 4095, 4096, 4097, 8191, 8192, 8193, 100_000]) {
      const content = "x".repeat(size);
      withFile("size", content, (fd) => {
        equal(sys.readText(fd, size), content);
        sys.lseek(fd, 0, SEEK_SET);
        if (size > 0) sysError("EFBIG", () => sys.readText(fd, size - 1));
      });
    }
    check(readFile("/proc/self/status").includes("VmPeak"), "a file of procfs");
  }),

  test("writeText", "writing to a full disk and to a closed pipe is an error, not a signal", () => {
    withFd(sys.open("/dev/full", 1), (fd) => sysError("ENOSPC", () => sys.writeText(fd, "x")));
    inChild(0, () => {
      const [reader, writer] = sys.pipe();
      sys.close(reader);
      sys.setSignalMask([13]);
      sysError("EPIPE", () => sys.writeText(writer, "x"));
    });
  }),

  test(["encodeUtf8", "decodeUtf8"], "text is UTF-8, and what is none is kept byte by byte", () => {
    for (const sample of ["", "a", "\0", "ä€😀", "\ud7ff\ue000\uffff", "\udc80x\udcff", "é\udce9\udcc3😀\udced"]) {
      const bytes = sys.encodeUtf8(sample);
      equal(text(bytes, bytes.byteLength), sample);
    }
    equal([...new Uint8Array(sys.encodeUtf8("a\udce9/\udc80\udcff"))], [0x61, 0xe9, 0x2f, 0x80, 0xff]);
    equal([...new Uint8Array(sys.encodeUtf8("\ud7ff\udcbf\ud7ff"))], [0xed, 0x9f, 0xbf, 0xbf, 0xed, 0x9f, 0xbf]);
    equal(text(sys.encodeUtf8("\udc00x\ud83d"), 7), "\ufffdx\ufffd");
    equal(text(sys.encodeUtf8("\udc7f\udd00"), 6), "\ufffd\ufffd");
    const decode = (...bytes: readonly number[]) => text(new Uint8Array(bytes).buffer, bytes.length);
    equal(decode(0x80, 0x61), "\udc80a");
    equal(decode(0xff, 0x61, 0xc3), "\udcffa\udcc3");
    equal(decode(0xc0, 0x80), "\udcc0\udc80");
    equal(decode(0xed, 0xb2, 0x80), "\udced\udcb2\udc80");
    equal(decode(0xf4, 0x90, 0x80, 0x80), "\udcf4\udc90\udc80\udc80");
    equal(decode(0xe2, 0x82, 0x61), "\udce2\udc82a");
    equal(decode(0xf0, 0x9f, 0x98, 0x80), "😀");
  }),

  test(["decodeUtf8", "encodeUtf8"], "any bytes come back as they were", () => {
    let state = 12345;
    for (let round = 0; round < 500; round++) {
      const bytes = new Uint8Array(round % 37);
      for (let index = 0; index < bytes.length; index++) {
        state = (Math.imul(state, 1103515245) + 12345) >>> 0;
        // High bytes and the parts of surrogates more often than others.
        bytes[index] = state & 0x10000 ? state >>> 24 : 0x80 | (state >>> 25);
      }
      equal([...new Uint8Array(sys.encodeUtf8(text(bytes.buffer, bytes.length)))], [...bytes]);
    }
  }),

  test("writeText", "what people read has no byte that is no UTF-8", () => {
    withFile("people", "", (fd) => {
      sys.writeText(fd, "a\udcc2\udc9bb");
      sys.lseek(fd, 0, SEEK_SET);
      equal(sys.readText(fd, 100), "a\ufffd\ufffdb");
    });
  }),

  test("lseek", "lseek moves and tells the offset", () => {
    withFile("seek", "0123456789", (fd) => {
      equal(sys.lseek(fd, -3, SEEK_END), 7);
      equal(sys.lseek(fd, 2 ** 40, SEEK_SET), 2 ** 40);
      sysError("EINVAL", () => sys.lseek(fd, -1, SEEK_SET));
      sysError("EINVAL", () => sys.lseek(fd, 0, 99));
    });
    sysError("EBADF", () => sys.lseek(BAD_FD, 0, SEEK_SET));
  }),

  test(["fsync", "ftruncate"], "files are synchronised and cut", () => {
    withFile("cut", "0123456789", (fd) => {
      sys.ftruncate(fd, 4);
      sys.fsync(fd);
      equal(sys.fstat(fd).size, 4);
    });
    sysError("EBADF", () => sys.fsync(BAD_FD));
    sysError("EBADF", () => sys.ftruncate(BAD_FD, 0));
    const [reader, writer] = sys.pipe();
    sysError("EINVAL", () => sys.fsync(reader));
    sysError("EINVAL", () => sys.ftruncate(writer, 0));
    sys.close(reader);
    sys.close(writer);
  }),

  test(["fstat", "fstatat"], "the status of files, links and devices is told", () => {
    withFile("status", "12345", (fd, path) => {
      const status = sys.fstat(fd);
      equal([status.size, status.nlink, status.mode & S_IFMT], [5, 1, S_IFREG]);
      check(Math.abs(status.mtime - sys.wallClock()[0]) < 100, "the time is now");
      equal(sys.fstatat(AT_FDCWD, path, 0), status);
      equal(sys.fstatat(fd, "", AT_EMPTY_PATH), status);
      sys.symlinkat(path, AT_FDCWD, scratchPath("status-link"));
      equal(sys.fstatat(AT_FDCWD, scratchPath("status-link"), 0).ino, status.ino);
      check(
        sys.fstatat(AT_FDCWD, scratchPath("status-link"), AT_SYMLINK_NOFOLLOW).ino !== status.ino,
        "the link itself",
      );
    });
    const nullDevice = sys.fstatat(AT_FDCWD, "/dev/null", 0);
    equal([nullDevice.mode & S_IFMT, nullDevice.rdevMajor, nullDevice.rdevMinor], [S_IFCHR, 1, 3]);
    sysError("EBADF", () => sys.fstat(BAD_FD));
    sysError("ENOENT", () => sys.fstatat(AT_FDCWD, ABSENT, 0));
    sysError("EINVAL", () => sys.fstatat(AT_FDCWD, "/", 0x40000000));
    sysError("ENAMETOOLONG", () => sys.fstatat(AT_FDCWD, LONG_PATH, 0));
  }),

  test("fileIdentity", "a file has another identity after each change, and a copy never has the same", () => {
    const of = (path: string) => withFd(sys.open(path, O_PATH), (fd) => sys.fileIdentity(fd));
    withFile("identity", "one", (fd, path) => {
      const { dev, ino, size, mtime } = sys.fstat(fd);
      const first = of(path);
      equal(first.slice(0, 4), [dev, ino, size, mtime]);
      equal(first.length, 7);
      equal(of(path), first);
      sys.poll([], 20);
      sys.fchmod(fd, 0o700);
      const changed = of(path);
      equal(changed.slice(0, 5), first.slice(0, 5));
      equal(String(changed) !== String(first), true);
      sys.poll([], 20);
      sys.writeText(fd, "two");
      equal(String(of(path)) !== String(changed), true);
    });
    sysError("EBADF", () => sys.fileIdentity(BAD_FD));
  }),

  test("fstatfsType", "the kind of a file system is told", () => {
    withFd(sys.open("/proc", O_DIRECTORY), (fd) => equal(sys.fstatfsType(fd), PROC_SUPER_MAGIC));
    sysError("EBADF", () => sys.fstatfsType(BAD_FD));
  }),

  test("access", "access asks the older call where the newer one is denied", () => {
    inChild(0, () => {
      const rules = [{ action: EPERM_ACTION, syscalls: ["faccessat2"] }];
      sys.seccompLoad(sys.seccompCompile({ defaultAction: SCMP_ACT_ALLOW, rules }), 0);
      sys.access("/proc", 5);
      sysError("ENOENT", () => sys.access(ABSENT, 0));
    });
  }),

  test("access", "access checks with the effective ids", () => {
    sys.access("/proc", 5);
    sysError("ENOENT", () => sys.access(ABSENT, 0));
    sysError("EINVAL", () => sys.access("/", 0x100));
    inChild(0, () => {
      withFile("private", "", (_fd, path) => {
        sys.fchownat(AT_FDCWD, scratchPath("."), 65534, 65534, 0);
        sys.setresuid(-1, 65534, -1);
        sysError("EACCES", () => sys.access(path, 4));
        sys.setresuid(-1, 0, -1);
        sys.fchownat(AT_FDCWD, scratchPath("."), 0, 0, 0);
        sys.access(path, 4);
      });
    });
  }),

  test(["mkdirat", "unlinkat", "readdir"], "directories are made, listed and removed", () => {
    const folder = scratchPath("folder");
    sys.mkdirat(AT_FDCWD, folder, 0o750);
    sysError("EEXIST", () => sys.mkdirat(AT_FDCWD, folder, 0o750));
    withFd(sys.open(folder, O_DIRECTORY), (fd) => {
      equal(sys.fstat(fd).mode & 0o777, 0o750);
      equal(sys.readdir(fd), []);
      const names = Array.from({ length: 300 }, (_, index) => `name-${String(index).padStart(60, "0")}`);
      for (const name of names) sys.mkdirat(fd, name, 0o700);
      equal([...sys.readdir(fd)].sort(), names);
      equal(sys.readdir(fd).length, 300);
      sysError("EISDIR", () => sys.unlinkat(fd, names[0] ?? "", 0));
      for (const name of names) sys.unlinkat(fd, name, AT_REMOVEDIR);
      equal(sys.readdir(fd), []);
    });
    sys.unlinkat(AT_FDCWD, folder, AT_REMOVEDIR);
    sysError("ENOENT", () => sys.unlinkat(AT_FDCWD, folder, AT_REMOVEDIR));
    sysError("EINVAL", () => sys.unlinkat(AT_FDCWD, folder, 0x10));
    sysError("EBADF", () => sys.mkdirat(BAD_FD, "x", 0o700));
    sysError("EBADF", () => sys.readdir(BAD_FD));
    withFile("no-folder", "", (fd) => sysError("ENOTDIR", () => sys.readdir(fd)));
  }),

  test(["readdir", "mkdirat", "readlinkat", "symlinkat", "renameat2", "execve"], "names are bytes", () => {
    const folder = scratchPath("bytes\udcff");
    sys.mkdirat(AT_FDCWD, folder, 0o700);
    // Another program makes one such name and looks for another.
    inChild(0, () => sys.execve("/bin/sh", ["sh", "-c", "> $(printf '%s/a\\377b' $0)", folder], []));
    withFd(sys.open(folder, O_DIRECTORY), (fd) => {
      equal(sys.readdir(fd), ["a\udcffb"]);
      sys.renameat2(fd, "a\udcffb", fd, "\udce9", 0);
      sys.symlinkat("to\udcc3", fd, "link");
      equal(sys.readlinkat(fd, "link"), "to\udcc3");
    });
    inChild(0, () =>
      sys.execve("/bin/sh", ["sh", "-c", "test -f $(printf '%s/\\351' $0)", folder], ["PATH=/bin:/usr/bin"]),
    );
    inChild(0, () => sys.execve("/bin/sh", ["sh", "-c", "rm -r $0", folder], ["PATH=/bin:/usr/bin"]));
    sysError("ENOENT", () => sys.open(folder, O_DIRECTORY));
  }),

  test("mknodat", "device nodes and pipes are made", () => {
    const path = scratchPath("null");
    sys.mknodat(AT_FDCWD, path, S_IFCHR | 0o600, 1, 3);
    const status = sys.fstatat(AT_FDCWD, path, 0);
    equal([status.mode, status.rdevMajor, status.rdevMinor], [S_IFCHR | 0o600, 1, 3]);
    sysError("EEXIST", () => sys.mknodat(AT_FDCWD, path, S_IFCHR | 0o600, 1, 3));
    sys.mknodat(AT_FDCWD, scratchPath("large"), S_IFCHR | 0o600, 0xfff, 0xfffff);
    const large = sys.fstatat(AT_FDCWD, scratchPath("large"), 0);
    equal([large.rdevMajor, large.rdevMinor], [0xfff, 0xfffff]);
    sysError("EINVAL", () => sys.mknodat(AT_FDCWD, scratchPath("bad"), 0o170000, 0, 0));
    sysError("EBADF", () => sys.mknodat(BAD_FD, "x", S_IFCHR, 0, 0));
  }),

  test(["symlinkat", "readlinkat"], "links are made and read without being followed", () => {
    const path = scratchPath("link");
    sys.symlinkat("/some/where", AT_FDCWD, path);
    equal(sys.readlinkat(AT_FDCWD, path), "/some/where");
    sysError("ELOOP", () => sys.open(path, O_NOFOLLOW));
    sysError("EEXIST", () => sys.symlinkat("x", AT_FDCWD, path));
    sysError("ENOENT", () => sys.symlinkat("", AT_FDCWD, scratchPath("empty")));
    sysError("ENAMETOOLONG", () => sys.symlinkat("t".repeat(4096), AT_FDCWD, scratchPath("long")));
    sys.symlinkat("t".repeat(4095), AT_FDCWD, scratchPath("longest"));
    equal(sys.readlinkat(AT_FDCWD, scratchPath("longest")).length, 4095);
    sysError("EINVAL", () => sys.readlinkat(AT_FDCWD, "/"));
    sysError("EBADF", () => sys.readlinkat(BAD_FD, "x"));
    sysError("EBADF", () => sys.symlinkat("x", BAD_FD, "x"));
  }),

  test("renameat2", "files are renamed, and not over others when asked", () => {
    withFile("rename-a", "a", (_a, a) => {
      withFile("rename-b", "b", (_b, b) => {
        const error = sysError("EEXIST", () => sys.renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_NOREPLACE));
        equal(error.path, a);
        sys.renameat2(AT_FDCWD, a, AT_FDCWD, b, 0);
        equal(readFile(b), "a");
        sysError("ENOENT", () => sys.renameat2(AT_FDCWD, a, AT_FDCWD, b, 0));
        sysError("EINVAL", () => sys.renameat2(AT_FDCWD, b, AT_FDCWD, a, 0x80));
        sysError("EBADF", () => sys.renameat2(BAD_FD, "a", AT_FDCWD, b, 0));
        sysError("EBADF", () => sys.renameat2(AT_FDCWD, b, BAD_FD, "a", 0));
      });
    });
  }),

  test(["fchmod", "fchownat"], "mode and owner are changed", () => {
    withFile("owner", "", (fd, path) => {
      sys.fchmod(fd, 0o4711);
      equal(sys.fstat(fd).mode & 0o7777, 0o4711);
      sys.fchownat(AT_FDCWD, path, 12, 34, 0);
      sys.fchownat(fd, "", 56, -1, AT_EMPTY_PATH);
      equal([sys.fstat(fd).uid, sys.fstat(fd).gid], [56, 34]);
      sysError("EINVAL", () => sys.fchownat(AT_FDCWD, path, 0, 0, 0x1));
      withFd(sys.open(path, O_PATH), (place) => sysError("EBADF", () => sys.fchmod(place, 0o600)));
    });
    sysError("EBADF", () => sys.fchmod(BAD_FD, 0));
    sysError("ENOENT", () => sys.fchownat(AT_FDCWD, ABSENT, 0, 0, 0));
  }),

  test("flock", "a lock keeps others out", () => {
    withFile("lock", "", (fd, path) => {
      sys.flock(fd, LOCK_EX);
      withFd(sys.open(path, 2), (other) => {
        sysError("EAGAIN", () => sys.flock(other, LOCK_EX | LOCK_NB));
        sys.flock(fd, 8);
        sys.flock(other, LOCK_EX | LOCK_NB);
      });
      sysError("EINVAL", () => sys.flock(fd, 0));
    });
    sysError("EBADF", () => sys.flock(BAD_FD, LOCK_EX));
  }),

  test(["dup2", "dupCloexec", "setCloexec"], "only dup2 and setCloexec make a descriptor that survives execve", () => {
    withFd(sys.dupCloexec(1, 200), (fd) => {
      check(fd >= 200, "at least the minimum");
      check(isCloexec(fd), "dupCloexec");
      sys.setCloexec(fd, false);
      check(!isCloexec(fd), "setCloexec(false)");
      sys.setCloexec(fd, true);
      check(isCloexec(fd), "setCloexec(true)");
      sys.dup2(fd, 400);
      check(!isCloexec(400), "dup2");
      sys.close(400);
      sysError("EINVAL", () => sys.dup2(fd, fd));
      sysError("EINVAL", () => sys.dupCloexec(fd, 2 ** 31 - 1));
    });
    sysError("EBADF", () => sys.dup2(BAD_FD, 400));
    sysError("EBADF", () => sys.dupCloexec(BAD_FD, 0));
    sysError("EBADF", () => sys.setCloexec(BAD_FD, true));
  }),

  test("setSignalOnInput", "the end of the other side is a signal", () => {
    const SIGTERM = 15;
    inChild(0, () => {
      const [reader, writer] = sys.pipe();
      sys.setSignalMask([SIGTERM]);
      const signals = sys.signalfd([SIGTERM]);
      sys.setSignalOnInput(reader, sys.getpid(), SIGTERM);
      equal(sys.readSignal(signals), undefined);
      sys.close(writer);
      equal(sys.readSignal(signals), SIGTERM);
    });
    sysError("EBADF", () => sys.setSignalOnInput(BAD_FD, 1, SIGTERM));
  }),

  test(["setNonblock", "pipe"], "pipes are close-on-exec and change between blocking and not", () => {
    const [reader, writer] = sys.pipe();
    check(isCloexec(reader) && isCloexec(writer), "close-on-exec");
    const flags = () =>
      Number.parseInt(/^flags:\s*([0-7]+)/m.exec(readFile(`/proc/self/fdinfo/${reader}`))?.[1] ?? "", 8);
    const before = flags();
    sys.setNonblock(reader, true);
    equal(flags(), before | 0o4000);
    sys.setNonblock(reader, false);
    equal(flags(), before);
    sys.close(reader);
    sys.close(writer);
    sysError("EBADF", () => sys.setNonblock(BAD_FD, true));
    inChild(0, () => {
      sys.prlimit(0, 7, 10, 10);
      sysError("EMFILE", () => {
        for (let count = 0; count < 10; count++) sys.pipe();
      });
    });
  }),

  test(["memfdCreate", "addSeals"], "memory files are made and sealed", () => {
    withFd(sys.memfdCreate("name", MFD_ALLOW_SEALING), (fd) => {
      check(isCloexec(fd), "close-on-exec");
      equal(sys.readlinkat(AT_FDCWD, `/proc/self/fd/${fd}`), "/memfd:name (deleted)");
      sys.writeText(fd, "x");
      sys.addSeals(fd, F_SEAL_WRITE);
      sysError("EPERM", () => sys.writeText(fd, "x"));
      sysError("EINVAL", () => sys.addSeals(fd, 0x40000000));
    });
    sysError("EINVAL", () => sys.memfdCreate(LONG_NAME, 0));
    sysError("EINVAL", () => sys.memfdCreate("name", 0x80000000));
    sysError("EBADF", () => sys.addSeals(BAD_FD, 0));
  }),

  test("sendfile", "sendfile copies between files and says how much", () => {
    withFile("from", "0123456789", (from) => {
      withFile("to", "", (to) => {
        equal(sys.sendfile(to, from, 4), 4);
        equal(sys.sendfile(to, from, 100), 6);
        equal(sys.sendfile(to, from, 100), 0);
        sys.lseek(to, 0, SEEK_SET);
        equal(sys.readText(to, 100), "0123456789");
        sysError("EBADF", () => sys.sendfile(to, BAD_FD, 1));
        sysError("EBADF", () => sys.sendfile(BAD_FD, from, 1));
      });
    });
  }),

  test("umask", "umask is set and returned", () => {
    const before = sys.umask(0o77);
    equal(sys.umask(before), 0o77);
  }),

  test([], "a binding called as a constructor or with a strange receiver does no harm", () => {
    equal(Reflect.apply(sys.getpid, { length: 1 }, []), sys.getpid());
    equal(callUntyped("getpid", []), sys.getpid());
  }),
];
