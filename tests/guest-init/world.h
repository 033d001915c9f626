/*
 * What the tests of guest-init share. Each test runs in a process of its own, whose guest-init speaks to a kernel of the
 * tests: files are those below a directory of the test, mounts and network requests are only written down.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* One test; a sentence and a function that fails by `check`. */
struct test {
  const char *name;
  void (*run)(void);
  /* Exit status that the test ends with; 0, or that of end_machine. */
  int status;
};

/* Ends the test, naming the line, when the condition is false. */
#define check(condition) check_that((condition), #condition, __FILE__, __LINE__)
void check_that(bool condition, const char *text, const char *file, int line);
/* Compares texts and shows both when they differ. */
#define check_text(found, wanted) check_same((found), (wanted), __FILE__, __LINE__)
void check_same(const char *found, const char *wanted, const char *file, int line);

/* Makes a file, with its directories, in the world: "/sys/class/net/eth0/address". */
void world_file(const char *path, const char *content);
/* The calls that the world only writes down, one a line, since the last time it was asked: "rename eth0 lan0". */
const char *world_calls(void);
/* Answers `result` (-errno) to the call whose line in world_calls() would be `line`; `times` times. */
void world_refuses(const char *line, long result, int times);
/* Runs the action; false when it has ended the machine. */
bool world_survives(void (*action)(void));
/* Content of the file that was mounted last. */
const char *world_mounted(void);
/* All that guest-init has said. */
const char *world_said(void);
/* Content of a file in the world; empty when there is none. */
const char *world_content(const char *path);

extern const struct test text_tests[], config_tests[], device_tests[];
