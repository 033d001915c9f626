/*
 * Poses as a monitor: makes system calls that no monitor may make and prints for each line "NAME ERRNO", 0 when it
 * succeeded; then the word "end". At last it makes a call by another architecture's way.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char text[] = "/tmp";
static long memory[64];

static const struct {
    const char *name;
    long number;
    uint64_t arguments[5];
} calls[] = {
#define TEXT (uint64_t)(uintptr_t)text
#define MEMORY (uint64_t)(uintptr_t)memory
#define CALL(name, ...) { #name, SYS_##name, { __VA_ARGS__ } }
    CALL(mount, TEXT, TEXT, TEXT, 0, 0),
    CALL(umount2, TEXT, 0),
    CALL(pivot_root, TEXT, TEXT),
    CALL(chroot, TEXT),
    CALL(fsopen, TEXT, 0),
    CALL(open_tree, -1, TEXT, 0),
    CALL(move_mount, -1, TEXT, -1, TEXT, 0),
    CALL(mount_setattr, -1, TEXT, 0, 0, 0),
    { "unshare-user", SYS_unshare, { 0x10000000 } },
    CALL(setns, -1, 0),
    { "clone-user", SYS_clone, { 0x10000000 | SIGCHLD } },
    { "clone-thread-user", SYS_clone, { 0x10010000 } },
    { "fork", SYS_clone, { SIGCHLD } },
    CALL(clone3, MEMORY, 0),
    CALL(execveat, -1, TEXT, 0, 0, 0),
    /* PTRACE_ATTACH: where it is allowed, PTRACE_TRACEME would stop this program at its next signal. */
    CALL(ptrace, 16, 0, 0, 0),
    CALL(process_vm_readv, 1, 0, 0, 0, 0),
    CALL(process_vm_writev, 1, 0, 0, 0, 0),
    CALL(kcmp, 1, 1, 0, 0, 0),
    CALL(pidfd_open, 1, 0),
    CALL(pidfd_getfd, -1, 0, 0),
    CALL(add_key, TEXT, TEXT, TEXT, 1, 0),
    CALL(keyctl, 0, 0, 0, 0, 0),
    CALL(request_key, TEXT, TEXT, 0, 0),
    CALL(bpf, 0, MEMORY, 0),
    CALL(perf_event_open, MEMORY, 0, -1, -1, 0),
    CALL(init_module, MEMORY, 0, TEXT),
    CALL(finit_module, -1, TEXT, 0),
    CALL(delete_module, TEXT, 0),
    CALL(kexec_load, 0, 0, 0, 0),
    CALL(kexec_file_load, -1, -1, 0, 0, 0),
    CALL(open_by_handle_at, -1, MEMORY, 0),
    CALL(io_uring_setup, 1, MEMORY),
    CALL(fanotify_init, 0, 0),
    CALL(swapon, TEXT, 0),
    CALL(reboot, 0, 0, 0, 0),
    CALL(sethostname, TEXT, 4),
    CALL(clock_settime, 0, MEMORY),
    CALL(syslog, 3, MEMORY, 1),
    CALL(acct, TEXT),
    CALL(quotactl, 0, TEXT, 0, 0),
    CALL(setuid, 1),
    CALL(setgroups, 0, 0),
    CALL(capset, MEMORY, MEMORY),
    { "prctl-securebits", SYS_prctl, { 28, 0 } },
    { "prctl-ambient", SYS_prctl, { 47, 2, 0, 0, 0 } },
    { "socket-netlink", SYS_socket, { 16, 3, 9 } },
    { "socket-inet6", SYS_socket, { 10, 1, 0 } },
    { "socket-packet", SYS_socket, { 17, 3, 0 } },
    { "socket-alg", SYS_socket, { 38, 5, 0 } },
    { "socket-vsock", SYS_socket, { 40, 1, 0 } },
    { "ioctl-TIOCSTI", SYS_ioctl, { 0, 0x5412, TEXT } },
    { "ioctl-TIOCLINUX", SYS_ioctl, { 0, 0x541c, TEXT } },
    /* The kernel looks at the lower half of a request only. */
    { "ioctl-TIOCSTI-high", SYS_ioctl, { 0, 0xffffffff00005412, TEXT } },
};

static void *thread(void *argument) {
    return argument;
}

int main(void) {
    pthread_t id;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        const uint64_t *a = calls[i].arguments;
        long result = syscall(calls[i].number, a[0], a[1], a[2], a[3], a[4]);
        int error = errno;
        /* A child that came into being in spite of all is not to go on. */
        if (result == 0 && calls[i].number == SYS_clone)
            _exit(0);
        printf("%s %d\n", calls[i].name, result < 0 ? error : 0);
    }
    printf("thread %d\n", pthread_create(&id, NULL, thread, NULL));
    puts("end");
    fflush(stdout);
#ifdef __x86_64__
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory");
    printf("getpid of i386 %ld\n", result);
#endif
    return 0;
}
