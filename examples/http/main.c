/* A web server: the smallest unikernel that does something over the network. */
#include "net.h"

_Noreturn void kernel_main(const struct pvh_start_info *info);

static struct cmdline cmdline;
static struct nic nics[MAX_NICS];
static int nic_count;

static _Noreturn void end(const char *why) {
  console_text(why);
  console_char('\n');
  power_off();
}

static void print_nic(const struct nic *nic) {
  console_text("nic=");
  for (int i = 0; i < MAC_LENGTH; i++) {
    if (i) console_char(':');
    console_hex(nic->mac[i], 2);
  }
  console_text(" mtu=");
  console_number(nic->mtu);
  console_text(nic->device.modern ? " virtio-" : " legacy virtio-");
  console_text(nic->device.transport->name);
  console_text(" interrupt=");
  console_number(nic->device.interrupt);
  console_text(" address=");
  for (int shift = 24; shift >= 0; shift -= 8) {
    console_number(nic->address.ip >> shift & 255);
    console_char(shift ? '.' : '/');
  }
  console_number(nic->address.prefix);
  console_char('\n');
}

static void acknowledge(void) {
  for (int i = 0; i < nic_count; i++) nics[i].device.transport->acknowledge(&nics[i].device);
}

/* Firecracker adds the word that Linux knows, and complains of accesses to ports that it has not. */
static bool has_pci(void) {
  for (int i = 0; i < cmdline.wordc; i++) {
    if (text_equal(cmdline.words[i], "pci=off")) return false;
  }
  return true;
}

/* Devices and addresses come in the same order. A nic without an address and an address without a nic are left alone. */
static void start_nics(void) {
  static struct virtio_device devices[MAX_NICS];
  struct address addresses[MAX_NICS];
  const char *wrong;
  int named = addresses_read(&cmdline, addresses, &wrong);
  if (named < 0) {
    console_text("netdev.ip is no ADDRESS/PREFIX[:...]: ");
    end(wrong);
  }
  int found = has_pci() ? virtio_pci_find(devices, MAX_NICS) : 0;
  found += virtio_mmio_find(devices + found, MAX_NICS - found, cmdline.words, cmdline.wordc);
  if (!found) end("no virtio network device");
  if (!named) end("no address: netdev.ip= is missing on the command line");
  for (int i = 0; i < found && i < named; i++) {
    struct nic *nic = &nics[nic_count];
    nic->device = devices[i];
    nic->address = addresses[i];
    const char *problem = nic_start(nic, i);
    if (problem) {
      console_text("a network device cannot be used: ");
      end(problem);
    }
    nic_count++;
    if (nic->device.is_line) interrupts_enable_line(nic->device.interrupt, acknowledge);
    else if (!interrupts_enable(nic->device.interrupt, acknowledge)) end("the network device has no interrupt");
    print_nic(nic);
    ip_announce(nic);
  }
}

static void serve(void) {
  uint64_t now, ticks = 0;
  for (;;) {
    bool any = false;
    if (!clock_ms(&now)) now = ticks * (1000 / TICKS_PER_SECOND);
    tcp_timers(now);
    for (int i = 0; i < nic_count; i++) any |= nic_poll(&nics[i], ip_receive);
    tcp_resume();
    if (any) continue;
    /* What comes between the last look and the wait has its interrupt waiting, and ends the wait at once. */
    ticks = interrupts_wait();
    if (acpi_power_button()) return;
  }
}

_Noreturn void kernel_main(const struct pvh_start_info *info) {
  clock_init();
  console_init();
  interrupts_init();
  if (info->magic != PVH_MAGIC) {
    acpi_init(0);
    end("no PVH start info");
  }
  acpi_init(info->rsdp);
  cmdline_parse(&cmdline, info->cmdline ? (const char *)info->cmdline : "");
  page_init();
  start_nics();
  interrupts_start_timer();
  console_text("serving on port 80\n");
  serve();
  end("power button");
}
