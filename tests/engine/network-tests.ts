import * as sys from "urunc:sys";
import { CLONE_NEWNET, O_RDWR } from "../../src/sys/constants.ts";
import { isCloexec } from "./file-tests.ts";
import { BAD_FD, check, equal, inChild, sysError, type Test, test, throwsNamed, withFd, withFile } from "./harness.ts";

const NETLINK_ROUTE = 0;
const NETLINK_EXT_ACK = 11;
const NLMSG_ERROR = 2;
const RTMGRP_LINK = 1;
const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
const IFF_TAP_NO_PI = 0x1002;
const HEADER = 16;

/** A request for the link of this index: nlmsghdr and ifinfomsg. */
function linkRequest(index: number, sequence: number): ArrayBuffer {
  const buffer = new ArrayBuffer(32);
  const view = new DataView(buffer);
  view.setUint32(0, buffer.byteLength, true);
  view.setUint16(4, RTM_GETLINK, true);
  view.setUint16(6, 1, true);
  view.setUint32(8, sequence, true);
  view.setInt32(HEADER + 4, index, true);
  return buffer;
}

function hasTun(): boolean {
  try {
    sys.access("/dev/net/tun", 6);
    return true;
  } catch {
    return false;
  }
}

export const networkTests: readonly Test[] = [
  test(
    ["netlinkSocket", "bindNetlink", "setNetlinkOption", "sendNetlink", "recvNetlink"],
    "the kernel answers a request for the loopback device and one for a device there is not",
    () => {
      withFd(sys.netlinkSocket(NETLINK_ROUTE), (fd) => {
        check(isCloexec(fd), "close-on-exec");
        sys.bindNetlink(fd, 0);
        sys.setNetlinkOption(fd, NETLINK_EXT_ACK, true);
        sysError("ENOPROTOOPT", () => sys.setNetlinkOption(fd, 9999, true));
        const answer = new ArrayBuffer(8192);
        const view = new DataView(answer);
        equal(sys.sendNetlink(fd, linkRequest(1, 7), 0, 32), 32);
        const [length, port] = sys.recvNetlink(fd, answer, 0, 8192);
        equal([view.getUint32(0, true), view.getUint16(4, true), view.getUint32(8, true)], [length, RTM_NEWLINK, 7]);
        equal(port, 0);
        sys.sendNetlink(fd, linkRequest(0x7fffffff, 8), 0, 32);
        sys.recvNetlink(fd, answer, 64, 8128);
        equal([view.getUint16(68, true), view.getUint32(72, true)], [NLMSG_ERROR, 8]);
        equal(view.getInt32(64 + HEADER, true), -19);
        sys.sendNetlink(fd, linkRequest(1, 9), 0, 32);
        const [whole] = sys.recvNetlink(fd, answer, 0, 16);
        check(whole > 16, "the length of a packet that did not fit");
        sys.setNonblock(fd, true);
        sysError("EAGAIN", () => sys.recvNetlink(fd, answer, 0, 8192));
      });
      sysError("EPROTONOSUPPORT", () => sys.netlinkSocket(9999));
      sysError("EBADF", () => sys.bindNetlink(BAD_FD, 0));
      sysError("EBADF", () => sys.setNetlinkOption(BAD_FD, NETLINK_EXT_ACK, true));
      sysError("EBADF", () => sys.sendNetlink(BAD_FD, new ArrayBuffer(1), 0, 1));
      sysError("EBADF", () => sys.recvNetlink(BAD_FD, new ArrayBuffer(1), 0, 1));
      withFile("no-netlink", "", (fd) => {
        sysError("ENOTSOCK", () => sys.bindNetlink(fd, 0));
        sysError("ENOTSOCK", () => sys.setNetlinkOption(fd, NETLINK_EXT_ACK, true));
        sysError("ENOTSOCK", () => sys.sendNetlink(fd, new ArrayBuffer(1), 0, 1));
        sysError("ENOTSOCK", () => sys.recvNetlink(fd, new ArrayBuffer(1), 0, 1));
      });
    },
  ),

  test(["interfaceIndex"], "an interface is found by its name", () => {
    withFd(sys.netlinkSocket(NETLINK_ROUTE), (fd) => {
      equal(sys.interfaceIndex(fd, "lo"), 1);
      equal(sysError("ENODEV", () => sys.interfaceIndex(fd, "no-such-link")).path, "no-such-link");
      throwsNamed("RangeError", () => sys.interfaceIndex(fd, "sixteen-letters-"));
    });
    sysError("EBADF", () => sys.interfaceIndex(BAD_FD, "lo"));
    withFile("no-socket", "", (fd) => sysError("ENOTTY", () => sys.interfaceIndex(fd, "lo")));
  }),

  test(["networkCookie"], "sockets of one network namespace have one cookie, and those of another have another", () => {
    const cookie = (protocol: number) => {
      let text = "";
      withFd(sys.netlinkSocket(protocol), (fd) => {
        text = sys.networkCookie(fd);
      });
      return text;
    };
    const own = cookie(NETLINK_ROUTE);
    check(/^[1-9]\d*$/.test(own), "decimal digits");
    equal(cookie(NETLINK_ROUTE), own);
    sysError("EBADF", () => sys.networkCookie(BAD_FD));
    withFile("no-socket", "", (fd) => sysError("ENOTSOCK", () => sys.networkCookie(fd)));
    if (sys.geteuid() !== 0) return;
    inChild(CLONE_NEWNET, () => check(cookie(NETLINK_ROUTE) !== own, "another cookie"));
  }),

  test(["tunSetInterface", "tunSetOwner", "tunSetGroup", "tunSetPersist"], "what is no tun device is refused", () => {
    withFd(sys.open("/dev/null", O_RDWR), (fd) => {
      equal(sysError("ENOTTY", () => sys.tunSetInterface(fd, "name", IFF_TAP_NO_PI)).path, "name");
      sysError("ENOTTY", () => sys.tunSetOwner(fd, 1));
      sysError("ENOTTY", () => sys.tunSetGroup(fd, 1));
      sysError("ENOTTY", () => sys.tunSetPersist(fd, true));
    });
    sysError("EBADF", () => sys.tunSetInterface(BAD_FD, "name", IFF_TAP_NO_PI));
    sysError("EBADF", () => sys.tunSetOwner(BAD_FD, 1));
    sysError("EBADF", () => sys.tunSetGroup(BAD_FD, 1));
    sysError("EBADF", () => sys.tunSetPersist(BAD_FD, false));
  }),

  test(
    ["tunSetInterface", "tunSetOwner", "tunSetGroup", "tunSetPersist", "bindNetlink"],
    "a tap has its name and owner, stays only when it is to, and its coming is told to a listener",
    () => {
      if (!hasTun() || sys.geteuid() !== 0) return;
      inChild(CLONE_NEWNET, () => {
        const listener = sys.netlinkSocket(NETLINK_ROUTE);
        sys.bindNetlink(listener, RTMGRP_LINK);
        const tap = sys.open("/dev/net/tun", O_RDWR);
        sysError("EBADFD", () => sys.tunSetOwner(tap, 1));
        equal(sys.tunSetInterface(tap, "fifteen-letters", IFF_TAP_NO_PI), "fifteen-letters");
        const answer = new ArrayBuffer(8192);
        sys.recvNetlink(listener, answer, 0, 8192);
        equal(new DataView(answer).getUint16(4, true), RTM_NEWLINK);
        sysError("EEXIST", () => sys.tunSetInterface(tap, "other", IFF_TAP_NO_PI));
        sys.tunSetOwner(tap, 1234);
        sys.tunSetGroup(tap, 2 ** 31 + 5);
        sys.tunSetPersist(tap, true);
        const other = sys.open("/dev/net/tun", O_RDWR);
        equal(sysError("EBUSY", () => sys.tunSetInterface(other, "fifteen-letters", IFF_TAP_NO_PI)).code, "EBUSY");
        equal(sys.tunSetInterface(other, "kernel%d", IFF_TAP_NO_PI), "kernel0");
        sys.close(tap);
        const again = sys.open("/dev/net/tun", O_RDWR);
        equal(sys.tunSetInterface(again, "fifteen-letters", IFF_TAP_NO_PI), "fifteen-letters");
        sys.tunSetPersist(again, false);
        sys.close(again);
        const anew = sys.open("/dev/net/tun", O_RDWR);
        equal(sysError("EINVAL", () => sys.tunSetInterface(anew, "", 0)).code, "EINVAL");
        equal(sys.tunSetInterface(anew, "", IFF_TAP_NO_PI), "tap0");
      });
    },
  ),
];
