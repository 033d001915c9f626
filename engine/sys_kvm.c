/* The two questions to /dev/kvm that tell whether a monitor can use it. */
#include "sys.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

static JSValue sys_kvm_api_version(JSContext *ctx, JSValueConst *argv) {
    int fd;
    if (!arg_fd(ctx, argv[0], &fd))
        return JS_EXCEPTION;
    return sys_number(ctx, AGAIN(ioctl(fd, KVM_GET_API_VERSION, 0)), "ioctl", NULL);
}

/* The kernel makes the descriptor close-on-exec: kvm_dev_ioctl_create_vm uses O_CLOEXEC. */
static JSValue sys_kvm_create_vm(JSContext *ctx, JSValueConst *argv) {
    int fd;
    if (!arg_fd(ctx, argv[0], &fd))
        return JS_EXCEPTION;
    return sys_number(ctx, AGAIN(ioctl(fd, KVM_CREATE_VM, 0)), "ioctl", NULL);
}

const SysFunction sys_kvm_functions[] = {
    { "kvmApiVersion", sys_kvm_api_version, 1, 1 },
    { "kvmCreateVm", sys_kvm_create_vm, 1, 1 },
    { 0 },
};
