/*
 * guest-init: pid 1 of a Linux guest. It makes the machine look as a container does, runs one program, and powers off
 * when that ends.
 */
#include <linux/reboot.h>

#include "application.h"
#include "binds.h"
#include "config.h"
#include "end.h"
#include "kernel.h"
#include "modules.h"
#include "mounts.h"
#include "network.h"
#include "resolver.h"
#include "system.h"
#include "terminal.h"
#include "text.h"
#include "volumes.h"

static const char *value_in(const char *const *environment, const char *name) {
  for (; *environment != NULL; environment++)
    if (starts_with(*environment, name)) return *environment + length_of(name);
  return NULL;
}

/* Words between `'` or `"` are one argument: the kernel has split them at blanks. The quotes fall away. */
static void regroup(struct config *config, char **words) {
  static char text[8192];
  size_t used = 0;
  while (*words != NULL && config->argument_count < MOST_WORDS) {
    char quote = **words;
    bool is_open = quote == '\'' || quote == '"';
    char *word = *words++ + (is_open ? 1 : 0);
    config->arguments[config->argument_count++] = text + used;
    for (;;) {
      size_t length = length_of(word);
      bool closes = is_open && length > 0 && word[length - 1] == quote;
      if (used + length + 2 > sizeof text) end_machine(STATUS_SETUP);
      for (size_t i = 0; i < length - (closes ? 1 : 0); i++) text[used++] = word[i];
      if (!is_open || closes || *words == NULL) break;
      text[used++] = ' ';
      word = *words++;
    }
    text[used++] = '\0';
  }
}

/* The kernel's: argc, argv, NULL, environment, NULL. */
_Noreturn void begin(long *stack);
_Noreturn void begin(long *stack) {
  static struct config config;
  config.directory = "/";
  char **argv = (char **)(stack + 1);
  const char *const *environment = (const char *const *)(argv + stack[0] + 1);

  mount_kernel_file_systems();
  bool has_console = open_console();
  read_kernel_parameters();
  CALL(reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_CAD_OFF, NULL);
  load_modules();
  if (!has_console) wait_for_console();

  const char *path = value_in(environment, "URUNIT_CONFIG=");
  read_config(path == NULL ? "/urunit.conf" : path, &config);
  if (!config.has_arguments) regroup(&config, argv + 1);
  if (config.variables == 0)
    for (; environment[config.variables] != NULL && config.variables < MOST_WORDS; config.variables++)
      config.environment[config.variables] = environment[config.variables];
  if (config.argument_count == 0) {
    SAY("guest-init: no program was named");
    end_machine(STATUS_SETUP);
  }

  /* Ours, not the image's. */
  CALL(unlinkat, AT_FDCWD, OWN_DIRECTORY "/init", 0);
  CALL(unlinkat, AT_FDCWD, OWN_DIRECTORY "/modules", AT_REMOVEDIR);
  mount_root_volume(&config);
  CALL(unlinkat, AT_FDCWD, OWN_DIRECTORY, AT_REMOVEDIR);
  mount_volumes(&config);
  mount_binds(&config);
  mount_for_application();
  if (config.host_name != NULL) CALL(sethostname, config.host_name, length_of(config.host_name));
  set_up_network(&config);
  set_up_resolver(&config);
  end_machine(run_application(&config));
}
