/* Bind mounts of the container: copies that the initrd brought, and places that are read-only. */
#pragma once

#include "config.h"

/* Before the root is changed: the copies stay in reach. */
void keep_copies(void);
void mount_binds(const struct config *config);
