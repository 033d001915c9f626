import * as sys from "urunc:sys";
import { isCloexec } from "./file-tests.ts";
import { ABSENT, BAD_FD, check, equal, inChild, sysError, type Test, test, withFd } from "./harness.ts";

const PTMX = "/dev/ptmx";

function withTerminal(use: (master: number, peer: number) => void): void {
  withFd(sys.openPtyMaster(PTMX), (master) => withFd(sys.openPtyPeer(master), (peer) => use(master, peer)));
}

export const terminalTests: readonly Test[] = [
  test(
    ["openPtyMaster", "openPtyPeer", "ptyNumber", "isatty"],
    "a terminal is made without looking up its name",
    () => {
      withTerminal((master, peer) => {
        check(isCloexec(master) && isCloexec(peer), "close-on-exec");
        check(sys.isatty(peer), "the peer is a terminal");
        equal(sys.fstat(peer).rdevMinor & 0xff, sys.ptyNumber(master) & 0xff);
        sys.writeText(peer, "out");
        equal(sys.read(master, new ArrayBuffer(10), 0, 10), 3);
        sysError("ENOTTY", () => sys.ptyNumber(peer));
        sysError("EIO", () => sys.openPtyPeer(peer));
      });
      equal(sysError("ENOENT", () => sys.openPtyMaster(ABSENT)).path, ABSENT);
      equal(sysError("ENOTTY", () => sys.openPtyMaster("/dev/null")).syscall, "ioctl");
      sysError("EBADF", () => sys.openPtyPeer(BAD_FD));
      sysError("EBADF", () => sys.ptyNumber(BAD_FD));
      equal(sys.isatty(BAD_FD), false);
      withFd(sys.open("/dev/null", 0), (fd) => equal(sys.isatty(fd), false));
    },
  ),

  test("setControllingTerminal", "the leader of a session gets its terminal", () => {
    inChild(0, () => {
      sys.setsid();
      const master = sys.openPtyMaster(PTMX);
      const peer = sys.openPtyPeer(master);
      sysError("ENXIO", () => sys.open("/dev/tty", 2));
      sys.setControllingTerminal(peer);
      withFd(sys.open("/dev/tty", 2), (fd) => check(sys.isatty(fd), "/dev/tty"));
    });
    sysError("EBADF", () => sys.setControllingTerminal(BAD_FD));
    withFd(sys.open("/dev/null", 0), (fd) => sysError("ENOTTY", () => sys.setControllingTerminal(fd)));
  }),

  test(["getWindowSize", "setWindowSize"], "the size of a window is set and told", () => {
    withTerminal((master, peer) => {
      sys.setWindowSize(master, 40, 65535);
      equal(sys.getWindowSize(peer), { rows: 40, columns: 65535 });
    });
    sysError("EBADF", () => sys.getWindowSize(BAD_FD));
    sysError("EBADF", () => sys.setWindowSize(BAD_FD, 1, 1));
    withFd(sys.open("/dev/null", 0), (fd) => {
      sysError("ENOTTY", () => sys.getWindowSize(fd));
      sysError("ENOTTY", () => sys.setWindowSize(fd, 1, 1));
    });
  }),

  test(["setRawMode", "restoreMode"], "raw mode hands on every byte and is undone", () => {
    withTerminal((master, peer) => {
      const output = () => {
        sys.writeText(peer, "\n");
        return sys.read(master, new ArrayBuffer(10), 0, 10);
      };
      equal(output(), 2);
      const before = sys.setRawMode(peer);
      equal(output(), 1);
      sys.restoreMode(peer, before);
      equal(output(), 2);
      sysError("EBADF", () => sys.restoreMode(BAD_FD, before));
      withFd(sys.open("/dev/null", 0), (fd) => sysError("ENOTTY", () => sys.restoreMode(fd, before)));
    });
    sysError("EBADF", () => sys.setRawMode(BAD_FD));
    withFd(sys.open("/dev/null", 0), (fd) => sysError("ENOTTY", () => sys.setRawMode(fd)));
  }),
];
