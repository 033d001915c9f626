#include "network.h"

#include <linux/if.h>
#include <linux/route.h>
#include <linux/socket.h>
#include <linux/sockios.h>

#include "address.h"
#include "nic.h"
#include "system.h"
#include "text.h"

enum { FAMILY_INET = 2, FAMILY_INET6 = 10, TYPE_DATAGRAM = 2 };

/* struct sockaddr_in: ip(7). */
static void set_address(struct sockaddr *at, const unsigned char bytes[4]) {
  char *to = (char *)at;
  at->sa_family = FAMILY_INET;
  for (unsigned i = 0; i < 4; i++) to[4 + i] = (char)bytes[i];
}

/* struct in6_ifreq and struct in6_rtmsg of the kernel's linux/ipv6.h and linux/ipv6_route.h, which need a C library. */
struct address6 {
  unsigned char bytes[16];
  __u32 prefix;
  int index;
};
struct route6 {
  unsigned char destination[16], source[16], gateway[16];
  __u32 type;
  __u16 destination_length, source_length;
  __u32 metric;
  unsigned long info;
  __u32 flags;
  int index;
};

static void complain(const char *device, const char *what, long result) {
  char digits[24];
  if (result < 0 && result != -EEXIST)
    SAY("guest-init: network: ", device, ": ", what, ": error ", number_text(-result, digits));
}

static const unsigned char NOWHERE[16];

/* rt(4), struct rtentry: a route to one address, or with NULL to all; by a gateway, or with NULL by the device itself. */
static long add_route(long socket, const struct nic *nic, unsigned metric, const unsigned char *to,
                      const unsigned char *gateway) {
  static const unsigned char all[4] = {255, 255, 255, 255};
  char name[IFNAMSIZ];
  join(name, sizeof name, PARTS(nic->name));
  unsigned short flags = (unsigned short)(RTF_UP | (to == NULL ? 0 : RTF_HOST) | (gateway == NULL ? 0 : RTF_GATEWAY));
  struct rtentry route = {.rt_dev = name, .rt_flags = flags, .rt_metric = (short)(metric + 1)};
  set_address(&route.rt_dst, to == NULL ? NOWHERE : to);
  set_address(&route.rt_genmask, to == NULL ? NOWHERE : all);
  set_address(&route.rt_gateway, gateway == NULL ? NOWHERE : gateway);
  return CALL(ioctl, socket, SIOCADDRT, &route);
}

static bool is_near(const unsigned char *a, const unsigned char *b, unsigned prefix) {
  for (unsigned bit = 0; bit < prefix; bit++)
    if (((a[bit / 8] ^ b[bit / 8]) & (0x80 >> bit % 8)) != 0) return false;
  return true;
}

/* A gateway outside of the subnet is a neighbour by a route of its own. */
static void set_up_ipv4(long socket, const struct nic *nic, unsigned metric) {
  unsigned char address[4], mask[4], gateway[4];
  if (nic->ipv4 == NULL) return;
  if (!parse_ipv4(nic->ipv4, address) || nic->mask == NULL || !parse_ipv4(nic->mask, mask)) {
    complain(nic->name, nic->ipv4, -EINVAL);
    return;
  }
  struct ifreq request = nic_request(nic->name);
  set_address(&request.ifr_addr, address);
  complain(nic->name, nic->ipv4, CALL(ioctl, socket, SIOCSIFADDR, &request));
  set_address(&request.ifr_netmask, mask);
  complain(nic->name, nic->mask, CALL(ioctl, socket, SIOCSIFNETMASK, &request));
  if (nic->gateway == NULL) return;
  if (!parse_ipv4(nic->gateway, gateway)) {
    complain(nic->name, nic->gateway, -EINVAL);
    return;
  }
  unsigned prefix = 0;
  while (prefix < 32 && (mask[prefix / 8] & (0x80 >> prefix % 8)) != 0) prefix++;
  if (!is_near(address, gateway, prefix))
    complain(nic->name, nic->gateway, add_route(socket, nic, metric, gateway, NULL));
  complain(nic->name, "default route", add_route(socket, nic, metric, NULL, gateway));
}

/* ipv6(7); the flags are those of IPv4. */
static long add_route6(long socket, int index, unsigned metric, const unsigned char *to, const unsigned char *gateway) {
  struct route6 route = {.metric = 1024 + metric, .index = index, .flags = RTF_UP};
  if (to != NULL) {
    for (unsigned i = 0; i < 16; i++) route.destination[i] = to[i];
    route.destination_length = 128;
    route.flags |= RTF_HOST;
  }
  if (gateway != NULL) {
    for (unsigned i = 0; i < 16; i++) route.gateway[i] = gateway[i];
    route.flags |= RTF_GATEWAY;
  }
  return CALL(ioctl, socket, SIOCADDRT, &route);
}

static void set_up_ipv6(long socket, const struct nic *nic, unsigned metric) {
  struct address6 own = {.index = nic_index(socket, nic->name)};
  unsigned char gateway[16];
  if (nic->ipv6 == NULL) return;
  if (!parse_ipv6(nic->ipv6, own.bytes, &own.prefix)) {
    complain(nic->name, nic->ipv6, -EINVAL);
    return;
  }
  complain(nic->name, nic->ipv6, CALL(ioctl, socket, SIOCSIFADDR, &own));
  if (nic->gateway6 == NULL) return;
  if (!parse_ipv6(nic->gateway6, gateway, NULL)) {
    complain(nic->name, nic->gateway6, -EINVAL);
    return;
  }
  bool is_link_local = gateway[0] == 0xfe && (gateway[1] & 0xc0) == 0x80;
  if (!is_link_local && !is_near(own.bytes, gateway, own.prefix))
    complain(nic->name, nic->gateway6, add_route6(socket, own.index, metric, gateway, NULL));
  complain(nic->name, "IPv6 default route", add_route6(socket, own.index, metric, NULL, gateway));
}

void set_up_network(struct config *config) {
  long ipv4 = CALL(socket, FAMILY_INET, TYPE_DATAGRAM | O_CLOEXEC, 0);
  if (ipv4 < 0) {
    complain("all nics", "socket", config->nic_count == 0 ? 0 : ipv4);
    return;
  }
  complain("lo", "take up", nic_up(ipv4, "lo"));
  name_nics(ipv4, config);
  /* A kernel may be without IPv6. */
  long ipv6 = CALL(socket, FAMILY_INET6, TYPE_DATAGRAM | O_CLOEXEC, 0);
  for (unsigned i = 0; i < config->nic_count; i++) {
    struct nic *nic = &config->nics[i];
    if (!nic->is_found) continue;
    if (nic->mtu != 0) complain(nic->name, "MTU", nic_set_mtu(ipv4, nic->name, nic->mtu));
    /* The address was the container's before, so nobody else has it: no second of waiting for objections. */
    nic_skip_detection(nic->name);
    complain(nic->name, "take up", nic_up(ipv4, nic->name));
    set_up_ipv4(ipv4, nic, i);
    if (ipv6 >= 0) set_up_ipv6(ipv6, nic, i);
    else if (nic->ipv6 != NULL) complain(nic->name, nic->ipv6, ipv6);
  }
  if (ipv6 >= 0) CALL(close, ipv6);
  CALL(close, ipv4);
}
