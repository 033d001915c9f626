/* The network, as the configuration has it. */
#pragma once

#include "config.h"

/* Brings up `lo` and the configured nics with their addresses and routes. */
void set_up_network(struct config *config);
