/* Unix sockets. */
#include "sys.h"

#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MAX_FDS 16
#define MAX_RECEIVE 65536

static JSValue sys_socketpair(JSContext *ctx, JSValueConst *argv) {
    int type, fds[2];
    if (!arg_int(ctx, argv[0], &type))
        return JS_EXCEPTION;
    if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) < 0)
        return sys_throw(ctx, "socketpair", NULL);
    return new_pair(ctx, fds[0], fds[1]);
}

static JSValue sys_unix_socket(JSContext *ctx, JSValueConst *argv) {
    int type;
    if (!arg_int(ctx, argv[0], &type))
        return JS_EXCEPTION;
    return sys_number(ctx, socket(AF_UNIX, type | SOCK_CLOEXEC, 0), "socket", NULL);
}

/* A path of 1 to 107 bytes; the address ends with a NUL, so it is never an abstract or unnamed one: unix(7). */
static bool unix_address(JSContext *ctx, const Text *path, struct sockaddr_un *address) {
    if (path->length == 0 || path->length >= sizeof address->sun_path) {
        JS_ThrowRangeError(ctx, "Socket path has %zu bytes, not 1 to %zu", path->length, sizeof address->sun_path - 1);
        return false;
    }
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path->s, path->length);
    return true;
}

static JSValue sys_bind_unix(JSContext *ctx, JSValueConst *argv) {
    int fd;
    TEXT path = NO_TEXT;
    struct sockaddr_un address;
    if (!arg_fd(ctx, argv[0], &fd) || !arg_text(ctx, argv[1], &path) || !unix_address(ctx, &path, &address))
        return JS_EXCEPTION;
    return sys_done(ctx, AGAIN(bind(fd, (struct sockaddr *)&address, sizeof address)), "bind", path.s);
}

static JSValue sys_listen(JSContext *ctx, JSValueConst *argv) {
    int fd, backlog;
    if (!arg_fd(ctx, argv[0], &fd) || !arg_int(ctx, argv[1], &backlog))
        return JS_EXCEPTION;
    return sys_done(ctx, listen(fd, backlog), "listen", NULL);
}

static JSValue sys_connect_unix(JSContext *ctx, JSValueConst *argv) {
    int fd, result;
    TEXT path = NO_TEXT;
    struct sockaddr_un address;
    if (!arg_fd(ctx, argv[0], &fd) || !arg_text(ctx, argv[1], &path) || !unix_address(ctx, &path, &address))
        return JS_EXCEPTION;
    result = AGAIN(connect(fd, (struct sockaddr *)&address, sizeof address));
    return sys_done(ctx, result, "connect", path.s);
}

static JSValue sys_accept(JSContext *ctx, JSValueConst *argv) {
    int fd, result;
    if (!arg_fd(ctx, argv[0], &fd))
        return JS_EXCEPTION;
    result = AGAIN(accept4(fd, NULL, NULL, SOCK_CLOEXEC));
    return sys_number(ctx, result, "accept4", NULL);
}

static JSValue sys_peer_credentials(JSContext *ctx, JSValueConst *argv) {
    int fd;
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (!arg_fd(ctx, argv[0], &fd))
        return JS_EXCEPTION;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return sys_throw(ctx, "getsockopt", NULL);
    JSValue result = JS_NewObject(ctx);
    set(ctx, result, "pid", JS_NewInt32(ctx, peer.pid));
    set(ctx, result, "uid", JS_NewUint32(ctx, peer.uid));
    set(ctx, result, "gid", JS_NewUint32(ctx, peer.gid));
    return result;
}

/* Room for SCM_RIGHTS with MAX_FDS descriptors, aligned as cmsg(3) wants it. */
typedef union {
    struct cmsghdr header;
    char space[CMSG_SPACE(MAX_FDS * sizeof(int))];
} Control;

static JSValue sys_send_fds(JSContext *ctx, JSValueConst *argv) {
    int fd;
    TEXT text = NO_TEXT;
    int64_t numbers[MAX_FDS];
    int fds[MAX_FDS];
    uint32_t count;
    if (!arg_fd(ctx, argv[0], &fd) || !arg_content(ctx, argv[1], &text) ||
        !arg_integers(ctx, argv[2], 0, INT_MAX, numbers, MAX_FDS, &count))
        return JS_EXCEPTION;
    Control control = { .space = { 0 } };
    struct iovec part = { .iov_base = (char *)text.s, .iov_len = text.length };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    if (count > 0) {
        for (uint32_t i = 0; i < count; i++)
            fds[i] = (int)numbers[i];
        message.msg_control = control.space;
        message.msg_controllen = CMSG_SPACE(count * sizeof fds[0]);
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(count * sizeof fds[0]);
        memcpy(CMSG_DATA(&control.header), fds, count * sizeof fds[0]);
    }
    return sys_number(ctx, AGAIN(sendmsg(fd, &message, MSG_NOSIGNAL)), "sendmsg", NULL);
}

static JSValue sys_recv_fds(JSContext *ctx, JSValueConst *argv) {
    int fd, fds[MAX_FDS];
    int64_t limit;
    uint32_t count = 0;
    if (!arg_fd(ctx, argv[0], &fd) || !arg_integer(ctx, argv[1], 1, MAX_RECEIVE, &limit))
        return JS_EXCEPTION;
    char *bytes = js_malloc(ctx, (size_t)limit);
    if (bytes == NULL)
        return JS_EXCEPTION;
    Control control;
    struct iovec part = { .iov_base = bytes, .iov_len = (size_t)limit };
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space
    };
    ssize_t length = AGAIN(recvmsg(fd, &message, MSG_CMSG_CLOEXEC));
    if (length < 0) {
        js_free(ctx, bytes);
        return sys_throw(ctx, "recvmsg", NULL);
    }
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        count = (uint32_t)((header->cmsg_len - CMSG_LEN(0)) / sizeof fds[0]);
        memcpy(fds, CMSG_DATA(header), count * sizeof fds[0]);
    }
    if (message.msg_flags & MSG_CTRUNC) {
        /* More descriptors than fit: the kernel has dropped some, so none is of use. */
        for (uint32_t i = 0; i < count; i++)
            close(fds[i]);
        js_free(ctx, bytes);
        errno = EMSGSIZE;
        return sys_throw(ctx, "recvmsg", NULL);
    }
    JSValue list = JS_NewArray(ctx);
    for (uint32_t i = 0; i < count; i++)
        JS_DefinePropertyValueUint32(ctx, list, i, JS_NewInt32(ctx, fds[i]), JS_PROP_C_W_E);
    JSValue result = JS_NewObject(ctx);
    set(ctx, result, "text", new_text(ctx, bytes, (size_t)length));
    set(ctx, result, "fds", list);
    js_free(ctx, bytes);
    return result;
}

static JSValue sys_shutdown(JSContext *ctx, JSValueConst *argv) {
    int fd, how;
    if (!arg_fd(ctx, argv[0], &fd) || !arg_int(ctx, argv[1], &how))
        return JS_EXCEPTION;
    return sys_done(ctx, shutdown(fd, how), "shutdown", NULL);
}

const SysFunction sys_socket_functions[] = {
    { "socketpair", sys_socketpair, 1, 1 },
    { "unixSocket", sys_unix_socket, 1, 1 },
    { "bindUnix", sys_bind_unix, 2, 2 },
    { "listen", sys_listen, 2, 2 },
    { "connectUnix", sys_connect_unix, 2, 2 },
    { "accept", sys_accept, 1, 1 },
    { "peerCredentials", sys_peer_credentials, 1, 1 },
    { "sendFds", sys_send_fds, 3, 3 },
    { "recvFds", sys_recv_fds, 2, 2 },
    { "shutdown", sys_shutdown, 2, 2 },
    { 0 },
};
