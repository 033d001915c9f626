/* Internet addresses as text (inet(3)). */
#pragma once

#include <stdbool.h>

/* Dotted decimal. */
bool parse_ipv4(const char *text, unsigned char bytes[4]);
/* Groups of hexadecimal digits with colons, and `/prefix` where `prefix` is not NULL. */
bool parse_ipv6(const char *text, unsigned char bytes[16], unsigned *prefix);
