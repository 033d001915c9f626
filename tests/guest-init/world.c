/* The kernel that guest-init speaks to in its tests, and the program that runs them. */
#include "world.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/route.h>
#include <linux/sockios.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OPEN_WORLD = 4096, MOST_REFUSALS = 8 };

static char root[64];
static char mounted[1 << 16], calls[1 << 16], shown[1 << 16], said[1 << 16];

static struct refusal {
  const char *line;
  long result;
  int times;
} refusals[MOST_REFUSALS];

long system_call(long number, long a, long b, long c, long d, long e, long f);
_Noreturn void end_machine(int status);

void check_that(bool condition, const char *text, const char *file, int line) {
  if (condition) return;
  printf("# %s:%d: %s\n# guest-init said: %s\n", file, line, text, said);
  fflush(stdout);
  _exit(99);
}

void check_same(const char *found, const char *wanted, const char *file, int line) {
  if (strcmp(found, wanted) == 0) return;
  printf("# found:  %s\n# wanted: %s\n", found, wanted);
  check_that(false, "texts differ", file, line);
}

static jmp_buf survivor;
static bool survives;

bool world_survives(void (*action)(void)) {
  survives = true;
  bool lives = setjmp(survivor) == 0;
  if (lives) action();
  survives = false;
  return lives;
}

_Noreturn void end_machine(int status) {
  if (survives) longjmp(survivor, 1);
  fflush(stdout);
  exit(status);
}

static char *place(const char *path, char buffer[OPEN_WORLD]) {
  snprintf(buffer, OPEN_WORLD, "%s%s%s", root, path[0] == '/' ? "" : "/", path);
  return buffer;
}

void world_file(const char *path, const char *content) {
  char whole[OPEN_WORLD];
  place(path, whole);
  for (char *at = whole + strlen(root) + 1; *at != '\0'; at++) {
    if (*at != '/') continue;
    *at = '\0';
    mkdir(whole, 0755);
    *at = '/';
  }
  FILE *file = fopen(whole, "w");
  check(file != NULL);
  fputs(content, file);
  fclose(file);
}

const char *world_content(const char *path) {
  static char content[1 << 16];
  char whole[OPEN_WORLD];
  FILE *file = fopen(place(path, whole), "r");
  size_t length = file == NULL ? 0 : fread(content, 1, sizeof content - 1, file);
  content[length] = '\0';
  if (file != NULL) fclose(file);
  return content;
}

const char *world_mounted(void) { return mounted; }

const char *world_calls(void) {
  memcpy(shown, calls, sizeof shown);
  calls[0] = '\0';
  return shown;
}

const char *world_said(void) { return said; }

void world_refuses(const char *line, long result, int times) {
  for (int i = 0; i < MOST_REFUSALS; i++)
    if (refusals[i].line == NULL) {
      refusals[i] = (struct refusal){line, result, times};
      return;
    }
  check(false);
}

static void add(char *to, size_t size, const char *text, size_t length) {
  size_t used = strlen(to);
  if (used + length + 1 > size) length = size - used - 1;
  memcpy(to + used, text, length);
  to[used + length] = '\0';
}

/* Writes a call down; answers what the test wants, else 0. */
static long note(const char *line) {
  add(calls, sizeof calls, line, strlen(line));
  add(calls, sizeof calls, "\n", 1);
  for (int i = 0; i < MOST_REFUSALS; i++)
    if (refusals[i].line != NULL && refusals[i].times > 0 && strcmp(refusals[i].line, line) == 0) {
      refusals[i].times--;
      return refusals[i].result;
    }
  return 0;
}

static const char *or_none(long text) { return text == 0 ? "-" : (const char *)text; }

static long request(unsigned long number, void *argument) {
  struct ifreq *of = argument;
  char line[512], from[OPEN_WORLD], to[OPEN_WORLD], path[64];
  /* The device of the request is there, as in netdevice(7). */
  if (number != SIOCADDRT) {
    snprintf(path, sizeof path, "/sys/class/net/%.*s", IFNAMSIZ, of->ifr_name);
    if (number != SIOCSIFADDR && access(place(path, from), F_OK) != 0) return -ENODEV;
  }
  switch (number) {
    case SIOCSIFNAME: {
      snprintf(line, sizeof line, "rename %.*s %.*s", IFNAMSIZ, of->ifr_name, IFNAMSIZ, of->ifr_newname);
      long result = note(line);
      snprintf(path, sizeof path, "/sys/class/net/%.*s", IFNAMSIZ, of->ifr_newname);
      place(path, to);
      if (result == 0 && access(to, F_OK) == 0) return -EEXIST;
      return result == 0 ? rename(from, to) : result;
    }
    case SIOCGIFINDEX: of->ifr_ifindex = 7; return 0;
    case SIOCGIFFLAGS: of->ifr_flags = 0; return 0;
    case SIOCSIFFLAGS: snprintf(line, sizeof line, "up %.*s", IFNAMSIZ, of->ifr_name); break;
    case SIOCSIFMTU: snprintf(line, sizeof line, "mtu %.*s %d", IFNAMSIZ, of->ifr_name, of->ifr_mtu); break;
    case SIOCSIFADDR: snprintf(line, sizeof line, "address"); break;
    case SIOCSIFNETMASK: snprintf(line, sizeof line, "mask %.*s", IFNAMSIZ, of->ifr_name); break;
    case SIOCADDRT: snprintf(line, sizeof line, "route"); break;
    default: snprintf(line, sizeof line, "ioctl %lx", number);
  }
  return note(line);
}

static long module_of(long fd) {
  char link[64], name[OPEN_WORLD], line[OPEN_WORLD + 16];
  snprintf(link, sizeof link, "/proc/self/fd/%ld", fd);
  ssize_t length = readlink(link, name, sizeof name - 1);
  check(length > 0);
  name[length] = '\0';
  snprintf(line, sizeof line, "module %s", strrchr(name, '/') + 1);
  return note(line);
}

static long real(long result) { return result < 0 ? -errno : result; }

long system_call(long number, long a, long b, long c, long d, long e, long f) {
  char path[OPEN_WORLD], line[2 * OPEN_WORLD];
  switch (number) {
    /* Paths of the test's own directory. */
    case SYS_openat:
    case SYS_mkdirat:
    case SYS_unlinkat:
    case SYS_faccessat:
    case SYS_fchmodat: return real(syscall(number, a, place((const char *)b, path), c, d));
    /* As they are. */
    case SYS_read:
    case SYS_close:
    case SYS_getdents64: return real(syscall(number, a, b, c));
    case SYS_write:
      if (a != 2) return real(syscall(number, a, b, c));
      add(said, sizeof said, (const char *)b, (size_t)c);
      return c;
    case SYS_nanosleep: return 0;
    case SYS_socket: return note(a == 2 ? "socket 4" : "socket 6") == 0 ? 1000 : -EAFNOSUPPORT;
    case SYS_ioctl: return request((unsigned long)b, (void *)c);
    case SYS_finit_module: return module_of(a);
    case SYS_mount:
      if (a != 0) strcpy(mounted, world_content((const char *)a));
      snprintf(line, sizeof line, "mount %s %s %s %lx", or_none(a), or_none(b), or_none(c), (unsigned long)d);
      return note(line);
    case SYS_umount2: return note("umount");
    default: snprintf(line, sizeof line, "call %ld %ld %ld", number, e, f); return note(line);
  }
}

static bool run(const struct test *test) {
  snprintf(root, sizeof root, "/tmp/guest-init-tests.XXXXXX");
  check(mkdtemp(root) != NULL);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    test->run();
    fflush(stdout);
    exit(0);
  }
  int word = 0;
  waitpid(child, &word, 0);
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s", root);
  bool removed = system(command) == 0;
  bool good = removed && WIFEXITED(word) && WEXITSTATUS(word) == test->status;
  printf("%s - guest-init: %s\n", good ? "ok" : "not ok", test->name);
  if (!good) printf("# wait status %x, wanted exit status %d\n", (unsigned)word, test->status);
  return good;
}

int main(void) {
  static const struct test *const all[] = {text_tests, config_tests, device_tests};
  bool good = true;
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
    for (const struct test *test = all[i]; test->name != NULL; test++) good &= run(test);
  return good ? 0 : 1;
}
