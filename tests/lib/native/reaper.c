/*
 * reaper FILE PROGRAM [ARGUMENT...]
 *
 * Runs the program as the child subreaper, as containerd's shim is one: containers whose runtime has exited become our
 * children. Each of them that ends is written to FILE as a line "PID exit STATUS" or "PID signal NUMBER".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t program;

static void forward(int number)
{
	if (program > 0)
		kill(program, number);
}

int main(int argc, char **argv)
{
	char own_pid[32], line[64];
	int file;

	if (argc < 3) {
		fprintf(stderr, "usage: reaper FILE PROGRAM [ARGUMENT...]\n");
		return 2;
	}
	file = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (file < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1)) {
		fprintf(stderr, "reaper: %s: %s\n", argv[1], strerror(errno));
		return 2;
	}
	snprintf(own_pid, sizeof own_pid, "%d", (int)getpid());
	setenv("URUNC_TEST_REAPER", own_pid, 1);
	setenv("URUNC_TEST_REAPED", argv[1], 1);
	program = fork();
	if (program == 0) {
		execvp(argv[2], argv + 2);
		fprintf(stderr, "reaper: %s: %s\n", argv[2], strerror(errno));
		_exit(127);
	}
	signal(SIGTERM, forward);
	signal(SIGINT, SIG_IGN);
	for (;;) {
		int status, length;
		pid_t got = waitpid(-1, &status, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return 2;
		if (got == program)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		length = WIFEXITED(status) ? snprintf(line, sizeof line, "%d exit %d\n", got, WEXITSTATUS(status))
					   : snprintf(line, sizeof line, "%d signal %d\n", got, WTERMSIG(status));
		if (write(file, line, length) != length)
			return 2;
	}
}
