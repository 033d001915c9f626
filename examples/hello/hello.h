/* Everything the few files of this unikernel share. */
#ifndef HELLO_H
#define HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The PVH start of day structures (Xen, xen/include/public/arch-x86/hvm/start_info.h). */
#define PVH_MAGIC 0x336ec578u

struct pvh_start_info {
  uint32_t magic;
  uint32_t version;
  uint32_t flags;
  uint32_t module_count;
  uint64_t modules; /* struct pvh_module[] */
  uint64_t cmdline; /* zero-terminated text */
  uint64_t rsdp;
  /* from version 1 on */
  uint64_t memory_map; /* struct pvh_memory[] */
  uint32_t memory_map_count;
  uint32_t reserved;
};

struct pvh_module {
  uint64_t address;
  uint64_t size;
  uint64_t cmdline;
  uint64_t reserved;
};

/* Types are those of E820 (ACPI 6.4, 15.1): 1 is usable memory. */
struct pvh_memory {
  uint64_t address;
  uint64_t size;
  uint32_t type;
  uint32_t reserved;
};

static inline void outb(uint16_t port, uint8_t value) { __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }
static inline void outw(uint16_t port, uint16_t value) { __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port)); }

static inline uint8_t inb(uint16_t port) {
  uint8_t value;
  __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

static inline uint16_t inw(uint16_t port) {
  uint16_t value;
  __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

/* text.c */
bool text_equal(const char *a, const char *b);
bool text_starts(const char *text, const char *prefix);
bool text_to_number(const char *text, uint64_t *number);

/* console.c: COM1, polled. */
void console_init(void);
void console_char(char c);
void console_text(const char *text);
void console_number(uint64_t number);
void console_hex(uint64_t number, int digits);
int console_read(void); /* a byte, or -1 when none has come */

/* clock.c: milliseconds since entry; false when there is nothing to measure with. */
void clock_init(void);
bool clock_ms(uint64_t *ms);

/* interrupts.c: a wait that leaves the processor idle. */
void interrupts_init(void);
void interrupts_start_timer(void); /* takes the PIT from the clock: after the first clock_ms() */
uint64_t interrupts_wait(void); /* until the next interrupt; returns the number of timer ticks so far */
#define TICKS_PER_SECOND 20

/* acpi.c */
void acpi_init(uint64_t rsdp);
bool acpi_power_button(void); /* was it pressed since the last call? */
_Noreturn void power_off(void);

/* cmdline.c: Unikraft's command line taken apart. */
#define CMDLINE_MAX_WORDS 256
struct cmdline {
  int argc;
  char *argv[CMDLINE_MAX_WORDS];
  int envc;
  char *env[CMDLINE_MAX_WORDS];
};
void cmdline_parse(struct cmdline *result, const char *text);

#endif
