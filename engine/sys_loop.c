/* Loop devices: whether the last one who closes a device detaches its file (loop(4), LO_FLAGS_AUTOCLEAR). */
#include "sys.h"

#include <linux/loop.h>
#include <sys/ioctl.h>

static JSValue sys_loop_flags(JSContext *ctx, JSValueConst *argv) {
    int fd;
    struct loop_info64 info;
    if (!arg_fd(ctx, argv[0], &fd))
        return JS_EXCEPTION;
    if (AGAIN(ioctl(fd, LOOP_GET_STATUS64, &info)) < 0)
        return sys_throw(ctx, "ioctl", NULL);
    return JS_NewUint32(ctx, info.lo_flags);
}

/* The other members stay as they are. */
static JSValue sys_set_loop_flags(JSContext *ctx, JSValueConst *argv) {
    int fd;
    uint32_t flags;
    struct loop_info64 info;
    if (!arg_fd(ctx, argv[0], &fd) || !arg_u32(ctx, argv[1], &flags))
        return JS_EXCEPTION;
    if (AGAIN(ioctl(fd, LOOP_GET_STATUS64, &info)) < 0)
        return sys_throw(ctx, "ioctl", NULL);
    info.lo_flags = flags;
    return sys_done(ctx, AGAIN(ioctl(fd, LOOP_SET_STATUS64, &info)), "ioctl", NULL);
}

const SysFunction sys_loop_functions[] = {
    { "loopFlags", sys_loop_flags, 1, 1 },
    { "setLoopFlags", sys_set_loop_flags, 2, 2 },
    { 0 },
};
