#include "mounts.h"

#include <linux/mount.h>

#include "file.h"
#include "system.h"
#include "text.h"

static void mount_at(const char *type, const char *path, unsigned long flags, const char *options) {
  long result = make_directories(path);
  if (result == 0) result = CALL(mount, type, path, type, flags, options);
  char digits[24];
  if (result < 0 && result != -EBUSY) SAY("guest-init: mount ", path, ": error ", number_text(-result, digits));
}

void mount_kernel_file_systems(void) {
  mount_at("devtmpfs", "/dev", MS_NOSUID, "mode=0755");
  mount_at("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
  mount_at("sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

static void need_writable(const char *path, unsigned mode, const char *options) {
  long new = CALL(mkdirat, AT_FDCWD, path, mode);
  if (new == 0) CALL(fchmodat, AT_FDCWD, path, mode);
  /* A root without the directory and without a way to make it: nobody there needs it. */
  else if (new != -EEXIST) return;
  char probe[64];
  join(probe, sizeof probe, PARTS(path, "/.urunc-probe"));
  long made = CALL(mkdirat, AT_FDCWD, probe, 0700);
  if (made == 0) CALL(unlinkat, AT_FDCWD, probe, AT_REMOVEDIR);
  else mount_at("tmpfs", path, MS_NOSUID | MS_NODEV, options);
}

void mount_for_application(void) {
  mount_at("devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5");
  mount_at("tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777");
  need_writable("/run", 0755, "mode=0755");
  need_writable("/tmp", 01777, "mode=1777");
  static const char *const links[][2] = {
      {"/proc/self/fd", "/dev/fd"},
      {"/proc/self/fd/0", "/dev/stdin"},
      {"/proc/self/fd/1", "/dev/stdout"},
      {"/proc/self/fd/2", "/dev/stderr"},
  };
  for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) CALL(symlinkat, links[i][0], AT_FDCWD, links[i][1]);
}

/* The first root of an initrd cannot be left by pivot_root(2) (Linux, ramfs-rootfs-initramfs.rst): it is mounted over. */
long change_root(const char *path) {
  static const char *const moved[] = {"/dev", "/proc", "/sys"};
  for (size_t i = 0; i < sizeof moved / sizeof moved[0]; i++) {
    char target[64];
    join(target, sizeof target, PARTS(path, moved[i]));
    make_directories(target);
    long result = CALL(mount, moved[i], target, NULL, MS_MOVE, NULL);
    if (result < 0) return result;
  }
  long result = CALL(chdir, path);
  if (result == 0) result = CALL(mount, ".", "/", NULL, MS_MOVE, NULL);
  if (result == 0) result = CALL(chroot, ".");
  return result == 0 ? CALL(chdir, "/") : result;
}
