/* A virtio network device (virtio 1.2, 5.1) with one queue each way (2.7), both polled. */
#include "net.h"

enum { RECEIVE = 0, TRANSMIT = 1, QUEUE_SIZE = 64 };
#define FEATURE_MTU (1ull << 3)
#define FEATURE_MAC (1ull << 5)
#define FEATURE_VERSION_1 (1ull << 32)
enum { CONFIGURATION_MAC = 0, CONFIGURATION_MTU = 10 };
enum { WRITTEN_BY_DEVICE = 2, NO_INTERRUPT = 1, NO_NOTIFICATION = 1 };
/* 5.1.6: before each frame; legacy devices leave the last two bytes out. All zero: no offload of any kind. */
enum { LARGEST_HEADER = 12, LEGACY_HEADER = 10 };
enum { BUFFER = LARGEST_HEADER + ETHERNET_HEADER + LARGEST_MTU };

struct descriptor {
  uint64_t address;
  uint32_t length;
  uint16_t flags, next;
};

struct used_element {
  uint32_t id, length;
};

/* One page each for what the driver writes and what the device writes: the layout of legacy devices, good for all. */
struct queue {
  _Alignas(VIRTIO_QUEUE_ALIGN) struct descriptor descriptors[QUEUE_SIZE];
  uint8_t available[2 * (3 + QUEUE_SIZE)]; /* behind as many descriptors as the queue has */
  _Alignas(VIRTIO_QUEUE_ALIGN) volatile uint16_t used_flags;
  volatile uint16_t used_index;
  volatile struct used_element used[QUEUE_SIZE];
  uint16_t size, seen, next_available;
};

struct nic_queues {
  struct queue queue[2];
  uint8_t buffers[2][QUEUE_SIZE][BUFFER];
  bool busy[QUEUE_SIZE]; /* the frames on their way */
  uint16_t header, next_frame;
};

static struct nic_queues all_queues[MAX_NICS];

static volatile uint16_t *available_ring(struct queue *queue) {
  return (volatile uint16_t *)((uint8_t *)queue + queue->size * sizeof(struct descriptor));
}

/* Makes one descriptor available; the device is told by ring_bell. */
static void offer(struct queue *queue, uint16_t id) {
  volatile uint16_t *ring = available_ring(queue);
  ring[2 + queue->next_available % queue->size] = id;
  __atomic_thread_fence(__ATOMIC_RELEASE);
  ring[1] = ++queue->next_available;
}

static void ring_bell(const struct nic *nic, uint16_t which) {
  __atomic_thread_fence(__ATOMIC_SEQ_CST); /* the index is out before the flag is read */
  if (!(nic->queues->queue[which].used_flags & NO_NOTIFICATION)) nic->device.transport->notify(&nic->device, which);
}

/* The next thing the device is done with; false when there is none. What it says is checked by the caller. */
static bool take_used(struct queue *queue, struct used_element *element) {
  if (queue->seen == queue->used_index) return false;
  __atomic_thread_fence(__ATOMIC_ACQUIRE);
  const volatile struct used_element *used = &queue->used[queue->seen++ % queue->size];
  *element = (struct used_element){used->id, used->length};
  return true;
}

static bool set_up_queue(struct nic *nic, uint16_t which) {
  struct queue *queue = &nic->queues->queue[which];
  uint16_t limit = nic->device.transport->queue_limit(&nic->device, which);
  if (limit == 0) return false;
  queue->size = limit < QUEUE_SIZE ? limit : QUEUE_SIZE;
  for (uint16_t id = 0; id < queue->size; id++) {
    queue->descriptors[id].address = (uint64_t)nic->queues->buffers[which][id];
    queue->descriptors[id].length = BUFFER;
    queue->descriptors[id].flags = which == RECEIVE ? WRITTEN_BY_DEVICE : 0;
    if (which == RECEIVE) offer(queue, id);
  }
  if (which == TRANSMIT) available_ring(queue)[0] = NO_INTERRUPT;
  size_t used = (size_t)((const uint8_t *)&queue->used_flags - (const uint8_t *)queue);
  nic->device.transport->queue_set(&nic->device, which, queue->size, (const uint8_t *)queue, used);
  return true;
}

/* 3.1.1, the order of steps. */
const char *nic_start(struct nic *nic, int index) {
  struct virtio_device *device = &nic->device;
  const struct virtio_transport *transport = device->transport;
  nic->queues = &all_queues[index];
  nic->queues->header = device->modern ? LARGEST_HEADER : LEGACY_HEADER;
  transport->set_status(device, 0);
  while (transport->status(device) != 0) __builtin_ia32_pause();
  uint8_t status = VIRTIO_ACKNOWLEDGE;
  transport->set_status(device, status);
  status |= VIRTIO_DRIVER;
  transport->set_status(device, status);

  uint64_t offered = transport->features(device);
  uint64_t chosen = offered & (FEATURE_MTU | FEATURE_MAC | (device->modern ? FEATURE_VERSION_1 : 0));
  if (!(chosen & FEATURE_MAC)) return "it has no address of its own";
  if (device->modern && !(chosen & FEATURE_VERSION_1)) return "it does not speak virtio 1";
  transport->set_features(device, chosen);
  if (device->modern) {
    status |= VIRTIO_FEATURES_OK;
    transport->set_status(device, status);
    if (!(transport->status(device) & VIRTIO_FEATURES_OK)) return "it refuses the features it offers";
  }

  for (uint32_t i = 0; i < MAC_LENGTH; i++) nic->mac[i] = transport->configuration(device, CONFIGURATION_MAC + i);
  nic->mtu = LARGEST_MTU;
  if (chosen & FEATURE_MTU) {
    uint32_t mtu = transport->configuration(device, CONFIGURATION_MTU);
    mtu |= (uint32_t)transport->configuration(device, CONFIGURATION_MTU + 1) << 8;
    if (mtu >= 68 && mtu < LARGEST_MTU) nic->mtu = (uint16_t)mtu; /* 68: RFC 791, 3.2 */
  }

  if (!set_up_queue(nic, RECEIVE) || !set_up_queue(nic, TRANSMIT)) return "it lacks a queue";
  transport->set_status(device, status | VIRTIO_DRIVER_OK);
  ring_bell(nic, RECEIVE);
  return NULL;
}

bool nic_poll(struct nic *nic, void (*receive)(struct nic *nic, const uint8_t *frame, size_t length)) {
  struct queue *queue = &nic->queues->queue[RECEIVE];
  size_t header = nic->queues->header;
  struct used_element element;
  bool any = false;
  while (take_used(queue, &element)) {
    any = true;
    if (element.id >= queue->size) continue;
    if (element.length > header && element.length <= BUFFER) {
      receive(nic, nic->queues->buffers[RECEIVE][element.id] + header, element.length - header);
    }
    offer(queue, (uint16_t)element.id);
  }
  if (any) ring_bell(nic, RECEIVE);
  return any;
}

uint8_t *nic_frame(struct nic *nic) {
  struct nic_queues *queues = nic->queues;
  struct queue *queue = &queues->queue[TRANSMIT];
  struct used_element element;
  while (take_used(queue, &element)) {
    if (element.id < queue->size) queues->busy[element.id] = false;
  }
  for (uint16_t tries = 0; tries < queue->size; tries++) {
    uint16_t id = queues->next_frame;
    if (!queues->busy[id]) return queues->buffers[TRANSMIT][id] + queues->header;
    queues->next_frame = (uint16_t)((id + 1) % queue->size);
  }
  return NULL;
}

/* The frame is the one that nic_frame has given last; the header before it stays zero. */
void nic_send(struct nic *nic, const uint8_t *frame, size_t length) {
  struct nic_queues *queues = nic->queues;
  uint16_t id = queues->next_frame;
  if (frame != queues->buffers[TRANSMIT][id] + queues->header || length > ETHERNET_HEADER + LARGEST_MTU) return;
  queues->busy[id] = true;
  queues->queue[TRANSMIT].descriptors[id].length = (uint32_t)(queues->header + length);
  offer(&queues->queue[TRANSMIT], id);
  ring_bell(nic, TRANSMIT);
}
