/* The end of the machine. */
#pragma once

/* Exit statuses of our own, as shells have them: the application cannot be executed, or is not there. */
enum { STATUS_SETUP = 125, STATUS_CANNOT_EXECUTE = 126, STATUS_NOT_FOUND = 127 };

/*
 * Ends all processes, writes what is unwritten, and powers off. Where the kernel's command line names the port of
 * isa-debug-exit by `guest_init.exit_port=`, a status other than 0 goes there; it takes 1 to 127, so that larger ones
 * become 127. With `guest_init.keyboard_reset` there it ends by a reset of the keyboard controller.
 */
_Noreturn void end_machine(int status);
