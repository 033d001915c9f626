/*
 * Unikraft's command line: kernel parameters, the word `--`, the application's arguments.
 *
 *   Unikraft  env.vars=[ A=1 "B=two words" ] vfs.fstab=[ "initrd0:/:extract:::" ] -- hello "big world"
 *
 * Words are parted by blanks; quotes (" or ') group, anywhere in a word, and are taken away. Without a word `--`
 * every word is an argument, but for a leading `Unikraft`.
 */
#include "unikernel.h"

static char storage[65536];

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/* Splits text into words, which are written to storage; returns how many. */
static int split(const char *text, char **words) {
  char *to = storage, *end = storage + sizeof storage - 1;
  int count = 0;
  for (;;) {
    while (is_blank(*text)) text++;
    if (!*text || count == 2 * CMDLINE_MAX_WORDS || to >= end) return count;
    words[count++] = to;
    char quote = 0;
    for (; *text && (quote || !is_blank(*text)); text++) {
      if (quote && *text == quote) quote = 0;
      else if (!quote && (*text == '"' || *text == '\'')) quote = *text;
      else if (to < end) *to++ = *text;
    }
    *to++ = 0;
  }
}

static void add(char **list, int *count, char *word) {
  if (*count < CMDLINE_MAX_WORDS) list[(*count)++] = word;
}

void cmdline_parse(struct cmdline *result, const char *text) {
  char **words = result->words;
  int count = split(text, words), separator = 0, next = 0;
  result->wordc = count;
  while (separator < count && !text_equal(words[separator], "--")) separator++;

  if (separator < count) {
    result->parameterc = separator;
    bool in_env = false;
    for (int i = 0; i < separator; i++) {
      if (in_env) {
        if (text_equal(words[i], "]")) in_env = false;
        else add(result->env, &result->envc, words[i]);
      } else if (text_starts(words[i], "env.vars=")) {
        char *value = words[i] + 9;
        in_env = *value == '[';
        if (in_env) value++;
        if (*value) add(result->env, &result->envc, value);
      }
    }
    next = separator + 1;
  } else if (count && text_equal(words[0], "Unikraft")) {
    next = 1;
  }
  while (next < count) add(result->argv, &result->argc, words[next++]);
}
