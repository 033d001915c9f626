/*
 * The bundle. engine/bytecode.c writes it, engine/main.c reads it: the freezer from the file, the sanitizer build from inside
 * the executable:
 *
 *   u32 count, then count times { u32 name offset, u32 name length, u32 code offset, u32 code length }, then the bytes.
 *
 * Offsets count from the start; the first module is the one that runs. Numbers have the byte order of the machine.
 */
#ifndef URUNC_MODULES_H
#define URUNC_MODULES_H

#include <stdint.h>

typedef struct {
    uint32_t name, name_length, code, code_length;
} ModuleEntry;

typedef struct {
    uint32_t count;
    ModuleEntry entries[];
} ModuleTable;

#endif
