/* Files by path. Failures are -errno. */
#pragma once

#include <stddef.h>

/* The whole file as text; -EFBIG when it has `size` bytes or more. Answers its length. */
long read_file(const char *path, char *buffer, size_t size);
long write_file(const char *path, const char *text);
/* mkdir -p, mode 0755; directories that are there are left as they are. */
long make_directories(const char *path);

/* Calls `visit` for each name in a directory but `.` and `..`, until it answers false. */
long each_entry(const char *path, _Bool (*visit)(const char *name, void *context), void *context);

/* Sleeps that many milliseconds. */
void pause_for(long milliseconds);
