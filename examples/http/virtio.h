/* A virtio device (OASIS, Virtual I/O Device 1.2; section numbers in the .c files), however it is attached. */
#ifndef VIRTIO_H
#define VIRTIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct virtio_device;

struct virtio_transport {
  const char *name;
  uint64_t (*features)(const struct virtio_device *device);
  void (*set_features)(const struct virtio_device *device, uint64_t features);
  uint8_t (*status)(const struct virtio_device *device);
  void (*set_status)(const struct virtio_device *device, uint8_t status);
  /* The largest size of a queue; 0: the device has no such queue. */
  uint16_t (*queue_limit)(const struct virtio_device *device, uint16_t queue);
  /* `memory` holds the descriptors, behind them the available ring, and the used ring at `used`. */
  void (*queue_set)(struct virtio_device *device, uint16_t queue, uint16_t size, const uint8_t *memory, size_t used);
  void (*notify)(const struct virtio_device *device, uint16_t queue);
  /* A byte of the device's own configuration. */
  uint8_t (*configuration)(const struct virtio_device *device, uint32_t offset);
  /* In the interrupt handler: the device lowers its line. */
  void (*acknowledge)(const struct virtio_device *device);
};

struct virtio_device {
  const struct virtio_transport *transport;
  bool modern; /* virtio 1; otherwise the draft that came before it ("legacy") */
  uint32_t interrupt;
  bool is_line; /* of the PIC; otherwise a global system interrupt */
  volatile uint8_t *registers; /* MMIO: all of them; PCI: the common configuration */
  volatile uint8_t *notifications, *interrupt_status, *own; /* PCI only */
  uint32_t notification_step;                               /* PCI only */
  volatile uint8_t *notification[2];                        /* PCI only: by queue */
};

#define VIRTIO_NET 1u
enum { VIRTIO_QUEUE_ALIGN = 4096 };
enum { VIRTIO_ACKNOWLEDGE = 1, VIRTIO_DRIVER = 2, VIRTIO_DRIVER_OK = 4, VIRTIO_FEATURES_OK = 8, VIRTIO_FAILED = 128 };

/* Network devices in their order; both return how many were found, `limit` at most. */
int virtio_pci_find(struct virtio_device *devices, int limit);
/* `words`: the command line, for virtio_mmio.device=SIZE@ADDRESS:INTERRUPT. */
int virtio_mmio_find(struct virtio_device *devices, int limit, char *const *words, int count);

#endif
