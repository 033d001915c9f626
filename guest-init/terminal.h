/* The console as a terminal. */
#pragma once

#include "config.h"

/* Standard descriptors on /dev/console, for our own messages. */
void open_console(void);
/* In the application's process: a session of its own with the console as its terminal. */
void take_terminal(const struct config *config);
