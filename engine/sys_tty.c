/* Terminals and pseudo terminals. */
#include "sys.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static JSValue sys_isatty(JSContext *ctx, JSValueConst *argv) {
    int fd;
    if (!arg_fd(ctx, argv[0], &fd))
        return JS_EXCEPTION;
    return JS_NewBool(ctx, AGAIN(isatty(fd) == 1 ? 0 : -1) == 0);
}

/* posix_openpt(3) always opens /dev/ptmx; inside a container the right one is /dev/pts/ptmx. */
static JSValue sys_open_pty_master(JSContext *ctx, JSValueConst *argv) {
    TEXT path = NO_TEXT;
    int unlock = 0;
    if (!arg_text(ctx, argv[0], &path))
        return JS_EXCEPTION;
    int fd = AGAIN(open(path.s, O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (fd < 0)
        return sys_throw(ctx, "openat", path.s);
    if (AGAIN(ioctl(fd, TIOCSPTLCK, &unlock)) < 0) {
        JSValue thrown = sys_throw(ctx, "ioctl", path.s);
        close(fd);
        return thrown;
    }
    return JS_NewInt32(ctx, fd);
}

static JSValue sys_open_pty_peer(JSContext *ctx, JSValueConst *argv) {
    int master;
    if (!arg_fd(ctx, argv[0], &master))
        return JS_EXCEPTION;
    return sys_number(ctx, AGAIN(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC)), "ioctl", NULL);
}

static JSValue sys_pty_number(JSContext *ctx, JSValueConst *argv) {
    int master;
    unsigned number;
    if (!arg_fd(ctx, argv[0], &master))
        return JS_EXCEPTION;
    return AGAIN(ioctl(master, TIOCGPTN, &number)) < 0 ? sys_throw(ctx, "ioctl", NULL) : JS_NewUint32(ctx, number);
}

static JSValue sys_set_controlling_terminal(JSContext *ctx, JSValueConst *argv) {
    int fd;
    if (!arg_fd(ctx, argv[0], &fd))
        return JS_EXCEPTION;
    return sys_done(ctx, AGAIN(ioctl(fd, TIOCSCTTY, 0)), "ioctl", NULL);
}

static JSValue sys_get_window_size(JSContext *ctx, JSValueConst *argv) {
    int fd;
    struct winsize size;
    if (!arg_fd(ctx, argv[0], &fd))
        return JS_EXCEPTION;
    if (AGAIN(ioctl(fd, TIOCGWINSZ, &size)) < 0)
        return sys_throw(ctx, "ioctl", NULL);
    JSValue result = JS_NewObject(ctx);
    set(ctx, result, "rows", JS_NewInt32(ctx, size.ws_row));
    set(ctx, result, "columns", JS_NewInt32(ctx, size.ws_col));
    return result;
}

static JSValue sys_set_window_size(JSContext *ctx, JSValueConst *argv) {
    int fd;
    int64_t rows, columns;
    if (!arg_fd(ctx, argv[0], &fd) || !arg_integer(ctx, argv[1], 0, UINT16_MAX, &rows) ||
        !arg_integer(ctx, argv[2], 0, UINT16_MAX, &columns))
        return JS_EXCEPTION;
    struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns };
    return sys_done(ctx, AGAIN(ioctl(fd, TIOCSWINSZ, &size)), "ioctl", NULL);
}

static JSValue sys_set_raw_mode(JSContext *ctx, JSValueConst *argv) {
    int fd;
    struct termios before, raw;
    if (!arg_fd(ctx, argv[0], &fd))
        return JS_EXCEPTION;
    memset(&before, 0, sizeof before);
    if (AGAIN(tcgetattr(fd, &before)) < 0)
        return sys_throw(ctx, "tcgetattr", NULL);
    raw = before;
    cfmakeraw(&raw);
    if (AGAIN(tcsetattr(fd, TCSANOW, &raw)) < 0)
        return sys_throw(ctx, "tcsetattr", NULL);
    return JS_NewArrayBufferCopy(ctx, (const uint8_t *)&before, sizeof before);
}

static JSValue sys_restore_mode(JSContext *ctx, JSValueConst *argv) {
    int fd;
    size_t size;
    struct termios attributes;
    if (!arg_fd(ctx, argv[0], &fd))
        return JS_EXCEPTION;
    const uint8_t *bytes = JS_GetArrayBuffer(ctx, &size, argv[1]);
    if (bytes == NULL && JS_HasException(ctx))
        return JS_EXCEPTION;
    if (bytes == NULL || size != sizeof attributes)
        return JS_ThrowRangeError(ctx, "Not what setRawMode returned");
    memcpy(&attributes, bytes, sizeof attributes);
    return sys_done(ctx, AGAIN(tcsetattr(fd, TCSANOW, &attributes)), "tcsetattr", NULL);
}

const SysFunction sys_tty_functions[] = {
    { "isatty", sys_isatty, 1, 1 },
    { "openPtyMaster", sys_open_pty_master, 1, 1 },
    { "openPtyPeer", sys_open_pty_peer, 1, 1 },
    { "ptyNumber", sys_pty_number, 1, 1 },
    { "setControllingTerminal", sys_set_controlling_terminal, 1, 1 },
    { "getWindowSize", sys_get_window_size, 1, 1 },
    { "setWindowSize", sys_set_window_size, 3, 3 },
    { "setRawMode", sys_set_raw_mode, 1, 1 },
    { "restoreMode", sys_restore_mode, 2, 2 },
    { 0 },
};
