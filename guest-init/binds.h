/* Bind mounts of the container: copies that the initrd brought, and places that are read-only. */
#pragma once

#include "config.h"

/* Before the root is changed: the copies stay in reach. */
void keep_copies(void);
/* Mounts a file or directory on a place, which is made where it is missing; `flags` of mount(2). */
long mount_over(const char *source, const char *place, unsigned long flags);
void mount_binds(const struct config *config);
