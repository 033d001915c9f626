/*
 * The program every runtime of the benchmark starts: it does nothing, prints nothing and waits for its end.
 * For urunc it stands in the place of the monitor spt, so that the boot time of a real monitor is not measured, and
 * answers --version as that one does: in 0.12.1.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return fputs("pause tender, version v0.12.1\n", stderr) < 0;
	for (;;)
		pause();
}
