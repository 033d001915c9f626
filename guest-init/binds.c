#include "binds.h"

#include <linux/mount.h>

#include "file.h"
#include "modules.h"
#include "system.h"
#include "text.h"

enum { MNT_DETACH = 2 };

#define COPIES OWN_DIRECTORY "/mounts"
/* On a file system that goes along with the root. */
#define KEPT "/dev/.urunc"

void keep_copies(void) {
  if (CALL(mkdirat, AT_FDCWD, KEPT, 0700) != 0) return;
  if (CALL(mount, COPIES, KEPT, NULL, MS_BIND, NULL) != 0) CALL(unlinkat, AT_FDCWD, KEPT, AT_REMOVEDIR);
}

static bool can_open(const char *path, int flags) {
  long fd = CALL(openat, AT_FDCWD, path, O_PATH | O_CLOEXEC | flags);
  if (fd >= 0) CALL(close, fd);
  return fd >= 0;
}

/* Makes what is not there: a file with its directories, or a directory. */
static long make_place(const char *path, bool directory) {
  if (can_open(path, 0)) return 0;
  if (directory) return make_directories(path);
  char parent[4096];
  if (!join(parent, sizeof parent, PARTS(path))) return -ENAMETOOLONG;
  size_t end = length_of(parent);
  while (end > 1 && parent[end - 1] != '/') end--;
  parent[end > 1 ? end - 1 : end] = '\0';
  long result = make_directories(parent);
  if (result < 0) return result;
  long fd = CALL(openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return fd;
  CALL(close, fd);
  return 0;
}

long mount_over(const char *source, const char *place, unsigned long flags) {
  long result = make_place(place, can_open(source, O_DIRECTORY));
  /* The root's own options; nothing that was mounted in it has them. */
  bool is_root = equal(place, "/");
  if (result == 0 && !is_root) result = CALL(mount, source, place, NULL, MS_BIND, NULL);
  if (result < 0 || flags == 0) return result;
  return CALL(mount, NULL, place, NULL, MS_REMOUNT | MS_BIND | flags, NULL);
}

/* Nothing for what the runtime has left out: it has said so. */
static long mount_bind(const struct bind *bind) {
  char source[4096];
  if (bind->source[0] == '\0') {
    return can_open(bind->place, 0) ? mount_over(bind->place, bind->place, bind->flags) : 0;
  }
  if (!join(source, sizeof source, PARTS(KEPT "/", bind->source))) return -ENAMETOOLONG;
  if (!can_open(source, 0)) return 0;
  return mount_over(source, bind->place, bind->flags);
}

void mount_binds(const struct config *config) {
  for (unsigned i = 0; i < config->bind_count; i++) {
    char digits[24];
    long result = mount_bind(&config->binds[i]);
    if (result < 0) SAY("guest-init: bind mount ", config->binds[i].place, ": error ", number_text(-result, digits));
  }
  CALL(umount2, KEPT, MNT_DETACH);
  CALL(unlinkat, AT_FDCWD, KEPT, AT_REMOVEDIR);
}
