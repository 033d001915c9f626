/* Mounts, by the old and the new interface. */
#include "sys.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

static JSValue sys_mount(JSContext *ctx, JSValueConst *argv) {
    TEXT source = NO_TEXT;
    TEXT target = NO_TEXT;
    TEXT type = NO_TEXT;
    TEXT data = NO_TEXT;
    uint32_t flags;
    if (!arg_text_or_null(ctx, argv[0], &source) || !arg_text(ctx, argv[1], &target) ||
        !arg_text_or_null(ctx, argv[2], &type) || !arg_u32(ctx, argv[3], &flags) ||
        !arg_text_or_null(ctx, argv[4], &data))
        return JS_EXCEPTION;
    return sys_done(ctx, AGAIN(mount(source.s, target.s, type.s, flags, data.s)), "mount", target.s);
}

static JSValue sys_umount2(JSContext *ctx, JSValueConst *argv) {
    TEXT target = NO_TEXT;
    int flags;
    if (!arg_text(ctx, argv[0], &target) || !arg_int(ctx, argv[1], &flags))
        return JS_EXCEPTION;
    return sys_done(ctx, AGAIN(umount2(target.s, flags)), "umount2", target.s);
}

static JSValue sys_pivot_root(JSContext *ctx, JSValueConst *argv) {
    TEXT new_root = NO_TEXT;
    TEXT put_old = NO_TEXT;
    if (!arg_text(ctx, argv[0], &new_root) || !arg_text(ctx, argv[1], &put_old))
        return JS_EXCEPTION;
    return sys_done(ctx, AGAIN(syscall(SYS_pivot_root, new_root.s, put_old.s)), "pivot_root", new_root.s);
}

static JSValue sys_chroot(JSContext *ctx, JSValueConst *argv) {
    TEXT path = NO_TEXT;
    if (!arg_text(ctx, argv[0], &path))
        return JS_EXCEPTION;
    return sys_done(ctx, AGAIN(chroot(path.s)), "chroot", path.s);
}

static JSValue sys_open_tree(JSContext *ctx, JSValueConst *argv) {
    int dirfd;
    TEXT path = NO_TEXT;
    uint32_t flags;
    if (!arg_dirfd(ctx, argv[0], &dirfd) || !arg_text(ctx, argv[1], &path) || !arg_u32(ctx, argv[2], &flags))
        return JS_EXCEPTION;
    return sys_number(ctx, AGAIN(open_tree(dirfd, path.s, flags | OPEN_TREE_CLOEXEC)), "open_tree", path.s);
}

static JSValue sys_move_mount(JSContext *ctx, JSValueConst *argv) {
    int from_dirfd, to_dirfd;
    TEXT from_path = NO_TEXT;
    TEXT to_path = NO_TEXT;
    uint32_t flags;
    if (!arg_dirfd(ctx, argv[0], &from_dirfd) || !arg_text(ctx, argv[1], &from_path) ||
        !arg_dirfd(ctx, argv[2], &to_dirfd) || !arg_text(ctx, argv[3], &to_path) || !arg_u32(ctx, argv[4], &flags))
        return JS_EXCEPTION;
    int result = AGAIN(move_mount(from_dirfd, from_path.s, to_dirfd, to_path.s, flags));
    return sys_done(ctx, result, "move_mount", to_path.s);
}

static JSValue sys_mount_setattr(JSContext *ctx, JSValueConst *argv) {
    int dirfd;
    TEXT path = NO_TEXT;
    uint32_t flags, attr_set, attr_clear, propagation;
    if (!arg_dirfd(ctx, argv[0], &dirfd) || !arg_text(ctx, argv[1], &path) || !arg_u32(ctx, argv[2], &flags) ||
        !arg_u32(ctx, argv[3], &attr_set) || !arg_u32(ctx, argv[4], &attr_clear) ||
        !arg_u32(ctx, argv[5], &propagation))
        return JS_EXCEPTION;
    struct mount_attr attributes = { .attr_set = attr_set, .attr_clr = attr_clear, .propagation = propagation };
    int result = AGAIN(mount_setattr(dirfd, path.s, flags, &attributes, sizeof attributes));
    return sys_done(ctx, result, "mount_setattr", path.s);
}

static JSValue sys_mount_idmap(JSContext *ctx, JSValueConst *argv) {
    int fd, user_namespace;
    if (!arg_fd(ctx, argv[0], &fd) || !arg_fd(ctx, argv[1], &user_namespace))
        return JS_EXCEPTION;
    struct mount_attr attributes = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)user_namespace };
    int result = AGAIN(mount_setattr(fd, "", AT_EMPTY_PATH, &attributes, sizeof attributes));
    return sys_done(ctx, result, "mount_setattr", NULL);
}

static JSValue sys_fsopen(JSContext *ctx, JSValueConst *argv) {
    TEXT type = NO_TEXT;
    if (!arg_text(ctx, argv[0], &type))
        return JS_EXCEPTION;
    return sys_number(ctx, AGAIN(fsopen(type.s, FSOPEN_CLOEXEC)), "fsopen", NULL);
}

static JSValue sys_fsconfig_set(JSContext *ctx, JSValueConst *argv) {
    int fd;
    TEXT key = NO_TEXT;
    TEXT value = NO_TEXT;
    if (!arg_fd(ctx, argv[0], &fd) || !arg_text(ctx, argv[1], &key) || !arg_text_or_null(ctx, argv[2], &value))
        return JS_EXCEPTION;
    unsigned command = value.s == NULL ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING;
    return sys_done(ctx, AGAIN(fsconfig(fd, command, key.s, value.s, 0)), "fsconfig", NULL);
}

static JSValue sys_fsconfig_create(JSContext *ctx, JSValueConst *argv) {
    int fd;
    if (!arg_fd(ctx, argv[0], &fd))
        return JS_EXCEPTION;
    return sys_done(ctx, AGAIN(fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0)), "fsconfig", NULL);
}

static JSValue sys_fsmount(JSContext *ctx, JSValueConst *argv) {
    int fd;
    uint32_t attributes;
    if (!arg_fd(ctx, argv[0], &fd) || !arg_u32(ctx, argv[1], &attributes))
        return JS_EXCEPTION;
    return sys_number(ctx, AGAIN(fsmount(fd, FSMOUNT_CLOEXEC, attributes)), "fsmount", NULL);
}

const SysFunction sys_mount_functions[] = {
    { "mount", sys_mount, 5, 5 },
    { "umount2", sys_umount2, 2, 2 },
    { "pivotRoot", sys_pivot_root, 2, 2 },
    { "chroot", sys_chroot, 1, 1 },
    { "openTree", sys_open_tree, 3, 3 },
    { "moveMount", sys_move_mount, 5, 5 },
    { "mountSetattr", sys_mount_setattr, 6, 6 },
    { "mountIdmap", sys_mount_idmap, 2, 2 },
    { "fsopen", sys_fsopen, 1, 1 },
    { "fsconfigSet", sys_fsconfig_set, 3, 3 },
    { "fsconfigCreate", sys_fsconfig_create, 1, 1 },
    { "fsmount", sys_fsmount, 2, 2 },
    { 0 },
};
