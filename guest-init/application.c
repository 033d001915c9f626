#include "application.h"

#include <linux/poll.h>
#include <linux/signalfd.h>

#include "buttons.h"
#include "end.h"
#include "file.h"
#include "system.h"
#include "terminal.h"
#include "text.h"

/* Every signal (sigset_t of the kernel has 64 bits). */
static const __u64 ALL = ~0ull;
static const __u64 NO_SIGNALS = 0;

static const char *path_of(const struct config *config) {
  const char *path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  for (unsigned i = 0; i < config->variables; i++)
    if (starts_with(config->environment[i], "PATH=")) path = config->environment[i] + 5;
  return path;
}

/* execvp(3): a name with a slash is a path; EACCES is remembered while other directories are tried. */
static long execute(const struct config *config) {
  const char *name = config->arguments[0];
  bool is_path = false;
  for (const char *at = name; *at != '\0'; at++) is_path |= *at == '/';
  if (is_path) return CALL(execve, name, config->arguments, config->environment);
  long result = -ENOENT;
  if (*name == '\0') return result;
  const char *at = path_of(config);
  for (;;) {
    char directory[4096], path[4352];
    size_t length = 0;
    for (; *at != '\0' && *at != ':'; at++)
      if (length + 1 < sizeof directory) directory[length++] = *at;
    directory[length] = '\0';
    if (join(path, sizeof path, PARTS(length == 0 ? "." : directory, "/", name))) {
      long tried = CALL(execve, path, config->arguments, config->environment);
      if (tried != -ENOENT && tried != -ENOTDIR) result = tried;
    }
    if (*at++ == '\0') return result;
  }
}

_Noreturn static void become_application(const struct config *config) {
  char digits[24];
  take_terminal(config);
  CALL(rt_sigprocmask, 2 /* SIG_SETMASK */, &NO_SIGNALS, NULL, sizeof NO_SIGNALS);
  make_directories(config->directory);
  long result = CALL(setgroups, config->group_count, config->groups);
  if (result == 0) result = CALL(setresgid, config->gid, config->gid, config->gid);
  if (result == 0) result = CALL(setresuid, config->uid, config->uid, config->uid);
  if (result < 0) {
    SAY("guest-init: cannot take user and groups: error ", number_text(-result, digits));
    CALL(exit_group, STATUS_CANNOT_EXECUTE);
  }
  result = CALL(chdir, config->directory);
  if (result < 0) {
    SAY("guest-init: working directory ", config->directory, ": error ", number_text(-result, digits));
    CALL(exit_group, STATUS_CANNOT_EXECUTE);
  }
  result = execute(config);
  bool is_missing = result == -ENOENT || result == -ENOTDIR;
  SAY("guest-init: ", config->arguments[0], ": ", is_missing ? "not found" : "cannot be executed: error ",
      is_missing ? "" : number_text(-result, digits));
  CALL(exit_group, is_missing ? STATUS_NOT_FOUND : STATUS_CANNOT_EXECUTE);
  for (;;) continue;
}

/* wait(2): the status as shells have it. */
static int status_of(int word) {
  int signal = word & 0x7f;
  return signal == 0 ? (word >> 8) & 0xff : 128 + signal;
}

/* Reaps all that has ended; true when the application is among them. */
static bool reap(long application, int *status) {
  bool ended = false;
  for (;;) {
    int word = 0;
    long pid = CALL(wait4, -1, &word, 1 /* WNOHANG */, NULL);
    if (pid <= 0) return ended;
    if (pid != application) continue;
    *status = status_of(word);
    ended = true;
  }
}

/* Ctrl-Alt-Del reaches init as SIGINT (reboot(2), CAD_OFF): like the power button it asks the application to end. */
static void pass_on(long signals, long application) {
  struct signalfd_siginfo info;
  while (CALL(read, signals, &info, sizeof info) == (long)sizeof info) {
    unsigned signal = info.ssi_signo;
    if (signal == SIG_INT || signal == SIG_PWR) signal = SIG_TERM;
    if (signal == SIG_TERM || signal == SIG_HUP || signal == SIG_QUIT || signal == SIG_USR1 || signal == SIG_USR2)
      CALL(kill, application, signal);
  }
}

int run_application(const struct config *config) {
  int fds[MOST_BUTTONS], status = 0;
  char digits[24];
  CALL(rt_sigprocmask, 2 /* SIG_SETMASK */, &ALL, NULL, sizeof ALL);
  long signals = CALL(signalfd4, -1, &ALL, sizeof ALL, O_NONBLOCK | O_CLOEXEC);
  unsigned buttons = open_buttons(fds);
  long application = CALL(clone, SIG_CHLD);
  if (application == 0) become_application(config);
  if (application < 0 || signals < 0) {
    SAY("guest-init: no process for the application: error ", number_text(-(application < 0 ? application : signals), digits));
    return STATUS_SETUP;
  }
  for (;;) {
    struct pollfd watched[MOST_BUTTONS + 1] = {{(int)signals, POLLIN, 0}};
    for (unsigned i = 0; i < buttons; i++) watched[i + 1] = (struct pollfd){fds[i], POLLIN, 0};
    CALL(ppoll, watched, buttons + 1, NULL, NULL, sizeof ALL);
    pass_on(signals, application);
    for (unsigned i = 0; i < buttons; i++)
      if (power_was_pressed(fds[i])) CALL(kill, application, SIG_TERM);
    if (reap(application, &status)) return status;
  }
}
