#include "buttons.h"

#include <linux/input.h>

#include "file.h"
#include "system.h"
#include "text.h"

struct list {
  int *fds;
  unsigned count;
};

static bool open_one(const char *name, void *context) {
  struct list *list = context;
  char path[300];
  if (!starts_with(name, "event") || !join(path, sizeof path, PARTS("/dev/input/", name))) return true;
  long fd = CALL(openat, AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd >= 0) list->fds[list->count++] = (int)fd;
  return list->count < MOST_BUTTONS;
}

unsigned open_buttons(int fds[MOST_BUTTONS]) {
  struct list list = {fds, 0};
  each_entry("/dev/input", open_one, &list);
  return list.count;
}

/* Linux, Documentation/input/input.rst, "Event interface" */
bool power_was_pressed(int fd) {
  struct input_event events[16];
  bool pressed = false;
  long got;
  while ((got = CALL(read, fd, events, sizeof events)) > 0)
    for (unsigned i = 0; i < (unsigned long)got / sizeof events[0]; i++)
      pressed |= events[i].type == EV_KEY && events[i].code == KEY_POWER && events[i].value == 1;
  return pressed;
}
