/* Power off, the power button and devices by ACPI (specification 6.4; section numbers below). */
#include "unikernel.h"

struct __attribute__((packed)) rsdp { /* 5.2.5.3 */
  char signature[8];
  uint8_t checksum;
  char oem[6];
  uint8_t revision;
  uint32_t rsdt;
  uint32_t length;
  uint64_t xsdt;
};

struct __attribute__((packed)) table { /* 5.2.6 */
  char signature[4];
  uint32_t length;
  uint8_t rest[28];
  uint8_t body[];
};

/* Byte offsets in the FADT (5.2.9). */
enum {
  FADT_DSDT = 40,
  FADT_SMI_COMMAND = 48,
  FADT_ACPI_ENABLE = 52,
  FADT_PM1A_EVENT = 56,
  FADT_PM1A_CONTROL = 64,
  FADT_PM1B_CONTROL = 68,
  FADT_PM1_EVENT_LENGTH = 88,
  FADT_FLAGS = 112,
  FADT_X_DSDT = 140,
  FADT_SLEEP_CONTROL = 244, /* generic address: space, width, offset, access size, address */
};
enum { HARDWARE_REDUCED = 1 << 20 };
enum { POWER_BUTTON = 1 << 8 };                 /* PM1 status and enable (4.8.3.1) */
enum { SCI_ENABLE = 1 << 0, SLEEP_ENABLE = 1 << 13 }; /* PM1 control (4.8.3.2) */

static const struct table *fadt, *madt;
static uint16_t power_button_status; /* I/O port, 0: none */

static uint32_t read32(const void *at) {
  uint32_t value;
  __builtin_memcpy(&value, at, sizeof value);
  return value;
}

static uint64_t read64(const void *at) {
  uint64_t value;
  __builtin_memcpy(&value, at, sizeof value);
  return value;
}

static const void *pointer(uint64_t address) { return (const void *)address; }

/* A field of the FADT, 0 when this revision of the table does not reach so far. */
static uint32_t fadt32(uint32_t offset) {
  return fadt && offset + 4 <= fadt->length ? read32((const uint8_t *)fadt + offset) : 0;
}
static uint64_t fadt64(uint32_t offset) {
  return fadt && offset + 8 <= fadt->length ? read64((const uint8_t *)fadt + offset) : 0;
}
static uint8_t fadt8(uint32_t offset) { return fadt && offset < fadt->length ? ((const uint8_t *)fadt)[offset] : 0; }

static bool is_rsdp(uint64_t address) {
  const uint8_t *bytes = pointer(address);
  uint8_t sum = 0;
  if (!text_starts((const char *)bytes, "RSD PTR ")) return false;
  for (int i = 0; i < 20; i++) sum = (uint8_t)(sum + bytes[i]);
  return sum == 0;
}

/* 5.2.5.1: the first KiB of the EBDA, then the BIOS area, on 16-byte boundaries. */
static uint64_t find_rsdp(void) {
  const uint64_t ebda_segment = 0x40e;
  uint16_t segment;
  __asm__("movw (%1), %0" : "=r"(segment) : "r"(ebda_segment));
  uint64_t ebda = (uint64_t)segment << 4;
  for (uint64_t at = ebda; ebda >= 0x400 && at < ebda + 1024; at += 16) {
    if (is_rsdp(at)) return at;
  }
  for (uint64_t at = 0xe0000; at < 0x100000; at += 16) {
    if (is_rsdp(at)) return at;
  }
  return 0;
}

static const struct table *find_table(const struct rsdp *rsdp, const char *signature) {
  bool wide = rsdp->revision >= 2 && rsdp->xsdt;
  const struct table *root = pointer(wide ? rsdp->xsdt : rsdp->rsdt);
  uint32_t width = wide ? 8 : 4;
  for (uint32_t at = sizeof *root; root && at + width <= root->length; at += width) {
    const uint8_t *entry = (const uint8_t *)root + at;
    const struct table *table = pointer(wide ? read64(entry) : read32(entry));
    if (table && text_starts(table->signature, signature)) return table;
  }
  return NULL;
}

static const struct table *find_dsdt(void) {
  uint64_t address = fadt64(FADT_X_DSDT) ? fadt64(FADT_X_DSDT) : fadt32(FADT_DSDT);
  return pointer(address);
}

/*
 * SLP_TYP for S5: the first element of the package \_S5 in the DSDT (7.4.2), read straight from the byte code:
 * "_S5_" PackageOp PkgLength NumElements, then ZeroOp, OneOp or BytePrefix and the value (20.2.5.4, 20.2.3, 20.2.4).
 */
static uint8_t soft_off_type(void) {
  const struct table *dsdt = find_dsdt();
  if (!dsdt) return 0;
  const uint8_t *end = (const uint8_t *)dsdt + dsdt->length;
  for (const uint8_t *at = dsdt->body; at + 12 <= end; at++) {
    if (!text_starts((const char *)at, "_S5_") || at[4] != 0x12) continue;
    const uint8_t *element = at + 5 + 1 + (at[5] >> 6) + 1;
    if (element + 1 < end) return element[0] == 0x0a ? element[1] : element[0] == 1 ? 1 : 0;
  }
  return 0; /* what QEMU's pc and q35 say, too */
}

void acpi_init(uint64_t rsdp) {
  if (!rsdp || !is_rsdp(rsdp)) rsdp = find_rsdp();
  if (rsdp) {
    fadt = find_table(pointer(rsdp), "FACP");
    madt = find_table(pointer(rsdp), "APIC");
  }
  uint16_t event = (uint16_t)fadt32(FADT_PM1A_EVENT);
  if (!event || fadt32(FADT_FLAGS) & HARDWARE_REDUCED) return;
  power_button_status = event;
  /* Status and enable registers are the two halves of the block. The interrupt itself stays masked: it is polled. */
  uint16_t enable = (uint16_t)(event + fadt8(FADT_PM1_EVENT_LENGTH) / 2);
  outw(enable, inw(enable) | POWER_BUTTON);
}

uint64_t acpi_io_apic(uint32_t interrupt, uint32_t *first) {
  enum { HEADER = 44, IO_APIC = 1, IO_APIC_LENGTH = 12 }; /* 5.2.12, 5.2.12.3 */
  if (!madt) return 0;
  const uint8_t *bytes = (const uint8_t *)madt;
  uint64_t found = 0;
  for (uint32_t at = HEADER; at + 2 <= madt->length && bytes[at + 1] >= 2; at += bytes[at + 1]) {
    if (bytes[at] != IO_APIC || at + IO_APIC_LENGTH > madt->length) continue;
    uint32_t base = read32(bytes + at + 8);
    if (base > interrupt || (found && base < *first)) continue;
    found = read32(bytes + at + 4);
    *first = base;
  }
  return found;
}

/*
 * A device of this kind has the text "LNRO0005" as its _HID, and in its _CRS a 32-bit fixed memory descriptor (6.4.3.4:
 * 86 09 00, access, address, length) and an extended interrupt descriptor (6.4.3.6: 89, length, flags, count, number).
 */
int acpi_virtio_mmio(struct mmio_place *places, int limit) {
  enum { REACH = 128 };
  const struct table *dsdt = find_dsdt();
  int count = 0;
  if (!dsdt) return 0;
  const uint8_t *end = (const uint8_t *)dsdt + dsdt->length;
  for (const uint8_t *at = dsdt->body; at + 8 <= end && count < limit; at++) {
    if (!text_starts((const char *)at, "LNRO0005")) continue;
    uint64_t address = 0;
    for (const uint8_t *item = at + 8; item < at + REACH && item + 12 <= end; item++) {
      if (!address && item[0] == 0x86 && item[1] == 9 && item[2] == 0) {
        address = read32(item + 4);
        item += 11; /* to its last byte */
      } else if (address && item[0] == 0x89 && item[2] == 0 && item[4] == 1) {
        places[count++] = (struct mmio_place){address, read32(item + 5)};
        break;
      }
    }
  }
  return count;
}

bool acpi_power_button(void) {
  if (!power_button_status || !(inw(power_button_status) & POWER_BUTTON)) return false;
  outw(power_button_status, POWER_BUTTON); /* cleared by writing one */
  return true;
}

static void acpi_soft_off(void) {
  uint8_t type = soft_off_type();

  if (fadt32(FADT_FLAGS) & HARDWARE_REDUCED) { /* 4.8.3.7: sleep control register, SLP_TYP at 2, SLP_EN at 5 */
    uint64_t address = fadt64(FADT_SLEEP_CONTROL + 4);
    uint8_t value = (uint8_t)(type << 2 | 1 << 5);
    if (fadt8(FADT_SLEEP_CONTROL) == 1) outb((uint16_t)address, value);
    else if (address) *(volatile uint8_t *)address = value;
    return;
  }

  uint16_t a = (uint16_t)fadt32(FADT_PM1A_CONTROL), b = (uint16_t)fadt32(FADT_PM1B_CONTROL);
  if (!a) return;
  uint16_t smi = (uint16_t)fadt32(FADT_SMI_COMMAND);
  if (smi && !(inw(a) & SCI_ENABLE)) { /* 4.8.2.2: into ACPI mode first */
    outb(smi, fadt8(FADT_ACPI_ENABLE));
    for (int i = 0; i < 1000 && !(inw(a) & SCI_ENABLE); i++) __builtin_ia32_pause();
  }
  uint16_t value = (uint16_t)((type & 7) << 10 | SLEEP_ENABLE);
  outw(a, value);
  if (b) outw(b, value);
}

_Noreturn void power_off(void) {
  __asm__ volatile("cli");
  acpi_soft_off();
  outw(0x604, SLEEP_ENABLE);  /* PM1a control of QEMU's pc and q35, when there were no tables */
  outw(0xb004, SLEEP_ENABLE); /* the same on old QEMU and Bochs */
  outb(0x64, 0xfe);           /* keyboard controller: reset. Firecracker ends on this, but not at once */
  for (uint32_t wait = 0; wait < 1000000; wait++) __asm__ volatile("pause");
  struct __attribute__((packed)) {
    uint16_t limit;
    uint64_t base;
  } nothing = {0, 0};
  __asm__ volatile("lidt %0; int3" : : "m"(nothing)); /* triple fault: reset */
  for (;;) __asm__ volatile("hlt");
}
