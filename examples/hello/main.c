/* Says what it was given, one item a line, and powers off. */
#include "unikernel.h"

enum { DEBUG_EXIT_PORT = 0xf4, END_OF_TRANSMISSION = 4, BACKSPACE = 8, DELETE = 127 };
enum { PVPANIC_PORT = 0x505, PVPANIC_PANICKED = 1, KEYBOARD_CONTROLLER = 0x64, RESET_PROCESSOR = 0xfe };

_Noreturn void kernel_main(const struct pvh_start_info *info);

static struct cmdline cmdline;

static void line(const char *text) {
  console_text(text);
  console_char('\n');
}

static void number_line(const char *name, uint64_t number) {
  console_text(name);
  console_number(number);
  console_char('\n');
}

static void list(const char *name, char **items, int count) {
  for (int i = 0; i < count; i++) {
    console_text(name);
    console_char('[');
    console_number((uint64_t)i);
    console_text("]=");
    line(items[i]);
  }
}

/* The index of an option among the arguments, or -1. */
static int option(const char *name) {
  for (int i = 0; i < cmdline.argc; i++) {
    if (text_equal(cmdline.argv[i], name)) return i;
  }
  return -1;
}

/*
 * Two numbers. The installed memory is what the machine was given: all below 1 MiB, the memory from 1 MiB on with the
 * pieces that the firmware reserved at its end, and what lies above 4 GiB. Usable is the sum of all ranges of type 1.
 */
static void print_memory(const struct pvh_start_info *info) {
  const struct pvh_memory *map = (const void *)info->memory_map;
  const uint64_t four_gib = 1ull << 32;
  uint64_t low_end = 0x100000, high = 0, usable = 0;
  if (info->version < 1 || !info->memory_map) return;
  for (uint32_t i = 0; i < info->memory_map_count; i++) {
    if (map[i].type != 1) continue;
    usable += map[i].size;
    if (map[i].address >= four_gib) high += map[i].size;
  }
  for (uint32_t round = 0; round < info->memory_map_count; round++) {
    for (uint32_t i = 0; i < info->memory_map_count; i++) {
      uint64_t end = map[i].address + map[i].size;
      if (map[i].address <= low_end && end > low_end && end <= four_gib) low_end = end;
    }
  }
  uint64_t total = low_end + high;
  console_text("memory=");
  console_number(total);
  console_text(" bytes (");
  console_number(total >> 20);
  if (total & 0xfffff) console_text(" and a fraction of one");
  line(" MiB)");
  console_text("memory-usable=");
  console_number(usable);
  line(" bytes");
}

/* CRC-32 as in ISO 3309 and zip: polynomial 0xedb88320, reflected. */
static uint32_t crc32(const uint8_t *bytes, uint64_t size) {
  static uint32_t table[256];
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; bit++) value = value >> 1 ^ (value & 1 ? 0xedb88320 : 0);
    table[i] = value;
  }
  uint32_t crc = ~0u;
  while (size--) crc = crc >> 8 ^ table[(crc ^ *bytes++) & 0xff];
  return ~crc;
}

static void print_initrd(const struct pvh_start_info *info) {
  const struct pvh_module *module = (const void *)info->modules;
  if (!info->module_count || !module) return;
  number_line("initrd=", module->size);
  console_text("initrd-crc32=");
  console_hex(crc32((const uint8_t *)module->address, module->size), 8);
  console_char('\n');
}

static void print_uptime(void) {
  uint64_t ms;
  if (!clock_ms(&ms)) {
    line("uptime=unknown");
    return;
  }
  console_text("uptime=");
  console_number(ms);
  line(" ms");
}

/* One line a second. Ticks may get lost on a busy host, so the time stamp counter decides when it is known. */
static void stay(void) {
  uint64_t now, start, count = 0;
  bool measured = clock_ms(&start);
  for (;;) {
    uint64_t ticks = interrupts_wait();
    if (acpi_power_button()) {
      line("power button");
      return;
    }
    uint64_t seconds = measured && clock_ms(&now) ? (now - start) / 1000 : ticks / TICKS_PER_SECOND;
    while (count < seconds) number_line("tick ", ++count);
  }
}

/* Gives every line of input back, until end of transmission (control-D) or the line `quit`. */
static void echo(void) {
  static char text[1024];
  size_t length = 0;
  bool after_return = false;
  line("echo: lines come back; quit or control-D ends");
  for (;;) {
    int c = console_read();
    if (c < 0) {
      interrupts_wait();
      if (!acpi_power_button()) continue;
      line("power button");
      return;
    }
    bool second_half = c == '\n' && after_return;
    after_return = c == '\r';
    if (second_half) continue;
    if (c == END_OF_TRANSMISSION) return;
    if (c == '\r' || c == '\n') {
      text[length] = 0;
      length = 0;
      if (text_equal(text, "quit")) return;
      console_text("echo=");
      line(text);
    } else if (c == BACKSPACE || c == DELETE) {
      if (length) length--;
    } else if (length < sizeof text - 1) {
      text[length++] = (char)c;
    }
  }
}

/* An exception without a table of handlers: the processor shuts down (Intel SDM vol. 3, 6.15, "triple fault"). */
static void triple_fault(void) {
  static const struct __attribute__((packed)) {
    uint16_t limit;
    uint64_t base;
  } none = {0, 0};
  __asm__ volatile("lidt %0; ud2" : : "m"(none));
}

_Noreturn void kernel_main(const struct pvh_start_info *info) {
  clock_init();
  console_init();
  interrupts_init();
  line("hello from a unikernel");
  if (info->magic != PVH_MAGIC) {
    /* Or the command line was longer than 4096 bytes: on pc and q35 QEMU's loader then writes over the structure. */
    line("error: no PVH start info");
    acpi_init(0);
    power_off();
  }
  acpi_init(info->rsdp);

  const char *text = info->cmdline ? (const char *)info->cmdline : "";
  cmdline_parse(&cmdline, text);
  console_text("cmdline=");
  line(text);
  number_line("argc=", (uint64_t)cmdline.argc);
  list("argv", cmdline.argv, cmdline.argc);
  number_line("envc=", (uint64_t)cmdline.envc);
  list("env", cmdline.env, cmdline.envc);
  print_memory(info);
  print_initrd(info);
  print_uptime();

  interrupts_start_timer();
  if (option("--echo") >= 0) echo();
  if (option("--stay") >= 0) stay();
  if (option("--fault") >= 0) triple_fault();
  if (option("--panic") >= 0) outb(PVPANIC_PORT, PVPANIC_PANICKED);
  if (option("--reset") >= 0) outb(KEYBOARD_CONTROLLER, RESET_PROCESSOR);
  line("powering off");

  /* QEMU's isa-debug-exit, if there: ends QEMU with (N << 1) | 1. Elsewhere nothing listens. */
  int at = option("--exit-code");
  uint64_t code;
  if (at >= 0 && at + 1 < cmdline.argc && text_to_number(cmdline.argv[at + 1], &code)) {
    outb(DEBUG_EXIT_PORT, (uint8_t)code);
  }
  power_off();
}
