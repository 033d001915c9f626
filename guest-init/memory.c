/* The two functions of a C library that the compiler calls by name. */
#include <stddef.h>

/* Without it gcc would make of the loops below a call of the function that they are in. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#endif

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memset(void *at, int value, size_t size);

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
  char *target = to;
  const char *source = from;
  for (size_t i = 0; i < size; i++) target[i] = source[i];
  return to;
}

void *memset(void *at, int value, size_t size) {
  char *target = at;
  for (size_t i = 0; i < size; i++) target[i] = (char)value;
  return at;
}
