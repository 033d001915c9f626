/*
 * Measures how long programs take from posix_spawn(3) to wait4(2), taking turns, and the memory they reach.
 *
 *   gcc -O2 -o startup tests/engine/startup.c && ./startup RUNS PROGRAM... ; an argument "--" separates programs with arguments
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_PROGRAMS 32

extern char **environ;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int ascending(const void *a, const void *b) {
    double difference = *(const double *)a - *(const double *)b;
    return (difference > 0) - (difference < 0);
}

int main(int argc, char **argv) {
    char **programs[MAX_PROGRAMS];
    double *times[MAX_PROGRAMS];
    struct rusage usage[MAX_PROGRAMS];
    int count = 0, runs = argc > 2 ? atoi(argv[1]) : 0;
    if (runs <= 0) {
        fprintf(stderr, "usage: startup RUNS PROGRAM [ARGUMENT...] [-- PROGRAM [ARGUMENT...]]...\n");
        return 1;
    }
    for (int i = 2; i < argc && count < MAX_PROGRAMS; i++) {
        programs[count] = &argv[i];
        times[count++] = calloc((size_t)runs, sizeof(double));
        while (i < argc && strcmp(argv[i], "--") != 0)
            i++;
        if (i < argc)
            argv[i] = NULL;
    }
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    for (int run = 0; run < runs; run++)
        for (int i = 0; i < count; i++) {
            pid_t pid;
            int status;
            double start = now();
            if (posix_spawn(&pid, programs[i][0], &actions, NULL, programs[i], environ) != 0 ||
                wait4(pid, &status, 0, &usage[i]) != pid) {
                perror(programs[i][0]);
                return 1;
            }
            times[i][run] = now() - start;
        }
    printf("%8s %8s %8s %8s\n", "min ms", "median", "RSS kB", "faults");
    for (int i = 0; i < count; i++) {
        qsort(times[i], (size_t)runs, sizeof(double), ascending);
        printf("%8.3f %8.3f %8ld %8ld  %s\n", times[i][0], times[i][runs / 2], usage[i].ru_maxrss, usage[i].ru_minflt,
               programs[i][0]);
    }
    return 0;
}
