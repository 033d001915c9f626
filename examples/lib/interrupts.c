/*
 * Interrupts exist here only to end a `hlt`: a timer twenty times a second, the serial port when a byte comes in, and
 * the devices that ask for it. The handlers acknowledge and return; all work is done by polling
 * after the wait.
 */
#include "unikernel.h"

enum { PIC1 = 0x20, PIC1_DATA = 0x21, PIC2 = 0xa0, PIC2_DATA = 0xa1 };
enum { PIT_CHANNEL_0 = 0x40, PIT_COMMAND = 0x43, PIT_HZ = 1193182 };
#define LOCAL_APIC 0xfee00000ull
enum { FIRST_VECTOR = 32, APIC_VECTOR = FIRST_VECTOR + 16, APIC_TIMER_VECTOR, IRQ_TIMER = 0, IRQ_CASCADE = 2, IRQ_COM1 = 4, CODE_SEGMENT = 0x08 };

/* What the processor pushes (Intel SDM vol. 3, 6.14.2). */
struct frame {
  uint64_t rip, cs, rflags, rsp, ss;
};

/* Gate descriptor in 64-bit mode (Intel SDM vol. 3, figure 6-8). */
struct gate {
  uint16_t offset_low, segment;
  uint8_t stack, type;
  uint16_t offset_middle;
  uint32_t offset_high, reserved;
};

static struct gate gates[APIC_TIMER_VECTOR + 1];
static volatile uint64_t ticks;
static void (*acknowledge_devices)(void);

__attribute__((interrupt)) static void on_timer(struct frame *frame) {
  (void)frame;
  ticks++;
  outb(PIC1, 0x20); /* end of interrupt */
}

static volatile uint32_t *local_apic(uint32_t offset) { return (volatile uint32_t *)(LOCAL_APIC + offset); }
/* Registers of the local APIC (Intel SDM vol. 3, table 11-1). */
enum {
  APIC_ID = 0x020,
  APIC_END_OF_INTERRUPT = 0x0b0,
  APIC_SPURIOUS = 0x0f0,
  APIC_LVT_TIMER = 0x320,
  APIC_LVT_LINT0 = 0x350,
  APIC_TIMER_FIRST = 0x380,
  APIC_TIMER_NOW = 0x390,
  APIC_TIMER_DIVISOR = 0x3e0,
};

__attribute__((interrupt)) static void on_apic_timer(struct frame *frame) {
  (void)frame;
  ticks++;
  *local_apic(APIC_END_OF_INTERRUPT) = 0;
}

__attribute__((interrupt)) static void on_other(struct frame *frame) {
  (void)frame;
  outb(PIC1, 0x20);
}

__attribute__((interrupt)) static void on_device(struct frame *frame) {
  (void)frame;
  acknowledge_devices();
  outb(PIC1, 0x20);
}

__attribute__((interrupt)) static void on_device_of_second(struct frame *frame) {
  (void)frame;
  acknowledge_devices();
  outb(PIC2, 0x20);
  outb(PIC1, 0x20);
}

__attribute__((interrupt)) static void on_device_of_apic(struct frame *frame) {
  (void)frame;
  acknowledge_devices();
  *local_apic(APIC_END_OF_INTERRUPT) = 0;
}

static _Noreturn void fatal(const struct frame *frame) {
  console_text("exception at ");
  console_hex(frame->rip, 16);
  console_char('\n');
  power_off();
}

__attribute__((interrupt)) static void on_exception(struct frame *frame) { fatal(frame); }
__attribute__((interrupt)) static void on_exception_with_code(struct frame *frame, uint64_t code) {
  (void)code;
  fatal(frame);
}

static void set_gate(int vector, const void *handler) {
  uint64_t address = (uint64_t)handler;
  gates[vector] = (struct gate){
      .offset_low = (uint16_t)address,
      .segment = CODE_SEGMENT,
      .type = 0x8e, /* present, interrupt gate */
      .offset_middle = (uint16_t)(address >> 16),
      .offset_high = (uint32_t)(address >> 32),
  };
}

void interrupts_init(void) {
  const uint32_t with_code = 1u << 8 | 1u << 10 | 1u << 11 | 1u << 12 | 1u << 13 | 1u << 14 | 1u << 17 | 1u << 21;
  for (int i = 0; i < FIRST_VECTOR; i++) {
    set_gate(i, with_code >> i & 1 ? (const void *)on_exception_with_code : (const void *)on_exception);
  }
  for (int i = FIRST_VECTOR; i < FIRST_VECTOR + 16; i++) set_gate(i, (const void *)on_other);
  set_gate(FIRST_VECTOR + IRQ_TIMER, (const void *)on_timer);

  struct __attribute__((packed)) {
    uint16_t limit;
    uint64_t base;
  } pointer = {sizeof gates - 1, (uint64_t)gates};
  __asm__ volatile("lidt %0" : : "m"(pointer));

  /* Both interrupt controllers anew (Intel 8259A data sheet, ICW1 to ICW4), vectors from 32 on. */
  outb(PIC1, 0x11);
  outb(PIC2, 0x11);
  outb(PIC1_DATA, FIRST_VECTOR);
  outb(PIC2_DATA, FIRST_VECTOR + 8);
  outb(PIC1_DATA, 1 << 2);
  outb(PIC2_DATA, 2);
  outb(PIC1_DATA, 0x01);
  outb(PIC2_DATA, 0x01);
  outb(PIC1_DATA, (uint8_t)~(1 << IRQ_TIMER | 1 << IRQ_COM1));
  outb(PIC2_DATA, 0xff);

  /*
   * The controllers' output reaches the processor through LINT0 of its local APIC, as an external interrupt ("virtual
   * wire", MultiProcessor Specification 1.4, 3.6.2.2; Intel SDM vol. 3, 11.5.1). Not every firmware has set that.
   */
  *local_apic(APIC_LVT_LINT0) = 0x700;                      /* ExtINT */
  *local_apic(APIC_SPURIOUS) = 0x100 | (FIRST_VECTOR + 15); /* enable; spurious vector */
}

/* Intel 82093AA data sheet, section 3: a register is chosen by its number, then read or written. */
static void io_apic_write(uint64_t address, uint32_t number, uint32_t value) {
  *(volatile uint32_t *)address = number;
  *(volatile uint32_t *)(address + 0x10) = value;
}

void interrupts_enable_line(uint32_t line, void (*acknowledge)(void)) {
  acknowledge_devices = acknowledge;
  uint16_t mask = line < 8 ? PIC1_DATA : PIC2_DATA;
  set_gate(FIRST_VECTOR + (int)(line & 15), line < 8 ? (const void *)on_device : (const void *)on_device_of_second);
  outb(mask, (uint8_t)(inb(mask) & ~(1 << line % 8)));
  outb(PIC1_DATA, (uint8_t)(inb(PIC1_DATA) & ~(1 << IRQ_CASCADE)));
}

bool interrupts_enable(uint32_t number, void (*acknowledge)(void)) {
  uint32_t first;
  uint64_t address = acpi_io_apic(number, &first);
  if (!address) {
    if (number < 16) interrupts_enable_line(number, acknowledge);
    return number < 16;
  }
  acknowledge_devices = acknowledge;
  set_gate(APIC_VECTOR, (const void *)on_device_of_apic);
  uint32_t entry = 0x10 + 2 * (number - first);
  io_apic_write(address, entry + 1, *local_apic(APIC_ID)); /* to this processor */
  io_apic_write(address, entry, APIC_VECTOR);              /* fixed, edge, not masked */
  return true;
}

static void start_pit(void) {
  const uint16_t divisor = PIT_HZ / TICKS_PER_SECOND;
  outb(PIT_COMMAND, 0x34); /* channel 0, low then high byte, mode 2: rate generator */
  outb(PIT_CHANNEL_0, (uint8_t)divisor);
  outb(PIT_CHANNEL_0, (uint8_t)(divisor >> 8));
}

/* The local APIC's timer is in every virtual machine, the PIT's interrupt is not. Its rate is measured for 3 ms. */
void interrupts_start_timer(void) {
  enum { MEASURE_MS = 3, MASKED = 1 << 16, PERIODIC = 1 << 17, DIVIDE_BY_1 = 0xb };
  uint64_t start, now;
  if (!clock_ms(&start)) {
    start_pit();
    return;
  }
  outb(PIC1_DATA, inb(PIC1_DATA) | 1 << IRQ_TIMER);
  set_gate(APIC_TIMER_VECTOR, (const void *)on_apic_timer);
  *local_apic(APIC_TIMER_DIVISOR) = DIVIDE_BY_1;
  *local_apic(APIC_LVT_TIMER) = MASKED | APIC_TIMER_VECTOR;
  do clock_ms(&now);
  while (now == start);
  *local_apic(APIC_TIMER_FIRST) = ~0u;
  start = now;
  do clock_ms(&now);
  while (now < start + MEASURE_MS);
  uint64_t passed = ~0u - *local_apic(APIC_TIMER_NOW);
  uint64_t period = passed * 1000 / (now - start) / TICKS_PER_SECOND;
  *local_apic(APIC_LVT_TIMER) = PERIODIC | APIC_TIMER_VECTOR;
  *local_apic(APIC_TIMER_FIRST) = period < ~0u ? (uint32_t)period : ~0u;
}

uint64_t interrupts_wait(void) {
  /* `sti` takes effect after the next instruction, so no interrupt is lost between the two. */
  __asm__ volatile("sti; hlt; cli" : : : "memory");
  return ticks;
}
