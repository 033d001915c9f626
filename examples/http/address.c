/*
 * Unikraft's network parameter: netdev.ip=ADDRESS/PREFIX[:GATEWAY[:DNS0[:DNS1[...]]]], one entry a nic; several stand
 * in a list, netdev.ip=[ ENTRY ENTRY ], or in parameters of their own. Replies go back to where a frame came from, so
 * no more than the address is needed here.
 */
#include "net.h"

/* A decimal number up to `most` without a sign or leading zeros. */
static bool small_number(const char **text, unsigned most, unsigned *value) {
  const char *at = *text;
  *value = 0;
  for (; *at >= '0' && *at <= '9'; at++) {
    *value = *value * 10 + (unsigned)(*at - '0');
    if (*value > most || (at != *text && **text == '0')) return false;
  }
  bool any = at != *text;
  *text = at;
  return any;
}

static bool read_address(const char *text, struct address *address) {
  address->ip = 0;
  for (int i = 0; i < 4; i++) {
    unsigned part;
    if ((i && *text++ != '.') || !small_number(&text, 255, &part)) return false;
    address->ip = address->ip << 8 | part;
  }
  if (*text++ != '/' || !small_number(&text, 32, &address->prefix)) return false;
  return !*text || *text == ':';
}

int addresses_read(const struct cmdline *cmdline, struct address *addresses, const char **wrong) {
  bool in_list = false;
  int count = 0;
  for (int i = 0; i < cmdline->parameterc; i++) {
    const char *word = cmdline->words[i];
    if (text_starts(word, "netdev.ip=")) {
      word += 10;
      in_list = *word == '[';
      if (in_list) word++;
    } else if (!in_list) {
      continue;
    }
    if (text_equal(word, "]")) in_list = false;
    else if (*word && count < MAX_NICS && !read_address(word, &addresses[count++])) {
      *wrong = word;
      return -1;
    }
  }
  return count;
}
