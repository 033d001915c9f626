/* The file systems every Linux program expects. */
#pragma once

/* /proc, /sys and /dev, which the rest of the set-up needs. */
void mount_kernel_file_systems(void);
/* /dev/pts, /dev/shm, and memory for /run and /tmp where the root cannot be written to; links of /dev. */
void mount_for_application(void);
/* Makes the file system mounted at `path` the root; /proc, /sys and /dev go along. */
long change_root(const char *path);
