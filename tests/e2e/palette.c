/* palette.c - does one thing of each kind that a recorder must see, named by its argument.
 *
 * For the end-to-end tests: built statically, so that it runs in any root.  It says `NAME ok` or
 * `NAME refused ERRNO`, and ends with 0 in both cases: what is refused is recorded too. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in loopback(const char *port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return to;
}

static int do_connect(const char *port)
{
	struct sockaddr_in to = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return connect(fd, (struct sockaddr *)&to, sizeof(to));
}

static int do_udp(const char *port)
{
	struct sockaddr_in to = loopback(port);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	return (int)sendto(fd, "hello", 5, 0, (struct sockaddr *)&to, sizeof(to));
}

/* In a process of its own, which afterwards may do less. */
static int in_child(int (*what)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(what() < 0 ? errno : 0);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	errno = WEXITSTATUS(status);
	return errno ? -1 : 0;
}

static int change_user(void)
{
	return setresuid(1234, 1234, 1234);
}

static int mount_without_right(void)
{
	if (setresuid(1234, 1234, 1234) < 0)
		return -1;
	(void)unshare(CLONE_NEWUSER); /* recorded, refused or not */
	return mount("none", "/root", "tmpfs", 0, NULL);
}

static int trace_child(void)
{
	int status, r;
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	r = (int)ptrace(PTRACE_SEIZE, pid, NULL, NULL);
	kill(pid, SIGKILL);
	(void)waitpid(pid, &status, 0); /* only reaped */
	return r;
}

static int run_from_memory(void)
{
	static char *argv[] = {"from-memory", "true", NULL}, *env[] = {NULL};
	char block[65536];
	ssize_t n;
	int in = open("/proc/self/exe", O_RDONLY), out = memfd_create("ghost", MFD_CLOEXEC), status;
	pid_t pid;

	while ((n = read(in, block, sizeof(block))) > 0)
		if (write(out, block, (size_t)n) != n)
			return -1;
	pid = fork();
	if (pid == 0) {
		fexecve(out, argv, env);
		_exit(errno);
	}
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	errno = WEXITSTATUS(status);
	return errno ? -1 : 0;
}

static int make_code(void)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? -1 : mprotect(at, 4096, PROT_READ | PROT_EXEC);
}

/* A path of as many bytes as the kernel takes: PATH_MAX with the NUL. */
static int deep_path(void)
{
	static char path[4096];
	size_t n = 4;

	memcpy(path, "/tmp", 4);
	while (n + 201 < sizeof(path) - 1) {
		path[n++] = '/';
		memset(path + n, 'd', 200);
		n += 200;
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return -1;
	}
	path[n++] = '/';
	memset(path + n, 'f', sizeof(path) - 1 - n);
	return open(path, O_WRONLY | O_CREAT, 0600);
}

/* More arguments than the recorder keeps: 20 of 100,000 bytes. */
static int long_argv(void)
{
	static char *argv[22], *env[] = {NULL};
	int status;
	pid_t pid;

	argv[0] = "long-argv";
	for (int i = 1; i <= 20; i++) {
		argv[i] = malloc(100001);
		memset(argv[i], 'a' + i, 100000);
		argv[i][100000] = '\0';
	}
	argv[1][0] = '\0'; /* the program does nothing */
	pid = fork();
	if (pid == 0) {
		execve("/proc/self/exe", argv, env);
		_exit(errno);
	}
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	errno = WEXITSTATUS(status);
	return errno ? -1 : 0;
}

static int odd_names(void)
{
	static const char *const names[] = {"/tmp/new\nline", "/tmp/quote\"'\\",
					    "/tmp/esc\033[31mred\033]0;x\007",
					    "/tmp/bad\xff\xfe\x80utf8",
					    "/tmp/rtl\xe2\x80\xae"
					    "txt.exe"};
	int fd;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		fd = open(names[i], O_WRONLY | O_CREAT, 0600);
		if (fd < 0 || write(fd, names[i], strlen(names[i])) < 0 || close(fd) < 0)
			return -1;
	}
	return 0;
}

static int fork_storm(void)
{
	time_t end = time(NULL) + 3;
	unsigned long n = 0;

	for (; time(NULL) < end; n++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		if (pid > 0)
			(void)waitpid(pid, NULL, 0); /* only reaped */
	}
	printf("forks %lu\n", n);
	return 0;
}

static int in_this(const char *name, const char *arg)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} deeds[] = {
		{"ptrace", trace_child},    {"memfd", run_from_memory}, {"code", make_code},
		{"deep", deep_path},	    {"argv", long_argv},	{"names", odd_names},
		{"fork-storm", fork_storm},
	};

	if (strcmp(name, "connect") == 0)
		return do_connect(arg);
	if (strcmp(name, "udp") == 0)
		return do_udp(arg);
	if (strcmp(name, "setuid") == 0)
		return in_child(change_user);
	if (strcmp(name, "mount") == 0)
		return in_child(mount_without_right);
	for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++)
		if (strcmp(name, deeds[i].name) == 0)
			return deeds[i].run();
	return 0;
}

/* palette [NAME[:ARGUMENT]]... */
int main(int argc, char **argv)
{
	for (int i = 1; i < argc && argv[i][0] && strcmp(argv[i], "true") != 0; i++) {
		char *arg = strchr(argv[i], ':');
		int r;

		if (arg)
			*arg++ = '\0';
		r = in_this(argv[i], arg ? arg : "0");
		printf("%s %s %d\n", argv[i], r < 0 ? "refused" : "ok", r < 0 ? errno : 0);
	}
	return 0;
}
