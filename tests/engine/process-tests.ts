import * as sys from "urunc:sys";
import {
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUTS,
  O_DIRECTORY,
  POLLHUP,
  POLLIN,
  POLLOUT,
  PR_SET_NO_NEW_PRIVS,
  WNOHANG,
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
  throwsNamed,
  withFd,
  withFile,
} from "./harness.ts";

const SIGHUP = 1;
const SIGKILL = 9;
const SIGUSR1 = 10;
const SIGCHLD = 17;
const NO_PID = 2 ** 30;
const PR_GET_NO_NEW_PRIVS = 39;
const RLIMIT_CORE = 4;
const SCHED_BATCH = 3;

function statusLine(name: string): string {
  return new RegExp(`^${name}:[ \\t]*(.*)$`, "m").exec(readFile("/proc/self/status"))?.[1] ?? "";
}

/** Nice value and policy (proc(5), /proc/pid/stat). */
function schedulingOf(process: string): string {
  const fields = readFile(`/proc/${process}/stat`)
    .replace(/^.*\) /, "")
    .split(" ");
  return `${fields[16]} ${fields[38]}`;
}

/** Starts a child that does what it is told; the caller waits for it. */
function spawn(run: () => void): number {
  const child = sys.clone3(0);
  if (child.pid === 0) {
    try {
      run();
    } finally {
      sys.exit(99);
    }
  }
  sys.close(child.pidfd);
  return child.pid;
}

export const processTests: readonly Test[] = [
  test("args", "the arguments begin with the program", () => {
    check(sys.args().length >= 1, "argv[0]");
    equal(sys.args().join("\0"), readFile("/proc/self/cmdline").slice(0, -1));
  }),

  test(["getenv", "environ"], "the environment is read", () => {
    const entries = sys.environ();
    equal(entries.length === 0 ? "" : `${entries.join("\0")}\0`, readFile("/proc/self/environ"));
    for (const entry of entries) {
      const name = entry.slice(0, entry.indexOf("="));
      check(sys.getenv(name) !== undefined, name);
    }
    equal(sys.getenv("URUNC_NO_SUCH_VARIABLE"), undefined);
    equal(sys.getenv(""), undefined);
  }),

  test(["getpid", "getppid", "getuid", "geteuid", "getegid"], "the process knows who it is", () => {
    equal(String(sys.getpid()), statusLine("Pid"));
    equal(String(sys.getppid()), statusLine("PPid"));
    const [uid, euid] = statusLine("Uid").split("\t").map(Number);
    equal([sys.getuid(), sys.geteuid()], [uid, euid]);
    equal(sys.getegid(), Number(statusLine("Gid").split("\t")[1]));
  }),

  test(["chdir", "fchdir", "getcwd"], "the working directory is changed and told", () => {
    inChild(0, () => {
      sys.chdir("/proc");
      equal(sys.getcwd(), "/proc");
      withFd(sys.open("/", O_DIRECTORY), (fd) => sys.fchdir(fd));
      equal(sys.getcwd(), "/");
      sysError("ENOENT", () => sys.chdir(ABSENT));
      sysError("EBADF", () => sys.fchdir(BAD_FD));
      sysError("ENOTDIR", () => sys.chdir("/proc/version"));
      withFile("file", "", (fd) => sysError("ENOTDIR", () => sys.fchdir(fd)));
      sys.mkdirat(-100, scratchPath("gone"), 0o700);
      sys.chdir(scratchPath("gone"));
      sys.unlinkat(-100, scratchPath("gone"), 0x200);
      sysError("ENOENT", () => sys.getcwd());
    });
  }),

  test(["clone3", "waitpid", "exit"], "a child goes on in the program and its end is told", () => {
    const child = sys.clone3(0);
    if (child.pid === 0) sys.exit(child.pidfd === -1 ? 42 : 1);
    check(isCloexec(child.pidfd), "the pidfd is close-on-exec");
    equal(sys.poll([child.pidfd], 10_000), [POLLIN]);
    equal(sys.waitpid(child.pid, 0), { pid: child.pid, code: 42 });
    sys.close(child.pidfd);
    sysError("ECHILD", () => sys.waitpid(child.pid, 0));
    sysError("EINVAL", () => sys.waitpid(-1, 0x4000));
  }),

  test("clone3", "a child sees its own namespaces", () => {
    inChild(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS, () => equal(sys.getpid(), 1));
    sysError("EINVAL", () => sys.clone3(0x1));
    // CLONE_INTO_CGROUP wants a directory of cgroup v2.
    withFd(sys.open("/proc", O_DIRECTORY), (fd) => sysError("EBADF", () => sys.clone3(0, fd)));
    sysError("EBADF", () => sys.clone3(0, BAD_FD));
  }),

  test("clone", "a child of the old way has its own namespaces, and its end is told", () => {
    const child = sys.clone(CLONE_NEWPID | CLONE_NEWUTS);
    if (child.pid === 0) sys.exit(sys.getpid() === 1 && child.pidfd === -1 ? 42 : 1);
    check(isCloexec(child.pidfd), "the pidfd is close-on-exec");
    equal(sys.poll([child.pidfd], 10_000), [POLLIN]);
    equal(sys.waitpid(child.pid, 0), { pid: child.pid, code: 42 });
    sys.close(child.pidfd);
  }),

  test("getsid", "the session of a process is told, of none that is not there", () => {
    inChild(0, () => equal([sys.setsid(), sys.getsid(0)], [sys.getpid(), sys.getpid()]));
    sysError("ESRCH", () => sys.getsid(2 ** 30));
  }),

  test("clone3", "memory of parent and child is separate", () => {
    let value = 1;
    inChild(0, () => {
      value = 2;
    });
    equal(value, 1);
  }),

  test(["waitpid", "kill"], "a child that a signal ended is told, one that runs is not", () => {
    const pid = spawn(() => sys.poll([], -1));
    equal(sys.waitpid(pid, WNOHANG), undefined);
    sys.kill(pid, 0);
    sys.kill(pid, SIGKILL);
    equal(sys.waitpid(pid, 0), { pid, signal: SIGKILL });
    sysError("ESRCH", () => sys.kill(pid, 0));
    sysError("EINVAL", () => sys.kill(sys.getpid(), 65));
  }),

  test("waitpid", "a stopped child is told when asked", () => {
    const pid = spawn(() => sys.poll([], -1));
    sys.kill(pid, 19);
    equal(sys.waitpid(pid, 2), { pid, signal: 19 });
    sys.kill(pid, SIGKILL);
    equal(sys.waitpid(pid, 0), { pid, signal: SIGKILL });
  }),

  test(["execve", "setCloexec"], "execve runs a program with exactly its arguments and environment", () => {
    const [reader, writer] = sys.pipe();
    const pid = spawn(() => {
      sys.dup2(writer, 1);
      sys.execve("/bin/sh", ["sh", "-c", 'echo "$0|$1|$ONE"; ls /proc/$$/fd | wc -l', "a b", ""], ["ONE=1=ä"]);
    });
    sys.close(writer);
    equal(withFd(reader, (fd) => sys.readText(fd, 1000)).split("\n")[0], "a b||1=ä");
    equal(sys.waitpid(pid, 0), { pid, code: 0 });
    const error = sysError("ENOENT", () => sys.execve(ABSENT, ["x"], []));
    equal([error.syscall, error.path], ["execve", ABSENT]);
    sysError("EACCES", () => sys.execve("/proc", ["x"], []));
    sysError("E2BIG", () => sys.execve("/bin/true", ["x".repeat(1 << 20)], []));
    withFile("no-program", "text", (fd, path) => {
      sys.fchmod(fd, 0o700);
      sysError("ETXTBSY", () => sys.execve(path, ["x"], []));
    });
    sysError("ENOEXEC", () => sys.execve(scratchPath("no-program"), ["x"], []));
  }),

  test("fexecve", "fexecve runs the program of a descriptor", () => {
    const pid = spawn(() => sys.fexecve(sys.open("/bin/sh", 0), ["sh", "-c", "exit 7"], []));
    equal(sys.waitpid(pid, 0), { pid, code: 7 });
    equal(sysError("EBADF", () => sys.fexecve(BAD_FD, ["x"], [])).syscall, "execveat");
    withFd(sys.open("/proc", 0), (fd) => sysError("EACCES", () => sys.fexecve(fd, ["x"], [])));
  }),

  test(["pidfdOpen", "pidfdSendSignal"], "a pidfd names a process for signals", () => {
    const pid = spawn(() => sys.poll([], -1));
    withFd(sys.pidfdOpen(pid), (pidfd) => {
      check(isCloexec(pidfd), "close-on-exec");
      sys.pidfdSendSignal(pidfd, SIGKILL);
      equal(sys.waitpid(pid, 0), { pid, signal: SIGKILL });
      sysError("ESRCH", () => sys.pidfdSendSignal(pidfd, SIGKILL));
    });
    withFd(sys.pidfdOpen(sys.getpid()), (pidfd) => sysError("EINVAL", () => sys.pidfdSendSignal(pidfd, 65)));
    sysError("ESRCH", () => sys.pidfdOpen(pid));
    sysError("EINVAL", () => sys.pidfdOpen(-1));
    sysError("ESRCH", () => sys.pidfdOpen(NO_PID));
    sysError("EBADF", () => sys.pidfdSendSignal(BAD_FD, 0));
  }),

  test("setsid", "a session is made once", () => {
    inChild(0, () => {
      equal(sys.setsid(), sys.getpid());
      sysError("EPERM", () => sys.setsid());
    });
  }),

  test(["setns", "unshare"], "namespaces are left and joined", () => {
    inChild(CLONE_NEWUTS, () => {
      const own = () => sys.readlinkat(-100, "/proc/self/ns/uts");
      const first = own();
      withFd(sys.open("/proc/self/ns/uts", 0), (fd) => {
        sys.unshare(CLONE_NEWUTS);
        check(own() !== first, "unshare");
        sysError("EINVAL", () => sys.setns(fd, CLONE_NEWNS));
        sys.setns(fd, CLONE_NEWUTS);
        equal(own(), first);
      });
      sysError("EBADF", () => sys.setns(BAD_FD, 0));
      withFd(sys.open("/proc/version", 0), (fd) => sysError("EINVAL", () => sys.setns(fd, 0)));
      sysError("EINVAL", () => sys.unshare(0x1));
    });
  }),

  test(["prctl", "setProcessName"], "attributes of the process are set", () => {
    inChild(0, () => {
      equal(sys.prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
      sys.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
      equal(sys.prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
      sysError("EINVAL", () => sys.prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
      sysError("EINVAL", () => sys.prctl(12345, 0, 0, 0, 0));
      sys.setProcessName("0123456789abcdefgh");
      equal(readFile("/proc/self/comm"), "0123456789abcde\n");
    });
  }),

  test("releaseCode", "the code's pages are given back and come again", () => {
    const resident = (): number => Number(/^Rss:\s+(\d+) kB$/m.exec(readFile("/proc/self/smaps_rollup"))?.[1]);
    const before = resident();
    sys.releaseCode();
    const after = resident();
    equal([after > 0, after < before], [true, true]);
  }),

  test(["setresuid", "setresgid", "setgroups"], "the user, group and groups are given up", () => {
    inChild(0, () => {
      sys.setgroups([7, 4294967294]);
      equal(statusLine("Groups").trim(), "7 4294967294");
      sys.setgroups([]);
      equal(statusLine("Groups").trim(), "");
      sys.setresgid(-1, 22, -1);
      sys.setresgid(21, 22, 23);
      equal(statusLine("Gid"), "21\t22\t23\t22");
      sys.setresuid(11, 12, 13);
      equal(statusLine("Uid"), "11\t12\t13\t12");
      sysError("EPERM", () => sys.setresuid(0, 0, 0));
      sysError("EPERM", () => sys.setresgid(0, 0, 0));
      sysError("EPERM", () => sys.setgroups([]));
    });
  }),

  test("dropBoundingSet", "no program can give a capability any more", () => {
    inChild(0, () => {
      sys.dropBoundingSet([0, 31, 32]);
      equal(statusLine("CapBnd"), "0000000180000001");
      sys.dropBoundingSet([]);
      equal(statusLine("CapBnd"), "0000000000000000");
      sys.capset([0, 0], [0, 0], [0, 0]);
      sysError("EPERM", () => sys.dropBoundingSet([]));
    });
  }),

  test("capset", "capabilities are given up in both words", () => {
    inChild(0, () => {
      sys.capset([0x20, 1], [0x21, 1], [0x1, 0]);
      equal(statusLine("CapEff"), "0000000100000020");
      equal(statusLine("CapPrm"), "0000000100000021");
      equal(statusLine("CapInh"), "0000000000000001");
      sysError("EPERM", () => sys.capset([0x40, 0], [0x40, 0], [0, 0]));
    });
  }),

  test("prlimit", "limits are set, -1 is infinity", () => {
    inChild(0, () => {
      const limit = () => /^Max core file size\s+(\S+)\s+(\S+)/m.exec(readFile("/proc/self/limits"))?.slice(1);
      sys.prlimit(0, RLIMIT_CORE, -1, -1);
      equal(limit(), ["unlimited", "unlimited"]);
      sys.prlimit(0, RLIMIT_CORE, 2 ** 40, 2 ** 41);
      equal(limit(), [String(2 ** 40), String(2 ** 41)]);
      sysError("EINVAL", () => sys.prlimit(0, RLIMIT_CORE, 2, 1));
      sysError("EINVAL", () => sys.prlimit(0, 99, 1, 1));
      sysError("ESRCH", () => sys.prlimit(NO_PID, RLIMIT_CORE, 1, 1));
      const pid = spawn(() => sys.poll([], -1));
      sys.prlimit(pid, RLIMIT_CORE, 4096, 8192);
      const others = readFile(`/proc/${pid}/limits`);
      sys.kill(pid, SIGKILL);
      sys.waitpid(pid, 0);
      check(/^Max core file size\s+4096\s+8192/m.test(others), "the limits of another process");
    });
  }),

  test("schedSetattr", "a policy is set, for another process too, or refused", () => {
    inChild(0, () => {
      sys.schedSetattr(0, SCHED_BATCH, 0, 7, 0, 0, 0, 0);
      equal(schedulingOf("self"), "7 3");
      sysError("EINVAL", () => sys.schedSetattr(0, 99, 0, 0, 0, 0, 0, 0));
      sysError("EINVAL", () => sys.schedSetattr(0, SCHED_BATCH, 0, 0, 1, 0, 0, 0));
      sysError("ESRCH", () => sys.schedSetattr(NO_PID, SCHED_BATCH, 0, 0, 0, 0, 0, 0));
      const pid = spawn(() => sys.poll([], -1));
      sys.schedSetattr(pid, SCHED_BATCH, 0, 9, 0, 0, 0, 0);
      const others = schedulingOf(`${pid}`);
      sys.kill(pid, SIGKILL);
      sys.waitpid(pid, 0);
      equal(others, "9 3");
    });
  }),

  test("ioprioSet", "a class is set or refused", () => {
    inChild(0, () => {
      sys.ioprioSet(0, (3 << 13) | 0);
      sysError("EINVAL", () => sys.ioprioSet(0, 7 << 13));
      sysError("ESRCH", () => sys.ioprioSet(NO_PID, 2 << 13));
    });
  }),

  test("personality", "the execution domain changes", () => {
    inChild(0, () => {
      equal(sys.personality(8), 0);
      equal(readFile("/proc/self/personality"), "00000008\n");
      equal(sys.personality(0xffffffff), 8);
    });
  }),

  test(["sethostname", "setdomainname"], "the names of the machine are set", () => {
    inChild(CLONE_NEWUTS, () => {
      sys.sethostname("guest-host");
      sys.setdomainname("guest.domain");
      equal(readFile("/proc/sys/kernel/hostname"), "guest-host\n");
      equal(readFile("/proc/sys/kernel/domainname"), "guest.domain\n");
      sysError("EINVAL", () => sys.sethostname("h".repeat(65)));
      sysError("EINVAL", () => sys.setdomainname("d".repeat(65)));
    });
  }),

  test(["setSignalMask", "signalfd", "readSignal"], "blocked signals arrive at a signalfd", () => {
    inChild(0, () => {
      sys.setSignalMask([SIGUSR1, SIGHUP]);
      equal(statusLine("SigBlk"), "0000000000000201");
      const fd = sys.signalfd([SIGUSR1, SIGHUP]);
      check(isCloexec(fd), "close-on-exec");
      equal(sys.readSignal(fd), undefined);
      sys.kill(sys.getpid(), SIGUSR1);
      equal(sys.poll([fd], 1000), [POLLIN]);
      equal(sys.readSignal(fd), SIGUSR1);
      equal(sys.readSignal(fd), undefined);
      sys.close(fd);
      sys.setSignalMask([]);
      equal(statusLine("SigBlk"), "0000000000000000");
      sysError("EBADF", () => sys.readSignal(BAD_FD));
      withFile("no-signalfd", "short", (file) => sysError("EINVAL", () => sys.readSignal(file)));
    });
  }),

  test("signalfd", "a descriptor that cannot be had is an error", () => {
    inChild(0, () => {
      sys.prlimit(0, 7, 4, 4);
      sysError("EMFILE", () => {
        for (let count = 0; count < 4; count++) sys.signalfd([SIGCHLD]);
      });
    });
  }),

  test("resetSignalHandlers", "no signal is ignored after resetSignalHandlers", () => {
    inChild(0, () => {
      sys.resetSignalHandlers();
      equal(statusLine("SigIgn"), "0000000000000000");
    });
  }),

  test("poll", "poll tells what is ready and gives up in time", () => {
    const [reader, writer] = sys.pipe();
    const start = sys.monotonicMs();
    equal(sys.poll([reader], 20), [0]);
    check(sys.monotonicMs() - start >= 19, "it waited");
    sys.writeText(writer, "x");
    equal(sys.poll([reader, BAD_FD], 1000), [POLLIN, 0x20]);
    equal(sys.poll([reader, writer], 1000, [0, POLLOUT]), [0, POLLOUT]);
    throwsNamed("RangeError", () => sys.poll([reader, writer], 0, [POLLIN]));
    sys.close(writer);
    equal(sys.poll([reader], 1000), [POLLIN | POLLHUP]);
    sys.close(reader);
    equal(sys.poll([], 0), []);
  }),

  test("poll", "poll goes on waiting after the process was stopped and continued", () => {
    const pid = spawn(() => {
      sys.poll([], 300);
      sys.exit(5);
    });
    sys.kill(pid, 19);
    sys.waitpid(pid, 2);
    sys.kill(pid, 18);
    equal(sys.waitpid(pid, 0), { pid, code: 5 });
  }),

  test(["wallClock", "monotonicMs"], "the clocks go forward", () => {
    const [seconds, nanoseconds] = sys.wallClock();
    check(seconds > 1_700_000_000 && nanoseconds >= 0 && nanoseconds < 1e9, "a time of this century");
    check(Math.abs(Date.now() / 1000 - seconds) < 5, "the same as Date");
    const before = sys.monotonicMs();
    check(sys.monotonicMs() >= before, "monotonic");
  }),

  test(["machine", "physicalMemory"], "the machine is described", () => {
    check(["x86_64", "aarch64"].includes(sys.machine()), sys.machine());
    const total = Number(/^MemTotal:\s*(\d+) kB/m.exec(readFile("/proc/meminfo"))?.[1]) * 1024;
    check(Math.abs(sys.physicalMemory() - total) < total / 100, "the same as /proc/meminfo");
  }),
];
