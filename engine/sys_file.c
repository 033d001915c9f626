/* Files, directories and descriptors. */
#include "sys.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

static bool arg_mode(JSContext *ctx, JSValueConst value, mode_t *out) {
    int64_t number;
    if (!arg_integer(ctx, value, 0, UINT32_MAX, &number))
        return false;
    *out = (mode_t)number;
    return true;
}

/* The mode of open(2) may be left out. */
static bool arg_open_mode(JSContext *ctx, JSValueConst value, mode_t *out) {
    *out = 0;
    return JS_IsUndefined(value) || arg_mode(ctx, value, out);
}

/* ---- opening and closing ------------------------------------------------------------------------------------------*/

static JSValue sys_open(JSContext *ctx, JSValueConst *argv) {
    TEXT path = NO_TEXT;
    int flags;
    mode_t mode;
    if (!arg_text(ctx, argv[0], &path) || !arg_int(ctx, argv[1], &flags) || !arg_open_mode(ctx, argv[2], &mode))
        return JS_EXCEPTION;
    return sys_number(ctx, AGAIN(openat(AT_FDCWD, path.s, flags | O_CLOEXEC, mode)), "openat", path.s);
}

static JSValue sys_openat(JSContext *ctx, JSValueConst *argv) {
    TEXT path = NO_TEXT;
    int dirfd, flags;
    mode_t mode;
    if (!arg_dirfd(ctx, argv[0], &dirfd) || !arg_text(ctx, argv[1], &path) || !arg_int(ctx, argv[2], &flags) ||
        !arg_open_mode(ctx, argv[3], &mode))
        return JS_EXCEPTION;
    return sys_number(ctx, AGAIN(openat(dirfd, path.s, flags | O_CLOEXEC, mode)), "openat", path.s);
}

static JSValue sys_openat2(JSContext *ctx, JSValueConst *argv) {
    TEXT path = NO_TEXT;
    int dirfd;
    uint32_t flags, mode, resolve;
    if (!arg_dirfd(ctx, argv[0], &dirfd) || !arg_text(ctx, argv[1], &path) || !arg_u32(ctx, argv[2], &flags) ||
        !arg_u32(ctx, argv[3], &mode) || !arg_u32(ctx, argv[4], &resolve))
        return JS_EXCEPTION;
    struct open_how how = { .flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve };
    return sys_number(ctx, AGAIN(syscall(SYS_openat2, dirfd, path.s, &how, sizeof how)), "openat2", path.s);
}

static JSValue sys_close(JSContext *ctx, JSValueConst *argv) {
    int fd;
    if (!arg_fd(ctx, argv[0], &fd))
        return JS_EXCEPTION;
    /* After EINTR the descriptor is closed all the same: close(2), NOTES. */
    return sys_done(ctx, close(fd) < 0 && errno != EINTR ? -1 : 0, "close", NULL);
}

static JSValue sys_close_range(JSContext *ctx, JSValueConst *argv) {
    uint32_t first, last;
    if (!arg_u32(ctx, argv[0], &first) || !arg_u32(ctx, argv[1], &last))
        return JS_EXCEPTION;
    return sys_done(ctx, syscall(SYS_close_range, first, last, 0), "close_range", NULL);
}

/* ---- reading and writing ------------------------------------------------------------------------------------------*/

static JSValue sys_read(JSContext *ctx, JSValueConst *argv) {
    int fd;
    uint8_t *bytes;
    size_t count;
    ssize_t result;
    if (!arg_fd(ctx, argv[0], &fd) || !arg_bytes(ctx, argv[1], argv[2], argv[3], &bytes, &count))
        return JS_EXCEPTION;
    result = AGAIN(read(fd, bytes, count));
    return sys_number(ctx, result, "read", NULL);
}

static JSValue sys_pread(JSContext *ctx, JSValueConst *argv) {
    int fd;
    uint8_t *bytes;
    size_t count;
    int64_t position;
    ssize_t result;
    if (!arg_fd(ctx, argv[0], &fd) || !arg_bytes(ctx, argv[1], argv[2], argv[3], &bytes, &count) ||
        !arg_integer(ctx, argv[4], 0, MAX_SAFE_INTEGER, &position))
        return JS_EXCEPTION;
    result = AGAIN(pread(fd, bytes, count, position));
    return sys_number(ctx, result, "pread", NULL);
}

static JSValue sys_write(JSContext *ctx, JSValueConst *argv) {
    int fd;
    uint8_t *bytes;
    size_t count;
    ssize_t result;
    if (!arg_fd(ctx, argv[0], &fd) || !arg_bytes(ctx, argv[1], argv[2], argv[3], &bytes, &count))
        return JS_EXCEPTION;
    result = AGAIN(write(fd, bytes, count));
    return sys_number(ctx, result, "write", NULL);
}

static JSValue sys_write_text(JSContext *ctx, JSValueConst *argv) {
    int fd;
    TEXT text = NO_TEXT;
    ssize_t result;
    if (!arg_fd(ctx, argv[0], &fd) || !arg_content(ctx, argv[1], &text))
        return JS_EXCEPTION;
    result = AGAIN(write(fd, text.s, text.length));
    return sys_number(ctx, result, "write", NULL);
}

static JSValue sys_read_text(JSContext *ctx, JSValueConst *argv) {
    int fd;
    int64_t limit;
    if (!arg_fd(ctx, argv[0], &fd) || !arg_integer(ctx, argv[1], 0, INT32_MAX - 1, &limit))
        return JS_EXCEPTION;
    /* Most files of this program fit in the first buffer. One byte beyond the limit tells that there is more. */
    char first[4096];
    char *buffer = first;
    size_t size = sizeof first, used = 0, most = (size_t)limit + 1;
    JSValue text = JS_EXCEPTION;
    for (;;) {
        size_t room = (size < most ? size : most) - used;
        ssize_t got = AGAIN(read(fd, buffer + used, room));
        if (got < 0) {
            sys_throw(ctx, "read", NULL);
            break;
        }
        used += (size_t)got;
        if (used == most) {
            errno = EFBIG;
            sys_throw(ctx, "read", NULL);
            break;
        }
        if (got == 0) {
            text = new_text(ctx, buffer, used);
            break;
        }
        if (used == size) {
            size *= 2;
            char *bigger = js_realloc(ctx, buffer == first ? NULL : buffer, size);
            if (bigger == NULL)
                break;
            if (buffer == first)
                memcpy(bigger, first, used);
            buffer = bigger;
        }
    }
    if (buffer != first)
        js_free(ctx, buffer);
    return text;
}

static JSValue sys_encode_utf8(JSContext *ctx, JSValueConst *argv) {
    TEXT text = NO_TEXT;
    if (!arg_raw(ctx, argv[0], &text))
        return JS_EXCEPTION;
    return JS_NewArrayBufferCopy(ctx, (const uint8_t *)text.s, text.length);
}

static JSValue sys_decode_utf8(JSContext *ctx, JSValueConst *argv) {
    uint8_t *bytes;
    size_t count;
    if (!arg_bytes(ctx, argv[0], argv[1], argv[2], &bytes, &count))
        return JS_EXCEPTION;
    return new_text(ctx, count == 0 ? "" : (const char *)bytes, count);
}

static JSValue sys_lseek(JSContext *ctx, JSValueConst *argv) {
    int fd, whence;
    int64_t offset;
    if (!arg_fd(ctx, argv[0], &fd) || !arg_integer(ctx, argv[1], -MAX_SAFE_INTEGER, MAX_SAFE_INTEGER, &offset) ||
        !arg_int(ctx, argv[2], &whence))
        return JS_EXCEPTION;
    return sys_number(ctx, lseek(fd, offset, whence), "lseek", NULL);
}

static JSValue sys_fsync(JSContext *ctx, JSValueConst *argv) {
    int fd;
    if (!arg_fd(ctx, argv[0], &fd))
        return JS_EXCEPTION;
    return sys_done(ctx, AGAIN(fsync(fd)), "fsync", NULL);
}

static JSValue sys_ftruncate(JSContext *ctx, JSValueConst *argv) {
    int fd;
    int64_t size;
    if (!arg_fd(ctx, argv[0], &fd) || !arg_integer(ctx, argv[1], 0, MAX_SAFE_INTEGER, &size))
        return JS_EXCEPTION;
    return sys_done(ctx, AGAIN(ftruncate(fd, size)), "ftruncate", NULL);
}

static JSValue sys_sendfile(JSContext *ctx, JSValueConst *argv) {
    int out, in;
    int64_t count;
    if (!arg_fd(ctx, argv[0], &out) || !arg_fd(ctx, argv[1], &in) ||
        !arg_integer(ctx, argv[2], 0, MAX_SAFE_INTEGER, &count))
        return JS_EXCEPTION;
    return sys_number(ctx, AGAIN(sendfile(out, in, NULL, (size_t)count)), "sendfile", NULL);
}

/* ---- what is there ------------------------------------------------------------------------------------------------*/

static JSValue new_stat(JSContext *ctx, const struct stat *status) {
    JSValue result = JS_NewObject(ctx);
    set(ctx, result, "dev", JS_NewInt64(ctx, (int64_t)status->st_dev));
    set(ctx, result, "ino", JS_NewInt64(ctx, (int64_t)status->st_ino));
    set(ctx, result, "mode", JS_NewUint32(ctx, status->st_mode));
    set(ctx, result, "nlink", JS_NewInt64(ctx, (int64_t)status->st_nlink));
    set(ctx, result, "uid", JS_NewUint32(ctx, status->st_uid));
    set(ctx, result, "gid", JS_NewUint32(ctx, status->st_gid));
    set(ctx, result, "rdevMajor", JS_NewUint32(ctx, major(status->st_rdev)));
    set(ctx, result, "rdevMinor", JS_NewUint32(ctx, minor(status->st_rdev)));
    set(ctx, result, "size", JS_NewInt64(ctx, status->st_size));
    set(ctx, result, "mtime", JS_NewInt64(ctx, status->st_mtim.tv_sec));
    return result;
}

static JSValue sys_fstat(JSContext *ctx, JSValueConst *argv) {
    int fd;
    struct stat status;
    if (!arg_fd(ctx, argv[0], &fd))
        return JS_EXCEPTION;
    return AGAIN(fstat(fd, &status)) < 0 ? sys_throw(ctx, "fstat", NULL) : new_stat(ctx, &status);
}

static JSValue sys_fstatat(JSContext *ctx, JSValueConst *argv) {
    int dirfd, flags;
    TEXT path = NO_TEXT;
    struct stat status;
    if (!arg_dirfd(ctx, argv[0], &dirfd) || !arg_text(ctx, argv[1], &path) || !arg_int(ctx, argv[2], &flags))
        return JS_EXCEPTION;
    if (AGAIN(fstatat(dirfd, path.s, &status, flags)) < 0)
        return sys_throw(ctx, "newfstatat", path.s);
    return new_stat(ctx, &status);
}

/* What a file is and when it was changed last, in one array: cheaper than the members of an object. */
static JSValue sys_file_identity(JSContext *ctx, JSValueConst *argv) {
    int fd;
    struct stat status;
    if (!arg_fd(ctx, argv[0], &fd))
        return JS_EXCEPTION;
    if (AGAIN(fstat(fd, &status)) < 0)
        return sys_throw(ctx, "fstat", NULL);
    const int64_t numbers[] = {
        (int64_t)status.st_dev,          (int64_t)status.st_ino,  status.st_size,
        status.st_mtim.tv_sec,           status.st_mtim.tv_nsec,  status.st_ctim.tv_sec,
        status.st_ctim.tv_nsec,
    };
    JSValue result = JS_NewArray(ctx);
    for (uint32_t index = 0; index < sizeof numbers / sizeof *numbers; index++)
        JS_SetPropertyUint32(ctx, result, index, JS_NewInt64(ctx, numbers[index]));
    return result;
}

static JSValue sys_fstatfs_type(JSContext *ctx, JSValueConst *argv) {
    int fd;
    struct statfs status;
    if (!arg_fd(ctx, argv[0], &fd))
        return JS_EXCEPTION;
    return AGAIN(fstatfs(fd, &status)) < 0 ? sys_throw(ctx, "fstatfs", NULL) : JS_NewInt64(ctx, (int64_t)status.f_type);
}

static JSValue sys_access(JSContext *ctx, JSValueConst *argv) {
    TEXT path = NO_TEXT;
    int mode;
    if (!arg_text(ctx, argv[0], &path) || !arg_int(ctx, argv[1], &mode))
        return JS_EXCEPTION;
    long result = AGAIN(syscall(SYS_faccessat2, AT_FDCWD, path.s, mode, AT_EACCESS));
    /* Denied, or before Linux 5.8. The older call asks for the real ids, which here are the effective ones. */
    if (result < 0 && (errno == ENOSYS || errno == EPERM))
        result = AGAIN(syscall(SYS_faccessat, AT_FDCWD, path.s, mode));
    return sys_done(ctx, result, "faccessat2", path.s);
}

static JSValue sys_readlinkat(JSContext *ctx, JSValueConst *argv) {
    int dirfd;
    TEXT path = NO_TEXT;
    char target[PATH_MAX];
    if (!arg_dirfd(ctx, argv[0], &dirfd) || !arg_text(ctx, argv[1], &path))
        return JS_EXCEPTION;
    ssize_t length = AGAIN(readlinkat(dirfd, path.s, target, sizeof target));
    return length < 0 ? sys_throw(ctx, "readlinkat", path.s) : new_text(ctx, target, (size_t)length);
}

/* getdents64(2); readdir(3) would need a DIR, which owns and closes the descriptor. */
static JSValue sys_readdir(JSContext *ctx, JSValueConst *argv) {
    int fd;
    uint32_t count = 0;
    _Alignas(uint64_t) uint8_t records[4096];
    if (!arg_fd(ctx, argv[0], &fd))
        return JS_EXCEPTION;
    if (lseek(fd, 0, SEEK_SET) < 0)
        return sys_throw(ctx, "lseek", NULL);
    JSValue names = JS_NewArray(ctx);
    for (;;) {
        long size = AGAIN(syscall(SYS_getdents64, fd, records, sizeof records));
        if (size < 0) {
            JS_FreeValue(ctx, names);
            return sys_throw(ctx, "getdents64", NULL);
        }
        if (size == 0)
            return names;
        for (long at = 0; at < size;) {
            /* struct linux_dirent64: u64 ino, s64 offset, u16 record length, u8 type, name. */
            uint16_t length;
            memcpy(&length, records + at + 16, sizeof length);
            const char *name = (const char *)records + at + 19;
            at += length;
            if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
                continue;
            JS_DefinePropertyValueUint32(ctx, names, count++, new_text(ctx, name, strlen(name)), JS_PROP_C_W_E);
        }
    }
}

/* ---- changing the tree --------------------------------------------------------------------------------------------*/

static JSValue sys_mkdirat(JSContext *ctx, JSValueConst *argv) {
    int dirfd;
    TEXT path = NO_TEXT;
    mode_t mode;
    if (!arg_dirfd(ctx, argv[0], &dirfd) || !arg_text(ctx, argv[1], &path) || !arg_mode(ctx, argv[2], &mode))
        return JS_EXCEPTION;
    return sys_done(ctx, AGAIN(mkdirat(dirfd, path.s, mode)), "mkdirat", path.s);
}

static JSValue sys_mknodat(JSContext *ctx, JSValueConst *argv) {
    int dirfd;
    TEXT path = NO_TEXT;
    mode_t mode;
    int64_t major_number, minor_number;
    /* The kernel keeps 12 bits of the major and 20 of the minor number. */
    if (!arg_dirfd(ctx, argv[0], &dirfd) || !arg_text(ctx, argv[1], &path) || !arg_mode(ctx, argv[2], &mode) ||
        !arg_integer(ctx, argv[3], 0, 0xfff, &major_number) || !arg_integer(ctx, argv[4], 0, 0xfffff, &minor_number))
        return JS_EXCEPTION;
    dev_t device = makedev((unsigned)major_number, (unsigned)minor_number);
    return sys_done(ctx, AGAIN(mknodat(dirfd, path.s, mode, device)), "mknodat", path.s);
}

static JSValue sys_symlinkat(JSContext *ctx, JSValueConst *argv) {
    TEXT target = NO_TEXT;
    int dirfd;
    TEXT path = NO_TEXT;
    if (!arg_text(ctx, argv[0], &target) || !arg_dirfd(ctx, argv[1], &dirfd) || !arg_text(ctx, argv[2], &path))
        return JS_EXCEPTION;
    return sys_done(ctx, AGAIN(symlinkat(target.s, dirfd, path.s)), "symlinkat", path.s);
}

static JSValue sys_unlinkat(JSContext *ctx, JSValueConst *argv) {
    int dirfd, flags;
    TEXT path = NO_TEXT;
    if (!arg_dirfd(ctx, argv[0], &dirfd) || !arg_text(ctx, argv[1], &path) || !arg_int(ctx, argv[2], &flags))
        return JS_EXCEPTION;
    return sys_done(ctx, AGAIN(unlinkat(dirfd, path.s, flags)), "unlinkat", path.s);
}

static JSValue sys_renameat2(JSContext *ctx, JSValueConst *argv) {
    int old_dirfd, new_dirfd;
    TEXT old_path = NO_TEXT;
    TEXT new_path = NO_TEXT;
    uint32_t flags;
    if (!arg_dirfd(ctx, argv[0], &old_dirfd) || !arg_text(ctx, argv[1], &old_path) ||
        !arg_dirfd(ctx, argv[2], &new_dirfd) || !arg_text(ctx, argv[3], &new_path) || !arg_u32(ctx, argv[4], &flags))
        return JS_EXCEPTION;
    int result = AGAIN(renameat2(old_dirfd, old_path.s, new_dirfd, new_path.s, flags));
    return sys_done(ctx, result, "renameat2", old_path.s);
}

static JSValue sys_fchmod(JSContext *ctx, JSValueConst *argv) {
    int fd;
    mode_t mode;
    if (!arg_fd(ctx, argv[0], &fd) || !arg_mode(ctx, argv[1], &mode))
        return JS_EXCEPTION;
    return sys_done(ctx, AGAIN(fchmod(fd, mode)), "fchmod", NULL);
}

static JSValue sys_fchownat(JSContext *ctx, JSValueConst *argv) {
    int dirfd, flags;
    TEXT path = NO_TEXT;
    uint32_t uid, gid;
    if (!arg_dirfd(ctx, argv[0], &dirfd) || !arg_text(ctx, argv[1], &path) || !arg_id(ctx, argv[2], &uid) ||
        !arg_id(ctx, argv[3], &gid) || !arg_int(ctx, argv[4], &flags))
        return JS_EXCEPTION;
    return sys_done(ctx, AGAIN(fchownat(dirfd, path.s, uid, gid, flags)), "fchownat", path.s);
}

static JSValue sys_umask(JSContext *ctx, JSValueConst *argv) {
    int64_t mask;
    if (!arg_integer(ctx, argv[0], 0, 0777, &mask))
        return JS_EXCEPTION;
    return JS_NewUint32(ctx, umask((mode_t)mask));
}

/* ---- descriptors --------------------------------------------------------------------------------------------------*/

static JSValue sys_flock(JSContext *ctx, JSValueConst *argv) {
    int fd, operation, result;
    if (!arg_fd(ctx, argv[0], &fd) || !arg_int(ctx, argv[1], &operation))
        return JS_EXCEPTION;
    result = AGAIN(flock(fd, operation));
    return sys_done(ctx, result, "flock", NULL);
}

static JSValue sys_dup2(JSContext *ctx, JSValueConst *argv) {
    int old_fd, new_fd;
    if (!arg_fd(ctx, argv[0], &old_fd) || !arg_fd(ctx, argv[1], &new_fd))
        return JS_EXCEPTION;
    return sys_done(ctx, dup3(old_fd, new_fd, 0), "dup3", NULL);
}

static JSValue sys_dup_cloexec(JSContext *ctx, JSValueConst *argv) {
    int fd, minimum;
    if (!arg_fd(ctx, argv[0], &fd) || !arg_fd(ctx, argv[1], &minimum))
        return JS_EXCEPTION;
    return sys_number(ctx, fcntl(fd, F_DUPFD_CLOEXEC, minimum), "fcntl", NULL);
}

static JSValue sys_set_cloexec(JSContext *ctx, JSValueConst *argv) {
    int fd;
    bool on;
    if (!arg_fd(ctx, argv[0], &fd) || !arg_bool(ctx, argv[1], &on))
        return JS_EXCEPTION;
    return sys_done(ctx, fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0), "fcntl", NULL);
}

static JSValue sys_set_nonblock(JSContext *ctx, JSValueConst *argv) {
    int fd;
    bool on;
    if (!arg_fd(ctx, argv[0], &fd) || !arg_bool(ctx, argv[1], &on))
        return JS_EXCEPTION;
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0)
        flags = fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
    return sys_done(ctx, flags, "fcntl", NULL);
}

/* F_SETOWN, F_SETSIG and O_ASYNC of fcntl(2): one way to ask for one thing. */
static JSValue sys_set_signal_on_input(JSContext *ctx, JSValueConst *argv) {
    int fd, pid, signal;
    if (!arg_fd(ctx, argv[0], &fd) || !arg_int(ctx, argv[1], &pid) || !arg_int(ctx, argv[2], &signal))
        return JS_EXCEPTION;
    int result = fcntl(fd, F_SETOWN, pid);
    if (result >= 0)
        result = fcntl(fd, F_SETSIG, signal);
    if (result >= 0)
        result = fcntl(fd, F_GETFL);
    if (result >= 0)
        result = fcntl(fd, F_SETFL, result | O_ASYNC);
    return sys_done(ctx, result, "fcntl", NULL);
}

static JSValue sys_pipe(JSContext *ctx, JSValueConst *argv) {
    (void)argv;
    int fds[2];
    return pipe2(fds, O_CLOEXEC) < 0 ? sys_throw(ctx, "pipe2", NULL) : new_pair(ctx, fds[0], fds[1]);
}

static JSValue sys_memfd_create(JSContext *ctx, JSValueConst *argv) {
    TEXT name = NO_TEXT;
    uint32_t flags;
    if (!arg_text(ctx, argv[0], &name) || !arg_u32(ctx, argv[1], &flags))
        return JS_EXCEPTION;
    return sys_number(ctx, memfd_create(name.s, flags | MFD_CLOEXEC), "memfd_create", name.s);
}

static JSValue sys_add_seals(JSContext *ctx, JSValueConst *argv) {
    int fd, seals;
    if (!arg_fd(ctx, argv[0], &fd) || !arg_int(ctx, argv[1], &seals))
        return JS_EXCEPTION;
    return sys_done(ctx, fcntl(fd, F_ADD_SEALS, seals), "fcntl", NULL);
}

const SysFunction sys_file_functions[] = {
    { "open", sys_open, 2, 3 },
    { "openat", sys_openat, 3, 4 },
    { "openat2", sys_openat2, 5, 5 },
    { "close", sys_close, 1, 1 },
    { "closeRange", sys_close_range, 2, 2 },
    { "read", sys_read, 4, 4 },
    { "pread", sys_pread, 5, 5 },
    { "write", sys_write, 4, 4 },
    { "writeText", sys_write_text, 2, 2 },
    { "readText", sys_read_text, 2, 2 },
    { "encodeUtf8", sys_encode_utf8, 1, 1 },
    { "decodeUtf8", sys_decode_utf8, 3, 3 },
    { "lseek", sys_lseek, 3, 3 },
    { "fsync", sys_fsync, 1, 1 },
    { "ftruncate", sys_ftruncate, 2, 2 },
    { "fstat", sys_fstat, 1, 1 },
    { "fstatat", sys_fstatat, 3, 3 },
    { "fileIdentity", sys_file_identity, 1, 1 },
    { "fstatfsType", sys_fstatfs_type, 1, 1 },
    { "access", sys_access, 2, 2 },
    { "mkdirat", sys_mkdirat, 3, 3 },
    { "mknodat", sys_mknodat, 5, 5 },
    { "symlinkat", sys_symlinkat, 3, 3 },
    { "readlinkat", sys_readlinkat, 2, 2 },
    { "unlinkat", sys_unlinkat, 3, 3 },
    { "renameat2", sys_renameat2, 5, 5 },
    { "readdir", sys_readdir, 1, 1 },
    { "fchmod", sys_fchmod, 2, 2 },
    { "fchownat", sys_fchownat, 5, 5 },
    { "flock", sys_flock, 2, 2 },
    { "dup2", sys_dup2, 2, 2 },
    { "dupCloexec", sys_dup_cloexec, 2, 2 },
    { "setCloexec", sys_set_cloexec, 2, 2 },
    { "setNonblock", sys_set_nonblock, 2, 2 },
    { "setSignalOnInput", sys_set_signal_on_input, 3, 3 },
    { "pipe", sys_pipe, 0, 0 },
    { "memfdCreate", sys_memfd_create, 2, 2 },
    { "addSeals", sys_add_seals, 2, 2 },
    { "sendfile", sys_sendfile, 3, 3 },
    { "umask", sys_umask, 1, 1 },
    { 0 },
};
