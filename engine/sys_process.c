/* Processes, identity, signals, clocks. */
#include "sys.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* sched.h of glibc and linux/sched.h cannot be included together. */
extern int unshare(int flags);
extern int setns(int fd, int nstype);

#define LAST_SIGNAL 64

/* ---- what this process is -----------------------------------------------------------------------------------------*/

static JSValue sys_args(JSContext *ctx, JSValueConst *argv) {
    (void)argv;
    JSValue list = JS_NewArray(ctx);
    for (int i = 0; i < sys_argc; i++)
        JS_DefinePropertyValueUint32(ctx, list, (uint32_t)i, new_text(ctx, sys_argv[i], strlen(sys_argv[i])),
                                     JS_PROP_C_W_E);
    return list;
}

static JSValue sys_getenv(JSContext *ctx, JSValueConst *argv) {
    TEXT name = NO_TEXT;
    if (!arg_text(ctx, argv[0], &name))
        return JS_EXCEPTION;
    const char *value = getenv(name.s);
    return value == NULL ? JS_UNDEFINED : new_text(ctx, value, strlen(value));
}

static JSValue sys_environ(JSContext *ctx, JSValueConst *argv) {
    (void)argv;
    JSValue list = JS_NewArray(ctx);
    for (uint32_t i = 0; environ != NULL && environ[i] != NULL; i++)
        JS_DefinePropertyValueUint32(ctx, list, i, new_text(ctx, environ[i], strlen(environ[i])), JS_PROP_C_W_E);
    return list;
}

static JSValue sys_getpid(JSContext *ctx, JSValueConst *argv) {
    (void)argv;
    return JS_NewInt32(ctx, getpid());
}

static JSValue sys_getppid(JSContext *ctx, JSValueConst *argv) {
    (void)argv;
    return JS_NewInt32(ctx, getppid());
}

static JSValue sys_getuid(JSContext *ctx, JSValueConst *argv) {
    (void)argv;
    return JS_NewUint32(ctx, getuid());
}

static JSValue sys_geteuid(JSContext *ctx, JSValueConst *argv) {
    (void)argv;
    return JS_NewUint32(ctx, geteuid());
}

static JSValue sys_getegid(JSContext *ctx, JSValueConst *argv) {
    (void)argv;
    return JS_NewUint32(ctx, getegid());
}

static JSValue sys_chdir(JSContext *ctx, JSValueConst *argv) {
    TEXT path = NO_TEXT;
    if (!arg_text(ctx, argv[0], &path))
        return JS_EXCEPTION;
    return sys_done(ctx, AGAIN(chdir(path.s)), "chdir", path.s);
}

static JSValue sys_fchdir(JSContext *ctx, JSValueConst *argv) {
    int fd;
    if (!arg_fd(ctx, argv[0], &fd))
        return JS_EXCEPTION;
    return sys_done(ctx, AGAIN(fchdir(fd)), "fchdir", NULL);
}

static JSValue sys_getcwd(JSContext *ctx, JSValueConst *argv) {
    (void)argv;
    char path[PATH_MAX];
    /* The raw call: a directory outside the root reads "(unreachable)/..." and is for the caller to see. */
    long size = syscall(SYS_getcwd, path, sizeof path);
    return size < 0 ? sys_throw(ctx, "getcwd", NULL) : new_text(ctx, path, strlen(path));
}

/* ---- making and ending processes ----------------------------------------------------------------------------------*/

/* What would share memory, threads or pointers with the child; the interpreter can only live in a copy. */
#define CLONE_REFUSED                                                                                                  \
    (CLONE_VM | CLONE_VFORK | CLONE_SIGHAND | CLONE_THREAD | CLONE_SETTLS | CLONE_FILES | CLONE_FS |                   \
     CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | CLONE_PIDFD | CLONE_INTO_CGROUP)

/* What is returned of a child, made before the call: what is thrown after it, for want of memory, the child would throw too. */
static JSValue new_child(JSContext *ctx) {
    JSValue result = JS_NewObject(ctx);
    if (JS_IsException(result))
        return result;
    set(ctx, result, "pid", JS_NewInt32(ctx, -1));
    set(ctx, result, "pidfd", JS_NewInt32(ctx, -1));
    return result;
}

static JSValue child_of(JSContext *ctx, JSValue child, long pid, int pidfd) {
    set(ctx, child, "pid", JS_NewInt32(ctx, (int32_t)pid));
    set(ctx, child, "pidfd", JS_NewInt32(ctx, pid == 0 ? -1 : pidfd));
    return child;
}

static JSValue sys_clone3(JSContext *ctx, JSValueConst *argv) {
    int64_t flags;
    int cgroup = -1, pidfd = -1;
    if (!arg_integer(ctx, argv[0], 0, MAX_SAFE_INTEGER, &flags) ||
        (!JS_IsUndefined(argv[1]) && !arg_fd(ctx, argv[1], &cgroup)))
        return JS_EXCEPTION;
    if ((uint64_t)flags & CLONE_REFUSED)
        return JS_ThrowRangeError(ctx, "Only flags of namespaces and CLONE_PARENT are allowed");
    struct clone_args args = {
        .flags = (uint64_t)flags | CLONE_PIDFD,
        .pidfd = (uint64_t)(uintptr_t)&pidfd,
        .exit_signal = (uint64_t)flags & CLONE_PARENT ? 0 : SIGCHLD,
    };
    if (cgroup >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)cgroup;
    }
    JSValue result = new_child(ctx);
    if (JS_IsException(result))
        return result;
    long pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid >= 0)
        return child_of(ctx, result, pid, pidfd);
    JSValue error = sys_throw(ctx, "clone3", NULL);
    JS_FreeValue(ctx, result);
    return error;
}

static JSValue sys_clone(JSContext *ctx, JSValueConst *argv) {
    int64_t flags;
    int pidfd = -1;
    if (!arg_integer(ctx, argv[0], 0, UINT32_MAX, &flags))
        return JS_EXCEPTION;
    if ((uint64_t)flags & (CLONE_REFUSED | CSIGNAL))
        return JS_ThrowRangeError(ctx, "Only flags of namespaces and CLONE_PARENT are allowed");
    uint64_t all = (uint64_t)flags | CLONE_PIDFD | ((uint64_t)flags & CLONE_PARENT ? 0 : SIGCHLD);
    JSValue result = new_child(ctx);
    if (JS_IsException(result))
        return result;
    /* The rest of the arguments has another order on each architecture, and is 0. */
    long pid = syscall(SYS_clone, all, NULL, &pidfd, NULL, NULL);
    if (pid >= 0)
        return child_of(ctx, result, pid, pidfd);
    JSValue error = sys_throw(ctx, "clone", NULL);
    JS_FreeValue(ctx, result);
    return error;
}

static JSValue sys_execve(JSContext *ctx, JSValueConst *argv) {
    TEXT path = NO_TEXT;
    TEXT_LIST arguments = NO_TEXT_LIST;
    TEXT_LIST environment = NO_TEXT_LIST;
    if (!arg_text(ctx, argv[0], &path) || !arg_text_list(ctx, argv[1], &arguments) ||
        !arg_text_list(ctx, argv[2], &environment))
        return JS_EXCEPTION;
    (void)AGAIN(execve(path.s, arguments.items, environment.items));
    return sys_throw(ctx, "execve", path.s);
}

static JSValue sys_fexecve(JSContext *ctx, JSValueConst *argv) {
    int fd;
    TEXT_LIST arguments = NO_TEXT_LIST;
    TEXT_LIST environment = NO_TEXT_LIST;
    if (!arg_fd(ctx, argv[0], &fd) || !arg_text_list(ctx, argv[1], &arguments) ||
        !arg_text_list(ctx, argv[2], &environment))
        return JS_EXCEPTION;
    (void)AGAIN(execveat(fd, "", arguments.items, environment.items, AT_EMPTY_PATH));
    return sys_throw(ctx, "execveat", NULL);
}

static JSValue sys_exit(JSContext *ctx, JSValueConst *argv) {
    int64_t code;
    if (!arg_integer(ctx, argv[0], 0, 255, &code))
        return JS_EXCEPTION;
    _exit((int)code);
}

static JSValue sys_waitpid(JSContext *ctx, JSValueConst *argv) {
    int pid, options, status, result;
    if (!arg_int(ctx, argv[0], &pid) || !arg_int(ctx, argv[1], &options))
        return JS_EXCEPTION;
    result = AGAIN(wait4(pid, &status, options, NULL));
    if (result < 0)
        return sys_throw(ctx, "wait4", NULL);
    if (result == 0)
        return JS_UNDEFINED;
    JSValue child = JS_NewObject(ctx);
    set(ctx, child, "pid", JS_NewInt32(ctx, result));
    if (WIFEXITED(status))
        set(ctx, child, "code", JS_NewInt32(ctx, WEXITSTATUS(status)));
    else
        set(ctx, child, "signal", JS_NewInt32(ctx, WIFSTOPPED(status) ? WSTOPSIG(status) : WTERMSIG(status)));
    return child;
}

static JSValue sys_kill(JSContext *ctx, JSValueConst *argv) {
    int pid, signal;
    if (!arg_int(ctx, argv[0], &pid) || !arg_int(ctx, argv[1], &signal))
        return JS_EXCEPTION;
    return sys_done(ctx, kill(pid, signal), "kill", NULL);
}

static JSValue sys_pidfd_open(JSContext *ctx, JSValueConst *argv) {
    int pid;
    if (!arg_int(ctx, argv[0], &pid))
        return JS_EXCEPTION;
    return sys_number(ctx, syscall(SYS_pidfd_open, pid, 0), "pidfd_open", NULL);
}

static JSValue sys_pidfd_send_signal(JSContext *ctx, JSValueConst *argv) {
    int pidfd, signal;
    if (!arg_fd(ctx, argv[0], &pidfd) || !arg_int(ctx, argv[1], &signal))
        return JS_EXCEPTION;
    return sys_done(ctx, syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0), "pidfd_send_signal", NULL);
}

static JSValue sys_setsid(JSContext *ctx, JSValueConst *argv) {
    (void)argv;
    return sys_number(ctx, setsid(), "setsid", NULL);
}

static JSValue sys_getsid(JSContext *ctx, JSValueConst *argv) {
    int pid;
    if (!arg_int(ctx, argv[0], &pid))
        return JS_EXCEPTION;
    return sys_number(ctx, getsid(pid), "getsid", NULL);
}

/* ---- namespaces, identity, limits ---------------------------------------------------------------------------------*/

static JSValue sys_setns(JSContext *ctx, JSValueConst *argv) {
    int fd, type;
    if (!arg_fd(ctx, argv[0], &fd) || !arg_int(ctx, argv[1], &type))
        return JS_EXCEPTION;
    return sys_done(ctx, setns(fd, type), "setns", NULL);
}

static JSValue sys_unshare(JSContext *ctx, JSValueConst *argv) {
    int flags;
    if (!arg_int(ctx, argv[0], &flags))
        return JS_EXCEPTION;
    return sys_done(ctx, unshare(flags), "unshare", NULL);
}

static JSValue sys_prctl(JSContext *ctx, JSValueConst *argv) {
    int option;
    int64_t arg[4];
    if (!arg_int(ctx, argv[0], &option))
        return JS_EXCEPTION;
    for (int i = 0; i < 4; i++)
        if (!arg_integer(ctx, argv[i + 1], 0, MAX_SAFE_INTEGER, &arg[i]))
            return JS_EXCEPTION;
    return sys_number(ctx, prctl(option, arg[0], arg[1], arg[2], arg[3]), "prctl", NULL);
}

static JSValue sys_set_process_name(JSContext *ctx, JSValueConst *argv) {
    TEXT name = NO_TEXT;
    if (!arg_text(ctx, argv[0], &name))
        return JS_EXCEPTION;
    return sys_done(ctx, prctl(PR_SET_NAME, name.s), "prctl", NULL);
}

static JSValue sys_release_code(JSContext *ctx, JSValueConst *argv) {
    (void)argv;
    const uintptr_t page = 4096;
    const Elf64_Phdr *segment = (const Elf64_Phdr *)getauxval(AT_PHDR);
    const Elf64_Phdr *end = segment + getauxval(AT_PHNUM);
    int status = 0;
    for (; segment < end && status == 0; segment++) {
        if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W) != 0)
            continue;
        /* Not position independent: addresses are those of the file. Behind the last whole page data may begin. */
        uintptr_t first = segment->p_vaddr / page * page;
        uintptr_t last = (segment->p_vaddr + segment->p_filesz) / page * page;
        status = madvise((void *)first, last - first, MADV_DONTNEED);
    }
    return sys_done(ctx, status, "madvise", NULL);
}

/* Ends at the first number the kernel has no capability for. */
static JSValue sys_drop_bounding_set(JSContext *ctx, JSValueConst *argv) {
    int64_t kept[64];
    uint32_t count;
    if (!arg_integers(ctx, argv[0], 0, 63, kept, 64, &count))
        return JS_EXCEPTION;
    uint64_t mask = 0;
    for (uint32_t i = 0; i < count; i++)
        mask |= UINT64_C(1) << kept[i];
    for (int capability = 0; capability < 64; capability++)
        if ((mask >> capability & 1) == 0 && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) {
            if (errno == EINVAL && capability > 0)
                break;
            return sys_throw(ctx, "prctl", NULL);
        }
    return JS_UNDEFINED;
}

static JSValue sys_setresuid(JSContext *ctx, JSValueConst *argv) {
    uint32_t real, effective, saved;
    if (!arg_id(ctx, argv[0], &real) || !arg_id(ctx, argv[1], &effective) || !arg_id(ctx, argv[2], &saved))
        return JS_EXCEPTION;
    return sys_done(ctx, setresuid(real, effective, saved), "setresuid", NULL);
}

static JSValue sys_setresgid(JSContext *ctx, JSValueConst *argv) {
    uint32_t real, effective, saved;
    if (!arg_id(ctx, argv[0], &real) || !arg_id(ctx, argv[1], &effective) || !arg_id(ctx, argv[2], &saved))
        return JS_EXCEPTION;
    return sys_done(ctx, setresgid(real, effective, saved), "setresgid", NULL);
}

#define MAX_GROUPS 1024

extern int setgroups(size_t count, const gid_t *groups);

static JSValue sys_setgroups(JSContext *ctx, JSValueConst *argv) {
    int64_t numbers[MAX_GROUPS];
    gid_t groups[MAX_GROUPS];
    uint32_t count;
    if (!arg_integers(ctx, argv[0], 0, (int64_t)UINT32_MAX - 1, numbers, MAX_GROUPS, &count))
        return JS_EXCEPTION;
    for (uint32_t i = 0; i < count; i++)
        groups[i] = (gid_t)numbers[i];
    return sys_done(ctx, setgroups(count, groups), "setgroups", NULL);
}

static bool arg_capabilities(JSContext *ctx, JSValueConst value, uint32_t words[2]) {
    int64_t numbers[2];
    uint32_t count;
    if (!arg_integers(ctx, value, 0, UINT32_MAX, numbers, 2, &count))
        return false;
    if (count != 2) {
        JS_ThrowRangeError(ctx, "Not two words");
        return false;
    }
    words[0] = (uint32_t)numbers[0];
    words[1] = (uint32_t)numbers[1];
    return true;
}

static JSValue sys_capset(JSContext *ctx, JSValueConst *argv) {
    uint32_t effective[2], permitted[2], inheritable[2];
    if (!arg_capabilities(ctx, argv[0], effective) || !arg_capabilities(ctx, argv[1], permitted) ||
        !arg_capabilities(ctx, argv[2], inheritable))
        return JS_EXCEPTION;
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3, .pid = 0 };
    struct __user_cap_data_struct data[2] = {
        { effective[0], permitted[0], inheritable[0] },
        { effective[1], permitted[1], inheritable[1] },
    };
    return sys_done(ctx, syscall(SYS_capset, &header, data), "capset", NULL);
}

static JSValue sys_prlimit(JSContext *ctx, JSValueConst *argv) {
    int pid, resource;
    int64_t soft, hard;
    if (!arg_int(ctx, argv[0], &pid) || !arg_int(ctx, argv[1], &resource) ||
        !arg_integer(ctx, argv[2], -1, MAX_SAFE_INTEGER, &soft) ||
        !arg_integer(ctx, argv[3], -1, MAX_SAFE_INTEGER, &hard))
        return JS_EXCEPTION;
    struct rlimit64 limit = { .rlim_cur = (uint64_t)soft, .rlim_max = (uint64_t)hard };
    return sys_done(ctx, syscall(SYS_prlimit64, pid, resource, &limit, NULL), "prlimit64", NULL);
}

/* struct sched_attr of linux/sched/types.h, first version: glibc 2.36 does not have it. */
struct scheduling {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

static JSValue sys_sched_setattr(JSContext *ctx, JSValueConst *argv) {
    int pid, policy, nice, priority;
    int64_t flags, times[3];
    if (!arg_int(ctx, argv[0], &pid) || !arg_int(ctx, argv[1], &policy) ||
        !arg_integer(ctx, argv[2], 0, UINT32_MAX, &flags) || !arg_int(ctx, argv[3], &nice) ||
        !arg_int(ctx, argv[4], &priority))
        return JS_EXCEPTION;
    for (int i = 0; i < 3; i++)
        if (!arg_integer(ctx, argv[5 + i], 0, MAX_SAFE_INTEGER, &times[i]))
            return JS_EXCEPTION;
    struct scheduling attributes = {
        .size = sizeof attributes,
        .policy = (uint32_t)policy,
        .flags = (uint64_t)flags,
        .nice = nice,
        .priority = (uint32_t)priority,
        .runtime = (uint64_t)times[0],
        .deadline = (uint64_t)times[1],
        .period = (uint64_t)times[2],
    };
    return sys_done(ctx, syscall(SYS_sched_setattr, pid, &attributes, 0), "sched_setattr", NULL);
}

#define IOPRIO_WHO_PROCESS 1

static JSValue sys_ioprio_set(JSContext *ctx, JSValueConst *argv) {
    int pid, priority;
    if (!arg_int(ctx, argv[0], &pid) || !arg_int(ctx, argv[1], &priority))
        return JS_EXCEPTION;
    return sys_done(ctx, syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, pid, priority), "ioprio_set", NULL);
}

static JSValue sys_personality(JSContext *ctx, JSValueConst *argv) {
    int64_t persona;
    if (!arg_integer(ctx, argv[0], 0, UINT32_MAX, &persona))
        return JS_EXCEPTION;
    return sys_number(ctx, syscall(SYS_personality, (unsigned)persona), "personality", NULL);
}

static JSValue sys_sethostname(JSContext *ctx, JSValueConst *argv) {
    TEXT name = NO_TEXT;
    if (!arg_text(ctx, argv[0], &name))
        return JS_EXCEPTION;
    return sys_done(ctx, sethostname(name.s, name.length), "sethostname", NULL);
}

static JSValue sys_setdomainname(JSContext *ctx, JSValueConst *argv) {
    TEXT name = NO_TEXT;
    if (!arg_text(ctx, argv[0], &name))
        return JS_EXCEPTION;
    return sys_done(ctx, setdomainname(name.s, name.length), "setdomainname", NULL);
}

/* ---- signals and waiting ------------------------------------------------------------------------------------------*/

static bool arg_signals(JSContext *ctx, JSValueConst value, sigset_t *signals) {
    int64_t numbers[LAST_SIGNAL];
    uint32_t count;
    if (!arg_integers(ctx, value, 1, LAST_SIGNAL, numbers, LAST_SIGNAL, &count))
        return false;
    sigemptyset(signals);
    for (uint32_t i = 0; i < count; i++)
        sigaddset(signals, (int)numbers[i]);
    return true;
}

static JSValue sys_set_signal_mask(JSContext *ctx, JSValueConst *argv) {
    sigset_t signals;
    if (!arg_signals(ctx, argv[0], &signals))
        return JS_EXCEPTION;
    return sys_done(ctx, sigprocmask(SIG_SETMASK, &signals, NULL), "rt_sigprocmask", NULL);
}

static JSValue sys_reset_signal_handlers(JSContext *ctx, JSValueConst *argv) {
    (void)argv;
    for (int number = 1; number <= LAST_SIGNAL; number++) {
        /* EINVAL: signals that cannot be changed, and those that glibc keeps for itself. */
        struct sigaction action = { .sa_handler = SIG_DFL };
        if (sigaction(number, &action, NULL) < 0 && errno != EINVAL)
            return sys_throw(ctx, "rt_sigaction", NULL);
    }
    return JS_UNDEFINED;
}

static JSValue sys_signalfd(JSContext *ctx, JSValueConst *argv) {
    sigset_t signals;
    if (!arg_signals(ctx, argv[0], &signals))
        return JS_EXCEPTION;
    return sys_number(ctx, signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd4", NULL);
}

static JSValue sys_read_signal(JSContext *ctx, JSValueConst *argv) {
    int fd;
    struct signalfd_siginfo record;
    if (!arg_fd(ctx, argv[0], &fd))
        return JS_EXCEPTION;
    ssize_t size = AGAIN(read(fd, &record, sizeof record));
    if (size < 0 && errno == EAGAIN)
        return JS_UNDEFINED;
    if (size >= 0 && size != (ssize_t)sizeof record) {
        errno = EINVAL; /* not a signalfd */
        size = -1;
    }
    return size < 0 ? sys_throw(ctx, "read", NULL) : JS_NewUint32(ctx, record.ssi_signo);
}

#define MAX_POLL 64

static int64_t monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* poll(2) that a signal does not end early and does not make longer: called again with the time that is left. */
static int poll_within(struct pollfd *fds, uint32_t count, int timeout) {
    if (timeout <= 0)
        return AGAIN(poll(fds, count, timeout));
    const int64_t millisecond = 1000000;
    int64_t end = monotonic_ns() + timeout * millisecond;
    int64_t left = timeout;
    for (;;) {
        int result = poll(fds, count, (int)left);
        if (result >= 0 || errno != EINTR)
            return result;
        left = (end - monotonic_ns() + millisecond - 1) / millisecond;
        if (left < 0)
            left = 0;
    }
}

static JSValue sys_poll(JSContext *ctx, JSValueConst *argv) {
    int64_t numbers[MAX_POLL], events[MAX_POLL];
    struct pollfd fds[MAX_POLL];
    uint32_t count, event_count = 0;
    int64_t timeout;
    if (!arg_integers(ctx, argv[0], 0, INT_MAX, numbers, MAX_POLL, &count) ||
        !arg_integer(ctx, argv[1], -1, INT_MAX, &timeout))
        return JS_EXCEPTION;
    bool given = !JS_IsUndefined(argv[2]);
    if (given && !arg_integers(ctx, argv[2], 0, SHRT_MAX, events, MAX_POLL, &event_count))
        return JS_EXCEPTION;
    if (given && event_count != count)
        return JS_ThrowRangeError(ctx, "Events are needed for each descriptor");
    for (uint32_t i = 0; i < count; i++)
        fds[i] = (struct pollfd){ .fd = (int)numbers[i], .events = given ? (short)events[i] : POLLIN };
    if (poll_within(fds, count, (int)timeout) < 0)
        return sys_throw(ctx, "poll", NULL);
    JSValue list = JS_NewArray(ctx);
    for (uint32_t i = 0; i < count; i++)
        JS_DefinePropertyValueUint32(ctx, list, i, JS_NewInt32(ctx, fds[i].revents), JS_PROP_C_W_E);
    return list;
}

/* ---- clocks and machine -------------------------------------------------------------------------------------------*/

static JSValue sys_wall_clock(JSContext *ctx, JSValueConst *argv) {
    (void)argv;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return new_pair(ctx, now.tv_sec, now.tv_nsec);
}

static JSValue sys_monotonic_ms(JSContext *ctx, JSValueConst *argv) {
    (void)argv;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return JS_NewFloat64(ctx, (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6);
}

static JSValue sys_machine(JSContext *ctx, JSValueConst *argv) {
    (void)argv;
    struct utsname name;
    return uname(&name) < 0 ? sys_throw(ctx, "uname", NULL) : new_text(ctx, name.machine, strlen(name.machine));
}

static JSValue sys_physical_memory(JSContext *ctx, JSValueConst *argv) {
    (void)argv;
    struct sysinfo info;
    if (sysinfo(&info) < 0)
        return sys_throw(ctx, "sysinfo", NULL);
    return JS_NewInt64(ctx, (int64_t)((uint64_t)info.totalram * info.mem_unit));
}

const SysFunction sys_process_functions[] = {
    { "args", sys_args, 0, 0 },
    { "getenv", sys_getenv, 1, 1 },
    { "environ", sys_environ, 0, 0 },
    { "getpid", sys_getpid, 0, 0 },
    { "getppid", sys_getppid, 0, 0 },
    { "getuid", sys_getuid, 0, 0 },
    { "geteuid", sys_geteuid, 0, 0 },
    { "getegid", sys_getegid, 0, 0 },
    { "chdir", sys_chdir, 1, 1 },
    { "fchdir", sys_fchdir, 1, 1 },
    { "getcwd", sys_getcwd, 0, 0 },
    { "clone3", sys_clone3, 1, 2 },
    { "clone", sys_clone, 1, 1 },
    { "execve", sys_execve, 3, 3 },
    { "fexecve", sys_fexecve, 3, 3 },
    { "exit", sys_exit, 1, 1 },
    { "waitpid", sys_waitpid, 2, 2 },
    { "kill", sys_kill, 2, 2 },
    { "pidfdOpen", sys_pidfd_open, 1, 1 },
    { "pidfdSendSignal", sys_pidfd_send_signal, 2, 2 },
    { "setsid", sys_setsid, 0, 0 },
    { "getsid", sys_getsid, 1, 1 },
    { "setns", sys_setns, 2, 2 },
    { "unshare", sys_unshare, 1, 1 },
    { "prctl", sys_prctl, 5, 5 },
    { "setProcessName", sys_set_process_name, 1, 1 },
    { "releaseCode", sys_release_code, 0, 0 },
    { "dropBoundingSet", sys_drop_bounding_set, 1, 1 },
    { "setresuid", sys_setresuid, 3, 3 },
    { "setresgid", sys_setresgid, 3, 3 },
    { "setgroups", sys_setgroups, 1, 1 },
    { "capset", sys_capset, 3, 3 },
    { "prlimit", sys_prlimit, 4, 4 },
    { "schedSetattr", sys_sched_setattr, 8, 8 },
    { "ioprioSet", sys_ioprio_set, 2, 2 },
    { "personality", sys_personality, 1, 1 },
    { "sethostname", sys_sethostname, 1, 1 },
    { "setdomainname", sys_setdomainname, 1, 1 },
    { "setSignalMask", sys_set_signal_mask, 1, 1 },
    { "resetSignalHandlers", sys_reset_signal_handlers, 0, 0 },
    { "signalfd", sys_signalfd, 1, 1 },
    { "readSignal", sys_read_signal, 1, 1 },
    { "poll", sys_poll, 2, 3 },
    { "wallClock", sys_wall_clock, 0, 0 },
    { "monotonicMs", sys_monotonic_ms, 0, 0 },
    { "machine", sys_machine, 0, 0 },
    { "physicalMemory", sys_physical_memory, 0, 0 },
    { 0 },
};
