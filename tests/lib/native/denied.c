/* Runs a program for which one system call fails: denied ERRNO CALL PROGRAM [ARGUMENT...] */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
    const char *name;
    unsigned number;
} calls[] = {
#define CALL(name) { #name, SYS_##name }
    CALL(bpf),          CALL(clone3),        CALL(close_range),       CALL(execveat), CALL(faccessat2),
    CALL(fsconfig),     CALL(fsmount),       CALL(fsopen),            CALL(ioctl),    CALL(memfd_create),
    CALL(mount_setattr), CALL(move_mount),   CALL(open_tree),         CALL(openat2),  CALL(pidfd_open),
    CALL(renameat2),    CALL(pidfd_send_signal), CALL(prlimit64),     CALL(seccomp),  CALL(sched_setattr),
};

int main(int argc, char **argv) {
    const size_t count = sizeof calls / sizeof *calls;
    size_t call = 0;
    while (argc > 3 && call < count && strcmp(calls[call].name, argv[2]) != 0)
        call++;
    if (argc <= 3 || call == count) {
        fprintf(stderr, "denied: ERRNO CALL PROGRAM, with a call that denied.c names\n");
        return 125;
    }
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[call].number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)atoi(argv[1])),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof filter / sizeof *filter, filter };
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) {
        perror("denied: seccomp");
        return 125;
    }
    execvp(argv[3], argv + 3);
    perror("denied: execvp");
    return 125;
}
