/* The frozen heap: see heap.h. */
#include "heap.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys.h"

extern int main(int argc, char **argv);

static bool is_frozen(const void *pointer) {
    return (uintptr_t)pointer - (uintptr_t)&frozen_heap < (uintptr_t)(frozen_heap_end - (unsigned char *)&frozen_heap);
}

/* ---- making it: memory is handed out in a row, each block after its size ------------------------------------------*/

#define ALIGNMENT sizeof(size_t)
#define SMALLEST (2 * sizeof(size_t))
#define CLASSES 64

/* Blocks that were given back, by size in units of ALIGNMENT: they keep the heap small and dense. Only in the freezer. */
static void *free_blocks[CLASSES];

static size_t *size_of(void *pointer) {
    return (size_t *)pointer - 1;
}

static void *freezer_malloc(size_t size) {
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (size < SMALLEST)
        size = SMALLEST;
    if (size / ALIGNMENT < CLASSES && free_blocks[size / ALIGNMENT] != NULL) {
        void *block = free_blocks[size / ALIGNMENT];
        memcpy(&free_blocks[size / ALIGNMENT], block, sizeof(void *));
        return block;
    }
    if (frozen_heap.used == 0)
        frozen_heap.used = sizeof frozen_heap;
    unsigned char *block = (unsigned char *)&frozen_heap + frozen_heap.used + sizeof(size_t);
    if (size > (size_t)(frozen_heap_end - block))
        return NULL;
    *size_of(block) = size;
    frozen_heap.used += sizeof(size_t) + size;
    return block;
}

static void freezer_free(void *pointer) {
    size_t size = *size_of(pointer);
    memset(pointer, 0, size);
    if (size / ALIGNMENT >= CLASSES)
        return;
    memcpy(pointer, &free_blocks[size / ALIGNMENT], sizeof(void *));
    free_blocks[size / ALIGNMENT] = pointer;
}

/* ---- what QuickJS calls -------------------------------------------------------------------------------------------*/

static void *heap_malloc(JSMallocState *state, size_t size) {
    (void)state;
    return frozen_heap.ctx == NULL ? freezer_malloc(size) : malloc(size);
}

static void heap_free(JSMallocState *state, void *pointer) {
    (void)state;
    if (pointer == NULL)
        return;
    if (!is_frozen(pointer))
        free(pointer);
    else if (frozen_heap.ctx == NULL)
        freezer_free(pointer);
}

static void *heap_realloc(JSMallocState *state, void *pointer, size_t size) {
    if (pointer != NULL && !is_frozen(pointer))
        return realloc(pointer, size);
    if (pointer != NULL && size <= *size_of(pointer))
        return pointer;
    void *block = heap_malloc(state, size);
    if (block != NULL && pointer != NULL) {
        memcpy(block, pointer, *size_of(pointer));
        heap_free(state, pointer);
    }
    return block;
}

static size_t heap_usable_size(const void *pointer) {
    return is_frozen(pointer) ? *size_of((void *)pointer) : malloc_usable_size((void *)pointer);
}

const JSMallocFunctions heap_functions = { heap_malloc, heap_free, heap_realloc, heap_usable_size };

/* ---- freezing and thawing -----------------------------------------------------------------------------------------*/

/* Of the first and last parts of the program: its own code, QuickJS, constants, libc. */
static void list_symbols(const void *symbols[HEAP_SYMBOLS]) {
    symbols[0] = (const void *)(uintptr_t)main;
    symbols[1] = (const void *)(uintptr_t)JS_NewRuntime;
    symbols[2] = sys_seccomp_functions;
    symbols[3] = (const void *)(uintptr_t)free;
}

bool heap_write(const char *path) {
    list_symbols(frozen_heap.symbols);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    const char *bytes = (const char *)&frozen_heap;
    size_t left = frozen_heap.used;
    while (fd >= 0 && left > 0) {
        ssize_t written = write(fd, bytes, left);
        if (written <= 0)
            break;
        bytes += written;
        left -= (size_t)written;
    }
    return fd >= 0 && left == 0 && close(fd) == 0;
}

bool heap_fits(void) {
    const void *symbols[HEAP_SYMBOLS];
    list_symbols(symbols);
    return memcmp(symbols, frozen_heap.symbols, sizeof symbols) == 0;
}
