/*
 * console SOCKET
 *
 * Plays the caller's side of --console-socket: listens on SOCKET, prints "listening", accepts one connection, receives
 * one SCM_RIGHTS message, prints "received NAME" with the message's text, and then copies between the terminal and its
 * own standard input and output until the terminal hangs up; then prints "hung up".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void fail(const char *what)
{
	printf("console: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int receive(int connection)
{
	char text[4096];
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int) * 4)];
	} control;
	struct iovec part = {text, sizeof text - 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	ssize_t got = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
	struct cmsghdr *header = got < 0 ? NULL : CMSG_FIRSTHDR(&message);
	int fd;

	if (got < 0)
		fail("recvmsg");
	text[got] = 0;
	if (!header || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(int))) {
		printf("console: the message does not carry exactly one descriptor\n");
		exit(1);
	}
	memcpy(&fd, CMSG_DATA(header), sizeof fd);
	printf("received %s\n", text);
	if (!isatty(fd)) {
		printf("console: the descriptor is no terminal\n");
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct pollfd entries[2];
	char buffer[4096];
	int listener, connection;

	setvbuf(stdout, NULL, _IONBF, 0);
	if (argc != 2 || strlen(argv[1]) >= sizeof address.sun_path)
		return 2;
	strcpy(address.sun_path, argv[1]);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1))
		fail("listen");
	printf("listening\n");
	connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (connection < 0)
		fail("accept");
	entries[0] = (struct pollfd){receive(connection), POLLIN, 0};
	entries[1] = (struct pollfd){0, POLLIN, 0};
	for (;;) {
		ssize_t got;

		if (poll(entries, 2, -1) < 0)
			fail("poll");
		if (entries[0].revents) {
			got = read(entries[0].fd, buffer, sizeof buffer);
			if (got <= 0)
				break;
			fwrite(buffer, 1, got, stdout);
		}
		if (entries[1].revents) {
			got = read(0, buffer, sizeof buffer);
			if (got <= 0)
				entries[1].fd = -1;
			else if (write(entries[0].fd, buffer, got) != got)
				fail("write");
		}
	}
	printf("hung up\n");
	return 0;
}
