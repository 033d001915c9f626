/*
 * Stands for a monitor that a guest has taken over: fills its temporary directory with files until it may make no more,
 * and tells how many there are and why it ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void) {
    char path[64];
    int count = 0;
    for (;; count++) {
        snprintf(path, sizeof path, "/tmp/%d", count);
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
        if (fd < 0)
            break;
        close(fd);
        if (count == 1 << 20)
            break;
    }
    printf("files %d %s\n", count, strerror(errno));
    return 0;
}
