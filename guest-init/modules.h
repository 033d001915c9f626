/* Kernel modules that the initrd brings. */
#pragma once

/* Where an initrd has what is meant for us; it is removed before the application starts. */
#define OWN_DIRECTORY "/.urunc"

/* Loads all of /.urunc/modules in the order of their names; one that needs another is tried again after it. */
void load_modules(void);
