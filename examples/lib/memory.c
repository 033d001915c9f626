/* Registers of devices that lie above the first 4 GiB, which start.S maps. */
#include "unikernel.h"

enum { PAGE = 2 << 20, ENTRIES = 512 };
#define WINDOW (4ull << 30)

/* In start.S: the page directory of the GiB behind the first four, empty at first. */
extern volatile uint64_t device_pages[ENTRIES];
static uint32_t used;

volatile uint8_t *device_memory(uint64_t address, uint64_t size) {
  if (size <= WINDOW && address <= WINDOW - size) return (volatile uint8_t *)address;
  uint64_t offset = address % PAGE;
  if (size > PAGE || used + (offset + size > PAGE ? 2 : 1) > ENTRIES) return NULL;
  uint32_t first = used;
  for (uint64_t at = address - offset; at < address + size; at += PAGE) {
    device_pages[used++] = at | 0x9b; /* present, writable, write-through, uncached, 2 MiB (Intel SDM vol. 3, 4.5) */
  }
  return (volatile uint8_t *)(WINDOW + (uint64_t)first * PAGE + offset);
}
