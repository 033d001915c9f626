/* What is found in sysfs and asked of the kernel: modules, network cards, disks. */
#include <stdio.h>
#include <string.h>

#include "../../guest-init/modules.h"
#include "../../guest-init/network.h"
#include "../../guest-init/volumes.h"
#include "world.h"

enum { NO_ENTRY = -2, INVALID = -22 };

static struct config config;

static void card(const char *name, const char *mac) {
  char path[64], line[64];
  snprintf(path, sizeof path, "/sys/class/net/%s/address", name);
  snprintf(line, sizeof line, "%s\n", mac);
  world_file(path, line);
}

static struct nic *wanted(const char *mac, const char *name) {
  struct nic *nic = &config.nics[config.nic_count++];
  *nic = (struct nic){.mac = mac, .name = name};
  return nic;
}

static void is_called(const char *name) {
  char path[64];
  snprintf(path, sizeof path, "/sys/class/net/%s/address", name);
  check_text(world_content(path)[0] == '\0' ? "missing" : name, name);
}

static void unnamed(void) {
  card("lo", "00:00:00:00:00:00");
  card("enp0s3", "52:54:00:00:00:01");
  struct nic *nic = wanted("52:54:00:00:00:01", NULL);
  nic->ipv4 = "10.0.0.2", nic->mask = "255.255.255.0", nic->gateway = "10.0.0.1", nic->mtu = 1400;
  set_up_network(&config);
  check_text(world_said(), "");
  check_text(world_calls(),
             "socket 4\nup lo\nsocket 6\nmtu enp0s3 1400\nup enp0s3\naddress\nmask enp0s3\nroute\n");
  check_text(nic->name, "enp0s3");
}

static void crossed(void) {
  card("lo", "00:00:00:00:00:00");
  card("eth0", "52:54:00:00:00:02");
  card("eth1", "52:54:00:00:00:01");
  wanted("52:54:00:00:00:01", "eth0");
  wanted("52:54:00:00:00:02", "eth1");
  set_up_network(&config);
  check_text(world_said(), "");
  check_text(world_content("/sys/class/net/eth0/address"), "52:54:00:00:00:01\n");
  check_text(world_content("/sys/class/net/eth1/address"), "52:54:00:00:00:02\n");
}

static void not_renamed(void) {
  card("lo", "00:00:00:00:00:00");
  card("enp0s3", "52:54:00:00:00:01");
  world_refuses("rename enp0s3 urunc-nic0", -16, 1);
  struct nic *nic = wanted("52:54:00:00:00:01", "eth0");
  set_up_network(&config);
  is_called("enp0s3");
  check_text(nic->name, "enp0s3");
  check_text(world_calls(), "socket 4\nup lo\nrename enp0s3 urunc-nic0\nsocket 6\nup enp0s3\n");
}

static void longest_name(void) {
  card("lo", "00:00:00:00:00:00");
  card("fifteen-letters", "52:54:00:00:00:01");
  struct nic *nic = wanted("52:54:00:00:00:01", NULL);
  set_up_network(&config);
  check_text(nic->name, "fifteen-letters");
}

static void absent(void) {
  card("lo", "00:00:00:00:00:00");
  struct nic *nic = wanted("52:54:00:00:00:01", NULL);
  nic->ipv4 = "10.0.0.2";
  set_up_network(&config);
  check(strstr(world_said(), "no device has the address 52:54:00:00:00:01") != NULL);
  check_text(world_calls(), "socket 4\nup lo\nsocket 6\n");
}

static void wrong_addresses(void) {
  card("lo", "00:00:00:00:00:00");
  card("eth0", "52:54:00:00:00:01");
  struct nic *nic = wanted("52:54:00:00:00:01", "eth0");
  nic->ipv4 = "10.0.0.256", nic->ipv6 = "fd00::1";
  set_up_network(&config);
  check(strstr(world_said(), "eth0: 10.0.0.256: error 22") != NULL);
  check(strstr(world_said(), "eth0: fd00::1: error 22") != NULL);
}

static void modules(void) {
  world_file("/.urunc/modules/02-b.ko", "");
  world_file("/.urunc/modules/10-c.ko", "");
  world_file("/.urunc/modules/01-a.ko", "");
  world_refuses("module 01-a.ko", NO_ENTRY, 1);
  load_modules();
  check_text(world_calls(), "module 01-a.ko\nmodule 02-b.ko\nmodule 10-c.ko\nmodule 01-a.ko\n");
  check_text(world_said(), "");
}

static void many_modules(void) {
  char path[200], name[140];
  memset(name, 'm', sizeof name);
  for (int i = 0; i < 70; i++) {
    snprintf(path, sizeof path, "/.urunc/modules/%02d.ko", 99 - i);
    world_file(path, "");
  }
  snprintf(path, sizeof path, "/.urunc/modules/%.140s", name);
  world_file(path, "");
  world_refuses("module 99.ko", NO_ENTRY, 1000);
  load_modules();
  check(strstr(world_calls(), "module ") != NULL);
}

static void disks(void) {
  world_file("/sys/block/vda/serial", "other");
  world_file("/sys/block/vdb/serial", "disk");
  world_file("/sys/block/vdb/ro", "1\n");
  world_file("/proc/filesystems", "nodev\tproc\n\text2\n\txfs");
  world_refuses("mount /dev/vdb /data ext4 1", INVALID, 1);
  world_refuses("mount /dev/vdb /data ext2 1", INVALID, 1);
  config.volumes[0] = (struct volume){.id = "disk", .mount_point = "/data"};
  config.volumes[1] = (struct volume){.id = "FC1", .mount_point = "/more"};
  config.volumes[2] = (struct volume){.id = "nowhere", .mount_point = "/none"};
  config.volume_count = 3;
  mount_volumes(&config);
  check_text(world_calls(),
             "mount /dev/vdb /data ext4 1\nmount /dev/vdb /data ext2 1\nmount /dev/vdb /data xfs 1\n"
             "mount /dev/vdb /more ext4 1\n");
  check_text(world_said(), "guest-init: volume nowhere: error 19\n");
}

const struct test device_tests[] = {
    {"a card that nobody named keeps its name, which is used after it was found", unnamed, 0},
    {"cards that have each other's names get their own", crossed, 0},
    {"a card that cannot be renamed is set up by the name it has", not_renamed, 0},
    {"a card's name may have fifteen letters", longest_name, 0},
    {"a card that is not there is reported and nothing asked for it", absent, 0},
    {"addresses that are none are reported by name", wrong_addresses, 0},
    {"modules are loaded in order, and again after those they need", modules, 0},
    {"more modules than there is room for, and names too long, do no harm", many_modules, 0},
    {"a disk is found by its serial and mounted with the type it has", disks, 0},
    {NULL, NULL, 0},
};
