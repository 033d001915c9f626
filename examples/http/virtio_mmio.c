/* virtio over MMIO (virtio 1.2, 4.2), in its present form and in the legacy one (4.2.4), which QEMU has by default. */
#include "net.h"

enum {
  MAGIC = 0x000,
  VERSION = 0x004,
  DEVICE_ID = 0x008,
  DEVICE_FEATURES = 0x010,
  DEVICE_FEATURES_SELECT = 0x014,
  DRIVER_FEATURES = 0x020,
  DRIVER_FEATURES_SELECT = 0x024,
  GUEST_PAGE_SIZE = 0x028, /* legacy */
  QUEUE_SELECT = 0x030,
  QUEUE_LIMIT = 0x034,
  QUEUE_SIZE = 0x038,
  QUEUE_ALIGN = 0x03c, /* legacy */
  QUEUE_PAGE = 0x040,  /* legacy */
  QUEUE_READY = 0x044,
  QUEUE_NOTIFY = 0x050,
  INTERRUPT_STATUS = 0x060,
  INTERRUPT_ACKNOWLEDGE = 0x064,
  STATUS = 0x070,
  QUEUE_DESCRIPTORS = 0x080,
  QUEUE_DRIVER = 0x090,
  QUEUE_DEVICE = 0x0a0,
  CONFIGURATION = 0x100,
  SIZE = 0x200,
};
#define MAGIC_VALUE 0x74726976u /* "virt" */
enum { LEGACY = 1, MODERN = 2 };

static uint32_t get(const struct virtio_device *device, uint32_t offset) {
  return *(volatile uint32_t *)(device->registers + offset);
}
static void set(const struct virtio_device *device, uint32_t offset, uint32_t value) {
  *(volatile uint32_t *)(device->registers + offset) = value;
}

static uint64_t features(const struct virtio_device *device) {
  set(device, DEVICE_FEATURES_SELECT, 0);
  uint64_t low = get(device, DEVICE_FEATURES);
  set(device, DEVICE_FEATURES_SELECT, 1);
  return (uint64_t)get(device, DEVICE_FEATURES) << 32 | low;
}

static void set_features(const struct virtio_device *device, uint64_t chosen) {
  for (uint32_t half = 0; half < (device->modern ? 2 : 1); half++) {
    set(device, DRIVER_FEATURES_SELECT, half);
    set(device, DRIVER_FEATURES, (uint32_t)(chosen >> 32 * half));
  }
}

static uint8_t status(const struct virtio_device *device) { return (uint8_t)get(device, STATUS); }

static void set_status(const struct virtio_device *device, uint8_t value) {
  set(device, STATUS, value);
  /* A reset forgets it. */
  if (value == 0 && !device->modern) set(device, GUEST_PAGE_SIZE, VIRTIO_QUEUE_ALIGN);
}

static uint16_t queue_limit(const struct virtio_device *device, uint16_t queue) {
  set(device, QUEUE_SELECT, queue);
  return (uint16_t)get(device, QUEUE_LIMIT);
}

static void set_address(const struct virtio_device *device, uint32_t offset, const uint8_t *memory) {
  set(device, offset, (uint32_t)(uint64_t)memory);
  set(device, offset + 4, (uint32_t)((uint64_t)memory >> 32));
}

static void queue_set(struct virtio_device *device, uint16_t queue, uint16_t size, const uint8_t *memory, size_t used) {
  set(device, QUEUE_SELECT, queue);
  set(device, QUEUE_SIZE, size);
  if (!device->modern) {
    set(device, QUEUE_ALIGN, VIRTIO_QUEUE_ALIGN);
    set(device, QUEUE_PAGE, (uint32_t)((uint64_t)memory / VIRTIO_QUEUE_ALIGN));
    return;
  }
  set_address(device, QUEUE_DESCRIPTORS, memory);
  set_address(device, QUEUE_DRIVER, memory + 16u * size);
  set_address(device, QUEUE_DEVICE, memory + used);
  set(device, QUEUE_READY, 1);
}

static void notify(const struct virtio_device *device, uint16_t queue) { set(device, QUEUE_NOTIFY, queue); }

static uint8_t configuration(const struct virtio_device *device, uint32_t offset) {
  return device->registers[CONFIGURATION + offset];
}

static void acknowledge(const struct virtio_device *device) {
  set(device, INTERRUPT_ACKNOWLEDGE, get(device, INTERRUPT_STATUS));
}

static const struct virtio_transport transport = {
    .name = "MMIO",
    .features = features,
    .set_features = set_features,
    .status = status,
    .set_status = set_status,
    .queue_limit = queue_limit,
    .queue_set = queue_set,
    .notify = notify,
    .configuration = configuration,
    .acknowledge = acknowledge,
};

/* A transport without a device behind it has the id 0. */
static bool open_place(const struct mmio_place *place, struct virtio_device *device) {
  *device = (struct virtio_device){.transport = &transport, .interrupt = place->interrupt};
  device->registers = device_memory(place->address, SIZE);
  if (!device->registers || get(device, MAGIC) != MAGIC_VALUE || get(device, DEVICE_ID) != VIRTIO_NET) return false;
  uint32_t version = get(device, VERSION);
  device->modern = version == MODERN;
  return version == LEGACY || version == MODERN;
}

/* A number as C writes it, decimal or with 0x; `*text` is moved behind it. False: there is none, or it is too large. */
static bool number(const char **text, uint64_t *value) {
  unsigned base = (*text)[0] == '0' && (*text)[1] == 'x' ? 16 : 10;
  const char *at = *text + (base == 16 ? 2 : 0);
  const char *first = at;
  *value = 0;
  for (;; at++) {
    unsigned digit = *at >= '0' && *at <= '9' ? (unsigned)(*at - '0') : *at >= 'a' && *at <= 'f' ? (unsigned)(*at - 'a' + 10) : 99;
    if (digit >= base) break;
    if (*value >> 56) return false;
    *value = *value * base + digit;
  }
  *text = at;
  return at != first;
}

/* SIZE@ADDRESS:INTERRUPT, where a letter K may follow the size, and :ID the interrupt (Linux, virtio_mmio.c). */
static bool read_place(const char *text, struct mmio_place *place) {
  uint64_t size, interrupt;
  if (!number(&text, &size)) return false;
  if (*text == 'K') text++;
  if (*text++ != '@' || !number(&text, &place->address) || *text++ != ':' || !number(&text, &interrupt)) return false;
  place->interrupt = (uint32_t)interrupt;
  return interrupt < 256 && (!*text || *text == ':');
}

/* The command line counts where it names devices; a monitor that names them there may have written no tables. */
int virtio_mmio_find(struct virtio_device *devices, int limit, char *const *words, int count) {
  static struct mmio_place places[64];
  const int most = sizeof places / sizeof *places;
  int known = 0, found = 0;
  for (int i = 0; i < count && known < most; i++) {
    if (text_starts(words[i], "virtio_mmio.device=") && read_place(words[i] + 19, &places[known])) known++;
  }
  if (!known) known = acpi_virtio_mmio(places, most);
  for (int i = 0; i < known && found < limit; i++) {
    if (open_place(&places[i], &devices[found])) found++;
  }
  return found;
}
