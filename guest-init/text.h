/* Texts: NUL-terminated, in buffers of fixed size. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

size_t length_of(const char *text);
bool equal(const char *a, const char *b);
bool starts_with(const char *text, const char *start);
bool is_before(const char *a, const char *b);
/* Joins texts, the last of them NULL; false when the buffer is too small, which then has an empty text. */
bool join(char *buffer, size_t size, const char *const *parts);
/* A decimal number up to 2^32-2; false for anything else. */
bool parse_number(const char *text, unsigned *number);
/* Writes texts, the last of them NULL, and a newline to standard error as one line. */
void say(const char *const *parts);
const char *number_text(long number, char buffer[24]);

#define PARTS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define SAY(...) say(PARTS(__VA_ARGS__))
