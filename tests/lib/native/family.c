/* Stands for a monitor that has a child in a session of its own. Both wait; the child's name is "child". */
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return 0;
    if (fork() == 0) {
        prctl(PR_SET_NAME, "child");
        setsid();
    }
    for (;;)
        pause();
}
