/* virtio over PCI (virtio 1.2, 4.1), by the configuration ports of a PC (PCI Local Bus 3.0, 3.2.2.3.2). */
#include "net.h"

enum { ADDRESS_PORT = 0xcf8, DATA_PORT = 0xcfc };
enum { COMMAND = 0x04, BASE_ADDRESS = 0x10, CAPABILITIES = 0x34, INTERRUPT_LINE = 0x3c };
enum { MEMORY_SPACE = 1 << 1, BUS_MASTER = 1 << 2, INTERRUPT_DISABLE = 1 << 10, HAS_CAPABILITIES = 1 << 20 };
/* 4.1.2: network card, with the legacy interface besides and without. */
enum { VENDOR = 0x1af4, TRANSITIONAL_NET = 0x1000, MODERN_NET = 0x1041 };

/* 4.1.4: types of the vendor's capability. */
enum { VENDOR_CAPABILITY = 9, COMMON = 1, NOTIFICATION = 2, INTERRUPT_STATUS = 3, DEVICE = 4 };

/* Offsets of the common configuration (4.1.4.3). */
enum {
  DEVICE_FEATURE_SELECT = 0,
  DEVICE_FEATURE = 4,
  DRIVER_FEATURE_SELECT = 8,
  DRIVER_FEATURE = 12,
  STATUS = 20,
  QUEUE_SELECT = 22,
  QUEUE_SIZE = 24,
  QUEUE_ENABLE = 28,
  QUEUE_NOTIFY_OFFSET = 30,
  QUEUE_DESCRIPTORS = 32,
  QUEUE_DRIVER = 40,
  QUEUE_DEVICE = 48,
  COMMON_SIZE = 56,
};

static uint32_t read_word(uint32_t function, uint32_t offset) {
  outl(ADDRESS_PORT, 0x80000000u | function << 8 | (offset & 0xfc));
  return inl(DATA_PORT);
}

static uint8_t read_byte(uint32_t function, uint32_t offset) {
  return (uint8_t)(read_word(function, offset) >> 8 * (offset & 3));
}

static void write_word(uint32_t function, uint32_t offset, uint32_t value) {
  outl(ADDRESS_PORT, 0x80000000u | function << 8 | (offset & 0xfc));
  outl(DATA_PORT, value);
}

static volatile uint16_t *common16(const struct virtio_device *device, uint32_t offset) {
  return (volatile uint16_t *)(device->registers + offset);
}
static volatile uint32_t *common32(const struct virtio_device *device, uint32_t offset) {
  return (volatile uint32_t *)(device->registers + offset);
}

static uint64_t features(const struct virtio_device *device) {
  *common32(device, DEVICE_FEATURE_SELECT) = 0;
  uint64_t low = *common32(device, DEVICE_FEATURE);
  *common32(device, DEVICE_FEATURE_SELECT) = 1;
  return (uint64_t)*common32(device, DEVICE_FEATURE) << 32 | low;
}

static void set_features(const struct virtio_device *device, uint64_t chosen) {
  for (uint32_t half = 0; half < 2; half++) {
    *common32(device, DRIVER_FEATURE_SELECT) = half;
    *common32(device, DRIVER_FEATURE) = (uint32_t)(chosen >> 32 * half);
  }
}

static uint8_t status(const struct virtio_device *device) { return device->registers[STATUS]; }
static void set_status(const struct virtio_device *device, uint8_t value) { device->registers[STATUS] = value; }

static uint16_t queue_limit(const struct virtio_device *device, uint16_t queue) {
  *common16(device, QUEUE_SELECT) = queue;
  return *common16(device, QUEUE_SIZE);
}

/* 4.1.3.1: 64-bit fields may be written as two halves. */
static void set_address(const struct virtio_device *device, uint32_t offset, const uint8_t *memory) {
  *common32(device, offset) = (uint32_t)(uint64_t)memory;
  *common32(device, offset + 4) = (uint32_t)((uint64_t)memory >> 32);
}

static void queue_set(struct virtio_device *device, uint16_t queue, uint16_t size, const uint8_t *memory, size_t used) {
  *common16(device, QUEUE_SELECT) = queue;
  *common16(device, QUEUE_SIZE) = size;
  set_address(device, QUEUE_DESCRIPTORS, memory);
  set_address(device, QUEUE_DRIVER, memory + 16u * size);
  set_address(device, QUEUE_DEVICE, memory + used);
  device->notification[queue] = device->notifications + *common16(device, QUEUE_NOTIFY_OFFSET) * device->notification_step;
  *common16(device, QUEUE_ENABLE) = 1;
}

static void notify(const struct virtio_device *device, uint16_t queue) {
  *(volatile uint16_t *)device->notification[queue] = queue;
}

static uint8_t configuration(const struct virtio_device *device, uint32_t offset) { return device->own[offset]; }

/* 4.1.4.5: reading clears it. */
static void acknowledge(const struct virtio_device *device) { (void)*device->interrupt_status; }

static const struct virtio_transport transport = {
    .name = "PCI",
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

/* The memory that a capability names by base address register, offset and length; NULL when it cannot be reached. */
static volatile uint8_t *capability_memory(uint32_t function, uint32_t at) {
  uint32_t bar = read_byte(function, at + 4);
  if (bar > 5) return NULL;
  uint64_t base = read_word(function, BASE_ADDRESS + 4 * bar);
  if (base & 1) return NULL; /* I/O ports */
  if ((base & 6) == 4 && bar < 5) base |= (uint64_t)read_word(function, BASE_ADDRESS + 4 * bar + 4) << 32;
  base &= ~15ull;
  return base ? device_memory(base + read_word(function, at + 8), read_word(function, at + 12)) : NULL;
}

/* False when it lacks one of the parts, as a device with the legacy interface alone does. */
static bool open_function(uint32_t function, struct virtio_device *device) {
  uint32_t command = read_word(function, COMMAND);
  if (!(command & HAS_CAPABILITIES)) return false;
  write_word(function, COMMAND, (command & 0xffff & ~(uint32_t)INTERRUPT_DISABLE) | MEMORY_SPACE | BUS_MASTER);

  *device = (struct virtio_device){.transport = &transport, .modern = true, .is_line = true};
  uint32_t at = read_byte(function, CAPABILITIES) & 0xfc;
  for (int left = 48; at && left; left--, at = read_byte(function, at + 1) & 0xfc) { /* as many as there is room for */
    if (read_byte(function, at) != VENDOR_CAPABILITY) continue;
    uint8_t type = read_byte(function, at + 3);
    /* 4.1.4: of several of one type, the first that can be used. */
    if (type == COMMON && !device->registers && read_word(function, at + 12) >= COMMON_SIZE) {
      device->registers = capability_memory(function, at);
    } else if (type == NOTIFICATION && !device->notifications) {
      device->notifications = capability_memory(function, at);
      device->notification_step = read_word(function, at + 16);
    } else if (type == INTERRUPT_STATUS && !device->interrupt_status) {
      device->interrupt_status = capability_memory(function, at);
    } else if (type == DEVICE && !device->own) {
      device->own = capability_memory(function, at);
    }
  }
  device->interrupt = read_byte(function, INTERRUPT_LINE);
  return device->registers && device->notifications && device->interrupt_status && device->own && device->interrupt < 16;
}

int virtio_pci_find(struct virtio_device *devices, int limit) {
  int count = 0;
  for (uint32_t function = 0; function < 256 && count < limit; function++) {
    uint32_t id = read_word(function, 0);
    if (id != (TRANSITIONAL_NET << 16 | VENDOR) && id != (MODERN_NET << 16 | VENDOR)) continue;
    if (open_function(function, &devices[count])) count++;
  }
  return count;
}
