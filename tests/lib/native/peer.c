/*
 * The other side of a tap, as a guest has it: sends each line of its standard input, a frame in hexadecimal digits, and
 * prints each frame that comes out, until its input ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static unsigned char frame[65536];

static void print_frame(int tap) {
    ssize_t length = read(tap, frame, sizeof frame);
    if (length <= 0)
        return;
    for (ssize_t i = 0; i < length; i++)
        printf("%02x", frame[i]);
    putchar('\n');
    fflush(stdout);
}

/* One line at a time: nothing may stay in a buffer that poll(2) does not see. */
static int read_line(char *line, size_t size) {
    size_t length = 0;
    while (length < size - 1) {
        ssize_t count = read(0, line + length, 1);
        if (count <= 0)
            return 0;
        if (line[length] == '\n')
            break;
        length++;
    }
    line[length] = '\0';
    return 1;
}

int main(int argc, char **argv) {
    static char line[2 * sizeof frame + 2];
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    int tap = open("/dev/net/tun", O_RDWR);
    if (argc != 2 || tap < 0) {
        perror("usage: peer TAP: /dev/net/tun");
        return 1;
    }
    strncpy(request.ifr_name, argv[1], sizeof request.ifr_name - 1);
    if (ioctl(tap, TUNSETIFF, &request) < 0) {
        perror(argv[1]);
        return 1;
    }
    puts("ready");
    fflush(stdout);
    for (;;) {
        struct pollfd sides[] = {{.fd = 0, .events = POLLIN}, {.fd = tap, .events = POLLIN}};
        if (poll(sides, 2, -1) < 0 && errno != EINTR)
            return 1;
        if (sides[1].revents != 0)
            print_frame(tap);
        if (sides[0].revents == 0)
            continue;
        if (!read_line(line, sizeof line))
            return 0;
        size_t length = strlen(line) / 2;
        for (size_t i = 0; i < length; i++)
            sscanf(line + 2 * i, "%2hhx", &frame[i]);
        if (write(tap, frame, length) < 0) {
            perror("write");
            return 1;
        }
    }
}
