#include "address.h"

#include "text.h"

bool parse_ipv4(const char *text, unsigned char bytes[4]) {
  unsigned value = 0, digits = 0, index = 0;
  for (;; text++) {
    if (*text >= '0' && *text <= '9' && digits < 3) {
      value = value * 10 + (unsigned)(*text - '0');
      digits++;
    } else if ((*text == '.' || *text == '\0') && digits > 0 && value < 256 && index < 4) {
      bytes[index++] = (unsigned char)value;
      value = digits = 0;
      if (*text == '\0') return index == 4;
    } else {
      return false;
    }
  }
}

static int hex(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

/* RFC 4291, 2.2: eight groups, of which `::` leaves out the zeros once. */
bool parse_ipv6(const char *text, unsigned char bytes[16], unsigned *prefix) {
  unsigned count = 0, gap = 8;
  for (unsigned i = 0; i < 16; i++) bytes[i] = 0;
  if (text[0] == ':' && text[1] == ':') {
    gap = 0;
    text += 2;
  }
  while (hex(*text) >= 0) {
    unsigned value = 0, digits = 0;
    for (; hex(*text) >= 0; text++, digits++) value = value * 16 + (unsigned)hex(*text);
    if (digits > 4 || count == 8) return false;
    bytes[2 * count] = (unsigned char)(value >> 8);
    bytes[2 * count + 1] = (unsigned char)value;
    count++;
    if (*text != ':') break;
    text++;
    if (*text == ':') {
      if (gap < 8) return false;
      gap = count;
      text++;
    } else if (hex(*text) < 0) {
      return false;
    }
  }
  if (gap == 8 ? count != 8 : count > 7) return false;
  for (unsigned moved = 0; gap < 8 && moved < 2 * (count - gap); moved++) {
    unsigned from = 2 * count - 1 - moved;
    bytes[15 - moved] = bytes[from];
    bytes[from] = 0;
  }
  if (*text == '\0') return prefix == NULL;
  return *text == '/' && prefix != NULL && parse_number(text + 1, prefix) && *prefix <= 128;
}
