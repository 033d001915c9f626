/* The configuration that the runtime writes, and resolv.conf. */
#include "../../guest-init/config.h"

#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../guest-init/resolver.h"
#include "world.h"

static struct config config;

static void whole(void) {
  world_file("/urunit.conf",
             "UES\nA=1\nB=two words\nUEE\n"
             "UCS\nUID:1\nGID:2\nAG:3\nAG:4\nWD:/work\nHN:name\nTTY:0\nARC:2\nARV:a\\nb\nARV:\nENV:C=\\\\\n"
             "BM:ro,nosuid:1:/ro\nBM:rw::/rw:colon\nNS:10.0.0.1\nSD:example\nRV:ndots:5\nUCE\n"
             "UBS\nID:disk\nMP:/data\nRO:1\nID:tag\nFS:virtiofs\nFO:o=1\nUBE\n"
             "UNS\nMAC:52:54:00:00:00:01\nNAME:eth0\nMTU:1400\nIP:10.0.0.2\nMSK:255.0.0.0\nGW:10.0.0.1\n"
             "IP6:fd00::2/64\nGW6:fd00::1\nUNE\n");
  read_config("/urunit.conf", &config);
  check(config.variables == 3 && config.argument_count == 2 && config.has_arguments && config.group_count == 2);
  check_text(config.environment[1], "B=two words");
  check_text(config.environment[2], "C=\\");
  check_text(config.arguments[0], "a\nb");
  check_text(config.arguments[1], "");
  check(config.uid == 1 && config.gid == 2 && config.groups[1] == 4 && config.plain_console);
  check(config.bind_count == 2 && config.binds[0].flags == (MS_RDONLY | MS_NOSUID) && config.binds[1].flags == 0);
  check_text(config.binds[0].source, "1");
  check_text(config.binds[1].place, "/rw:colon");
  check(config.volume_count == 2 && config.volumes[0].readonly && config.volumes[0].type == NULL);
  check_text(config.volumes[1].type, "virtiofs");
  check(config.nic_count == 1 && config.nics[0].mtu == 1400);
  check_text(config.nics[0].mac, "52:54:00:00:00:01");
  check_text(config.nics[0].gateway6, "fd00::1");
  check_text(world_content("/urunit.conf"), "");
  check_text(world_said(), "");
}

static void missing(void) {
  read_config("/nowhere.conf", &config);
  check(config.argument_count == 0);
}

static void value_of_no_number(void) {
  world_file("/c", "UCS\nUID:x\nUCE\n");
  read_config("/c", &config);
}

static void too_many_nics(void) {
  static char text[4096] = "UNS\n";
  for (int i = 0; i <= MOST_NICS; i++) strcat(text, "MAC:0\n");
  world_file("/c", text);
  read_config("/c", &config);
}

/* Left out it would be a mount that is less strict. */
static void bind_with_unknown_option(void) {
  world_file("/c", "UCS\nBM:ro,nosomething:1:/place\nUCE\n");
  read_config("/c", &config);
}

static void bind_without_place(void) {
  world_file("/c", "UCS\nBM:ro\nUCE\n");
  read_config("/c", &config);
}

static void read_c(void) { read_config("/c", &config); }

/* Whatever the lines are: all are read, or the machine ends; never anything else. */
static void random_lines(void) {
  static const char *const keys[] = {"UES",  "UEE",  "UCS", "UCE", "UBS", "UBE", "UNS", "UNE", "UID:", "AG:", "BM:",
                                     "ARV:", "ENV:", "NS:", "SD:", "RV:", "ID:", "MP:", "FS:", "MAC:", "NAME:", "IP6:"};
  static const char letters[] = "ro:rw:/\\n\\ 19=x";
  static char text[1 << 14];
  enum { ROUNDS = 500 };
  int ended = 0;
  srand(2);
  for (int round = 0; round < ROUNDS; round++) {
    size_t used = 0;
    for (int lines = rand() % 60; lines > 0 && used + 64 < sizeof text; lines--) {
      used += (size_t)sprintf(text + used, "%s", keys[(size_t)rand() % (sizeof keys / sizeof keys[0])]);
      for (int left = rand() % 12; left > 0; left--) text[used++] = letters[(size_t)rand() % (sizeof letters - 1)];
      if (rand() % 20 != 0) text[used++] = '\n';
    }
    text[used] = '\0';
    world_file("/c", text);
    config = (struct config){0};
    ended += world_survives(read_c) ? 0 : 1;
  }
  check(ended > 0 && ended < ROUNDS);
}

static void too_large(void) {
  char *text = malloc(600 * 1024);
  memset(text, 'x', 600 * 1024 - 1);
  text[600 * 1024 - 1] = '\0';
  world_file("/c", text);
  free(text);
  read_config("/c", &config);
}

static const char *const RESOLVER = "search a.example b.example\nnameserver 10.0.0.1\nnameserver fd00::1\noptions ndots:5\n";

static void resolver(void) {
  config.search[0] = "a.example";
  config.search[1] = "b.example";
  config.search_count = 2;
  config.servers[0] = "10.0.0.1";
  config.servers[1] = "fd00::1";
  config.server_count = 2;
  config.resolver_options[0] = "ndots:5";
  config.option_count = 1;
  world_file("/dev/x", "");
  world_file("/etc/resolv.conf", "host's");
  set_up_resolver(&config);
  check_text(world_content("/etc/resolv.conf"), "host's");
  check_text(world_calls(), "mount /dev/.urunc-resolv.conf /etc/resolv.conf - 1000\n");
  check_text(world_content("/dev/.urunc-resolv.conf"), "");
  check_text(world_mounted(), RESOLVER);
}

static void long_resolver(void) {
  static char name[3000];
  memset(name, 'x', sizeof name - 1);
  config.search_count = 4;
  for (unsigned i = 0; i < config.search_count; i++) config.search[i] = name;
  world_file("/dev/x", "");
  world_file("/etc/resolv.conf", "");
  set_up_resolver(&config);
  check(strlen(world_mounted()) == 4095);
}

const struct test config_tests[] = {
    {"the whole configuration is read and its file removed", whole, 0},
    {"a configuration that is not there changes nothing", missing, 0},
    {"a number that is none ends the machine", value_of_no_number, 125},
    {"one network card too many ends the machine", too_many_nics, 125},
    {"a bind mount without a place ends the machine", bind_without_place, 125},
    {"an unknown option of a bind mount ends the machine", bind_with_unknown_option, 125},
    {"a configuration that is too large ends the machine", too_large, 125},
    {"random lines are read or end the machine, and do no harm", random_lines, 0},
    {"resolv.conf is mounted over the image's and never written into it", resolver, 0},
    {"a resolv.conf longer than its buffer is cut", long_resolver, 0},
    {NULL, NULL, 0},
};
