/*
 * pty PROGRAM [ARGUMENT...]
 *
 * Runs the program with a terminal of its own (80 x 25) as controlling terminal, copies between the terminal and our
 * standard input and output, and exits with the program's status.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct winsize size = {.ws_row = 25, .ws_col = 80};
	struct pollfd entries[2];
	char buffer[4096];
	int master, status;
	pid_t child;

	if (argc < 2)
		return 2;
	child = forkpty(&master, NULL, NULL, &size);
	if (child < 0)
		return 2;
	if (child == 0) {
		execvp(argv[1], argv + 1);
		fprintf(stderr, "pty: %s: %s\n", argv[1], strerror(errno));
		_exit(127);
	}
	entries[0] = (struct pollfd){master, POLLIN, 0};
	entries[1] = (struct pollfd){0, POLLIN, 0};
	for (;;) {
		ssize_t got;

		if (poll(entries, 2, -1) < 0)
			return 2;
		if (entries[0].revents) {
			got = read(master, buffer, sizeof buffer);
			if (got <= 0)
				break;
			if (write(1, buffer, got) != got)
				return 2;
		}
		if (entries[1].revents) {
			got = read(0, buffer, sizeof buffer);
			if (got <= 0)
				entries[1].fd = -1;
			else if (write(master, buffer, got) != got)
				return 2;
		}
	}
	if (waitpid(child, &status, 0) != child)
		return 2;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
