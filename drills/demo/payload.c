/* payload.c - what the demo's "attacker" drops, runs and deletes.
 *
 * Harmless by construction: it connects once to the loopback address and port that the demo itself
 * listens on, sends one line, prints one line, and ends. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static const char line[] = "amber demo payload: hello\n";
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_port = htons((unsigned short)(argc > 1 ? strtoul(argv[1], NULL, 10) : 0));
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
	    write(fd, line, sizeof(line) - 1) == (ssize_t)sizeof(line) - 1)
		puts("miner: connected to pool, hashing (not really)");
	else
		puts("miner: no pool (and it would not have mined anyway)");
	return 0;
}
