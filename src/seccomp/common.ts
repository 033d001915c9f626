/** What every monitor may ask of the kernel: its start, its memory, its files and threads, and its end. */
import { type CallRule, withArgument } from "./rule.ts";

/** clone(2): all kinds of new namespaces, and CLONE_THREAD. */
const CLONE_NAMESPACES = 0x7e020000;
const CLONE_NEWTIME = 0x80;
const CLONE_THREAD = 0x10000;

/** prctl(2) */
const PRCTL = {
  PR_SET_PDEATHSIG: 1,
  PR_GET_DUMPABLE: 3,
  PR_SET_DUMPABLE: 4,
  PR_SET_NAME: 15,
  PR_GET_NAME: 16,
  PR_GET_SECCOMP: 21,
  PR_SET_SECCOMP: 22,
  PR_CAPBSET_READ: 23,
  PR_SET_TIMERSLACK: 29,
  PR_MCE_KILL: 33,
  PR_SET_NO_NEW_PRIVS: 38,
  PR_GET_NO_NEW_PRIVS: 39,
  PR_SET_THP_DISABLE: 41,
  PR_SCHED_CORE: 62,
  PR_SET_VMA: 0x53564d41,
} as const;

/** ioctl(2): of the terminal what reads and sets its modes and size, never TIOCSTI or TIOCLINUX; flags of descriptors. */
const IOCTL = {
  TCGETS: 0x5401,
  TCSETS: 0x5402,
  TCSETSW: 0x5403,
  TCSETSF: 0x5404,
  TIOCGPGRP: 0x540f,
  TIOCGWINSZ: 0x5413,
  FIONREAD: 0x541b,
  FIONBIO: 0x5421,
  TCGETS2: 0x802c542a,
  FIONCLEX: 0x5450,
  FIOCLEX: 0x5451,
} as const;

const CALLS: readonly string[] = [
  // The program and its end; execve(2) is how it gets here.
  "execve exit exit_group arch_prctl set_tid_address set_robust_list get_robust_list rseq restart_syscall",
  // Threads. clone3(2), whose arguments no filter sees, is not there, so that the C library takes clone(2).
  "futex futex_waitv gettid sched_yield sched_getaffinity sched_getparam sched_getscheduler sched_getattr",
  "sched_get_priority_max sched_get_priority_min getcpu membarrier tgkill tkill",
  "rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigsuspend rt_sigtimedwait sigaltstack pause",
  // Memory
  "brk mmap mprotect mremap munmap madvise mincore msync mlock mlock2 munlock memfd_create",
  // Files
  "access faccessat faccessat2 open openat close close_range lseek read readv pread64 preadv preadv2",
  "write writev pwrite64 pwritev pwritev2 fstat stat lstat newfstatat statx statfs fstatfs readlink readlinkat",
  "getcwd getdents64 fsync fdatasync fallocate ftruncate fadvise64 flock dup dup2 dup3 fcntl pipe pipe2 umask",
  // Waiting and time
  "poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2",
  "eventfd eventfd2 timerfd_create timerfd_settime timerfd_gettime clock_getres clock_gettime clock_nanosleep",
  "nanosleep gettimeofday time times",
  // What it is and what it may have
  "getpid getppid getpgrp getpgid getsid getuid geteuid getgid getegid getgroups getresuid getresgid capget",
  "getrlimit prlimit64 getrusage sysinfo uname getrandom personality",
  // Its own filter, on top of this one; and our word to `start` when execve(2) fails.
  "seccomp sendmsg",
];

/** Lists are written as words of lines. */
export function words(lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) => line.split(" "));
}

export const COMMON: readonly CallRule[] = [
  { calls: words(CALLS) },
  // Threads only, and no new namespace.
  {
    calls: ["clone"],
    conditions: [{ argument: 0, mask: CLONE_NAMESPACES + CLONE_NEWTIME + CLONE_THREAD, value: CLONE_THREAD }],
  },
  ...withArgument("prctl", 0, Object.values(PRCTL)),
  ...withArgument("ioctl", 1, Object.values(IOCTL)),
];
