#include "modules.h"

#include "file.h"
#include "system.h"
#include "text.h"

#define MODULES OWN_DIRECTORY "/modules"

enum { MOST_MODULES = 64, NAME_SIZE = 128 };

struct list {
  char names[MOST_MODULES][NAME_SIZE];
  bool loaded[MOST_MODULES];
  unsigned count;
};

static bool collect(const char *name, void *context) {
  struct list *list = context;
  if (list->count == MOST_MODULES) return false;
  if (!join(list->names[list->count], NAME_SIZE, PARTS(name))) return true;
  /* Kept in order by insertion. */
  unsigned at = list->count++;
  for (; at > 0 && is_before(name, list->names[at - 1]); at--) join(list->names[at], NAME_SIZE, PARTS(list->names[at - 1]));
  join(list->names[at], NAME_SIZE, PARTS(name));
  return true;
}

/* finit_module(2); ENOENT is a symbol of a module that is not loaded yet. */
static long load(const char *name) {
  char path[sizeof MODULES + NAME_SIZE + 1];
  join(path, sizeof path, PARTS(MODULES "/", name));
  long fd = CALL(openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fd;
  long result = CALL(finit_module, fd, "", 0);
  CALL(close, fd);
  return result;
}

void load_modules(void) {
  static struct list list;
  if (each_entry(MODULES, collect, &list) < 0) return;
  bool progress = true;
  while (progress) {
    progress = false;
    for (unsigned i = 0; i < list.count; i++) {
      if (list.loaded[i]) continue;
      long result = load(list.names[i]);
      list.loaded[i] = result != -ENOENT;
      progress |= list.loaded[i];
      if (result == 0 || result == -EEXIST || result == -ENOENT || result == -ENODEV) continue;
      char digits[24];
      SAY("guest-init: module ", list.names[i], ": error ", number_text(-result, digits));
    }
  }
  for (unsigned i = 0; i < list.count; i++) {
    if (!list.loaded[i]) SAY("guest-init: module ", list.names[i], ": a module that it needs is missing");
    char path[sizeof MODULES + NAME_SIZE + 1];
    join(path, sizeof path, PARTS(MODULES "/", list.names[i]));
    CALL(unlinkat, AT_FDCWD, path, 0);
  }
}
