/*
 * Reference counts of what lies in the frozen heap (heap.h) are not written: a count that goes up and down again would cost
 * the copy of a page, and nothing there is ever freed. engine/immortal.mjs puts these functions into QuickJS.
 *
 * In the freezer and in programs without a frozen heap the range is empty and all counts are ordinary ones.
 */
#ifndef URUNC_IMMORTAL_H
#define URUNC_IMMORTAL_H

#include <stdint.h>

/* Their addresses are the values, known to the linker: the comparison needs no memory. */
extern const char immortal_start[], immortal_size[];

static inline int is_immortal(const void *object) {
    return (uintptr_t)object - (uintptr_t)immortal_start < (uintptr_t)immortal_size;
}

static inline void count_up(int *count) {
    if (!is_immortal(count))
        ++*count;
}

/* The count afterwards, which is never 0 for an immortal. */
static inline int count_down(int *count) {
    return is_immortal(count) ? 1 : --*count;
}

/* May the object be changed in place? The count of an immortal does not tell who else has it. */
static inline int is_shared(const int *count) {
    return is_immortal(count) || *count != 1;
}

#endif
