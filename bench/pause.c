/*
 * The program every runtime of the benchmark starts: it does nothing, prints nothing and waits for its end.
 * For urunc it stands in the place of the monitor, so that the boot time of a real monitor is not measured.
 */
#include <unistd.h>

int main(void)
{
	for (;;)
		pause();
}
