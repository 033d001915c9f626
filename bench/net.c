/*
 * Measures the way to a guest that answers ping and serves HTTP, from the network namespace it is called in.
 *
 *   net ADDRESS PINGS REQUESTS TRANSFERS
 *
 * Output, one record a line, separated by tabs:
 *   ping      NS         from the echo request to its reply
 *   request   NS         GET /, from connect() to the end of the connection
 *   transfer  NS  BYTES  GET /big, the same
 *
 * Everything is done in turn, one thing under way at a time. A reply or a byte that does not come is an error.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_SECONDS 10

static struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = 0};

static long long now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void fail(const char *what)
{
	fprintf(stderr, "net: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int open_socket(int type, int protocol)
{
	const struct timeval limit = {LIMIT_SECONDS, 0};
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, protocol);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit))
		fail("socket");
	return fd;
}

static unsigned short checksum(const unsigned short *words, int count)
{
	unsigned int sum = 0;

	while (count--)
		sum += *words++;
	sum = (sum >> 16) + (sum & 0xffff);
	return (unsigned short)~(sum + (sum >> 16));
}

/* The raw socket sees all ICMP of the namespace, so replies are told by identifier and number. */
static void ping(int fd, unsigned short number)
{
	struct {
		struct icmphdr header;
		char payload[56];
	} message = {0};
	unsigned char buffer[2048];
	unsigned short id = (unsigned short)getpid();
	long long begin;

	message.header.type = ICMP_ECHO;
	message.header.un.echo.id = id;
	message.header.un.echo.sequence = number;
	message.header.checksum = checksum((const unsigned short *)&message, sizeof message / 2);
	begin = now();
	if (sendto(fd, &message, sizeof message, 0, (struct sockaddr *)&peer, sizeof peer) != sizeof message)
		fail("send the ping");
	for (;;) {
		ssize_t got = recv(fd, buffer, sizeof buffer, 0);
		long long end = now();
		size_t header = (buffer[0] & 15) * 4u;
		struct icmphdr reply;

		if (got < 0)
			fail("no reply to the ping");
		if ((size_t)got < header + sizeof reply)
			continue;
		memcpy(&reply, buffer + header, sizeof reply);
		if (reply.type != ICMP_ECHOREPLY || reply.un.echo.id != id || reply.un.echo.sequence != number)
			continue;
		printf("ping\t%lld\n", end - begin);
		return;
	}
}

/* Gets a page; returns the number of bytes with their header. */
static long long get(const char *path)
{
	static char buffer[1 << 16];
	struct sockaddr_in server = peer;
	char request[256];
	long long bytes = 0;
	ssize_t got;
	int fd = open_socket(SOCK_STREAM, 0);
	int length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: guest\r\n\r\n", path);

	server.sin_port = htons(80);
	if (connect(fd, (struct sockaddr *)&server, sizeof server))
		fail("connect");
	if (write(fd, request, (size_t)length) != length)
		fail("send the request");
	while ((got = read(fd, buffer, sizeof buffer)) > 0) {
		if (bytes == 0 && (got < 13 || memcmp(buffer, "HTTP/1.1 200 ", 13) != 0)) {
			errno = EPROTO;
			fail("the answer is no page");
		}
		bytes += got;
	}
	if (got < 0)
		fail("read the page");
	close(fd);
	return bytes;
}

int main(int argc, char **argv)
{
	int pings, requests, transfers, raw;

	if (argc != 5 || inet_pton(AF_INET, argv[1], &peer.sin_addr) != 1) {
		fprintf(stderr, "usage: net ADDRESS PINGS REQUESTS TRANSFERS\n");
		return 1;
	}
	pings = atoi(argv[2]);
	requests = atoi(argv[3]);
	transfers = atoi(argv[4]);
	raw = open_socket(SOCK_RAW, IPPROTO_ICMP);
	for (int i = 0; i < pings; i++)
		ping(raw, (unsigned short)i);
	for (int i = 0; i < requests; i++) {
		long long begin = now();

		get("/");
		printf("request\t%lld\n", now() - begin);
	}
	for (int i = 0; i < transfers; i++) {
		long long begin = now(), bytes = get("/big");

		printf("transfer\t%lld\t%lld\n", now() - begin, bytes);
	}
	return 0;
}
