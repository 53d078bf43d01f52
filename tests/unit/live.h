/* live.h - private daemons and the commands that talk to them, for test_runtime_live.c. */
#ifndef AMBER_TESTS_UNIT_LIVE_H
#define AMBER_TESTS_UNIT_LIVE_H

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "runtime/containerd.h"
#include "runtime/docker.h"
#include "test.h"

static char dir[64];
static struct buf out; /* what the last command printed */

static inline const char *below(const char *name)
{
	static char paths[8][512];
	static unsigned turn;
	char *path = paths[turn++ % 8];

	(void)snprintf(path, 512, "%s/%s", dir, name);
	return path;
}

static inline pid_t spawn(char *const *argv, int stdout_fd, const char *log)
{
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);
		int err_fd = open(below(log), O_WRONLY | O_CREAT | O_APPEND, 0644);

		(void)dup2(null, 0);
		(void)dup2(stdout_fd < 0 ? err_fd : stdout_fd, 1);
		(void)dup2(err_fd, 2);
		execvp(argv[0], argv);
		_exit(127);
	}
	return pid;
}

#define ARGS_MAX 48

/* Splits at blanks (no argument here has one) and runs; the exit status.  Output goes to `out`
 * without its last line end. */
static inline int run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline int run(const char *format, ...)
{
	static char line[4096];
	char *argv[ARGS_MAX] = {NULL};
	int ends[2], status = -1, n = 0;
	va_list args;
	pid_t pid;

	va_start(args, format);
	(void)vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	for (char *at = line; *at && n < ARGS_MAX - 1;) {
		argv[n++] = at;
		at += strcspn(at, " ");
		while (*at == ' ')
			*at++ = '\0';
	}
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = spawn(argv, ends[1], "commands.log");
	(void)close(ends[1]);
	buf_clear(&out);
	for (;;) {
		uint8_t *room = buf_room(&out, 4096);
		ssize_t got = room ? read(ends[0], room, 4096) : 0;

		if (got <= 0)
			break;
		out.n += (size_t)got;
	}
	(void)close(ends[0]);
	(void)waitpid(pid, &status, 0);
	while (out.n && out.p[out.n - 1] == '\n')
		out.n--;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* For commands that leave a process behind which keeps the output open. */
static inline int run_detached(char *const *argv)
{
	int status = -1;
	pid_t pid = spawn(argv, -1, "commands.log");

	(void)waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline const char *output(void)
{
	return buf_text(&out);
}

static inline void write_file(const char *name, const char *content)
{
	char path[512], *slash;
	struct err e = ERR_INIT;

	(void)snprintf(path, sizeof(path), "%s", below(name));
	slash = strrchr(path, '/');
	*slash = '\0';
	assert_int_equal(fd_make_dirs(path, 0755, &e), 0);
	*slash = '/';
	assert_int_equal(fd_replace_file(path, span_of(content), 0644, &e), 0);
}

static inline bool have(const char *program)
{
	return run("which %s", program) == 0;
}

#define SKIP_UNLESS(condition, why)                       \
	do {                                              \
		if (!(condition)) {                       \
			print_message("skip: " why "\n"); \
			skip();                           \
		}                                         \
	} while (0)

static inline void sleep_ms(unsigned ms)
{
	(void)usleep(ms * 1000);
}

/* A root directory with busybox, and an archive of it. */
static inline bool make_root(void)
{
	static const char *const tools[] = {"sh", "sleep", "true", "cat"};

	(void)run("mkdir -p %s/rootfs/bin %s/rootfs/proc", dir, dir);
	if (run("cp /bin/busybox %s/rootfs/bin/", dir) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(tools); i++)
		(void)run("ln -sf busybox %s/rootfs/bin/%s", dir, tools[i]);
	return run("tar -C %s/rootfs -cf %s/root.tar .", dir, dir) == 0;
}

static inline int set_up(void **state)
{
	buf_init(&out, 16u << 20);
	(void)snprintf(dir, sizeof(dir), "/tmp/amber-live-XXXXXX");
	return mkdtemp(dir) && make_root() ? 0 : -1;
}

/* ---- a private daemon ---- */

struct daemon {
	pid_t pid;
	char socket[100];
};

static struct daemon docker, containerd;

static inline void stop_daemon(struct daemon *d)
{
	int status;

	if (d->pid <= 0)
		return;
	(void)kill(d->pid, SIGTERM);
	for (int i = 0; i < 600 && waitpid(d->pid, &status, WNOHANG) == 0; i++)
		sleep_ms(50);
	d->pid = 0;
}

static inline bool docker_up(void)
{
	struct err e = ERR_INIT;
	char data[128], exec[128], host[128], pid[128];
	char *argv[] = {(char *)"dockerd",
			(char *)"--data-root",
			data,
			(char *)"--exec-root",
			exec,
			(char *)"-H",
			host,
			(char *)"--pidfile",
			pid,
			(char *)"--bridge=none",
			(char *)"--iptables=false",
			NULL};

	(void)snprintf(docker.socket, sizeof(docker.socket), "%s/docker.sock", dir);
	(void)snprintf(data, sizeof(data), "%s/docker-data", dir);
	(void)snprintf(exec, sizeof(exec), "%s/docker-exec", dir);
	(void)snprintf(host, sizeof(host), "unix://%s", docker.socket);
	(void)snprintf(pid, sizeof(pid), "%s/docker.pid", dir);
	docker.pid = spawn(argv, -1, "dockerd.log");
	for (int i = 0; i < 150; i++) {
		if (docker_ping(docker.socket, NULL, NULL, &e) == 0)
			return true;
		sleep_ms(100);
	}
	stop_daemon(&docker);
	return false;
}

#define DOCKER(format, ...) run("docker -H unix://%s " format, docker.socket, ##__VA_ARGS__)

/* Once for all tests that need it. */
static inline bool docker_ready(void)
{
	static int ready = -1;

	if (ready < 0)
		ready = have("dockerd") && have("docker") && docker_up() &&
			DOCKER("import %s/root.tar amberbox:1", dir) == 0;
	return ready;
}

static inline bool containerd_ready(void)
{
	static int ready = -1;
	char text[1024], config[128];
	char *argv[] = {(char *)"containerd", (char *)"-c", config, NULL};
	struct err e = ERR_INIT;

	if (ready >= 0)
		return ready;
	ready = 0;
	if (!have("containerd") || !have("ctr"))
		return false;
	(void)snprintf(containerd.socket, sizeof(containerd.socket), "%s/c.sock", dir);
	(void)snprintf(text, sizeof(text),
		       "version = 2\nroot = \"%s/c-root\"\nstate = \"%s/c-state\"\n"
		       "disabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n"
		       "[grpc]\naddress = \"%s\"\n[ttrpc]\naddress = \"%s.ttrpc\"\n",
		       dir, dir, containerd.socket, containerd.socket);
	write_file("containerd.toml", text);
	(void)snprintf(config, sizeof(config), "%s/containerd.toml", dir);
	containerd.pid = spawn(argv, -1, "containerd.log");
	for (int i = 0; i < 100 && !ready; i++) {
		ready = containerd_ping(containerd.socket, NULL, &e) == 0;
		sleep_ms(100);
	}
	return ready;
}

#endif
