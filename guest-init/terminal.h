/* The console as a terminal. */
#pragma once

#include "config.h"

/* Standard descriptors on /dev/console, for our own messages; false when no console is there yet. */
bool open_console(void);
/* The same with some patience: the driver of a virtio console may be a module. */
void wait_for_console(void);
/* In the application's process: a session of its own with the console as its terminal. */
void take_terminal(const struct config *config);
