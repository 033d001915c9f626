/*
 * Milliseconds since entry, from the time stamp counter. Its rate is measured against channel 0 of the PIT (Intel 8254
 * data sheet; 1.193182 MHz). Channel 2 would need port 0x61, which QEMU's microvm does not have.
 *
 * A virtual processor may be stopped by the host at any moment, so nothing here waits for an exact instant.
 * Both counters are read twice, each PIT reading between two close TSC readings, and the rate is the quotient of
 * the differences. Whatever time passes between the two samples does no harm, unless the 16-bit counter ran out
 * (55 ms); its output says so, and the measurement begins anew.
 */
#include "unikernel.h"

enum { PIT_CHANNEL_0 = 0x40, PIT_COMMAND = 0x43 };
enum { PIT_HZ = 1193182, SHORTEST_TICKS = PIT_HZ / 500, ATTEMPTS = 8 };

struct sample {
  uint64_t tsc;
  uint32_t ticks; /* PIT ticks since its start */
  bool ran_out;
};

uint64_t clock_entry_tsc; /* written by start.S */
static uint64_t tsc_per_ms; /* 0: not yet known */
static int attempts = ATTEMPTS;
static struct sample first;

static uint64_t read_tsc(void) {
  uint32_t low, high;
  __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high));
  return (uint64_t)high << 32 | low;
}

/* The reading with the closest bracket of several: the one during which the host most likely did not interrupt. */
static struct sample take_sample(void) {
  struct sample best = {0, 0, false};
  uint64_t best_width = UINT64_MAX;
  for (int i = 0; i < 4; i++) {
    uint64_t before = read_tsc();
    outb(PIT_COMMAND, 0xc2); /* read back: latch status and count of channel 0 */
    uint64_t after = read_tsc();
    uint8_t status = inb(PIT_CHANNEL_0);
    uint32_t count = inb(PIT_CHANNEL_0);
    count |= (uint32_t)inb(PIT_CHANNEL_0) << 8;
    if (after - before < best_width) {
      best_width = after - before;
      best.tsc = before + best_width / 2;
      best.ticks = (0x10000 - count) & 0xffff;
      best.ran_out = status & 0x80; /* the output pin */
    }
  }
  return best;
}

static void start_measurement(void) {
  outb(PIT_COMMAND, 0x30); /* channel 0, low then high byte, mode 0: count down once */
  outb(PIT_CHANNEL_0, 0);
  outb(PIT_CHANNEL_0, 0); /* 0 stands for 65536 */
  first = take_sample();
}

static bool finish_measurement(void) {
  struct sample last;
  /* Bounded: a machine without a PIT reads the same value for ever. */
  for (int i = 0; i < 100000; i++) {
    last = take_sample();
    if (last.ran_out) return false;
    if (last.ticks >= first.ticks + SHORTEST_TICKS) {
      tsc_per_ms = (last.tsc - first.tsc) * PIT_HZ / (last.ticks - first.ticks) / 1000;
      return tsc_per_ms != 0;
    }
  }
  return false;
}

void clock_init(void) { start_measurement(); }

bool clock_ms(uint64_t *ms) {
  for (; !tsc_per_ms && attempts; attempts--) {
    if (!finish_measurement()) start_measurement();
  }
  if (!tsc_per_ms) return false;
  *ms = (read_tsc() - clock_entry_tsc) / tsc_per_ms;
  return true;
}
