/* Netlink sockets and tun devices. */
#include "sys.h"

#include <inttypes.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static JSValue sys_netlink_socket(JSContext *ctx, JSValueConst *argv) {
    int protocol;
    if (!arg_int(ctx, argv[0], &protocol))
        return JS_EXCEPTION;
    return sys_number(ctx, socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol), "socket", NULL);
}

static JSValue sys_bind_netlink(JSContext *ctx, JSValueConst *argv) {
    int fd;
    uint32_t groups;
    if (!arg_fd(ctx, argv[0], &fd) || !arg_u32(ctx, argv[1], &groups))
        return JS_EXCEPTION;
    struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = groups };
    return sys_done(ctx, AGAIN(bind(fd, (struct sockaddr *)&address, sizeof address)), "bind", NULL);
}

static JSValue sys_set_netlink_option(JSContext *ctx, JSValueConst *argv) {
    int fd, option;
    bool on;
    if (!arg_fd(ctx, argv[0], &fd) || !arg_int(ctx, argv[1], &option) || !arg_bool(ctx, argv[2], &on))
        return JS_EXCEPTION;
    int value = on;
    return sys_done(ctx, setsockopt(fd, SOL_NETLINK, option, &value, sizeof value), "setsockopt", NULL);
}

static JSValue sys_send_netlink(JSContext *ctx, JSValueConst *argv) {
    int fd;
    uint8_t *bytes;
    size_t length;
    if (!arg_fd(ctx, argv[0], &fd) || !arg_bytes(ctx, argv[1], argv[2], argv[3], &bytes, &length))
        return JS_EXCEPTION;
    struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
    ssize_t sent = AGAIN(sendto(fd, bytes, length, MSG_NOSIGNAL, (struct sockaddr *)&kernel, sizeof kernel));
    return sys_number(ctx, sent, "sendto", NULL);
}

/* Into a request that is zero. */
static bool interface_name(JSContext *ctx, const Text *name, struct ifreq *request) {
    if (name->length >= sizeof request->ifr_name) {
        JS_ThrowRangeError(ctx, "Interface name has %zu bytes, not at most %zu", name->length,
                           sizeof request->ifr_name - 1);
        return false;
    }
    memcpy(request->ifr_name, name->s, name->length);
    return true;
}

/* MSG_TRUNC: the answer is the packet's length, also when it is more than the buffer has room for. */
static JSValue sys_recv_netlink(JSContext *ctx, JSValueConst *argv) {
    int fd;
    uint8_t *bytes;
    size_t length;
    if (!arg_fd(ctx, argv[0], &fd) || !arg_bytes(ctx, argv[1], argv[2], argv[3], &bytes, &length))
        return JS_EXCEPTION;
    struct sockaddr_nl sender = { .nl_family = AF_NETLINK };
    socklen_t size = sizeof sender;
    ssize_t received;
    received = AGAIN(recvfrom(fd, bytes, length, MSG_TRUNC, (struct sockaddr *)&sender, &size));
    return received < 0 ? sys_throw(ctx, "recvfrom", NULL) : new_pair(ctx, received, sender.nl_pid);
}

/* A socket of any family, of the namespace it was made in: netdevice(7). */
static JSValue sys_interface_index(JSContext *ctx, JSValueConst *argv) {
    int fd;
    TEXT name = NO_TEXT;
    struct ifreq request = { .ifr_ifindex = 0 };
    if (!arg_fd(ctx, argv[0], &fd) || !arg_text(ctx, argv[1], &name) || !interface_name(ctx, &name, &request))
        return JS_EXCEPTION;
    return AGAIN(ioctl(fd, SIOCGIFINDEX, &request)) < 0 ? sys_throw(ctx, "ioctl", name.s)
                                                 : JS_NewInt32(ctx, request.ifr_ifindex);
}

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* A socket of any family. Of 64 bits, more than a number holds: in decimal digits. */
static JSValue sys_network_cookie(JSContext *ctx, JSValueConst *argv) {
    int fd;
    uint64_t cookie;
    socklen_t size = sizeof cookie;
    char text[24];
    if (!arg_fd(ctx, argv[0], &fd))
        return JS_EXCEPTION;
    if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) < 0)
        return sys_throw(ctx, "getsockopt", NULL);
    int length = snprintf(text, sizeof text, "%" PRIu64, cookie);
    return new_text(ctx, text, (size_t)length);
}

/* The flags IFF_* of linux/if_tun.h; an empty name or one with %d lets the kernel choose. */
static JSValue sys_tun_set_interface(JSContext *ctx, JSValueConst *argv) {
    int fd;
    int64_t flags;
    TEXT name = NO_TEXT;
    struct ifreq request = { .ifr_flags = 0 };
    if (!arg_fd(ctx, argv[0], &fd) || !arg_text(ctx, argv[1], &name) ||
        !arg_integer(ctx, argv[2], 0, UINT16_MAX, &flags) || !interface_name(ctx, &name, &request))
        return JS_EXCEPTION;
    request.ifr_flags = (short)(uint16_t)flags;
    if (AGAIN(ioctl(fd, TUNSETIFF, &request)) < 0)
        return sys_throw(ctx, "ioctl", name.s);
    return new_text(ctx, request.ifr_name, strnlen(request.ifr_name, sizeof request.ifr_name));
}

static JSValue sys_tun_set_owner(JSContext *ctx, JSValueConst *argv) {
    int fd;
    uint32_t id;
    if (!arg_fd(ctx, argv[0], &fd) || !arg_id(ctx, argv[1], &id))
        return JS_EXCEPTION;
    return sys_done(ctx, AGAIN(ioctl(fd, TUNSETOWNER, (unsigned long)id)), "ioctl", NULL);
}

static JSValue sys_tun_set_group(JSContext *ctx, JSValueConst *argv) {
    int fd;
    uint32_t id;
    if (!arg_fd(ctx, argv[0], &fd) || !arg_id(ctx, argv[1], &id))
        return JS_EXCEPTION;
    return sys_done(ctx, AGAIN(ioctl(fd, TUNSETGROUP, (unsigned long)id)), "ioctl", NULL);
}

static JSValue sys_tun_set_persist(JSContext *ctx, JSValueConst *argv) {
    int fd;
    bool on;
    if (!arg_fd(ctx, argv[0], &fd) || !arg_bool(ctx, argv[1], &on))
        return JS_EXCEPTION;
    return sys_done(ctx, AGAIN(ioctl(fd, TUNSETPERSIST, (unsigned long)on)), "ioctl", NULL);
}

const SysFunction sys_net_functions[] = {
    { "netlinkSocket", sys_netlink_socket, 1, 1 },
    { "bindNetlink", sys_bind_netlink, 2, 2 },
    { "setNetlinkOption", sys_set_netlink_option, 3, 3 },
    { "sendNetlink", sys_send_netlink, 4, 4 },
    { "recvNetlink", sys_recv_netlink, 4, 4 },
    { "interfaceIndex", sys_interface_index, 2, 2 },
    { "networkCookie", sys_network_cookie, 1, 1 },
    { "tunSetInterface", sys_tun_set_interface, 3, 3 },
    { "tunSetOwner", sys_tun_set_owner, 2, 2 },
    { "tunSetGroup", sys_tun_set_group, 2, 2 },
    { "tunSetPersist", sys_tun_set_persist, 2, 2 },
    { 0 },
};
