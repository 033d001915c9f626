/* Block devices of the configuration. */
#pragma once

#include "config.h"

/* Mounts the volume at `/`, if there is one, as the root; without it the machine cannot go on. */
void mount_root_volume(const struct config *config);
/* Mounts all others; one that fails is reported and left out. */
void mount_volumes(const struct config *config);
