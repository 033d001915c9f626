/* The kernel's command line (Linux, Documentation/admin-guide/kernel-parameters.rst). */
#pragma once

/* Needs /proc. */
void read_kernel_parameters(void);
/* Value of `name=value` before ` -- `; empty for a bare `name`; NULL when it is not there. Valid until the next call. */
const char *kernel_parameter(const char *name);
