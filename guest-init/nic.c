#include "nic.h"

#include <linux/sockios.h>

#include "file.h"
#include "system.h"
#include "text.h"

_Static_assert(DEVICE_NAME_SIZE == IFNAMSIZ, "a device's name fits");

enum { WAIT_MS = 2000, STEP_MS = 10, MAC_SIZE = 24 };

struct ifreq nic_request(const char *device) {
  struct ifreq request = {0};
  join(request.ifr_name, IFNAMSIZ, PARTS(device));
  return request;
}

long nic_up(long socket, const char *device) {
  struct ifreq request = nic_request(device);
  long result = CALL(ioctl, socket, SIOCGIFFLAGS, &request);
  if (result < 0) return result;
  request.ifr_flags |= IFF_UP;
  return CALL(ioctl, socket, SIOCSIFFLAGS, &request);
}

long nic_set_mtu(long socket, const char *device, unsigned mtu) {
  struct ifreq request = nic_request(device);
  request.ifr_mtu = (int)mtu;
  return CALL(ioctl, socket, SIOCSIFMTU, &request);
}

int nic_index(long socket, const char *device) {
  struct ifreq request = nic_request(device);
  return CALL(ioctl, socket, SIOCGIFINDEX, &request) < 0 ? 0 : request.ifr_ifindex;
}

void nic_skip_detection(const char *device) {
  char path[64 + IFNAMSIZ];
  if (join(path, sizeof path, PARTS("/proc/sys/net/ipv6/conf/", device, "/accept_dad"))) write_file(path, "0");
}

struct search {
  const char *mac;
  char name[IFNAMSIZ];
};

static bool has_mac(const char *name, void *context) {
  struct search *search = context;
  char path[64 + IFNAMSIZ], mac[MAC_SIZE];
  if (!join(path, sizeof path, PARTS("/sys/class/net/", name, "/address"))) return true;
  long length = read_file(path, mac, sizeof mac);
  if (length <= 0) return true;
  if (mac[length - 1] == '\n') mac[length - 1] = '\0';
  if (!equal(mac, search->mac)) return true;
  join(search->name, IFNAMSIZ, PARTS(name));
  return false;
}

/* The driver may still be looking for the card. */
static bool find(const char *mac, char name[DEVICE_NAME_SIZE]) {
  for (unsigned waited = 0; waited < WAIT_MS; waited += STEP_MS) {
    struct search search = {.mac = mac};
    each_entry("/sys/class/net", has_mac, &search);
    if (search.name[0] != '\0') return join(name, DEVICE_NAME_SIZE, PARTS(search.name));
    pause_for(STEP_MS);
  }
  SAY("guest-init: network: no device has the address ", mac, ": the kernel needs the driver virtio_net");
  return false;
}

static long rename(long socket, const char *from, const char *to) {
  struct ifreq request = nic_request(from);
  join(request.ifr_newname, IFNAMSIZ, PARTS(to));
  return CALL(ioctl, socket, SIOCSIFNAME, &request);
}

/* Devices may have each other's names, so that all with a wrong one get another first. */
void name_nics(long socket, struct config *config) {
  bool moved[MOST_NICS] = {false};
  char digits[24];
  for (unsigned i = 0; i < config->nic_count; i++) {
    struct nic *nic = &config->nics[i];
    nic->is_found = find(nic->mac, nic->device);
    if (nic->name == NULL) nic->name = nic->device;
    if (!nic->is_found || equal(nic->device, nic->name)) continue;
    char other[DEVICE_NAME_SIZE];
    join(other, sizeof other, PARTS("urunc-nic", number_text((long)i, digits)));
    moved[i] = rename(socket, nic->device, other) == 0;
    if (moved[i]) join(nic->device, sizeof nic->device, PARTS(other));
    else nic->name = nic->device;
  }
  for (unsigned i = 0; i < config->nic_count; i++) {
    struct nic *nic = &config->nics[i];
    if (!moved[i]) continue;
    long result = rename(socket, nic->device, nic->name);
    if (result == 0) continue;
    SAY("guest-init: network: ", nic->name, ": rename: error ", number_text(-result, digits));
    nic->is_found = false;
  }
}
