/* test_probe_process.c - claims about the records of fork, exec and exit, each field against a real
 * system call. */
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "base/clock.h"
#include "probe_fixture.h"

#define TICK_NS 10000000ull /* of field 22 in /proc/PID/stat: USER_HZ is 100 */

/* What the children tell; shared with them. */
static struct shared {
	pid_t child;
	uint64_t child_ticks;
	uint32_t loginuid;
	uint64_t ns[7];
	char tty[64];
	struct stat stdio[3];
	int failed; /* line of what did not work in the child */
} * shared;

static const char *const ns_names[7] = {"mnt", "pid", "net", "user", "uts", "ipc", "cgroup"};
static uint64_t run_from_ns;
static char folder[64]; /* private to this program */

#define CHILD_NEEDS(condition)                     \
	do {                                       \
		if (!(condition)) {                \
			shared->failed = __LINE__; \
			_exit(97);                 \
		}                                  \
	} while (0)

static uint32_t own_loginuid(void)
{
	char text[32] = "4294967295";
	int fd = open("/proc/self/loginuid", O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		ssize_t n = read(fd, text, sizeof(text) - 1);

		text[n > 0 ? n : 0] = 0;
		close(fd);
	}
	return (uint32_t)strtoul(text, NULL, 10);
}

static void run(void (*act)(void *arg), void *arg)
{
	memset(shared, 0, sizeof(*shared));
	run_from_ns = clock_boot_ns();
	fixture_run(act, arg);
	if (shared->failed)
		fail_msg("the child could not do line %d", shared->failed);
}

/* What is the same in every record of the process `pid`, whose parent is `ppid`. */
static void assert_head(const struct wire_head *h, pid_t pid, pid_t ppid, const char *comm)
{
	assert_true(h->boot_ns > run_from_ns && h->boot_ns < clock_boot_ns());
	assert_true(h->seq > 0);
	assert_true(h->cpu < (unsigned)sysconf(_SC_NPROCESSORS_CONF));
	assert_int_equal(h->cgroup_id, fixture.cgroup_id);
	assert_int_equal(h->task_cgroup_id, fixture.cgroup_id);
	assert_int_equal(h->tgid, pid);
	assert_int_equal(h->tid, pid);
	assert_int_equal(h->ppid, ppid);
	assert_true(h->start_ns > run_from_ns && h->start_ns <= h->boot_ns);
	if (ppid == getpid())
		assert_int_equal(h->parent_start_ns / TICK_NS, fixture_start_ticks(ppid));
	assert_int_equal(h->count, 1);
	assert_string_equal(h->comm, comm);
}

#define WHERE (WIRE_FILE_OVERLAY | WIRE_FILE_UPPER | WIRE_FILE_TMPFS)

/* ---- exec ---- */

static uint64_t status_number(const char *status, const char *name, int index)
{
	char label[32];
	const char *p;
	char *end;
	uint64_t value = 0;
	int base = !strncmp(name, "Cap", 3) ? 16 : 10;

	(void)snprintf(label, sizeof(label), "\n%s:", name);
	p = strstr(status, label);
	assert_non_null(p);
	p += strlen(label);
	for (int i = 0; i <= index; i++, p = end)
		value = strtoull(p, &end, base);
	return value;
}

static void become_nobody_with_a_capability(void)
{
	cap_value_t cap = CAP_NET_RAW;
	cap_t caps = cap_init();

	CHILD_NEEDS(!prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	CHILD_NEEDS(!setresgid(2001, 2002, 2002) && !setresuid(1001, 1002, 1002));
	CHILD_NEEDS(!cap_set_flag(caps, CAP_PERMITTED, 1, &cap, CAP_SET));
	CHILD_NEEDS(!cap_set_flag(caps, CAP_EFFECTIVE, 1, &cap, CAP_SET));
	CHILD_NEEDS(!cap_set_flag(caps, CAP_INHERITABLE, 1, &cap, CAP_SET));
	CHILD_NEEDS(!cap_set_proc(caps) && !cap_set_ambient(cap, CAP_SET));
	cap_free(caps);
}

/* A terminal of its own as descriptor 0, a file as 1, a socket as 2. */
static void arrange_stdio(void)
{
	char path[128];
	int master, slave, file, pair[2];
	unsigned number;
	int zero = 0;

	(void)snprintf(path, sizeof(path), "%s/pts", folder);
	CHILD_NEEDS(!mkdir(path, 0755) || errno == EEXIST);
	CHILD_NEEDS(!mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	CHILD_NEEDS(!mount("devpts", path, "devpts", 0, "newinstance,ptmxmode=0666"));
	(void)snprintf(path, sizeof(path), "%s/pts/ptmx", folder);
	CHILD_NEEDS((master = open(path, O_RDWR | O_NOCTTY)) >= 0);
	CHILD_NEEDS(!ioctl(master, TIOCSPTLCK, &zero) && !ioctl(master, TIOCGPTN, &number));
	(void)snprintf(path, sizeof(path), "%s/pts/%u", folder, number);
	CHILD_NEEDS(setsid() > 0 && (slave = open(path, O_RDWR)) >= 0);
	(void)snprintf(shared->tty, sizeof(shared->tty), "pts%u", number);
	(void)snprintf(path, sizeof(path), "%s/out", folder);
	CHILD_NEEDS((file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644)) >= 0);
	CHILD_NEEDS(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	CHILD_NEEDS(dup2(slave, 0) == 0 && dup2(file, 1) == 1 && dup2(pair[0], 2) == 2);
	for (int i = 0; i < 3; i++)
		CHILD_NEEDS(!fstat(i, &shared->stdio[i]));
}

static void note_namespaces(void)
{
	for (int i = 0; i < 7; i++) {
		char path[64];
		struct stat st;

		(void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", shared->child, ns_names[i]);
		CHILD_NEEDS(!stat(path, &st));
		shared->ns[i] = st.st_ino;
	}
}

static void exec_in_namespaces(void)
{
	arrange_stdio();
	note_namespaces();
	shared->loginuid = own_loginuid();
	shared->child_ticks = fixture_start_ticks(shared->child);
	CHILD_NEEDS(!chdir("/usr/share"));
	become_nobody_with_a_capability();
	execl("../bin/cat", "a name", "/proc/self/status", "", "/dev/null", NULL);
	CHILD_NEEDS(false);
}

static void act_exec(void *arg)
{
	int start[2], status;
	char byte;

	CHILD_NEEDS(!pipe2(start, O_CLOEXEC));
	CHILD_NEEDS(!unshare(CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP |
			     CLONE_NEWNS | CLONE_NEWPID));
	pid_t pid = fork();
	if (!pid) {
		CHILD_NEEDS(read(start[0], &byte, 1) == 1);
		exec_in_namespaces();
	}
	shared->child = pid;
	CHILD_NEEDS(write(start[1], "x", 1) == 1);
	close(start[1]);
	CHILD_NEEDS(waitpid(pid, &status, 0) == pid);
}

static void assert_stdio(const struct wire_exec *w)
{
	char path[128];

	for (int i = 0; i < 3; i++) {
		const struct stat *st = &shared->stdio[i];

		assert_int_equal(w->stdio[i].flags, WIRE_STDIO_OPEN);
		assert_int_equal(w->stdio[i].kind, st->st_mode >> 12);
		assert_int_equal(w->stdio[i].ino, st->st_ino);
		assert_int_equal(w->stdio[i].dev >> 20, major(st->st_dev));
		assert_int_equal(w->stdio[i].dev & 0xfffff, minor(st->st_dev));
		assert_int_equal(w->stdio[i].rdev >> 20, major(st->st_rdev));
		assert_int_equal(w->stdio[i].rdev & 0xfffff, minor(st->st_rdev));
	}
	(void)snprintf(path, sizeof(path), "%s/pts/%s", folder, shared->tty + 3);
	assert_string_equal(fixture_path(w, sizeof(*w), WIRE_TEXT_STDIN), path);
	(void)snprintf(path, sizeof(path), "%s/out", folder);
	assert_string_equal(fixture_path(w, sizeof(*w), WIRE_TEXT_STDOUT), path);
	assert_null(fixture_path(w, sizeof(*w), WIRE_TEXT_STDERR));
}

static void assert_credentials(const struct wire_exec *w)
{
	char path[128], status[4096];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/out", folder);
	fd = open(path, O_RDONLY);
	n = read(fd, status, sizeof(status) - 1);
	close(fd);
	assert_true(n > 0);
	status[n] = 0;
	assert_int_equal(status_number(status, "Pid", 0), w->head.tgid);
	assert_int_equal(status_number(status, "Uid", 0), 1001);
	assert_int_equal(w->head.uid, 1001);
	assert_int_equal(w->euid, 1002);
	assert_int_equal(w->head.gid, 2001);
	assert_int_equal(w->egid, 2002);
	assert_int_equal(w->head.loginuid, shared->loginuid);
	assert_int_equal(w->caps, status_number(status, "CapEff", 0));
	/* old kernels drop ambient capabilities when euid is not uid */
	assert_int_equal(w->caps & ~(1ull << CAP_NET_RAW), 0);
	assert_int_equal(w->caps_inheritable, 1u << CAP_NET_RAW);
	assert_int_equal(w->caps_permitted, status_number(status, "CapPrm", 0));
	assert_int_equal(w->caps_inheritable, status_number(status, "CapInh", 0));
}

static void assert_ancestors(const struct wire_exec *w)
{
	assert_true(w->ancestor_count >= 3);
	assert_int_equal(w->ancestors[0].tgid, fixture.child);
	assert_string_equal(w->ancestors[0].comm, "test_probe_proc");
	assert_int_equal(w->ancestors[0].start_ns, w->head.parent_start_ns);
	assert_int_equal(w->ancestors[1].tgid, getpid());
	assert_int_equal(w->ancestors[1].start_ns / TICK_NS, fixture_start_ticks(getpid()));
	assert_int_equal(w->ancestors[2].tgid, getppid());
	assert_int_equal(w->ancestors[w->ancestor_count - 1].pad, 0);
}

static void exec_tells_every_field(void **state)
{
	static const char argv[] = "a name\0/proc/self/status\0\0/dev/null";
	const struct wire_exec *w;
	struct stat st;

	fixture_need();
	run(act_exec, NULL);
	w = fixture_find(WIRE_PROCESS_EXEC);
	assert_head(&w->head, shared->child, fixture.child, "cat");
	assert_int_equal(w->head.start_ns / TICK_NS, shared->child_ticks);
	assert_int_equal(w->head.vpid, 1);
	assert_int_equal(w->head.ret, 0);
	assert_int_equal(w->head.syscall, SYS_execve);
	assert_int_equal(w->head.marks, 0);
	assert_string_equal(fixture_path(w, sizeof(*w), WIRE_TEXT_PATH), "/usr/bin/cat");
	assert_string_equal(fixture_path(w, sizeof(*w), WIRE_TEXT_CWD), "/usr/share");
	fixture_assert_text(w, sizeof(*w), WIRE_TEXT_FILENAME, "../bin/cat", 10, 0);
	fixture_assert_text(w, sizeof(*w), WIRE_TEXT_ARGV, argv, sizeof(argv), WIRE_TEXT_CLAIM);
	assert_int_equal(w->argv_bytes, sizeof(argv));
	assert_int_equal(w->argc, 4);
	fixture_assert_text(w, sizeof(*w), WIRE_TEXT_TTY, shared->tty, strlen(shared->tty), 0);
	assert_int_equal(w->tty_dev >> 20, 136);
	assert_int_equal(w->tty_dev & 0xfffff, strtoul(shared->tty + 3, NULL, 10));
	assert_int_equal(stat("/usr/bin/cat", &st), 0);
	assert_int_equal(w->exe.ino, st.st_ino);
	assert_int_equal(w->exe.dev, major(st.st_dev) << 20 | minor(st.st_dev));
	assert_int_equal(w->exe.size, st.st_size);
	assert_int_equal(w->exe.mode, st.st_mode);
	assert_int_equal(w->exe.file_flags & ~WHERE, 0); /* wherever the host's root is */
	const uint32_t *ns = &w->mnt_ns;
	for (int i = 0; i < 7; i++)
		assert_int_equal(ns[i], shared->ns[i]);
	assert_stdio(w);
	assert_credentials(w);
	assert_ancestors(w);
}

static void act_exec_twice(void *arg)
{
	close(0);
	execl("/bin/sh", "sh", "-c", "exec /bin/true", NULL);
}

static void each_exec_has_a_number_and_closed_descriptors_are_told(void **state)
{
	const struct wire_exec *first, *second;

	fixture_need();
	run(act_exec_twice, NULL);
	first = fixture_nth(WIRE_PROCESS_EXEC, 0);
	second = fixture_nth(WIRE_PROCESS_EXEC, 1);
	assert_non_null(second);
	assert_int_equal(second->head.exec_id, first->head.exec_id + 1);
	assert_int_equal(second->head.start_ns, first->head.start_ns);
	assert_int_equal(first->stdio[0].flags, 0);
	assert_int_equal(first->stdio[0].kind, 0);
	assert_string_equal(second->head.comm, "true");
}

/* Copies /bin/true into a descriptor. */
static void copy_true(int fd)
{
	int from = open("/bin/true", O_RDONLY | O_CLOEXEC);
	char bytes[65536];
	ssize_t n;

	CHILD_NEEDS(from >= 0);
	while ((n = read(from, bytes, sizeof(bytes))) > 0)
		CHILD_NEEDS(write(fd, bytes, (size_t)n) == n);
	close(from);
}

static void act_memfd(void *arg)
{
	static const char *const argv[] = {"hidden", NULL}, *const envp[] = {NULL};
	int fd = memfd_create("payload", MFD_CLOEXEC);

	CHILD_NEEDS(fd >= 0);
	copy_true(fd);
	syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH);
	CHILD_NEEDS(false);
}

static void a_memfd_that_runs_is_marked(void **state)
{
	const struct wire_exec *w;
	const struct wire_text *path;
	const char *bytes;

	fixture_need();
	run(act_memfd, NULL);
	w = fixture_find(WIRE_PROCESS_EXEC);
	assert_int_equal(w->head.syscall, SYS_execveat);
	assert_int_equal(w->exe.file_flags & WIRE_FILE_MEMFD, WIRE_FILE_MEMFD);
	assert_int_equal(w->exe.file_flags & WIRE_FILE_DELETED, WIRE_FILE_DELETED);
	path = fixture_text(w, sizeof(*w), WIRE_TEXT_PATH, &bytes);
	assert_non_null(path);
	assert_true(path->flags & (WIRE_TEXT_DETACHED | WIRE_TEXT_OUTSIDE));
	assert_string_equal(fixture_path(w, sizeof(*w), WIRE_TEXT_PATH), "/memfd:payload");
	fixture_text(w, sizeof(*w), WIRE_TEXT_FILENAME, &bytes);
	assert_memory_equal(bytes, "/dev/fd/", 8);
}

static void act_deleted(void *arg)
{
	static const char *const argv[] = {"gone", NULL}, *const envp[] = {NULL};
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/dropped", folder);
	CHILD_NEEDS((fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0755)) >= 0);
	copy_true(fd);
	close(fd);
	CHILD_NEEDS((fd = open(path, O_RDONLY | O_CLOEXEC)) >= 0 && !unlink(path));
	syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH);
	CHILD_NEEDS(false);
}

static void a_deleted_program_that_runs_is_marked_and_keeps_its_path(void **state)
{
	const struct wire_exec *w;
	char path[128];

	fixture_need();
	run(act_deleted, NULL);
	w = fixture_find(WIRE_PROCESS_EXEC);
	assert_int_equal(w->exe.file_flags & (WIRE_FILE_MEMFD | WIRE_FILE_DELETED),
			 WIRE_FILE_DELETED);
	(void)snprintf(path, sizeof(path), "%s/dropped", folder);
	assert_string_equal(fixture_path(w, sizeof(*w), WIRE_TEXT_PATH), path);
}

/* An overlay on a tmpfs, `image` in its lower layer and `dropped` written through it; runs `arg`.
 */
static void act_overlay(void *arg)
{
	static const char *const folders[] = {"low", "up", "work", "merged"};
	char options[512], path[256];
	int fd;

	CHILD_NEEDS(!unshare(CLONE_NEWNS) && !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
		    !mount("tmpfs", folder, "tmpfs", 0, NULL) && !chdir(folder));
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		CHILD_NEEDS(!mkdir(folders[i], 0755));
	CHILD_NEEDS((fd = open("low/image", O_RDWR | O_CREAT | O_CLOEXEC, 0755)) >= 0);
	copy_true(fd);
	close(fd);
	(void)snprintf(options, sizeof(options), "lowerdir=%s/low,upperdir=%s/up,workdir=%s/work",
		       folder, folder, folder);
	(void)snprintf(path, sizeof(path), "%s/merged", folder);
	if (mount("overlay", path, "overlay", 0, options) && errno == ENODEV)
		_exit(77);
	CHILD_NEEDS((fd = open("merged/dropped", O_RDWR | O_CREAT | O_CLOEXEC, 0755)) >= 0);
	copy_true(fd);
	close(fd);
	(void)snprintf(path, sizeof(path), "%s/merged/%s", folder, (const char *)arg);
	execl(path, path, NULL);
	CHILD_NEEDS(false);
}

static void assert_overlay(const char *name, uint32_t want_flags)
{
	const struct wire_exec *w;
	char arg[16], path[128];

	(void)snprintf(arg, sizeof(arg), "%s", name);
	run(act_overlay, arg);
	if (WEXITSTATUS(fixture.status) == 77) {
		print_message("skip: the kernel has no overlay file system\n");
		skip();
	}
	w = fixture_find(WIRE_PROCESS_EXEC);
	(void)snprintf(path, sizeof(path), "%s/merged/%s", folder, name);
	assert_string_equal(fixture_path(w, sizeof(*w), WIRE_TEXT_PATH), path);
	assert_int_equal(w->exe.file_flags, want_flags);
}

static void a_program_of_the_upper_layer_is_told_from_one_of_the_image(void **state)
{
	fixture_need();
	assert_overlay("image", WIRE_FILE_OVERLAY);
	assert_overlay("dropped", WIRE_FILE_OVERLAY | WIRE_FILE_UPPER);
}

static void act_argv(void *arg)
{
	static char *argv[260];
	static char big[100 << 10], first[] = "first";
	char *const envp[] = {NULL};

	CHILD_NEEDS(!setrlimit(RLIMIT_STACK, &(struct rlimit){64 << 20, 64 << 20}));
	memset(big, 'x', sizeof(big) - 1);
	argv[0] = first;
	for (int i = 1; i <= 20; i++)
		argv[i] = big;
	execve("/bin/true", argv, envp);
	CHILD_NEEDS(false);
}

static void two_megabytes_of_arguments_are_cut_and_counted(void **state)
{
	const struct wire_exec *w;
	const struct wire_text *text;
	const char *bytes;

	fixture_need();
	run(act_argv, NULL);
	w = fixture_find(WIRE_PROCESS_EXEC);
	assert_int_equal(w->argc, 21);
	assert_int_equal(w->argv_bytes, 6 + 20 * (100 << 10));
	text = fixture_text(w, sizeof(*w), WIRE_TEXT_ARGV, &bytes);
	assert_non_null(text);
	assert_int_equal(text->len, WIRE_ARGV_MAX);
	assert_int_equal(text->flags, WIRE_TEXT_CLAIM | WIRE_TEXT_TRUNCATED);
	assert_memory_equal(bytes, "first\0xxx", 9);
	assert_int_equal(bytes[WIRE_ARGV_MAX - 1], 'x');
	assert_true(w->head.marks & WIRE_MARK_TRUNCATED);
}

static void act_exec_fails(void *arg)
{
	char name[] = "x", *const argv[] = {name, NULL}, *const envp[] = {NULL};
	int dir = open("/usr/share", O_PATH | O_DIRECTORY);

	CHILD_NEEDS(!chdir("/usr/bin"));
	CHILD_NEEDS(execve("no/such", argv, envp) == -1 && errno == ENOENT);
	CHILD_NEEDS(execve("/etc/passwd", argv, envp) == -1 && errno == EACCES);
	CHILD_NEEDS(syscall(SYS_execveat, dir, "not-there", argv, envp, 0) == -1);
}

static void an_exec_that_fails_tells_what_was_asked_for(void **state)
{
	const struct wire_exec *w;

	fixture_need();
	run(act_exec_fails, NULL);
	w = fixture_nth(WIRE_PROCESS_EXEC, 0);
	assert_non_null(w);
	assert_head(&w->head, fixture.child, getpid(), "test_probe_proc");
	assert_int_equal(w->head.ret, -ENOENT);
	assert_int_equal(w->head.syscall, SYS_execve);
	assert_int_equal(w->head.marks, WIRE_MARK_CLAIM);
	assert_int_equal(w->exe.ino, 0);
	assert_int_equal(w->argc, 0);
	assert_string_equal(fixture_path(w, sizeof(*w), WIRE_TEXT_PATH), "/usr/bin");
	assert_string_equal(fixture_path(w, sizeof(*w), WIRE_TEXT_CWD), "/usr/bin");
	fixture_assert_text(w, sizeof(*w), WIRE_TEXT_PATH_CLAIM, "no/such", 7, WIRE_TEXT_CLAIM);
	fixture_assert_text(w, sizeof(*w), WIRE_TEXT_FILENAME, "no/such", 7, WIRE_TEXT_CLAIM);
	w = fixture_nth(WIRE_PROCESS_EXEC, 1);
	assert_int_equal(w->head.ret, -EACCES);
	assert_null(fixture_path(w, sizeof(*w), WIRE_TEXT_PATH));
	fixture_assert_text(w, sizeof(*w), WIRE_TEXT_PATH_CLAIM, "/etc/passwd", 11,
			    WIRE_TEXT_CLAIM);
	w = fixture_nth(WIRE_PROCESS_EXEC, 2);
	assert_int_equal(w->head.syscall, SYS_execveat);
	assert_string_equal(fixture_path(w, sizeof(*w), WIRE_TEXT_PATH), "/usr/share");
	fixture_assert_text(w, sizeof(*w), WIRE_TEXT_PATH_CLAIM, "not-there", 9, WIRE_TEXT_CLAIM);
}

static void act_deep(void *arg)
{
	char name[200], *const argv[] = {name, NULL}, *const envp[] = {NULL};

	memset(name, 'd', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	name[arg ? sizeof(name) - 1 : 1] = 0; /* many short components, or few long ones */
	CHILD_NEEDS(!unshare(CLONE_NEWNS) && !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
		    !mount("tmpfs", folder, "tmpfs", 0, NULL) && !chdir(folder));
	for (int i = 0; i < (arg ? 30 : 300); i++)
		CHILD_NEEDS(!mkdir(name, 0755) && !chdir(name));
	CHILD_NEEDS(execve("x", argv, envp) == -1);
}

static void assert_cut(bool long_names)
{
	const struct wire_exec *w;
	const struct wire_text *text;
	const char *bytes;
	int yes = 1;

	run(act_deep, long_names ? &yes : NULL);
	w = fixture_find(WIRE_PROCESS_EXEC);
	text = fixture_text(w, sizeof(*w), WIRE_TEXT_CWD, &bytes);
	assert_non_null(text);
	assert_int_equal(text->flags, WIRE_TEXT_KERNEL_PATH | WIRE_TEXT_TRUNCATED);
	assert_int_equal(text->len, long_names ? 20 * 200 : 2 * WIRE_DEPTH_MAX);
	assert_true(w->head.marks & WIRE_MARK_TRUNCATED);
}

static void a_path_that_is_too_deep_or_too_long_is_cut_and_marked(void **state)
{
	fixture_need();
	assert_cut(false);
	assert_cut(true);
}

/* The working directory is left outside of the new root, as an escape from a chroot has it. */
static void act_outside(void *arg)
{
	char name[] = "x", *const argv[] = {name, NULL}, *const envp[] = {NULL};

	CHILD_NEEDS(!chdir("/usr/share") && !chroot(folder));
	CHILD_NEEDS(execve("x", argv, envp) == -1);
}

static void a_path_outside_the_root_is_marked(void **state)
{
	const struct wire_exec *w;
	const struct wire_text *text;
	const char *bytes;

	fixture_need();
	run(act_outside, NULL);
	w = fixture_find(WIRE_PROCESS_EXEC);
	text = fixture_text(w, sizeof(*w), WIRE_TEXT_CWD, &bytes);
	assert_non_null(text);
	assert_int_equal(text->flags, WIRE_TEXT_KERNEL_PATH | WIRE_TEXT_OUTSIDE);
	assert_string_equal(fixture_path(w, sizeof(*w), WIRE_TEXT_CWD), "/usr/share");
}

/* ---- fork ---- */

static pid_t clone3_with(uint64_t flags)
{
	struct clone_args args = {.flags = flags, .exit_signal = SIGCHLD};

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

static void wait_for(pid_t pid)
{
	int status;

	CHILD_NEEDS(pid > 0 && waitpid(pid, &status, 0) == pid);
}

static void act_forks(void *arg)
{
	int hold[2];
	char byte;
	pid_t pid;

	CHILD_NEEDS(!pipe(hold));
	pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (!pid) {
		close(hold[1]);
		(void)!read(hold[0], &byte, 1);
		_exit(0);
	}
	shared->child = pid;
	shared->child_ticks = fixture_start_ticks(pid);
	close(hold[1]);
	wait_for(pid);
	pid = (pid_t)syscall(SYS_fork);
	if (!pid)
		_exit(0);
	wait_for(pid);
	pid = vfork();
	if (!pid)
		_exit(0);
	wait_for(pid);
	pid = clone3_with(CLONE_NEWPID | CLONE_NEWUTS);
	if (!pid)
		_exit(0);
	wait_for(pid);
	CHILD_NEEDS(clone3_with(CLONE_NEWNS | CLONE_FS) == -1 && errno == EINVAL);
}

static void assert_fork(unsigned n, uint16_t syscall_nr, uint64_t flags)
{
	const struct wire_fork *w = fixture_nth(WIRE_PROCESS_FORK, n);

	assert_non_null(w);
	assert_head(&w->head, fixture.child, getpid(), "test_probe_proc");
	assert_int_equal(w->head.syscall, syscall_nr);
	assert_int_equal(w->head.marks, 0);
	assert_int_equal(w->flags, flags);
	if (w->head.ret < 0)
		return;
	assert_int_equal(w->head.ret, w->child_pid);
	assert_int_equal(w->child_cgroup_id, fixture.cgroup_id);
	assert_int_equal(w->child_vpid, flags & CLONE_NEWPID ? 1 : w->child_pid);
	assert_true(w->child_start_ns > w->head.start_ns && w->child_start_ns <= w->head.boot_ns);
}

static void every_way_to_make_a_process_is_told(void **state)
{
	const struct wire_fork *w;

	fixture_need();
	run(act_forks, NULL);
	w = fixture_nth(WIRE_PROCESS_FORK, 0);
	assert_non_null(w);
	assert_int_equal(w->child_pid, shared->child);
	assert_int_equal(w->child_start_ns / TICK_NS, shared->child_ticks);
	assert_fork(0, SYS_clone, SIGCHLD);
	assert_fork(1, SYS_fork, 0);
	assert_fork(2, SYS_vfork, CLONE_VFORK | CLONE_VM);
	assert_fork(3, SYS_clone3, CLONE_NEWPID | CLONE_NEWUTS);
	assert_fork(4, SYS_clone3, CLONE_NEWNS | CLONE_FS);
	w = fixture_nth(WIRE_PROCESS_FORK, 4);
	assert_int_equal(w->head.ret, -EINVAL);
	assert_int_equal(w->child_pid, 0);
	assert_null(fixture_nth(WIRE_PROCESS_FORK, 5));
}

static void *thread_sleeps(void *arg)
{
	usleep(20000);
	return NULL;
}

static void act_thread(void *arg)
{
	pthread_t thread;

	CHILD_NEEDS(!pthread_create(&thread, NULL, thread_sleeps, NULL));
	CHILD_NEEDS(!pthread_join(thread, NULL));
}

static void a_thread_is_no_process(void **state)
{
	fixture_need();
	run(act_thread, NULL);
	assert_null(fixture_nth(WIRE_PROCESS_FORK, 0));
	fixture_find(WIRE_PROCESS_EXIT);
}

/* ---- exit ---- */

static void act_exit(void *arg)
{
	_exit(*(int *)arg);
}

static void the_code_of_an_exit_is_told(void **state)
{
	const struct wire_exit *w;
	int code = 42;

	fixture_need();
	run(act_exit, &code);
	w = fixture_find(WIRE_PROCESS_EXIT);
	assert_head(&w->head, fixture.child, getpid(), "test_probe_proc");
	assert_int_equal(w->code, 42);
	assert_int_equal(w->signal, 0);
	assert_int_equal(w->head.vpid, fixture.child);
	assert_int_equal(w->head.marks, 0);
}

static void act_killed(void *arg)
{
	raise(SIGKILL);
}

static void the_signal_that_ended_a_process_is_told(void **state)
{
	const struct wire_exit *w;

	fixture_need();
	run(act_killed, NULL);
	w = fixture_find(WIRE_PROCESS_EXIT);
	assert_int_equal(w->code, 0);
	assert_int_equal(w->signal, SIGKILL);
}

static void *thread_ends_all(void *arg)
{
	usleep(20000);
	syscall(SYS_exit_group, 7);
	return NULL;
}

/* The leader goes first, another thread ends the process. */
static void act_leader_leaves(void *arg)
{
	pthread_t thread;

	CHILD_NEEDS(!pthread_create(&thread, NULL, thread_ends_all, NULL));
	syscall(SYS_exit, 3);
}

static void a_process_ends_once_with_its_last_thread(void **state)
{
	const struct wire_exit *w;

	fixture_need();
	run(act_leader_leaves, NULL);
	w = fixture_find(WIRE_PROCESS_EXIT);
	assert_int_equal(WEXITSTATUS(fixture.status), 7);
	assert_int_equal(w->code, 7);
	assert_int_equal(w->head.tgid, fixture.child);
}

static int open_probe(void **state)
{
	struct probe_options o = probe_defaults();

	(void)snprintf(folder, sizeof(folder), "/tmp/amber-test-XXXXXX");
	if (!mkdtemp(folder) || chmod(folder, 0755))
		return -1;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	return shared == MAP_FAILED ? -1 : fixture_open(&o);
}

static int close_probe(void **state)
{
	char path[128];

	fixture_close();
	(void)snprintf(path, sizeof(path), "%s/out", folder);
	(void)unlink(path); /* made by one test only */
	(void)snprintf(path, sizeof(path), "%s/pts", folder);
	(void)rmdir(path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exec_tells_every_field),
		cmocka_unit_test(each_exec_has_a_number_and_closed_descriptors_are_told),
		cmocka_unit_test(a_memfd_that_runs_is_marked),
		cmocka_unit_test(a_deleted_program_that_runs_is_marked_and_keeps_its_path),
		cmocka_unit_test(a_program_of_the_upper_layer_is_told_from_one_of_the_image),
		cmocka_unit_test(two_megabytes_of_arguments_are_cut_and_counted),
		cmocka_unit_test(an_exec_that_fails_tells_what_was_asked_for),
		cmocka_unit_test(a_path_that_is_too_deep_or_too_long_is_cut_and_marked),
		cmocka_unit_test(a_path_outside_the_root_is_marked),
		cmocka_unit_test(every_way_to_make_a_process_is_told),
		cmocka_unit_test(a_thread_is_no_process),
		cmocka_unit_test(the_code_of_an_exit_is_told),
		cmocka_unit_test(the_signal_that_ended_a_process_is_told),
		cmocka_unit_test(a_process_ends_once_with_its_last_thread),
	};

	return cmocka_run_group_tests(tests, open_probe, close_probe);
}
