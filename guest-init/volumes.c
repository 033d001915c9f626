#include "volumes.h"

#include <linux/mount.h>

#include "binds.h"
#include "end.h"
#include "file.h"
#include "kernel.h"
#include "modules.h"
#include "mounts.h"
#include "system.h"
#include "text.h"

enum { NAME_SIZE = 64, SERIAL_SIZE = 64, WAIT_MS = 5000, STEP_MS = 10 };

struct search {
  const char *serial;
  char name[NAME_SIZE];
};

/* The serial of a virtio disk has at most 20 bytes (virtio 1.2, 5.2.6, VIRTIO_BLK_T_GET_ID). */
static bool has_serial(const char *name, void *context) {
  struct search *search = context;
  char path[128], serial[SERIAL_SIZE];
  if (!join(path, sizeof path, PARTS("/sys/block/", name, "/serial"))) return true;
  long length = read_file(path, serial, sizeof serial);
  if (length < 0) return true;
  while (length > 0 && serial[length - 1] == '\n') serial[--length] = '\0';
  if (!equal(serial, search->serial)) return true;
  join(search->name, NAME_SIZE, PARTS(name));
  return false;
}

/* Ids beginning with FC are those of a monitor without serials: the volumes are its disks in order. */
static bool find_device(const struct config *config, unsigned index, char path[NAME_SIZE + 8]) {
  const char *id = config->volumes[index].id;
  if (starts_with(id, "FC")) {
    const char *root = kernel_parameter("root");
    unsigned disk = index + (root != NULL && starts_with(root, "/dev/vda") ? 1 : 0);
    char letter[2] = {(char)('a' + disk), '\0'};
    return disk < 26 && join(path, NAME_SIZE + 8, PARTS("/dev/vd", letter));
  }
  for (unsigned waited = 0; waited < WAIT_MS; waited += STEP_MS) {
    struct search search = {.serial = id};
    each_entry("/sys/block", has_serial, &search);
    if (search.name[0] != '\0') return join(path, NAME_SIZE + 8, PARTS("/dev/", search.name));
    pause_for(STEP_MS);
  }
  return false;
}

/* mount(2) with a type: ext4, then the others that need a device, in the kernel's order (proc(5), /proc/filesystems). */
static long mount_any(const char *device, const char *path, unsigned long flags) {
  static char types[4096];
  long result = CALL(mount, device, path, "ext4", flags, NULL);
  if (result != -EINVAL && result != -ENODEV) return result;
  if (read_file("/proc/filesystems", types, sizeof types) < 0) return result;
  char *next;
  for (char *line = types; *line != '\0'; line = next) {
    for (next = line; *next != '\0' && *next != '\n';) next++;
    if (*next == '\n') *next++ = '\0';
    if (*line != '\t') continue;
    result = CALL(mount, device, path, line + 1, flags, NULL);
    if (result != -EINVAL) return result;
  }
  return result;
}

static bool is_readonly(const char *device) {
  char path[128], flag[8];
  join(path, sizeof path, PARTS("/sys/block", device + length_of("/dev"), "/ro"));
  return read_file(path, flag, sizeof flag) > 0 && flag[0] == '1';
}

/* The device of a share may take a moment to be there. */
static long mount_share(const struct volume *volume, const char *path) {
  unsigned long flags = volume->readonly ? MS_RDONLY : 0;
  long result = -ENOENT;
  for (unsigned waited = 0; waited < WAIT_MS; waited += STEP_MS) {
    result = CALL(mount, volume->id, path, volume->type, flags, volume->options);
    if (result != -ENOENT && result != -EINVAL) break;
    pause_for(STEP_MS);
  }
  return result;
}

static long mount_volume(const struct config *config, unsigned index, const char *path) {
  char device[NAME_SIZE + 8];
  long result = make_directories(path);
  if (result < 0) return result;
  if (config->volumes[index].type != NULL) return mount_share(&config->volumes[index], path);
  if (!find_device(config, index, device)) return -ENODEV;
  return mount_any(device, path, is_readonly(device) ? MS_RDONLY : 0);
}

static bool is_root(const struct volume *volume) {
  return volume->mount_point != NULL && equal(volume->mount_point, "/");
}

static void report(const struct volume *volume, long result) {
  char digits[24];
  SAY("guest-init: volume ", volume->id, ": error ", number_text(-result, digits));
}

void mount_root_volume(const struct config *config) {
  for (unsigned i = 0; i < config->volume_count; i++) {
    if (!is_root(&config->volumes[i])) continue;
    long result = mount_volume(config, i, OWN_DIRECTORY "/root");
    keep_copies();
    if (result == 0) result = change_root(OWN_DIRECTORY "/root");
    if (result == 0) return;
    report(&config->volumes[i], result);
    end_machine(STATUS_SETUP);
  }
}

void mount_volumes(const struct config *config) {
  for (unsigned i = 0; i < config->volume_count; i++) {
    const struct volume *volume = &config->volumes[i];
    if (is_root(volume) || volume->mount_point == NULL) continue;
    long result = mount_volume(config, i, volume->mount_point);
    if (result < 0) report(volume, result);
  }
}
