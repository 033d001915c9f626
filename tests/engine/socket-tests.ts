import * as sys from "urunc:sys";
import { SOCK_SEQPACKET, SOCK_STREAM } from "../../src/sys/constants.ts";
import { isCloexec } from "./file-tests.ts";
import { ABSENT, BAD_FD, check, equal, scratchPath, sysError, type Test, test, withFd, withFile } from "./harness.ts";

const SHUT_WR = 1;

function withPair(type: number, use: (left: number, right: number) => void): void {
  const [left, right] = sys.socketpair(type);
  try {
    use(left, right);
  } finally {
    sys.close(left);
    sys.close(right);
  }
}

export const socketTests: readonly Test[] = [
  test("socketpair", "a pair of sockets is close-on-exec and connected", () => {
    withPair(SOCK_STREAM, (left, right) => {
      check(isCloexec(left) && isCloexec(right), "close-on-exec");
      equal(sys.writeText(left, "text"), 4);
      equal(sys.read(right, new ArrayBuffer(8), 0, 8), 4);
    });
    sysError("ESOCKTNOSUPPORT", () => sys.socketpair(9));
  }),

  test(
    ["unixSocket", "bindUnix", "listen", "connectUnix", "accept", "peerCredentials"],
    "a server at a path is found and the peer is known",
    () => {
      const path = scratchPath("socket");
      withFd(sys.unixSocket(SOCK_STREAM), (server) => {
        check(isCloexec(server), "close-on-exec");
        sysError("EINVAL", () => sys.accept(server));
        sys.bindUnix(server, path);
        sysError("EINVAL", () => sys.bindUnix(server, `${path}2`));
        withFd(sys.unixSocket(SOCK_STREAM), (client) => {
          equal(sysError("ECONNREFUSED", () => sys.connectUnix(client, path)).path, path);
          sys.listen(server, 1);
          sys.connectUnix(client, path);
          sysError("EISCONN", () => sys.connectUnix(client, path));
          withFd(sys.accept(server), (connection) => {
            check(isCloexec(connection), "close-on-exec");
            const self = { pid: sys.getpid(), uid: sys.getuid(), gid: sys.getegid() };
            equal(sys.peerCredentials(connection), self);
            equal(sys.peerCredentials(client), self);
          });
        });
        withFd(sys.unixSocket(SOCK_STREAM), (other) => sysError("EADDRINUSE", () => sys.bindUnix(other, path)));
        sys.setNonblock(server, true);
        sysError("EAGAIN", () => sys.accept(server));
      });
      withFd(sys.unixSocket(SOCK_STREAM), (client) => sysError("ENOENT", () => sys.connectUnix(client, ABSENT)));
      sysError("ESOCKTNOSUPPORT", () => sys.unixSocket(9));
    },
  ),

  test(["bindUnix", "connectUnix"], "a path of 107 bytes fits", () => {
    const path = `${scratchPath("").padEnd(107, "p")}`;
    equal(path.length, 107);
    withFd(sys.unixSocket(SOCK_STREAM), (server) => {
      sys.bindUnix(server, path);
      sys.listen(server, 1);
      withFd(sys.unixSocket(SOCK_STREAM), (client) => sys.connectUnix(client, path));
      equal(sys.fstatat(-100, path, 0).nlink, 1);
    });
  }),

  test(
    ["bindUnix", "listen", "connectUnix", "accept", "peerCredentials", "shutdown"],
    "what is no socket is refused",
    () => {
      withFile("no-socket", "", (fd) => {
        sysError("ENOTSOCK", () => sys.bindUnix(fd, scratchPath("s")));
        sysError("ENOTSOCK", () => sys.listen(fd, 1));
        sysError("ENOTSOCK", () => sys.connectUnix(fd, scratchPath("s")));
        sysError("ENOTSOCK", () => sys.accept(fd));
        sysError("ENOTSOCK", () => sys.peerCredentials(fd));
        sysError("ENOTSOCK", () => sys.shutdown(fd, SHUT_WR));
        sysError("ENOTSOCK", () => sys.sendFds(fd, "x", []));
        sysError("ENOTSOCK", () => sys.recvFds(fd, 1));
      });
      sysError("EBADF", () => sys.bindUnix(BAD_FD, scratchPath("s")));
      sysError("EBADF", () => sys.listen(BAD_FD, 1));
      sysError("EBADF", () => sys.connectUnix(BAD_FD, scratchPath("s")));
      sysError("EBADF", () => sys.accept(BAD_FD));
      sysError("EBADF", () => sys.peerCredentials(BAD_FD));
      sysError("EBADF", () => sys.shutdown(BAD_FD, SHUT_WR));
      sysError("EBADF", () => sys.sendFds(BAD_FD, "x", []));
      sysError("EBADF", () => sys.recvFds(BAD_FD, 1));
    },
  ),

  test(["sendFds", "recvFds"], "descriptors travel with a text and arrive close-on-exec", () => {
    withPair(SOCK_STREAM, (left, right) => {
      withFile("travel", "content", (file) => {
        equal(sys.sendFds(left, "tëxt", [file, 1]), 5);
        const { text, fds } = sys.recvFds(right, 100);
        equal([text, fds.length], ["tëxt", 2]);
        for (const fd of fds) check(isCloexec(fd), "close-on-exec");
        equal(sys.fstat(fds[0] ?? -1).ino, sys.fstat(file).ino);
        for (const fd of fds) sys.close(fd);
      });
      sys.sendFds(left, "only text", []);
      equal(sys.recvFds(right, 4), { text: "only", fds: [] });
      equal(sys.recvFds(right, 65536), { text: " text", fds: [] });
      sys.sendFds(left, "x", new Array(16).fill(1));
      const most = sys.recvFds(right, 10).fds;
      equal(most.length, 16);
      for (const fd of most) sys.close(fd);
      sysError("EBADF", () => sys.sendFds(left, "x", [BAD_FD]));
    });
  }),

  test(["shutdown", "recvFds", "sendFds"], "the end of a connection is seen on both sides, without a signal", () => {
    withPair(SOCK_STREAM, (left, right) => {
      sys.shutdown(left, SHUT_WR);
      equal(sys.recvFds(right, 10), { text: "", fds: [] });
      sysError("EPIPE", () => sys.sendFds(left, "x", []));
      sysError("EINVAL", () => sys.shutdown(left, 9));
      sys.setNonblock(left, true);
      sysError("EAGAIN", () => sys.recvFds(left, 10));
    });
  }),

  test(["sendFds", "recvFds"], "messages of a packet socket stay apart", () => {
    withPair(SOCK_SEQPACKET, (left, right) => {
      sys.sendFds(left, "one", []);
      sys.sendFds(left, "two", []);
      equal([sys.recvFds(right, 100).text, sys.recvFds(right, 100).text], ["one", "two"]);
    });
  }),
];
