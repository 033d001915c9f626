/* The machine's power button. */
#pragma once

#include <stdbool.h>

enum { MOST_BUTTONS = 8 };

/* Opens what /dev/input has; answers how many. Without drivers (button, evdev) there is nothing. */
unsigned open_buttons(int fds[MOST_BUTTONS]);
/* Reads what has happened; true when the power button was pressed. */
bool power_was_pressed(int fd);
