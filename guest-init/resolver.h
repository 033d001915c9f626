/* /etc/resolv.conf: resolv.conf(5). */
#pragma once

#include "config.h"

void set_up_resolver(const struct config *config);
