#include "file.h"

#include <linux/time_types.h>

#include "system.h"
#include "text.h"

long read_file(const char *path, char *buffer, size_t size) {
  long fd = CALL(openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fd;
  size_t used = 0;
  long got = 1;
  while (used < size && got > 0) {
    got = CALL(read, fd, buffer + used, size - used);
    if (got > 0) used += (size_t)got;
  }
  CALL(close, fd);
  if (got < 0) return got;
  if (used == size) return -EFBIG;
  buffer[used] = '\0';
  return (long)used;
}

long write_file(const char *path, const char *text) {
  long fd = CALL(openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return fd;
  size_t length = length_of(text);
  long wrote = CALL(write, fd, text, length);
  CALL(close, fd);
  return wrote < 0 ? wrote : (size_t)wrote == length ? 0 : -EIO;
}

long make_directories(const char *path) {
  char part[4096];
  if (!join(part, sizeof part, PARTS(path))) return -ENAMETOOLONG;
  for (char *at = part + 1; *at != '\0'; at++) {
    if (*at != '/') continue;
    *at = '\0';
    CALL(mkdirat, AT_FDCWD, part, 0755);
    *at = '/';
  }
  long made = CALL(mkdirat, AT_FDCWD, part, 0755);
  return made == -EEXIST ? 0 : made;
}

/* struct linux_dirent64 of getdents64(2) */
struct entry {
  __u64 inode;
  __s64 offset;
  unsigned short size;
  unsigned char type;
  char name[];
};

long each_entry(const char *path, _Bool (*visit)(const char *name, void *context), void *context) {
  _Alignas(8) char buffer[2048];
  long fd = CALL(openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return fd;
  long got;
  bool more = true;
  while (more && (got = CALL(getdents64, fd, buffer, sizeof buffer)) > 0) {
    for (long at = 0; more && at < got;) {
      const struct entry *entry = (const struct entry *)(const void *)(buffer + at);
      at += entry->size;
      if (!equal(entry->name, ".") && !equal(entry->name, "..")) more = visit(entry->name, context);
    }
  }
  CALL(close, fd);
  return 0;
}

void pause_for(long milliseconds) {
  struct __kernel_timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  CALL(nanosleep, &time, NULL);
}
