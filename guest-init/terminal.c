#include "terminal.h"

#include <asm/ioctls.h>
#include <asm/termbits.h>

#include "file.h"
#include "system.h"
#include "text.h"

enum { WAIT_MS = 2000, STEP_MS = 10 };

static void make_standard(long fd) {
  for (int number = 0; number < 3; number++)
    if (fd != number) CALL(dup3, fd, number, 0);
  if (fd > 2) CALL(close, fd);
}

bool open_console(void) {
  long fd = CALL(openat, AT_FDCWD, "/dev/console", O_RDWR | O_NOCTTY);
  if (fd >= 0) make_standard(fd);
  return fd >= 0;
}

void wait_for_console(void) {
  for (unsigned waited = 0; waited < WAIT_MS && !open_console(); waited += STEP_MS) pause_for(STEP_MS);
}

/* /dev/console cannot be a controlling terminal; the device behind it can. The last one listed is the preferred one. */
static long open_device(void) {
  char names[256], path[280];
  if (read_file("/sys/class/tty/console/active", names, sizeof names) <= 0) return -ENOENT;
  char *name = names;
  for (char *at = names; *at != '\0'; at++) {
    if (*at == '\n') *at = '\0';
    else if (*at == ' ') name = at + 1;
    if (*at == '\0') break;
  }
  join(path, sizeof path, PARTS("/dev/", name));
  return CALL(openat, AT_FDCWD, path, O_RDWR);
}

void take_terminal(const struct config *config) {
  CALL(setsid, 0);
  long fd = open_device();
  if (fd < 0) return;
  make_standard(fd);
  CALL(ioctl, 0, TIOCSCTTY, 0);
  /* The application may open /dev/stdout anew. */
  CALL(fchown, 0, config->uid, config->gid);
  struct termios mode;
  if (!config->plain_console || CALL(ioctl, 0, TCGETS, &mode) < 0) return;
  /* termios(3): no echo of what comes in, no carriage returns in what goes out, no characters that are signals. */
  mode.c_oflag &= ~(tcflag_t)OPOST;
  mode.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
  CALL(ioctl, 0, TCSETS, &mode);
}
