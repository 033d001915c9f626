/*
 * Measures the time from `start` to the guest's first byte of output, and the same for the monitor's command line run
 * by hand, in turn.
 *
 *   boot ROUNDS DIRECTORY BUNDLE PROGRAM [GLOBAL OPTION...] -- MONITOR [ARGUMENT...]
 *
 * Output, one record a line, separated by tabs:   boot  ROUND  runtime|hand  NS
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_ARGS 256
#define LIMIT_MS 60000

extern char **environ;

static char **prefix;
static int prefix_length;
static char errors[512];

static long long now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void fail(const char *what)
{
	char buffer[4096];
	FILE *file = fopen(errors, "re");
	size_t got;

	fprintf(stderr, "boot: %s\n", what);
	while (file && (got = fread(buffer, 1, sizeof buffer, file)) > 0)
		fwrite(buffer, 1, got, stderr);
	exit(1);
}

static pid_t launch(char **argv, int output)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int error;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, output, 1);
	posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0600);
	error = posix_spawn(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (error)
		fail(strerror(error));
	return pid;
}

static pid_t launch_verb(char **args, int output)
{
	char *argv[MAX_ARGS];
	int count = 0;

	for (int i = 0; i < prefix_length; i++)
		argv[count++] = prefix[i];
	for (int i = 0; args[i]; i++)
		argv[count++] = args[i];
	argv[count] = NULL;
	return launch(argv, output);
}

static void reap(pid_t pid, const char *what)
{
	int status;
	pid_t got;

	while ((got = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
		;
	if (got != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail(what);
}

static long long first_byte(int fd)
{
	struct pollfd entry = {fd, POLLIN, 0};
	char byte;

	if (poll(&entry, 1, LIMIT_MS) != 1)
		fail("no output of the guest in time");
	if (read(fd, &byte, 1) != 1)
		fail("the guest ended without output");
	return now();
}

static void drain(int fd)
{
	char buffer[4096];
	struct pollfd entry = {fd, POLLIN, 0};

	do {
		if (poll(&entry, 1, LIMIT_MS) != 1)
			fail("the guest does not end");
	} while (read(fd, buffer, sizeof buffer) > 0);
	close(fd);
}

static pid_t read_pid(const char *path)
{
	FILE *file = fopen(path, "re");
	int pid = 0;

	if (!file || fscanf(file, "%d", &pid) != 1 || pid <= 1)
		fail("no pid in the pid file");
	fclose(file);
	return pid;
}

int main(int argc, char **argv)
{
	int rounds, split;
	char pid_file[512];

	for (split = 5; split < argc && strcmp(argv[split], "--") != 0; split++)
		;
	if (split >= argc - 1 || split > MAX_ARGS - 8 || (rounds = atoi(argv[1])) <= 0) {
		fprintf(stderr, "usage: boot ROUNDS DIRECTORY BUNDLE PROGRAM [OPTION...] -- MONITOR [ARGUMENT...]\n");
		return 1;
	}
	prefix = argv + 4;
	prefix_length = split - 4;
	if (snprintf(pid_file, sizeof pid_file, "%s/boot.pid", argv[2]) >= (int)sizeof pid_file)
		return 1;
	if (snprintf(errors, sizeof errors, "%s/boot.stderr", argv[2]) >= (int)sizeof errors)
		return 1;
	if (prctl(PR_SET_CHILD_SUBREAPER, 1)) {
		perror("boot: prctl");
		return 1;
	}
	/* Round -1 warms the page cache and is not reported. */
	for (int round = -1; round < rounds; round++) {
		char id[64];
		int output[2], nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
		long long begin, by_runtime, by_hand;
		pid_t init, start, hand;

		snprintf(id, sizeof id, "boot-%d-%d", (int)getpid(), round);
		if (nothing < 0 || pipe2(output, O_CLOEXEC))
			fail("pipe");
		reap(launch_verb((char *[]){"create", "--bundle", argv[3], "--pid-file", pid_file, id, NULL}, output[1]), "create failed");
		close(output[1]);
		init = read_pid(pid_file);
		begin = now();
		start = launch_verb((char *[]){"start", id, NULL}, nothing);
		by_runtime = first_byte(output[0]) - begin;
		reap(start, "start failed");
		drain(output[0]);
		reap(init, "the monitor failed");
		reap(launch_verb((char *[]){"delete", id, NULL}, nothing), "delete failed");

		if (pipe2(output, O_CLOEXEC))
			fail("pipe");
		begin = now();
		hand = launch(argv + split + 1, output[1]);
		close(output[1]);
		by_hand = first_byte(output[0]) - begin;
		drain(output[0]);
		reap(hand, "the monitor run by hand failed");
		close(nothing);

		if (round >= 0)
			printf("boot\t%d\truntime\t%lld\nboot\t%d\thand\t%lld\n", round, by_runtime, round, by_hand);
		fflush(stdout);
	}
	return 0;
}
