/*
 * Runs the verbs of several OCI runtimes interleaved and measures them from outside.
 *
 *   lifecycle ROUNDS DIRECTORY SUBJECT...      SUBJECT = -- NAME BUNDLE PROGRAM [GLOBAL OPTION...]
 *
 * It is the child subreaper, as containerd's shim is, and reaps the container's init itself. It is small and static,
 * because the kernel counts the parent's memory at the time of exec as the least "max RSS" of a child.
 *
 * Output, one record a line, separated by tabs:
 *   verb     ROUND  NAME  create|start|kill|delete  WALL_NS  USER_US  SYSTEM_US  MAX_RSS_KB
 *   waiting  ROUND  NAME  RSS_KB  ANONYMOUS_KB
 *
 * `kill` lasts from the start of the verb until both the verb has returned and the init is reaped.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_SUBJECTS 16
#define MAX_ARGS 32

struct subject {
	const char *name;
	const char *bundle;
	char **command;
	int command_length;
};

struct measure {
	long long wall;
	struct rusage usage;
};

extern char **environ;

static char id[64];
static pid_t init_pid;
static struct subject *current;
static const char *directory;

static long long now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void path_in(char *out, size_t size, const char *suffix)
{
	if (snprintf(out, size, "%s/%s.%s", directory, current->name, suffix) >= (int)size) {
		fprintf(stderr, "lifecycle: path too long\n");
		exit(1);
	}
}

static void print_file(const char *path)
{
	char buffer[4096];
	FILE *file = fopen(path, "re");
	size_t got;

	if (!file)
		return;
	while ((got = fread(buffer, 1, sizeof buffer, file)) > 0)
		fwrite(buffer, 1, got, stderr);
	fclose(file);
}

static void fail(const char *format, ...)
{
	char path[512];
	va_list args;

	fprintf(stderr, "lifecycle: %s: ", current ? current->name : "setup");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	if (current) {
		path_in(path, sizeof path, "stderr");
		print_file(path);
	}
	if (init_pid > 0)
		kill(init_pid, SIGKILL);
	exit(1);
}

static pid_t launch(char **argv)
{
	posix_spawn_file_actions_t actions;
	char errors[512];
	pid_t pid;
	int error;

	path_in(errors, sizeof errors, "stderr");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0600);
	error = posix_spawn(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (error)
		fail("cannot run %s: %s", argv[0], strerror(error));
	return pid;
}

/* Runs one verb; with `also` > 0 waits for that process too. */
static struct measure verb(const char *name, pid_t also, char **args)
{
	char *argv[MAX_ARGS];
	struct measure result = {0};
	int count = 0, left = also > 0 ? 2 : 1;
	long long begin;
	pid_t child;

	for (int i = 0; i < current->command_length; i++)
		argv[count++] = current->command[i];
	for (int i = 0; args[i]; i++)
		argv[count++] = args[i];
	argv[count] = NULL;

	begin = now();
	child = launch(argv);
	while (left > 0) {
		struct rusage usage;
		int status;
		pid_t got = wait4(-1, &status, 0, &usage);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			fail("%s: wait4: %s", name, strerror(errno));
		if (got == child) {
			if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
				fail("%s failed: wait status 0x%x", name, status);
			result.usage = usage;
			left--;
		} else if (got == also) {
			left--;
		} else if (got == init_pid) {
			fail("%s: the init ended too early: wait status 0x%x", name, status);
		}
	}
	result.wall = now() - begin;
	return result;
}

static void report(int round, const char *name, struct measure m)
{
	if (round < 0)
		return;
	printf("verb\t%d\t%s\t%s\t%lld\t%lld\t%lld\t%ld\n", round, current->name, name, m.wall,
	       m.usage.ru_utime.tv_sec * 1000000LL + m.usage.ru_utime.tv_usec,
	       m.usage.ru_stime.tv_sec * 1000000LL + m.usage.ru_stime.tv_usec, m.usage.ru_maxrss);
}

static void report_waiting(int round)
{
	char path[64], line[256];
	long rss = -1, anonymous = -1;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", init_pid);
	file = fopen(path, "re");
	if (!file)
		fail("%s: %s", path, strerror(errno));
	while (fgets(line, sizeof line, file)) {
		sscanf(line, "Rss: %ld kB", &rss);
		sscanf(line, "Anonymous: %ld kB", &anonymous);
	}
	fclose(file);
	if (round < 0)
		return;
	printf("waiting\t%d\t%s\t%ld\t%ld\n", round, current->name, rss, anonymous);
}

static void read_pid(const char *path)
{
	FILE *file = fopen(path, "re");
	int pid = 0;

	if (!file || fscanf(file, "%d", &pid) != 1 || pid <= 1)
		fail("no pid in %s", path);
	fclose(file);
	init_pid = pid;
}

static void one_round(int round)
{
	const struct timespec settle = {0, 2000000};
	char pid_file[512], errors[512];
	struct measure created, started, killed, deleted;
	pid_t init;

	path_in(pid_file, sizeof pid_file, "pid");
	path_in(errors, sizeof errors, "stderr");
	unlink(errors);
	snprintf(id, sizeof id, "bench-%s-%d-%d", current->name, (int)getpid(), round);
	init_pid = 0;

	created = verb("create", 0, (char *[]){"create", "--bundle", (char *)current->bundle, "--pid-file", pid_file, id, NULL});
	read_pid(pid_file);
	nanosleep(&settle, NULL);
	report_waiting(round);
	started = verb("start", 0, (char *[]){"start", id, NULL});
	nanosleep(&settle, NULL);
	init = init_pid;
	init_pid = 0;
	killed = verb("kill", init, (char *[]){"kill", id, "KILL", NULL});
	deleted = verb("delete", 0, (char *[]){"delete", id, NULL});
	unlink(pid_file);

	report(round, "create", created);
	report(round, "start", started);
	report(round, "kill", killed);
	report(round, "delete", deleted);
}

int main(int argc, char **argv)
{
	static struct subject subjects[MAX_SUBJECTS];
	int count = 0, rounds;

	if (argc < 7 || (rounds = atoi(argv[1])) <= 0) {
		fprintf(stderr, "usage: lifecycle ROUNDS DIRECTORY -- NAME BUNDLE PROGRAM [OPTION...] [-- ...]\n");
		return 1;
	}
	directory = argv[2];
	for (int i = 3; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			if (count == MAX_SUBJECTS || i + 3 >= argc) {
				fprintf(stderr, "lifecycle: bad list of runtimes\n");
				return 1;
			}
			subjects[count++] = (struct subject){.name = argv[i + 1], .bundle = argv[i + 2], .command = argv + i + 3};
			i += 3;
		}
		if (count == 0 || ++subjects[count - 1].command_length > MAX_ARGS - 8) {
			fprintf(stderr, "lifecycle: bad list of runtimes\n");
			return 1;
		}
	}
	if (prctl(PR_SET_CHILD_SUBREAPER, 1)) {
		perror("lifecycle: prctl");
		return 1;
	}
	/* Round -1 warms the page cache and is not reported; the order turns from round to round. */
	for (int round = -1; round < rounds; round++) {
		for (int i = 0; i < count; i++) {
			current = &subjects[(i + round + 1) % count];
			one_round(round);
		}
		fflush(stdout);
	}
	return 0;
}
