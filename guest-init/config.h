/*
 * What the runtime asks for, one `KEY:value` a line, in blocks (docs/guests/linux.md):
 *
 *   UES  NAME=VALUE…                                     UEE   environment
 *   UCS  UID GID WD and our own AG ARC ARV BM ENV HN NS RV SD TTY  UCE   process and machine
 *   UBS  ID MP and our own FS FO RO …                    UBE   volumes
 *   UNS  MAC NAME MTU IP MSK GW IP6 GW6 …                UNE   network cards, our own but for IP, MSK and GW
 *
 * BM has options of mount(8), a source and a place, with colons between them. Values of ARV and ENV have `\n` for a
 * newline and `\\` for a backslash.
 */
#pragma once

#include <stdbool.h>

enum { MOST_WORDS = 4096, MOST_GROUPS = 256, MOST_VOLUMES = 32, MOST_BINDS = 512, MOST_SERVERS = 3, MOST_SEARCH = 32, MOST_OPTIONS = 16, MOST_NICS = 8 };
/* Bytes of a network device's name with its end: IFNAMSIZ of linux/if.h. */
enum { DEVICE_NAME_SIZE = 16 };

struct volume {
  const char *id;
  const char *mount_point;
  /* Of a share, whose id is its tag; NULL for disks, of which it is found out. */
  const char *type;
  const char *options;
  bool readonly;
};

/* NULL where there is none. */
struct nic {
  const char *mac;
  /* What the device shall be called, and what it is called once the network is set up; `device` below where nothing was
     asked for. */
  const char *name;
  /* What the kernel calls the device while it is looked for and renamed. */
  char device[DEVICE_NAME_SIZE];
  /* 0: as the kernel has it. */
  unsigned mtu;
  const char *ipv4;
  const char *mask;
  const char *gateway;
  /* With its prefix. */
  const char *ipv6;
  const char *gateway6;
  /* Set when the device is there. */
  bool is_found;
};

/* Mounted on a place of the guest; an empty source is the place itself. */
struct bind {
  const char *source;
  const char *place;
  /* MS_RDONLY and others of mount(2); 0: none. */
  unsigned long flags;
};

struct config {
  const char *environment[MOST_WORDS + 1];
  unsigned variables;
  const char *arguments[MOST_WORDS + 1];
  unsigned argument_count;
  /* ARC was there: the arguments are these, not the ones of the kernel's command line. */
  bool has_arguments;
  unsigned uid;
  unsigned gid;
  unsigned groups[MOST_GROUPS];
  unsigned group_count;
  const char *directory;
  const char *host_name;
  const char *servers[MOST_SERVERS];
  unsigned server_count;
  /* Domains of names without a dot. */
  const char *search[MOST_SEARCH];
  unsigned search_count;
  /* `options` of resolv.conf(5). */
  const char *resolver_options[MOST_OPTIONS];
  unsigned option_count;
  struct nic nics[MOST_NICS];
  unsigned nic_count;
  struct volume volumes[MOST_VOLUMES];
  unsigned volume_count;
  struct bind binds[MOST_BINDS];
  unsigned bind_count;
  /* The console is not a person's terminal: bytes are passed on as they are. */
  bool plain_console;
};

/* Reads `path` (it stays in memory) and removes it. A file that is not there leaves `config` as it is. */
void read_config(const char *path, struct config *config);
