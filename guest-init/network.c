#include "network.h"

#include <linux/if.h>
#include <linux/in.h>
#include <linux/route.h>
#include <linux/socket.h>
#include <linux/sockios.h>

#include "file.h"
#include "kernel.h"
#include "system.h"
#include "text.h"

enum { FAMILY_INET = 2, TYPE_DATAGRAM = 2, WAIT_MS = 2000, STEP_MS = 10 };

/* Dotted decimal to network order; 0 for anything else. */
static __u32 parse_address(const char *text) {
  unsigned char bytes[4] = {0};
  unsigned value = 0, digits = 0, index = 0;
  for (;; text++) {
    if (*text >= '0' && *text <= '9' && digits < 3) {
      value = value * 10 + (unsigned)(*text - '0');
      digits++;
    } else if ((*text == '.' || *text == '\0') && digits > 0 && value < 256 && index < 4) {
      bytes[index++] = (unsigned char)value;
      value = digits = 0;
      if (*text == '\0') break;
    } else {
      return 0;
    }
  }
  __u32 address;
  unsigned char *to = (unsigned char *)&address;
  for (unsigned i = 0; i < 4; i++) to[i] = bytes[i];
  return index == 4 ? address : 0;
}

static void set_address(struct sockaddr *at, __u32 address) {
  struct sockaddr_in *in = (struct sockaddr_in *)(void *)at;
  in->sin_family = FAMILY_INET;
  in->sin_addr.s_addr = address;
}

static struct ifreq request_for(const char *device) {
  struct ifreq request = {0};
  join(request.ifr_name, IFNAMSIZ, PARTS(device));
  return request;
}

/* netdevice(7) */
static long bring_up(long socket, const char *device) {
  struct ifreq request = request_for(device);
  long result = CALL(ioctl, socket, SIOCGIFFLAGS, &request);
  if (result < 0) return result;
  request.ifr_flags |= IFF_UP;
  return CALL(ioctl, socket, SIOCSIFFLAGS, &request);
}

/* rt(4), struct rtentry: to the gateway, or with 0 to whoever answers on the device. */
static long add_default_route(long socket, __u32 gateway, const char *device) {
  char name[IFNAMSIZ];
  join(name, sizeof name, PARTS(device));
  struct rtentry route = {.rt_dev = name, .rt_flags = RTF_UP | (gateway != 0 ? RTF_GATEWAY : 0)};
  set_address(&route.rt_dst, 0);
  set_address(&route.rt_genmask, 0);
  set_address(&route.rt_gateway, gateway);
  return CALL(ioctl, socket, SIOCADDRT, &route);
}

static void complain(const char *what, long result) {
  char digits[24];
  if (result < 0 && result != -EEXIST) SAY("guest-init: network: ", what, ": error ", number_text(-result, digits));
}

static long give_address(long socket, const char *device, __u32 address, __u32 mask) {
  struct ifreq request = request_for(device);
  set_address(&request.ifr_addr, address);
  long result = CALL(ioctl, socket, SIOCSIFADDR, &request);
  /* The driver of the card may still be looking for it. */
  for (unsigned waited = 0; result == -ENODEV && waited < WAIT_MS; waited += STEP_MS) {
    pause_for(STEP_MS);
    result = CALL(ioctl, socket, SIOCSIFADDR, &request);
  }
  if (result < 0) return result;
  set_address(&request.ifr_netmask, mask);
  result = CALL(ioctl, socket, SIOCSIFNETMASK, &request);
  return result < 0 ? result : bring_up(socket, device);
}

/* Linux, Documentation/admin-guide/nfs/nfsroot.rst: ip=client:server:gateway:netmask:host:device:autoconf */
static void apply_ip_parameter(long socket, bool device_route) {
  char text[256], *fields[7];
  const char *value = kernel_parameter("ip");
  if (value == NULL || !join(text, sizeof text, PARTS(value))) return;
  unsigned count = 0;
  for (char *at = text; count < 7; at++) {
    fields[count++] = at;
    while (*at != '\0' && *at != ':') at++;
    if (*at == '\0') break;
    *at = '\0';
  }
  if (count < 6) return;
  const char *device = fields[5];
  __u32 address = parse_address(fields[0]), gateway = parse_address(fields[2]), mask = parse_address(fields[3]);
  struct ifreq present = request_for(device);
  if (address != 0 && CALL(ioctl, socket, SIOCGIFADDR, &present) < 0) {
    complain(device, give_address(socket, device, address, mask));
    if (gateway != 0 && (gateway & mask) == (address & mask))
      complain("default route", add_default_route(socket, gateway, device));
  }
  if (device_route) complain("default route", add_default_route(socket, 0, device));
}

void set_up_network(const struct config *config, bool device_route) {
  long socket = CALL(socket, FAMILY_INET, TYPE_DATAGRAM | O_CLOEXEC, 0);
  if (socket >= 0) {
    complain("lo", bring_up(socket, "lo"));
    apply_ip_parameter(socket, device_route);
    CALL(close, socket);
  }
  if (config->server_count == 0) return;
  char text[512] = "";
  for (unsigned i = 0; i < config->server_count; i++) {
    char before[512];
    join(before, sizeof before, PARTS(text));
    join(text, sizeof text, PARTS(before, "nameserver ", config->servers[i], "\n"));
  }
  make_directories("/etc");
  complain("/etc/resolv.conf", write_file("/etc/resolv.conf", text));
}
