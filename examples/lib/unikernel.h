/* What every example needs of the machine. */
#ifndef UNIKERNEL_H
#define UNIKERNEL_H

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
static inline void outl(uint16_t port, uint32_t value) { __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port)); }
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

static inline uint32_t inl(uint16_t port) {
  uint32_t value;
  __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

/* memory.c: where a device's registers can be reached; NULL when there is no room for them (2 MiB at most). */
volatile uint8_t *device_memory(uint64_t address, uint64_t size);

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
/*
 * Lets a device end the wait, by the number that ACPI calls its global system interrupt, or by its line at the PIC.
 * `acknowledge` runs in the handler and must make the device lower its line; it is the same one for all devices.
 * False: nothing delivers this interrupt.
 */
bool interrupts_enable(uint32_t number, void (*acknowledge)(void));
void interrupts_enable_line(uint32_t line, void (*acknowledge)(void)); /* less than 16 */
void interrupts_start_timer(void);
uint64_t interrupts_wait(void); /* until the next interrupt; returns the number of timer ticks so far */
#define TICKS_PER_SECOND 20

/* acpi.c */
void acpi_init(uint64_t rsdp);
/* The I/O APIC that has this interrupt, and the first interrupt it has; 0 when there is none. */
uint64_t acpi_io_apic(uint32_t interrupt, uint32_t *first);
/* Where the virtio-mmio devices are that the DSDT names; returns how many, `limit` at most. */
struct mmio_place {
  uint64_t address;
  uint32_t interrupt;
};
int acpi_virtio_mmio(struct mmio_place *places, int limit);
bool acpi_power_button(void); /* was it pressed since the last call? */
_Noreturn void power_off(void);

/* cmdline.c: Unikraft's command line taken apart. */
#define CMDLINE_MAX_WORDS 256
struct cmdline {
  int argc;
  char *argv[CMDLINE_MAX_WORDS];
  int envc;
  char *env[CMDLINE_MAX_WORDS];
  int wordc; /* all words; the first `parameterc` of them stand before `--` */
  int parameterc;
  char *words[2 * CMDLINE_MAX_WORDS];
};
void cmdline_parse(struct cmdline *result, const char *text);

#endif
