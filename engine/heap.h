/*
 * The frozen heap: the build starts the engine, loads every module, and keeps the memory it then has in the executable.
 *
 *   freezer   the program without a heap: fills one, writes it to a file and ends      (stage 1, part of the build)
 *   urunc     the same objects linked with that file: goes on where the freezer ended  (stage 2, what users run)
 *
 * Pointers inside the heap stay right because it lies at a fixed address (-Wl,--section-start in the Makefile), and pointers
 * to code because both programs are linked from the same objects in the same order, not position independent. The heap has
 * the addresses of some symbols in it, and the program refuses to start when they are not its own.
 *
 * The heap is mapped private from the executable: each page costs a copy when it is written to. So reference counts in it stay
 * as they are (immortal.h), and nothing in it is ever given back. The garbage collector, which needs true counts, never runs.
 */
#ifndef URUNC_HEAP_H
#define URUNC_HEAP_H

#include <stdbool.h>
#include <stddef.h>

#include "quickjs.h"

#define HEAP_SYMBOLS 4

typedef struct {
    /* The context; NULL in the freezer. */
    JSContext *ctx;
    /* The main module, linked but not run. */
    JSValue main;
    const void *symbols[HEAP_SYMBOLS];
    size_t used;
} Heap;

/* At the start of the section .frozen. */
extern Heap frozen_heap;
extern unsigned char frozen_heap_end[];

/* While the heap is made, all memory comes from it; afterwards from malloc(3), and what lies in the heap is never freed. */
extern const JSMallocFunctions heap_functions;

/* Writes the heap to a file. */
bool heap_write(const char *path);
/* Was the heap made by the freezer that belongs to this program? */
bool heap_fits(void);

#endif
