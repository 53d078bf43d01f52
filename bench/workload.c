/* workload.c - the work whose slowing down is measured; runs inside a container, static.
 *
 * Each command does COUNT rounds and prints the nanoseconds that one round took.  Nothing here
 * knows of a recorder.  Sockets are on the loopback of the container alone. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FILES 200u

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void name_of(char *name, size_t n, const char *stem, uint64_t number)
{
	(void)snprintf(name, n, "%s-%d-%" PRIu64, stem, (int)getpid(), number); /* short names */
}

static void make_files(void)
{
	char name[64];

	for (unsigned i = 0; i < FILES; i++) {
		(void)snprintf(name, sizeof(name), "open-%u", i); /* short names */
		int fd = open(name, O_WRONLY | O_CREAT, 0644);

		if (fd < 0)
			die(name);
		close(fd);
	}
}

static void open_round(uint64_t i, int flags)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "open-%u", (unsigned)(i % FILES)); /* short names */
	int fd = open(name, flags);

	if (fd < 0)
		die(name);
	close(fd);
}

static void work_open(uint64_t rounds)
{
	for (uint64_t i = 0; i < rounds; i++)
		open_round(i, O_RDONLY);
}

static void work_open_write(uint64_t rounds)
{
	for (uint64_t i = 0; i < rounds; i++)
		open_round(i, O_WRONLY);
}

static void work_exec(uint64_t rounds)
{
	for (uint64_t i = 0; i < rounds; i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			execl("/proc/self/exe", "workload", "nop", (char *)NULL);
			_exit(127);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
			die("fork and exec");
	}
}

static void work_write(uint64_t rounds)
{
	char block[4096], from[64], to[64];

	memset(block, 'x', sizeof(block));
	for (uint64_t i = 0; i < rounds; i++) {
		name_of(from, sizeof(from), "new", i);
		name_of(to, sizeof(to), "old", i);
		memcpy(block, to, strlen(to)); /* no two contents are the same */
		memcpy(block + 512, &(uint64_t){now_ns()}, 8);
		int fd = open(from, O_WRONLY | O_CREAT | O_EXCL, 0644);

		if (fd < 0 || write(fd, block, sizeof(block)) != sizeof(block) || close(fd) != 0)
			die(from);
		if (rename(from, to) != 0 || unlink(to) != 0)
			die(to);
	}
}

/* Both ends in one process: between two, the time is the scheduler's. */
static void work_tcp(uint64_t rounds)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t n = sizeof(at);
	struct linger at_once = {1, 0};

	if (listener < 0 || bind(listener, (struct sockaddr *)&at, n) != 0 ||
	    listen(listener, 128) != 0 || getsockname(listener, (struct sockaddr *)&at, &n) != 0)
		die("listen");
	for (uint64_t i = 0; i < rounds; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), other;

		if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0)
			die("connect");
		other = accept(listener, NULL, NULL);
		if (other < 0)
			die("accept");
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)); /* no TIME_WAIT */
		close(fd);
		close(other);
	}
	close(listener);
}

/* As many events as two system calls a round can make: none is a repeat of another. */
static void work_churn(uint64_t rounds)
{
	char name[64];

	for (uint64_t i = 0; i < rounds; i++) {
		name_of(name, sizeof(name), "churn", i);
		if (mkdir(name, 0755) != 0 || rmdir(name) != 0)
			die(name);
	}
}

static void work_null(uint64_t rounds)
{
	for (uint64_t i = 0; i < rounds; i++)
		(void)syscall(SYS_getppid); /* the cheapest real system call */
}

/* Runs a whole command once: for builds and archives. */
static int work_command(char **argv)
{
	uint64_t begin = now_ns();
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, 1);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		die(argv[0]);
	printf("%" PRIu64 "\n", now_ns() - begin);
	return 0;
}

static const struct {
	const char *name;
	void (*run)(uint64_t rounds);
} works[] = {
	{"null", work_null},   {"open", work_open},   {"open-write", work_open_write},
	{"exec", work_exec},   {"write", work_write}, {"tcp", work_tcp},
	{"churn", work_churn},
};

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "nop") == 0)
		return 0;
	if (argc >= 3 && strcmp(argv[1], "run") == 0)
		return work_command(argv + 2);
	for (size_t i = 0; argc == 3 && i < sizeof(works) / sizeof(works[0]); i++) {
		if (strcmp(argv[1], works[i].name) != 0)
			continue;
		uint64_t rounds = strtoull(argv[2], NULL, 10), begin;

		if (strncmp(argv[1], "open", 4) == 0)
			make_files();
		begin = now_ns();
		works[i].run(rounds);
		printf("%" PRIu64 "\n", (now_ns() - begin) / (rounds ? rounds : 1));
		return 0;
	}
	fprintf(stderr, "usage: workload null|open|open-write|exec|write|tcp|churn ROUNDS\n"
			"       workload run COMMAND ...\n");
	return 2;
}
