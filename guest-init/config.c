#include "config.h"

#include <linux/mount.h>

#include "end.h"
#include "file.h"
#include "system.h"
#include "text.h"

enum block { NONE, ENVIRONMENT, PROCESS, VOLUMES, NETWORK };

static char text[512 * 1024];

static void wrong(const char *line) {
  SAY("guest-init: configuration: cannot use the line ", line);
  end_machine(STATUS_SETUP);
}

static void add(const char **list, unsigned *count, const char *value) {
  if (*count == MOST_WORDS) wrong("of too many variables or arguments");
  list[(*count)++] = value;
}

static const char *unescape(char *value) {
  char *to = value;
  for (const char *from = value; *from != '\0'; from++) {
    if (*from == '\\' && from[1] != '\0') *to++ = *++from == 'n' ? '\n' : *from;
    else *to++ = *from;
  }
  *to = '\0';
  return value;
}

static char *value_of(char *line) {
  while (*line != '\0' && *line != ':') line++;
  return *line == ':' ? line + 1 : line;
}

static unsigned number(const char *value) {
  unsigned result = 0;
  if (!parse_number(value, &result)) wrong(value);
  return result;
}

static const struct {
  const char *name;
  unsigned long flag;
} mount_options[] = {
    {"rw", 0},
    {"ro", MS_RDONLY},
    {"nosuid", MS_NOSUID},
    {"nodev", MS_NODEV},
    {"noexec", MS_NOEXEC},
    {"nosymfollow", MS_NOSYMFOLLOW},
    {"nodiratime", MS_NODIRATIME},
    {"noatime", MS_NOATIME},
    {"relatime", MS_RELATIME},
    {"strictatime", MS_STRICTATIME},
};

/* Words with commas between them. One that is not known would be a mount that is less strict than it was asked for. */
static unsigned long mount_flags(const char *line, char *words) {
  unsigned long flags = 0;
  char *next;
  for (char *word = words; word != NULL; word = next) {
    for (next = word; *next != '\0' && *next != ',';) next++;
    if (*next == ',') *next++ = '\0';
    else next = NULL;
    size_t i = 0;
    while (i < sizeof mount_options / sizeof mount_options[0] && !equal(word, mount_options[i].name)) i++;
    if (i == sizeof mount_options / sizeof mount_options[0]) wrong(line);
    flags |= mount_options[i].flag;
  }
  return flags;
}

/* Options, the source, the place; each after a colon. */
static void bind_line(struct config *config, const char *line, char *value) {
  if (config->bind_count == MOST_BINDS) wrong(line);
  char *source = value_of(value);
  char *place = value_of(source);
  if (source == value || place == source || *place != '/') wrong(line);
  source[-1] = '\0';
  place[-1] = '\0';
  config->binds[config->bind_count++] = (struct bind){source, unescape(place), mount_flags(line, value)};
}

static void process_line(struct config *config, const char *line, char *value) {
  if (starts_with(line, "UID:")) config->uid = number(value);
  else if (starts_with(line, "GID:")) config->gid = number(value);
  else if (starts_with(line, "WD:")) config->directory = value;
  else if (starts_with(line, "HN:")) config->host_name = value;
  else if (starts_with(line, "TTY:")) config->plain_console = number(value) == 0;
  else if (starts_with(line, "ARC:")) config->has_arguments = true;
  else if (starts_with(line, "ARV:")) add(config->arguments, &config->argument_count, unescape(value));
  else if (starts_with(line, "ENV:")) add(config->environment, &config->variables, unescape(value));
  else if (starts_with(line, "BM:")) bind_line(config, line, value);
  else if (starts_with(line, "AG:")) {
    if (config->group_count == MOST_GROUPS) wrong("of too many supplementary groups");
    config->groups[config->group_count++] = number(value);
  } else if (starts_with(line, "NS:") && config->server_count < MOST_SERVERS)
    config->servers[config->server_count++] = value;
  else if (starts_with(line, "SD:") && config->search_count < MOST_SEARCH)
    config->search[config->search_count++] = value;
  else if (starts_with(line, "RV:") && config->option_count < MOST_OPTIONS)
    config->resolver_options[config->option_count++] = value;
  else SAY("guest-init: configuration: ignored ", line);
}

static void volume_line(struct config *config, const char *line, char *value) {
  if (starts_with(line, "ID:")) {
    if (config->volume_count == MOST_VOLUMES) wrong(line);
    config->volumes[config->volume_count++] = (struct volume){.id = value};
    return;
  }
  if (config->volume_count == 0) wrong(line);
  struct volume *volume = &config->volumes[config->volume_count - 1];
  if (starts_with(line, "MP:")) volume->mount_point = value;
  else if (starts_with(line, "FS:")) volume->type = value;
  else if (starts_with(line, "FO:")) volume->options = value;
  else if (starts_with(line, "RO:")) volume->readonly = number(value) == 1;
  else wrong(line);
}

static void network_line(struct config *config, const char *line, char *value) {
  if (starts_with(line, "MAC:")) {
    if (config->nic_count == MOST_NICS) wrong(line);
    config->nics[config->nic_count++] = (struct nic){.mac = value};
    return;
  }
  if (config->nic_count == 0) wrong(line);
  struct nic *nic = &config->nics[config->nic_count - 1];
  if (starts_with(line, "NAME:")) nic->name = value;
  else if (starts_with(line, "MTU:")) nic->mtu = number(value);
  else if (starts_with(line, "IP:")) nic->ipv4 = value;
  else if (starts_with(line, "MSK:")) nic->mask = value;
  else if (starts_with(line, "GW:")) nic->gateway = value;
  else if (starts_with(line, "IP6:")) nic->ipv6 = value;
  else if (starts_with(line, "GW6:")) nic->gateway6 = value;
  else SAY("guest-init: configuration: ignored ", line);
}

static bool is_end(const char *line) {
  return equal(line, "UEE") || equal(line, "UCE") || equal(line, "UBE") || equal(line, "UNE");
}

static enum block block_of(enum block now, const char *line) {
  if (equal(line, "UES")) return ENVIRONMENT;
  if (equal(line, "UCS")) return PROCESS;
  if (equal(line, "UBS")) return VOLUMES;
  if (equal(line, "UNS")) return NETWORK;
  return is_end(line) ? NONE : now;
}

void read_config(const char *path, struct config *config) {
  long length = read_file(path, text, sizeof text);
  if (length == -ENOENT) return;
  if (length < 0) wrong(path);
  CALL(unlinkat, AT_FDCWD, path, 0);
  enum block block = NONE;
  char *next;
  for (char *line = text; *line != '\0'; line = next) {
    for (next = line; *next != '\0' && *next != '\n';) next++;
    if (*next == '\n') *next++ = '\0';
    enum block now = block_of(block, line);
    bool is_border = now != block || is_end(line);
    block = now;
    if (is_border || *line == '\0') continue;
    if (block == ENVIRONMENT) add(config->environment, &config->variables, line);
    else if (block == PROCESS) process_line(config, line, value_of(line));
    else if (block == VOLUMES) volume_line(config, line, value_of(line));
    else if (block == NETWORK) network_line(config, line, value_of(line));
  }
}
