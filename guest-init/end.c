#include "end.h"

#include <linux/mount.h>
#include <linux/reboot.h>

#include "file.h"
#include "kernel.h"
#include "system.h"
#include "text.h"

enum { LARGEST_STATUS = 127 };

/* The machine with isa-debug-exit ends when its port is written (QEMU, hw/misc/debugexit.c): status 2 * value + 1. */
static void write_port(unsigned port, unsigned value) {
#if defined(__x86_64__)
  if (CALL(ioperm, port, 4, 1) < 0) return;
  __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"((unsigned short)port));
#else
  (void)port;
  (void)value;
#endif
}

/*
 * The keyboard controller's command to reset the processor (Firecracker, src/vmm/src/devices/legacy/i8042.rs). It takes
 * one when the second bit of its status is clear.
 */
static void reset_by_keyboard(void) {
#if defined(__x86_64__)
  enum { PORT = 0x64, INPUT_FULL = 2, RESET = 0xfe };
  unsigned char state = INPUT_FULL;
  if (CALL(ioperm, PORT, 1, 1) < 0) return;
  for (unsigned tries = 0; tries < 100 && (state & INPUT_FULL) != 0; tries++) {
    __asm__ volatile("inb %1, %0" : "=a"(state) : "Nd"((unsigned short)PORT));
    if ((state & INPUT_FULL) != 0) pause_for(1);
  }
  __asm__ volatile("outb %0, %1" : : "a"((unsigned char)RESET), "Nd"((unsigned short)PORT));
  /* Until it happens. */
  pause_for(1000);
#endif
}

/* Last mount first; what is busy stays, and is written by sync(2) and remounted read-only at least. */
static void unmount_disks(void) {
  static char mounts[64 * 1024];
  if (read_file("/proc/self/mounts", mounts, sizeof mounts) < 0) return;
  char *end = mounts + length_of(mounts);
  while (end > mounts) {
    *--end = '\0';
    char *line = end;
    while (line > mounts && line[-1] != '\n') line--;
    end = line;
    if (!starts_with(line, "/dev/")) continue;
    char *point = line;
    while (*point != '\0' && *point != ' ') point++;
    if (*point == ' ') point++;
    char *rest = point;
    while (*rest != '\0' && *rest != ' ') rest++;
    *rest = '\0';
    if (CALL(umount2, point, 0) < 0) CALL(mount, NULL, point, NULL, MS_REMOUNT | MS_RDONLY, NULL);
  }
}

void end_machine(int status) {
  if (CALL(getpid, 0) != 1) CALL(exit_group, status);
  CALL(kill, -1, SIG_KILL);
  while (CALL(wait4, -1, NULL, 0, NULL) > 0) continue;
  CALL(sync, 0);
  unmount_disks();
  CALL(sync, 0);
  unsigned exit_port = 0;
  const char *port = kernel_parameter("guest_init.exit_port");
  if (status != 0 && port != NULL && parse_number(port, &exit_port))
    write_port(exit_port, status > LARGEST_STATUS ? LARGEST_STATUS : (unsigned)status);
  if (kernel_parameter("guest_init.keyboard_reset") != NULL) reset_by_keyboard();
  /* A monitor that ends by a reset only says so by the parameter reboot=. */
  long command = kernel_parameter("reboot") != NULL ? LINUX_REBOOT_CMD_RESTART : LINUX_REBOOT_CMD_POWER_OFF;
  CALL(reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, command, NULL);
  CALL(reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_RESTART, NULL);
  for (;;) pause_for(1000);
}
