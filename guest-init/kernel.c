#include "kernel.h"

#include "file.h"
#include "text.h"

static char line[8192];

void read_kernel_parameters(void) {
  if (read_file("/proc/cmdline", line, sizeof line) < 0) line[0] = '\0';
}

const char *kernel_parameter(const char *name) {
  static char value[1024];
  size_t length = length_of(name);
  const char *at = line;
  while (*at != '\0') {
    const char *end = at;
    bool quoted = false;
    while (*end != '\0' && (quoted || (*end != ' ' && *end != '\n')))
      if (*end++ == '"') quoted = !quoted;
    if (end - at == 2 && starts_with(at, "--")) return NULL;
    if (starts_with(at, name) && (at[length] == '=' || at + length == end)) {
      const char *from = at[length] == '=' ? at + length + 1 : end;
      size_t used = 0;
      for (; from < end && used + 1 < sizeof value; from++)
        if (*from != '"') value[used++] = *from;
      value[used] = '\0';
      return value;
    }
    while (*end == ' ' || *end == '\n') end++;
    at = end;
  }
  return NULL;
}
