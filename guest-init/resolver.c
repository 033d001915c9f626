#include "resolver.h"

#include <linux/mount.h>

#include "binds.h"
#include "file.h"
#include "system.h"
#include "text.h"

#define PLACE "/etc/resolv.conf"
/* On a file system in memory. */
#define OWN_FILE "/dev/.urunc-resolv.conf"

enum { MAY_WRITE = 2 };

/* The runtime's limits of domains, options and servers leave room. */
static char text[4096];
static size_t used;

static void append(const char *part) {
  while (*part != '\0' && used + 1 < sizeof text) text[used++] = *part++;
}

/* One line: the key and the values, or a line for each value. */
static void append_lines(const char *key, const char *const *values, unsigned count, bool in_one) {
  for (unsigned i = 0; i < count; i++) {
    if (i == 0 || !in_one) append(key);
    append(" ");
    append(values[i]);
    if (i + 1 == count || !in_one) append("\n");
  }
}

/*
 * The file is mounted over the one that is there and never written into it: that one may be the host's, which other
 * containers share, or the image's. Where it is read-only, so is ours.
 */
static long put_in_place(void) {
  bool is_readonly = CALL(faccessat, AT_FDCWD, PLACE, MAY_WRITE) == -EROFS;
  long result = write_file(OWN_FILE, text);
  if (result == 0) result = mount_over(OWN_FILE, PLACE, is_readonly ? MS_RDONLY | MS_NOSUID | MS_NODEV : 0);
  CALL(unlinkat, AT_FDCWD, OWN_FILE, 0);
  return result;
}

void set_up_resolver(const struct config *config) {
  append_lines("search", config->search, config->search_count, true);
  append_lines("nameserver", config->servers, config->server_count, false);
  append_lines("options", config->resolver_options, config->option_count, true);
  if (used == 0) return;
  long result = put_in_place();
  char digits[24];
  if (result < 0) SAY("guest-init: ", PLACE, ": error ", number_text(-result, digits));
}
