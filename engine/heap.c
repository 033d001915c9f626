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

/* ---- making it: memory is handed out in a row ---------------------------------------------------------------------*/

#define ALIGNMENT sizeof(void *)
#define CLASSES 64

/*
 * Blocks that were given back, by size in units of ALIGNMENT, all larger ones in the list 0: they keep the heap small and
 * dense. Only in the freezer.
 */
static void *free_blocks[CLASSES];

/* The size of each block, by its place in units of ALIGNMENT. Only in the freezer, and no part of the heap. */
static uint32_t *sizes;

static uint32_t *size_of(const void *pointer) {
    return &sizes[((const unsigned char *)pointer - (const unsigned char *)&frozen_heap) / ALIGNMENT];
}

static void **free_list(uint32_t size) {
    return &free_blocks[size / ALIGNMENT < CLASSES ? size / ALIGNMENT : 0];
}

static void give_back(void *block) {
    void **list = free_list(*size_of(block));
    memcpy(block, list, sizeof *list);
    *list = block;
}

/* Makes the block one of this size, and what is left of it a block of its own. */
static void cut(void *block, uint32_t size) {
    uint32_t left = *size_of(block) - size;
    if (left == 0)
        return;
    void *rest = (unsigned char *)block + size;
    *size_of(rest) = left;
    give_back(rest);
    *size_of(block) = size;
}

/* A free block of the size, else a piece of a large one; NULL when there is none. */
static void *reuse(uint32_t size) {
    void **list = free_list(size);
    if (list == &free_blocks[0] || *list == NULL) {
        list = &free_blocks[0];
        while (*list != NULL && *size_of(*list) < size)
            list = *list;
    }
    void *block = *list;
    if (block == NULL)
        return NULL;
    memcpy(list, block, sizeof *list);
    cut(block, size);
    memset(block, 0, sizeof(void *));
    return block;
}

static void *freezer_malloc(size_t requested) {
    size_t capacity = (size_t)(frozen_heap_end - (unsigned char *)&frozen_heap);
    if (sizes == NULL) {
        sizes = calloc(capacity / ALIGNMENT, sizeof *sizes);
        frozen_heap.used = sizeof frozen_heap;
    }
    if (sizes == NULL || requested > capacity)
        return NULL;
    uint32_t size = (uint32_t)((requested + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
    if (size == 0)
        size = ALIGNMENT;
    void *reused = reuse(size);
    if (reused != NULL)
        return reused;
    if (size > capacity - frozen_heap.used)
        return NULL;
    void *block = (unsigned char *)&frozen_heap + frozen_heap.used;
    *size_of(block) = size;
    frozen_heap.used += size;
    return block;
}

static void freezer_free(void *pointer) {
    memset(pointer, 0, *size_of(pointer));
    give_back(pointer);
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

/* How much is to be copied from there to a block of this size: the program does not know where a frozen block ends. */
static size_t copied(const void *pointer, size_t size) {
    size_t left = (size_t)(frozen_heap_end - (const unsigned char *)pointer);
    size_t known = frozen_heap.ctx == NULL ? *size_of(pointer) : left;
    return known < size ? known : size;
}

static void *heap_realloc(JSMallocState *state, void *pointer, size_t size) {
    if (pointer != NULL && !is_frozen(pointer))
        return realloc(pointer, size);
    void *block = heap_malloc(state, size);
    if (block != NULL && pointer != NULL) {
        memcpy(block, pointer, copied(pointer, size));
        heap_free(state, pointer);
    }
    return block;
}

/* QuickJS asks to use what is left of a block, which a frozen one never has. */
static size_t heap_usable_size(const void *pointer) {
    if (!is_frozen(pointer))
        return malloc_usable_size((void *)pointer);
    return frozen_heap.ctx == NULL ? *size_of(pointer) : 0;
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
