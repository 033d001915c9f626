/**
 * The border between TypeScript and the engine: everything the C module `urunc:sys` offers.
 *
 * Rules of the border (engine/README.md has the C side):
 * - one function is one system call (or one libc/libseccomp call); no policy, no parsing. A call that a signal
 *   interrupts is made again: no binding but those that engine/interrupted.md names ever throws EINTR;
 * - every file descriptor made here is close-on-exec; `setCloexec(fd, false)` and `dup2` are the only ways to pass one on;
 * - every failure throws a {@link SysError}; a wrong argument type, an embedded NUL in a string, an out-of-range number
 *   or an out-of-bounds buffer range throws a `TypeError` or `RangeError` before any system call is made;
 * - strings are UTF-8 on the other side. Names are bytes: each that is no UTF-8 comes as the lone surrogate U+DC00 + byte,
 *   and goes back as the same byte, in paths, arguments and `encodeUtf8`. Other lone surrogates go out as U+FFFD.
 *
 * Only files below `src/sys/` may import this module.
 */
declare module "urunc:sys" {
  /** What every failed system call throws. `message` reads `<syscall> <path>: <strerror> (<CODE>)`. */
  export interface SysError extends Error {
    readonly name: "SysError";
    /** Name of the system call, for example `openat2`. */
    readonly syscall: string;
    /** Positive errno value. */
    readonly errno: number;
    /** Symbolic errno, for example `ENOENT`. */
    readonly code: string;
    /** With EPERM and ENOSYS: whether this process has a system call filter, which may be what denied the call. */
    readonly isFiltered?: boolean;
    /** Path the call was given; absent when it had none. */
    readonly path?: string;
  }

  // ---- file (engine/sys_file.c) --------------------------------------------------------------------------------------

  export interface FileStat {
    readonly dev: number;
    readonly ino: number;
    readonly mode: number;
    readonly nlink: number;
    readonly uid: number;
    readonly gid: number;
    readonly rdevMajor: number;
    readonly rdevMinor: number;
    /** Bytes. */
    readonly size: number;
    /** Seconds since the epoch. */
    readonly mtime: number;
  }

  /** openat(2) relative to the working directory; O_CLOEXEC is added. */
  export function open(path: string, flags: number, mode?: number): number;
  /** openat(2); O_CLOEXEC is added. */
  export function openat(dirfd: number, path: string, flags: number, mode?: number): number;
  /** openat2(2); O_CLOEXEC is added. `resolve` is a mask of RESOLVE_*. */
  export function openat2(dirfd: number, path: string, flags: number, mode: number, resolve: number): number;
  export function close(fd: number): void;
  /** close_range(2), flags 0; closes first..last inclusive. `last` may be 0xffffffff. */
  export function closeRange(first: number, last: number): void;
  /** One read(2) into buffer[offset, offset+length); returns bytes read, 0 at end of file. */
  export function read(fd: number, buffer: ArrayBuffer, offset: number, length: number): number;
  export function pread(fd: number, buffer: ArrayBuffer, offset: number, length: number, position: number): number;
  /** One write(2) of buffer[offset, offset+length). May write less. */
  export function write(fd: number, buffer: ArrayBuffer, offset: number, length: number): number;
  /**
   * write(2) of the whole text in one call, for people: every lone surrogate goes out as U+FFFD. Returns the bytes
   * written (may be less than the text has).
   */
  export function writeText(fd: number, text: string): number;
  /**
   * Reads from the current position to end of file, at most `limit` bytes, as UTF-8 text.
   * Throws SysError EFBIG when there is more. (The only composite binding: it is on the path of every verb.)
   */
  export function readText(fd: number, limit: number): string;
  export function encodeUtf8(text: string): ArrayBuffer;
  export function decodeUtf8(buffer: ArrayBuffer, offset: number, length: number): string;
  export function lseek(fd: number, offset: number, whence: number): number;
  export function fsync(fd: number): void;
  export function ftruncate(fd: number, size: number): void;
  export function fstat(fd: number): FileStat;
  /** newfstatat(2); flags: AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH. */
  export function fstatat(dirfd: number, path: string, flags: number): FileStat;
  /** fstat(2): device, inode, size, then seconds and nanoseconds of the last change of content and of the last change at all. */
  export function fileIdentity(fd: number): number[];
  /** f_type of fstatfs(2). */
  export function fstatfsType(fd: number): number;
  /** faccessat2(2) with the mode of access(2) and effective ids (AT_EACCESS). Where that is denied faccessat(2), with the real ids. */
  export function access(path: string, mode: number): void;
  export function mkdirat(dirfd: number, path: string, mode: number): void;
  export function mknodat(dirfd: number, path: string, mode: number, major: number, minor: number): void;
  export function symlinkat(target: string, dirfd: number, path: string): void;
  export function readlinkat(dirfd: number, path: string): string;
  /** unlinkat(2); AT_REMOVEDIR in flags removes a directory. */
  export function unlinkat(dirfd: number, path: string, flags: number): void;
  /** renameat2(2); flags: RENAME_NOREPLACE, RENAME_EXCHANGE. */
  export function renameat2(oldDirfd: number, oldPath: string, newDirfd: number, newPath: string, flags: number): void;
  /** Names in a directory without `.` and `..`; reads from the start. */
  export function readdir(fd: number): string[];
  /** fchmod(2), works on a descriptor that was not opened with O_PATH. */
  export function fchmod(fd: number, mode: number): void;
  /** fchownat(2). */
  export function fchownat(dirfd: number, path: string, uid: number, gid: number, flags: number): void;
  /** flock(2). */
  export function flock(fd: number, operation: number): void;
  /** dup3(2) without O_CLOEXEC: the copy survives execve. */
  export function dup2(oldFd: number, newFd: number): void;
  /** fcntl(F_DUPFD_CLOEXEC, minimum). */
  export function dupCloexec(fd: number, minimum: number): number;
  export function setCloexec(fd: number, on: boolean): void;
  export function setNonblock(fd: number, on: boolean): void;
  /** fcntl(2), F_SETOWN, F_SETSIG and O_ASYNC: `signal` for `pid` when there is input or the other end is closed. */
  export function setSignalOnInput(fd: number, pid: number, signal: number): void;
  /** pipe2(O_CLOEXEC): [read end, write end]. */
  export function pipe(): [number, number];
  /** memfd_create(2), MFD_CLOEXEC added. */
  export function memfdCreate(name: string, flags: number): number;
  /** fcntl(F_ADD_SEALS). */
  export function addSeals(fd: number, seals: number): void;
  /** sendfile(2); returns bytes copied. */
  export function sendfile(outFd: number, inFd: number, count: number): number;
  export function umask(mask: number): number;

  // ---- process (engine/sys_process.c) --------------------------------------------------------------------------------

  /** argv of this process, argv[0] included. */
  export function args(): string[];
  /** Value of an environment variable. */
  export function getenv(name: string): string | undefined;
  /** The whole environment as `K=V` entries. */
  export function environ(): string[];
  export function getpid(): number;
  export function getppid(): number;
  export function getuid(): number;
  export function geteuid(): number;
  export function getegid(): number;
  export function chdir(path: string): void;
  export function fchdir(fd: number): void;
  export function getcwd(): string;
  /**
   * clone3(2) without CLONE_VM: a fork whose child goes on in this program. exit signal SIGCHLD.
   * Returns 0 in the child, the child's pid (in the caller's pid namespace) in the parent.
   * `pidfd` (close-on-exec) is set in the parent, -1 in the child. Only CLONE_NEW* and CLONE_PARENT may be in `flags`.
   * With the descriptor of a cgroup v2 directory the child is born in that cgroup (CLONE_INTO_CGROUP).
   */
  export function clone3(flags: number, cgroupFd?: number): { readonly pid: number; readonly pidfd: number };
  /**
   * clone(2) with CLONE_PIDFD, as {@link clone3} before that was there: without a cgroup, and CLONE_NEWTIME is a
   * RangeError.
   */
  export function clone(flags: number): { readonly pid: number; readonly pidfd: number };
  /** execve(2). Does not return on success. Signal mask and dispositions are the caller's business. */
  export function execve(path: string, argv: readonly string[], env: readonly string[]): never;
  /** execveat(fd, "", argv, env, AT_EMPTY_PATH). */
  export function fexecve(fd: number, argv: readonly string[], env: readonly string[]): never;
  /** _exit(2) at once: no destructors, no flush. */
  export function exit(code: number): never;
  /**
   * wait4(2). pid as there; options WNOHANG etc. undefined when WNOHANG found nothing.
   * Exactly one of code/signal is set.
   */
  export function waitpid(
    pid: number,
    options: number,
  ): { readonly pid: number; readonly code?: number; readonly signal?: number } | undefined;
  export function kill(pid: number, signal: number): void;
  export function pidfdOpen(pid: number): number;
  export function pidfdSendSignal(pidfd: number, signal: number): void;
  export function setsid(): number;
  /** getsid(2): the session of a process, which needs no right and no /proc. */
  export function getsid(pid: number): number;
  export function setns(fd: number, nstype: number): void;
  export function unshare(flags: number): void;
  /** prctl(2) with integer arguments. */
  export function prctl(option: number, arg2: number, arg3: number, arg4: number, arg5: number): number;
  /** prctl(PR_SET_NAME): at most 15 bytes are kept. */
  export function setProcessName(name: string): void;
  /** madvise(2) with MADV_DONTNEED on this program's code and constants: their pages are mapped again when they are used. */
  export function releaseCode(): void;
  /**
   * prctl(PR_CAPBSET_DROP) of every capability the kernel has but those numbered. (Composite: 41 calls on the path of
   * every start.)
   */
  export function dropBoundingSet(kept: readonly number[]): void;
  export function setresuid(ruid: number, euid: number, suid: number): void;
  export function setresgid(rgid: number, egid: number, sgid: number): void;
  export function setgroups(gids: readonly number[]): void;
  /** capset(2), version 3, for the calling thread. Each set is two 32-bit words: [low, high]. */
  export function capset(
    effective: readonly [number, number],
    permitted: readonly [number, number],
    inheritable: readonly [number, number],
  ): void;
  /** prlimit64(2), pid 0 for this process; 0xffffffffffffffff is given as -1. */
  export function prlimit(pid: number, resource: number, soft: number, hard: number): void;
  /** sched_setattr(2); times in nanoseconds, flags SCHED_FLAG_*. */
  export function schedSetattr(
    pid: number,
    policy: number,
    flags: number,
    nice: number,
    priority: number,
    runtime: number,
    deadline: number,
    period: number,
  ): void;
  /** ioprio_set(2), IOPRIO_WHO_PROCESS; the class lies above bit 13. */
  export function ioprioSet(pid: number, priority: number): void;
  /** personality(2); returns the one before. */
  export function personality(persona: number): number;
  export function sethostname(name: string): void;
  export function setdomainname(name: string): void;
  /** Blocks exactly these signals (sigprocmask SIG_SETMASK) for this thread. An empty list unblocks all. */
  export function setSignalMask(signals: readonly number[]): void;
  /** Resets the disposition of every signal to SIG_DFL. */
  export function resetSignalHandlers(): void;
  /** signalfd4(2), SFD_CLOEXEC | SFD_NONBLOCK. */
  export function signalfd(signals: readonly number[]): number;
  /** One record of a signalfd: the signal number; undefined when there is none (EAGAIN). */
  export function readSignal(fd: number): number | undefined;
  /**
   * poll(2). Waits at most timeout ms (-1: for ever) for the events of each fd, POLLIN when `events` is not given;
   * returns revents per fd. A signal makes it neither shorter nor longer.
   */
  export function poll(fds: readonly number[], timeoutMs: number, events?: readonly number[]): number[];
  /** clock_gettime(CLOCK_REALTIME) as [seconds, nanoseconds]. */
  export function wallClock(): [number, number];
  /** clock_gettime(CLOCK_MONOTONIC) in milliseconds, with fraction. */
  export function monotonicMs(): number;
  /** uname(2): machine, for example `x86_64`. */
  export function machine(): string;
  /** Bytes of physical memory. */
  export function physicalMemory(): number;

  // ---- mount (engine/sys_mount.c) ------------------------------------------------------------------------------------

  /** mount(2); null stands for a NULL pointer. */
  export function mount(
    source: string | null,
    target: string,
    fsType: string | null,
    flags: number,
    data: string | null,
  ): void;
  export function umount2(target: string, flags: number): void;
  export function pivotRoot(newRoot: string, putOld: string): void;
  export function chroot(path: string): void;
  /** open_tree(2); OPEN_TREE_CLOEXEC added. flags: OPEN_TREE_CLONE, AT_RECURSIVE, AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW. */
  export function openTree(dirfd: number, path: string, flags: number): number;
  /** move_mount(2). */
  export function moveMount(fromDirfd: number, fromPath: string, toDirfd: number, toPath: string, flags: number): void;
  /** mount_setattr(2). */
  export function mountSetattr(
    dirfd: number,
    path: string,
    flags: number,
    attrSet: number,
    attrClear: number,
    propagation: number,
  ): void;
  /** mount_setattr(2) with MOUNT_ATTR_IDMAP on a mount that is attached nowhere: owners as a user namespace maps them. */
  export function mountIdmap(fd: number, userNamespaceFd: number): void;
  /** fsopen(2), FSOPEN_CLOEXEC. */
  export function fsopen(fsType: string): number;
  /** fsconfig(2) FSCONFIG_SET_STRING; with null value FSCONFIG_SET_FLAG. */
  export function fsconfigSet(fd: number, key: string, value: string | null): void;
  /** fsconfig(2) FSCONFIG_CMD_CREATE. */
  export function fsconfigCreate(fd: number): void;
  /** fsmount(2), FSMOUNT_CLOEXEC; attributes: MOUNT_ATTR_*. */
  export function fsmount(fd: number, attributes: number): number;

  // ---- socket (engine/sys_socket.c) ----------------------------------------------------------------------------------

  /** socketpair(AF_UNIX, type | SOCK_CLOEXEC). */
  export function socketpair(type: number): [number, number];
  /** socket(AF_UNIX, type | SOCK_CLOEXEC). */
  export function unixSocket(type: number): number;
  /** bind(2) to a path of at most 107 bytes (RangeError beyond). */
  export function bindUnix(fd: number, path: string): void;
  export function listen(fd: number, backlog: number): void;
  /** connect(2) to a path of at most 107 bytes. */
  export function connectUnix(fd: number, path: string): void;
  /** accept4(SOCK_CLOEXEC). */
  export function accept(fd: number): number;
  /** SO_PEERCRED. */
  export function peerCredentials(fd: number): { readonly pid: number; readonly uid: number; readonly gid: number };
  /** sendmsg(2) of one text with file descriptors in SCM_RIGHTS, MSG_NOSIGNAL. */
  export function sendFds(fd: number, text: string, fds: readonly number[]): number;
  /** recvmsg(2), MSG_CMSG_CLOEXEC: text (at most limit bytes) and descriptors (at most 16). Empty text and no fds: end of file. */
  export function recvFds(fd: number, limit: number): { readonly text: string; readonly fds: number[] };
  export function shutdown(fd: number, how: number): void;

  // ---- netlink and tun (engine/sys_net.c) ----------------------------------------------------------------------------

  /** socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol). */
  export function netlinkSocket(protocol: number): number;
  /** bind(2) to a port the kernel chooses and to the multicast groups of the mask. */
  export function bindNetlink(fd: number, groups: number): void;
  /** setsockopt(SOL_NETLINK, option). */
  export function setNetlinkOption(fd: number, option: number, on: boolean): void;
  /** sendto(2) of buffer[offset, offset+length) to the kernel, MSG_NOSIGNAL; the bytes sent. */
  export function sendNetlink(fd: number, buffer: ArrayBuffer, offset: number, length: number): number;
  /**
   * recvfrom(2), MSG_TRUNC, into buffer[offset, offset+length). The packet's length, which may be more
   * than the buffer took, and the sender's port: 0 is the kernel.
   */
  export function recvNetlink(fd: number, buffer: ArrayBuffer, offset: number, length: number): [number, number];
  /** ioctl SIOCGIFINDEX on a socket of the namespace; ENODEV where there is no interface of this name. */
  export function interfaceIndex(fd: number, name: string): number;
  /**
   * getsockopt(2), SO_NETNS_COOKIE: what the kernel gives to no other network namespace until it ends, in decimal digits, of
   * the namespace that a socket was made in. ENOPROTOOPT before Linux 5.14.
   */
  export function networkCookie(fd: number): string;
  /** ioctl TUNSETIFF on an open /dev/net/tun, flags IFF_*, name of at most 15 bytes; the interface's name. */
  export function tunSetInterface(fd: number, name: string, flags: number): string;
  /** ioctl TUNSETOWNER. */
  export function tunSetOwner(fd: number, uid: number): void;
  /** ioctl TUNSETGROUP. */
  export function tunSetGroup(fd: number, gid: number): void;
  /** ioctl TUNSETPERSIST. */
  export function tunSetPersist(fd: number, on: boolean): void;

  // ---- terminal (engine/sys_tty.c) -----------------------------------------------------------------------------------

  export function isatty(fd: number): boolean;
  /** posix_openpt + unlockpt on `ptmxPath` (normally /dev/ptmx): the master; O_NOCTTY. */
  export function openPtyMaster(ptmxPath: string): number;
  /** ioctl TIOCGPTPEER(O_RDWR | O_NOCTTY): the slave of a master, without any path. */
  export function openPtyPeer(master: number): number;
  /** ioctl TIOCGPTN: number of the pty; its name is /dev/pts/N. */
  export function ptyNumber(master: number): number;
  /** ioctl TIOCSCTTY 0. */
  export function setControllingTerminal(fd: number): void;
  export function getWindowSize(fd: number): { readonly rows: number; readonly columns: number };
  export function setWindowSize(fd: number, rows: number, columns: number): void;
  /** tcgetattr + cfmakeraw + tcsetattr(TCSANOW); returns the attributes from before, opaque. */
  export function setRawMode(fd: number): ArrayBuffer;
  /** tcsetattr(TCSANOW) with what setRawMode returned. */
  export function restoreMode(fd: number, attributes: ArrayBuffer): void;

  // ---- kvm, loop and seccomp (engine/sys_kvm.c, engine/sys_loop.c, engine/sys_seccomp.c) -----------------------------

  /** ioctl KVM_GET_API_VERSION on an open /dev/kvm. */
  export function kvmApiVersion(fd: number): number;
  /** ioctl KVM_CREATE_VM on an open /dev/kvm; the VM's descriptor. */
  export function kvmCreateVm(fd: number): number;
  /** ioctl LOOP_GET_STATUS64 on an open loop device: its LO_FLAGS_*. */
  export function loopFlags(fd: number): number;
  /** ioctl LOOP_SET_STATUS64 with these flags and the rest as it is; the kernel changes LO_FLAGS_AUTOCLEAR only. */
  export function setLoopFlags(fd: number, flags: number): void;
  /**
   * libseccomp: compiles a filter to a BPF program (struct sock_filter[], native byte order). A call of another
   * architecture ends the process. Looks at nothing of the machine, so that it may be called at build time.
   */
  export function seccompCompile(filter: {
    /** SCMP_ACT_* value. */
    readonly defaultAction: number;
    /** Names libseccomp does not know are left out; otherwise they throw SysError EINVAL with the name as its path. */
    readonly ignoreUnknown?: boolean;
    readonly rules: readonly {
      readonly action: number;
      readonly syscalls: readonly string[];
      /** At most one an argument: `(argument & mask) === value`, all of them. */
      readonly conditions?: readonly { readonly argument: number; readonly mask: number; readonly value: number }[];
    }[];
  }): ArrayBuffer;
  /** seccomp(SECCOMP_SET_MODE_FILTER, flags, program). */
  export function seccompLoad(program: ArrayBuffer, flags: number): void;

  // ---- bpf (engine/sys_bpf.c) ----------------------------------------------------------------------------------------

  /** bpf(BPF_PROG_LOAD) of type BPF_PROG_TYPE_CGROUP_DEVICE: struct bpf_insn[]; the program's descriptor. */
  export function bpfLoadCgroupDevice(program: ArrayBuffer): number;
  /** bpf(BPF_PROG_ATTACH) to the descriptor of a cgroup v2 directory, beside the programs that are there. */
  export function bpfAttachCgroupDevice(cgroupFd: number, programFd: number): void;
}
