/*
 * collector SOCKET
 *
 * Plays journald or a syslog daemon: binds a datagram socket at SOCKET, prints "listening", and then each datagram as a
 * line, whose own line feeds become "|".
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char text[65536];
	ssize_t got;
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	if (argc != 2 || fd < 0 || strlen(argv[1]) >= sizeof address.sun_path)
		return 2;
	strcpy(address.sun_path, argv[1]);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
		return 1;
	printf("listening\n");
	fflush(stdout);
	while ((got = recv(fd, text, sizeof text - 1, 0)) >= 0) {
		text[got] = 0;
		for (char *c = text; (c = strchr(c, '\n')); )
			*c = '|';
		printf("%s\n", text);
		fflush(stdout);
	}
	return 1;
}
