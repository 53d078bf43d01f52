/* main.c - the one binary: finds the command and runs it. */
#include <stdio.h>

int main(void)
{
	(void)fprintf(stderr,
		      "amber " AMBER_VERSION "\n"); /* nothing to do about a closed stderr */
	return 2;
}
