#include "text.h"

#include "system.h"

size_t length_of(const char *text) {
  size_t length = 0;
  while (text[length] != '\0') length++;
  return length;
}

bool equal(const char *a, const char *b) {
  while (*a != '\0' && *a == *b) a++, b++;
  return *a == *b;
}

bool starts_with(const char *text, const char *start) {
  while (*start != '\0')
    if (*text++ != *start++) return false;
  return true;
}

bool is_before(const char *a, const char *b) {
  while (*a != '\0' && *a == *b) a++, b++;
  return (unsigned char)*a < (unsigned char)*b;
}

bool join(char *buffer, size_t size, const char *const *parts) {
  size_t used = 0;
  for (; *parts != NULL; parts++) {
    for (const char *from = *parts; *from != '\0'; from++) {
      if (used + 1 >= size) {
        buffer[0] = '\0';
        return false;
      }
      buffer[used++] = *from;
    }
  }
  buffer[used] = '\0';
  return true;
}

bool parse_number(const char *text, unsigned *number) {
  unsigned long value = 0;
  if (*text == '\0') return false;
  for (; *text != '\0'; text++) {
    if (*text < '0' || *text > '9') return false;
    value = value * 10 + (unsigned long)(*text - '0');
    if (value >= 0xffffffff) return false;
  }
  *number = (unsigned)value;
  return true;
}

const char *number_text(long number, char buffer[24]) {
  char *at = buffer + 23;
  unsigned long rest = number < 0 ? 0ul - (unsigned long)number : (unsigned long)number;
  *at = '\0';
  do *--at = (char)('0' + rest % 10);
  while ((rest /= 10) != 0);
  if (number < 0) *--at = '-';
  return at;
}

void say(const char *const *parts) {
  char line[512];
  size_t length = 0;
  /* A long line is cut: its beginning says what is wrong. */
  for (; *parts != NULL; parts++)
    for (const char *from = *parts; *from != '\0' && length + 1 < sizeof line; from++) line[length++] = *from;
  line[length] = '\n';
  CALL(write, 2, line, length + 1);
}
