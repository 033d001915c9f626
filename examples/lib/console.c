/* The serial port COM1, a 16550A (National Semiconductor PC16550D data sheet, section 8). */
#include "unikernel.h"

enum {
  COM1 = 0x3f8,
  DATA = COM1,                 /* divisor, low byte, while DLAB is set */
  INTERRUPT_ENABLE = COM1 + 1, /* divisor, high byte, while DLAB is set */
  LINE_CONTROL = COM1 + 3,
  MODEM_CONTROL = COM1 + 4,
  LINE_STATUS = COM1 + 5,
};

enum { DATA_READY = 0x01, TRANSMITTER_EMPTY = 0x20, NO_PORT = 0xff };

/* The FIFO stays as it is: switching it on would drop a byte that came early. */
void console_init(void) {
  outb(INTERRUPT_ENABLE, 0);
  outb(LINE_CONTROL, 0x80);  /* DLAB */
  outb(DATA, 1);             /* 115200 baud */
  outb(INTERRUPT_ENABLE, 0);
  outb(LINE_CONTROL, 0x03);  /* 8 data bits, no parity, 1 stop bit */
  outb(MODEM_CONTROL, 0x0b); /* DTR, RTS, OUT2: the gate of the interrupt line on a PC */
  outb(INTERRUPT_ENABLE, 1); /* received data; it only ends a wait, reading is polled */
}

void console_char(char c) {
  while (!(inb(LINE_STATUS) & TRANSMITTER_EMPTY)) __builtin_ia32_pause();
  outb(DATA, (uint8_t)c);
}

void console_text(const char *text) {
  while (*text) console_char(*text++);
}

void console_number(uint64_t number) {
  char digits[21];
  char *at = digits + sizeof digits;
  *--at = 0;
  do *--at = (char)('0' + number % 10);
  while (number /= 10);
  console_text(at);
}

void console_hex(uint64_t number, int digits) {
  while (digits-- > 0) console_char("0123456789abcdef"[number >> (4 * digits) & 15]);
}

int console_read(void) {
  uint8_t status = inb(LINE_STATUS);
  return status != NO_PORT && status & DATA_READY ? inb(DATA) : -1;
}
