/* BPF programs of cgroup v2. */
#include "sys.h"

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#define INSTRUCTION_SIZE 8
#define MOST_INSTRUCTIONS 4096

/* How often libbpf asks for a program again whose check a signal has interrupted. */
#define MOST_TRIES 5

static long bpf(int command, union bpf_attr *attributes) {
    return AGAIN(syscall(SYS_bpf, command, attributes, sizeof *attributes));
}

/* The verifier answers EAGAIN where others answer EINTR: Linux, kernel/bpf/verifier.c, do_check. */
static long load(union bpf_attr *attributes) {
    long program;
    int tries = 0;
    do
        program = bpf(BPF_PROG_LOAD, attributes);
    while (program < 0 && errno == EAGAIN && ++tries < MOST_TRIES);
    return program;
}

static JSValue sys_bpf_load_cgroup_device(JSContext *ctx, JSValueConst *argv) {
    size_t size;
    uint8_t *bytes = JS_GetArrayBuffer(ctx, &size, argv[0]);
    if (bytes == NULL)
        return JS_EXCEPTION;
    if (size == 0 || size % INSTRUCTION_SIZE != 0 || size > MOST_INSTRUCTIONS * INSTRUCTION_SIZE)
        return JS_ThrowRangeError(ctx, "A BPF program has 1 to %d instructions of 8 bytes", MOST_INSTRUCTIONS);
    union bpf_attr attributes = {
        .prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
        .insns = (uint64_t)(uintptr_t)bytes,
        .insn_cnt = (uint32_t)(size / INSTRUCTION_SIZE),
        .license = (uint64_t)(uintptr_t) "Apache",
    };
    return sys_number(ctx, load(&attributes), "bpf", NULL);
}

static JSValue sys_bpf_attach_cgroup_device(JSContext *ctx, JSValueConst *argv) {
    int cgroup, program;
    if (!arg_fd(ctx, argv[0], &cgroup) || !arg_fd(ctx, argv[1], &program))
        return JS_EXCEPTION;
    union bpf_attr attributes = {
        .target_fd = (uint32_t)cgroup,
        .attach_bpf_fd = (uint32_t)program,
        .attach_type = BPF_CGROUP_DEVICE,
        .attach_flags = BPF_F_ALLOW_MULTI,
    };
    return sys_done(ctx, bpf(BPF_PROG_ATTACH, &attributes), "bpf", NULL);
}

const SysFunction sys_bpf_functions[] = {
    { "bpfLoadCgroupDevice", sys_bpf_load_cgroup_device, 1, 1 },
    { "bpfAttachCgroupDevice", sys_bpf_attach_cgroup_device, 2, 2 },
    { 0 },
};
