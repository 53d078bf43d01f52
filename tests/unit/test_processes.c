/* test_processes.c - claims about src/record/processes, proc and strings. */
#include "record/processes.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "record/decode.h"
#include "record/proc.h"
#include "test.h"
#include "wire_build.h"

#define SECOND 1000000000ull

static struct processes table;
static struct err err;

static int make_table(void **state)
{
	return processes_init(&table, 1024, -1, &err);
}

static int free_table(void **state)
{
	processes_fini(&table);
	return 0;
}

static struct processes_stats stats(void)
{
	struct processes_stats s;

	processes_get_stats(&table, &s);
	return s;
}

static struct wire_head head_of(uint32_t pid, uint64_t start_ns)
{
	return (struct wire_head){
		.len = sizeof(struct wire_head),
		.boot_ns = start_ns + 1000,
		.start_ns = start_ns,
		.parent_start_ns = 5,
		.tgid = pid,
		.tid = pid,
		.ppid = 1,
		.vpid = 2,
		.uid = 1000,
		.gid = 1000,
		.loginuid = UINT32_MAX,
		.exec_id = 10,
		.comm = "sh",
	};
}

static struct wire_fork fork_of(const struct wire_head *parent, uint32_t pid, uint64_t start_ns)
{
	return (struct wire_fork){
		.head = *parent, .child_pid = pid, .child_vpid = 7, .child_start_ns = start_ns};
}

static void assert_span(struct span s, const char *text)
{
	if (!span_is(s, text))
		fail_msg("'%.*s' is not '%s'", (int)s.n, (const char *)s.p, text);
}

static void a_snapshot_has_what_the_head_says(void **state)
{
	struct wire_head head = head_of(300, 3 * SECOND);
	const struct process *process = processes_see(&table, &head);

	assert_true(process->rev > 0);
	assert_int_equal(process->pid, 300);
	assert_int_equal(process->start_ns, 3 * SECOND);
	assert_int_equal(process->parent_start_ns, 5);
	assert_int_equal(process->ppid, 1);
	assert_int_equal(process->vpid, 2);
	assert_int_equal(process->uid, 1000);
	assert_int_equal(process->gid, 1000);
	assert_int_equal(process->loginuid, UINT32_MAX);
	assert_int_equal(process->exec_ns, 0);
	assert_span(process->comm, "sh");
	assert_span(process->exe, "");
	head.tgid = 0;
	assert_null(processes_see(&table, &head));
}

static void the_rev_is_new_when_and_only_when_the_content_is(void **state)
{
	struct wire_head head = head_of(300, 3 * SECOND);
	uint64_t rev = processes_see(&table, &head)->rev;
	uint32_t *members[] = {&head.ppid, &head.vpid, &head.uid, &head.gid, &head.loginuid};

	head.boot_ns += 1000;
	head.seq++;
	head.ret = -1;
	head.count = 9;
	assert_int_equal(processes_see(&table, &head)->rev, rev);
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		++*members[i];
		assert_int_equal(processes_see(&table, &head)->rev, ++rev);
		assert_int_equal(processes_see(&table, &head)->rev, rev);
	}
	head.comm[0] = 'b';
	assert_int_equal(processes_see(&table, &head)->rev, ++rev);
	head.parent_start_ns++;
	assert_int_equal(processes_see(&table, &head)->rev, ++rev);
	assert_int_equal(processes_exec(&table, &head, span_of("/x"))->rev, ++rev);
	assert_int_equal(processes_exec(&table, &head, span_of("/x"))->rev, rev);
	assert_int_equal(processes_see(&table, &head)->rev, rev);
	assert_int_equal(processes_exit(&table, &head)->rev, rev);
}

static void threads_with_names_of_their_own_are_no_new_content(void **state)
{
	struct wire_head head = head_of(300, 3 * SECOND), thread = head;
	uint64_t rev;

	thread.tid = 301;
	memcpy(thread.comm, "worker", 7);
	rev = processes_see(&table, &thread)->rev;
	assert_span(processes_see(&table, &thread)->comm, "worker");
	memcpy(thread.comm, "wother", 7);
	assert_int_equal(processes_see(&table, &thread)->rev, rev);
	assert_span(processes_see(&table, &head)->comm, "sh");
	assert_span(processes_see(&table, &thread)->comm, "sh");
	assert_int_equal(processes_see(&table, &thread)->rev, rev + 1);
}

static void a_child_inherits_and_an_exec_replaces(void **state)
{
	struct wire_head shell = head_of(300, 3 * SECOND), child = head_of(400, 4 * SECOND);
	struct wire_fork fork = fork_of(&shell, 400, 4 * SECOND);
	const struct process *process;

	shell.exec_id = child.exec_id = fork.head.exec_id = 11;
	assert_span(processes_exec(&table, &shell, span_of("/bin/sh"))->exe, "/bin/sh");
	process = processes_fork(&table, &fork);
	assert_int_equal(process->pid, 300);
	assert_int_equal(process->exec_ns, shell.boot_ns);
	process = processes_find(&table, 400, 4 * SECOND);
	assert_int_equal(process->ppid, 300);
	assert_int_equal(process->parent_start_ns, 3 * SECOND);
	assert_int_equal(process->vpid, 7);
	assert_span(process->comm, "sh");
	child.ppid = 300;
	child.parent_start_ns = 3 * SECOND;
	child.vpid = 7;
	assert_int_equal(processes_see(&table, &child)->rev, process->rev);
	assert_span(process->exe, "/bin/sh");
	assert_int_equal(process->exec_ns, 0);
	child.exec_id = 12;
	process = processes_exec(&table, &child, span_of("/bin/ls"));
	assert_span(process->exe, "/bin/ls");
	assert_int_equal(process->exec_ns, child.boot_ns);
	assert_span(processes_see(&table, &shell)->exe, "/bin/sh");
}

static void a_sibling_and_a_thread_are_told_apart_by_the_clone_flags(void **state)
{
	struct wire_head shell = head_of(300, 3 * SECOND);
	struct wire_fork fork = fork_of(&shell, 400, 4 * SECOND);

	fork.flags = 0x8000; /* CLONE_PARENT */
	(void)processes_fork(&table, &fork);
	assert_int_equal(processes_find(&table, 400, 4 * SECOND)->ppid, 1);
	assert_int_equal(processes_find(&table, 400, 4 * SECOND)->parent_start_ns, 5);
	fork = fork_of(&shell, 401, 4 * SECOND);
	fork.flags = 0x10000; /* CLONE_THREAD */
	(void)processes_fork(&table, &fork);
	assert_null(processes_find(&table, 401, 4 * SECOND));
	fork = fork_of(&shell, 0, 0); /* it failed */
	assert_int_equal(processes_fork(&table, &fork)->pid, 300);
	assert_int_equal(stats().live, 2);
}

static void a_fork_that_comes_after_its_childs_exec_changes_nothing(void **state)
{
	struct wire_head shell = head_of(300, 3 * SECOND), child = head_of(400, 4 * SECOND);
	struct wire_fork fork = fork_of(&shell, 400, 4 * SECOND);
	uint64_t rev;

	(void)processes_exec(&table, &shell, span_of("/bin/sh"));
	child.exec_id = 11;
	rev = processes_exec(&table, &child, span_of("/bin/ls"))->rev;
	(void)processes_fork(&table, &fork);
	assert_int_equal(processes_see(&table, &child)->rev, rev);
	assert_span(processes_see(&table, &child)->exe, "/bin/ls");
}

static void a_fork_that_comes_late_still_names_the_executable(void **state)
{
	struct wire_head shell = head_of(300, 3 * SECOND), child = head_of(400, 4 * SECOND);
	struct wire_fork fork = fork_of(&shell, 400, 4 * SECOND);

	(void)processes_exec(&table, &shell, span_of("/bin/sh"));
	assert_span(processes_see(&table, &child)->exe, "");
	(void)processes_fork(&table, &fork);
	assert_span(processes_see(&table, &child)->exe, "/bin/sh");
}

static void a_child_whose_fork_is_missing_runs_what_its_parent_runs_if_that_is_sure(void **state)
{
	struct wire_head shell = head_of(300, 3 * SECOND), child = head_of(400, 4 * SECOND);

	shell.boot_ns = 3 * SECOND + 500;
	(void)processes_exec(&table, &shell, span_of("/bin/sh"));
	child.ppid = 300;
	child.parent_start_ns = 3 * SECOND;
	assert_span(processes_see(&table, &child)->exe, "/bin/sh");

	child.tgid = child.tid = 401; /* it counts another exec */
	child.exec_id++;
	assert_span(processes_see(&table, &child)->exe, "");

	child.tgid = child.tid = 402; /* it was named otherwise */
	child.exec_id--;
	child.comm[0] = 'x';
	assert_span(processes_see(&table, &child)->exe, "");

	child.tgid = child.tid = 403; /* it is older than the parent's program */
	child.comm[0] = 's';
	child.start_ns = 3 * SECOND + 499;
	assert_span(processes_see(&table, &child)->exe, "");
}

static void a_record_of_the_image_before_gets_that_image(void **state)
{
	struct wire_head before = head_of(300, 3 * SECOND), after = before;
	struct wire_fork fork = fork_of(&before, 400, 4 * SECOND);
	const struct process *late;
	uint64_t rev;

	(void)processes_exec(&table, &before, span_of("/bin/sh"));
	after.exec_id = 11;
	memcpy(after.comm, "ls", 3);
	rev = processes_exec(&table, &after, span_of("/bin/ls"))->rev;
	late = processes_see(&table, &before);
	assert_span(late->exe, "/bin/sh");
	assert_span(late->comm, "sh");
	assert_true(late->rev != rev);
	(void)processes_fork(&table, &fork);
	assert_span(processes_find(&table, 400, 4 * SECOND)->exe, "/bin/sh");
	assert_int_equal(processes_see(&table, &after)->rev, rev);
	assert_span(processes_see(&table, &after)->exe, "/bin/ls");
}

static void a_record_from_before_a_change_does_not_undo_it(void **state)
{
	struct wire_head before = head_of(300, 3 * SECOND), after = before;
	const struct process *late;
	uint64_t rev;

	(void)processes_exec(&table, &before, span_of("/bin/su"));
	after.boot_ns += 10;
	after.uid = 0;
	rev = processes_see(&table, &after)->rev;
	late = processes_see(&table, &before);
	assert_int_equal(late->uid, 1000);
	assert_int_equal(late->exec_ns, before.boot_ns);
	assert_span(late->exe, "/bin/su");
	assert_true(late->rev != rev);
	assert_int_equal(processes_see(&table, &after)->rev, rev);
	before.uid = 0;
	assert_int_equal(processes_see(&table, &before)->rev, rev); /* late, and nothing new */
}

static void an_exec_that_was_not_seen_leaves_no_wrong_executable(void **state)
{
	struct wire_head head = head_of(300, 3 * SECOND), former;

	(void)processes_exec(&table, &head, span_of("/bin/sh"));
	head.exec_id = 13;
	assert_span(processes_see(&table, &head)->exe, "");
	assert_int_equal(processes_see(&table, &head)->exec_ns, 0);
	former = head;
	former.exec_id = 12; /* an image in between of which nothing is known */
	assert_span(processes_see(&table, &former)->exe, "");
	assert_span(processes_exec(&table, &former, span_of("/bin/mid"))->exe, "/bin/mid");
	assert_span(processes_see(&table, &former)->exe, "/bin/mid");
	assert_span(processes_exec(&table, &head, span_of("/bin/ls"))->exe, "/bin/ls");
	assert_span(processes_see(&table, &head)->exe, "/bin/ls");
}

static void a_record_after_the_exit_still_finds_its_process(void **state)
{
	struct wire_head head = head_of(300, 3 * SECOND);
	uint64_t rev;

	rev = processes_exec(&table, &head, span_of("/bin/sh"))->rev;
	assert_int_equal(processes_exit(&table, &head)->rev, rev);
	assert_int_equal(processes_see(&table, &head)->rev, rev);
	assert_int_equal(processes_exit(&table, &head)->rev, rev);
	assert_int_equal(stats().ended, 1);
	assert_int_equal(stats().live, 0);
	assert_int_equal(processes_find(&table, 300, 0)->rev, rev);
	assert_int_equal(processes_find(&table, 300, 3 * SECOND)->rev, rev);
}

static void the_ended_are_forgotten_after_the_grace_time(void **state)
{
	struct wire_head head = head_of(300, 3 * SECOND);

	(void)processes_exit(&table, &head);
	processes_sweep(&table, head.boot_ns + PROCESSES_GRACE_NS, 100);
	assert_non_null(processes_find(&table, 300, 3 * SECOND));
	processes_sweep(&table, head.boot_ns + PROCESSES_GRACE_NS + 1, 100);
	assert_null(processes_find(&table, 300, 3 * SECOND));
	assert_int_equal(stats().ended, 0);
}

static void a_pid_that_is_used_again_is_another_process(void **state)
{
	struct wire_head first = head_of(300, 3 * SECOND), second = head_of(300, 4 * SECOND);
	uint64_t rev = processes_exec(&table, &first, span_of("/bin/a"))->rev;

	assert_span(processes_see(&table, &second)->exe, "");
	assert_true(processes_see(&table, &second)->rev != rev);
	assert_span(processes_see(&table, &first)->exe, "/bin/a");
	assert_int_equal(stats().exits_missed, 1);
	assert_int_equal(processes_find(&table, 300, 0)->start_ns, 4 * SECOND);
}

static void a_full_table_forgets_the_ended_first_and_counts(void **state)
{
	struct wire_head head;

	processes_fini(&table);
	assert_int_equal(processes_init(&table, 8, -1, &err), 0);
	for (uint32_t pid = 1; pid <= 8; pid++) {
		head = head_of(pid, SECOND + pid);
		if (pid == 4)
			(void)processes_exit(&table, &head);
		else
			(void)processes_see(&table, &head);
	}
	head = head_of(9, SECOND + 9);
	(void)processes_see(&table, &head);
	assert_null(processes_find(&table, 4, SECOND + 4));
	assert_int_equal(stats().evicted_early, 1);
	assert_int_equal(stats().evicted_alive, 0);
	for (uint32_t pid = 10; pid < 1000; pid++) {
		struct wire_fork fork = fork_of(&head, pid, SECOND + pid);

		assert_int_equal(processes_fork(&table, &fork)->pid, 9);
	}
	assert_int_equal(stats().live + stats().ended, 8);
	assert_true(stats().evicted_alive >= 990);
}

static void a_fork_storm_stays_small(void **state)
{
	struct wire_head shell = head_of(300, 3 * SECOND);
	uint64_t now = 4 * SECOND;

	(void)processes_exec(&table, &shell, span_of("/bin/sh"));
	for (uint32_t i = 0; i < 200000; i++, now += 50 * SECOND / 1000) {
		struct wire_fork fork = fork_of(&shell, 1000 + i % 30000, now);
		struct wire_head child = head_of(1000 + i % 30000, now);

		fork.head.boot_ns = now;
		(void)processes_fork(&table, &fork);
		child.exec_id = 11;
		(void)processes_exec(&table, &child, span_of("/bin/true"));
		(void)processes_exit(&table, &child);
	}
	assert_true(stats().ended <= 110); /* 20 a second for the grace time, and a few */
	assert_true(table.top <= 120);
	assert_int_equal(stats().live, 1);
	assert_int_equal(stats().evicted_early + stats().evicted_alive + stats().exits_missed, 0);
}

static void a_snapshot_stays_for_a_whole_batch(void **state)
{
	struct wire_head head = head_of(300, 3 * SECOND), other = head_of(400, 4 * SECOND);
	const struct process *first;
	struct process copy;

	(void)processes_exec(&table, &head, span_of("/bin/first"));
	for (unsigned i = 0; i < PROCESSES_BATCH - 1; i++, other.uid++)
		(void)processes_see(&table, &other);
	first = processes_see(&table, &head);
	copy = *first;
	for (unsigned i = 0; i < PROCESSES_BATCH; i++) {
		head.uid++;
		head.exec_id++;
		(void)processes_exec(&table, &head, span_of("/bin/other"));
	}
	assert_memory_equal(first, &copy, sizeof(copy));
	assert_span(first->exe, "/bin/first");
	assert_span(first->comm, "sh");
}

static void events_go_to_the_function_of_their_type(void **state)
{
	static struct decoder decoder;
	static struct wire_build build;
	struct wire_exec *exec = wire_begin(&build, WIRE_PROCESS_EXEC, sizeof(*exec));
	struct event ev;

	wire_kernel_path(&build, WIRE_TEXT_PATH, 0, "/bin/ls");
	assert_int_equal(decode_record(&decoder, wire_end(&build), &ev, &err), 0);
	processes_event(&table, &exec->head, &ev);
	assert_span(ev.process->exe, "/bin/ls");
	exec->head.ret = -2;
	exec->head.exec_id = 10;
	wire_begin(&build, WIRE_PROCESS_EXEC, sizeof(*exec));
	exec->head.ret = -2;
	wire_kernel_path(&build, WIRE_TEXT_PATH, 0, "/bin/no");
	assert_int_equal(decode_record(&decoder, wire_end(&build), &ev, &err), 0);
	processes_event(&table, &exec->head, &ev);
	assert_span(ev.process->exe, "/bin/ls"); /* a failed exec runs nothing */
	wire_begin(&build, WIRE_PROCESS_EXIT, sizeof(struct wire_exit));
	assert_int_equal(decode_record(&decoder, wire_end(&build), &ev, &err), 0);
	processes_event(&table, &exec->head, &ev);
	assert_int_equal(ev.process->pid, 300);
	assert_int_equal(stats().ended, 1);
}

/* ---- /proc ---- */

static int open_proc(void **state)
{
	int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -1 : processes_init(&table, 65536, fd, &err);
}

static int close_proc(void **state)
{
	close(table.proc_fd);
	processes_fini(&table);
	return 0;
}

/* The head that a record of process `pid` would have, started in that hundredth of a second. */
static struct wire_head live_head(pid_t pid)
{
	AUTO(fd) int fd = proc_open(table.proc_fd, (uint32_t)pid);
	struct proc_info info;

	assert_true(fd >= 0);
	assert_int_equal(proc_read_stat(fd, &info), 0);
	return head_of((uint32_t)pid, info.start_tick * PROC_TICK_NS + 1234567);
}

static struct span own_exe(char path[LIMIT_PATH])
{
	AUTO(fd) int self = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ssize_t n = readlinkat(self, "exe", path, LIMIT_PATH);

	assert_true(n > 0);
	return span_make(path, (size_t)n);
}

static void a_process_never_seen_is_looked_up_once(void **state)
{
	struct wire_head head = live_head(getpid());
	char path[LIMIT_PATH];

	assert_true(span_eq(processes_see(&table, &head)->exe, own_exe(path)));
	(void)processes_see(&table, &head);
	assert_int_equal(stats().lookups, 1);
	assert_int_equal(stats().gone, 0);
}

static void another_process_with_that_pid_is_not_taken_for_it(void **state)
{
	struct wire_head head = live_head(getpid());

	head.start_ns -= PROC_TICK_NS;
	assert_span(processes_see(&table, &head)->exe, "");
	assert_span(processes_see(&table, &head)->exe, "");
	assert_int_equal(stats().lookups, 1);
	assert_int_equal(stats().gone, 1);
}

static void an_exec_that_was_not_seen_is_looked_up(void **state)
{
	struct wire_head head = live_head(getpid());
	char path[LIMIT_PATH];

	(void)processes_exec(&table, &head, span_of("/bin/before"));
	assert_int_equal(stats().lookups, 0);
	head.exec_id++;
	assert_true(span_eq(processes_see(&table, &head)->exe, own_exe(path)));
}

static void lookups_are_bounded_and_made_up_for_later(void **state)
{
	struct wire_head head = live_head(getpid());
	char path[LIMIT_PATH];

	table.lookups_max = 0;
	assert_span(processes_see(&table, &head)->exe, "");
	assert_int_equal(stats().deferred, 1);
	assert_int_equal(stats().lookups, 0);
	table.lookups_max = 1;
	head.boot_ns += SECOND;
	assert_true(span_eq(processes_see(&table, &head)->exe, own_exe(path)));
}

static bool only_self(void *ctx, uint32_t pid, struct span cgroups)
{
	assert_true(cgroups.n > 0);
	return pid == *(uint32_t *)ctx;
}

static void what_runs_already_is_taken_in_and_matched_by_its_record(void **state)
{
	struct wire_head head = live_head(getpid());
	uint32_t self = (uint32_t)getpid();
	const struct process *process;
	char path[LIMIT_PATH], comm[16];

	assert_int_equal(processes_scan_proc(&table, only_self, &self, &err), 1);
	assert_int_equal(processes_scan_proc(&table, only_self, &self, &err), 0);
	process = processes_find(&table, self, 0);
	assert_int_equal(process->ppid, getppid());
	assert_int_equal(process->uid, getuid());
	assert_int_equal(process->gid, getgid());
	assert_true(process->vpid > 0);
	assert_int_equal(prctl(PR_GET_NAME, comm), 0);
	assert_span(process->comm, comm);
	assert_int_equal(process->start_ns % PROC_TICK_NS, 0);
	head.exec_id = 77;
	process = processes_see(&table, &head);
	assert_int_equal(process->start_ns, head.start_ns);
	assert_true(span_eq(process->exe, own_exe(path)));
	assert_int_equal(stats().live, 1);
	head.start_ns += PROC_TICK_NS; /* the start is exact now */
	assert_span(processes_see(&table, &head)->exe, "");
}

static void all_that_runs_is_taken_in(void **state)
{
	assert_true(processes_scan_proc(&table, NULL, NULL, &err) > 1);
	assert_non_null(processes_find(&table, (uint32_t)getpid(), 0));
	assert_non_null(processes_find(&table, (uint32_t)getppid(), 0));
}

static void a_lost_exit_is_found_by_the_sweep(void **state)
{
	struct wire_head self = live_head(getpid()), dead = self;
	uint64_t later = self.boot_ns + PROCESSES_QUIET_NS + 1;

	dead.start_ns -= SECOND;
	dead.tgid = dead.tid = 0x3fffff; /* pid_max is below */
	(void)processes_see(&table, &self);
	(void)processes_see(&table, &dead);
	processes_sweep(&table, later - 2, 100);
	assert_int_equal(stats().exits_missed, 0);
	processes_sweep(&table, later, 100);
	assert_int_equal(stats().exits_missed, 1);
	assert_int_equal(stats().live, 1);
	assert_non_null(processes_find(&table, self.tgid, self.start_ns));
}

/* A child that runs `exe` (a descriptor of a program that sleeps) until it is killed. */
static pid_t run_sleeper(int exe)
{
	char name[] = "sleep", seconds[] = "60";
	char *argv[] = {name, seconds, NULL}, *envp[] = {NULL};
	char c, path[32];
	int ready[2];
	pid_t pid;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", exe);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		execve(path, argv, envp);
		_exit(127);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 0); /* closed by the exec */
	close(ready[0]);
	return pid;
}

static void copy_sleep(int to)
{
	AUTO(fd) int from = open("/bin/sleep", O_RDONLY | O_CLOEXEC);
	char bytes[65536];
	ssize_t n;

	assert_true(from >= 0);
	while ((n = fd_read_full(from, bytes, sizeof(bytes))) > 0)
		assert_int_equal(fd_write_full(to, bytes, (size_t)n), 0);
	assert_int_equal(n, 0);
}

static void assert_runs_as(pid_t pid, const char *path)
{
	struct wire_head head = live_head(pid);
	struct span exe = processes_see(&table, &head)->exe;
	int status;

	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_span(exe, path);
}

static void a_deleted_executable_keeps_its_name(void **state)
{
	char folder[] = "/tmp/amber-test-XXXXXX", path[64];
	int fd;

	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/x (deleted)", folder);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	assert_true(fd >= 0);
	copy_sleep(fd);
	close(fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_runs_as(run_sleeper(fd), path); /* not deleted: only named so */
	assert_int_equal(unlink(path), 0);
	assert_runs_as(run_sleeper(fd), path);
	close(fd);
	rmdir(folder);
}

static void a_memfd_is_named_as_the_kernel_programs_do(void **state)
{
	int fd = memfd_create("payload", MFD_CLOEXEC);

	assert_true(fd >= 0);
	copy_sleep(fd);
	assert_runs_as(run_sleeper(fd), "memfd:payload");
	close(fd);
}

/* ---- texts ---- */

static void equal_texts_are_one_and_the_last_holder_frees(void **state)
{
	struct strings t;
	uint32_t a, b;

	assert_int_equal(strings_init(&t, 1u << 20, &err), 0);
	a = strings_get(&t, span_of("/bin/sh"));
	assert_int_equal(strings_get(&t, span_of("/bin/sh")), a);
	assert_int_equal(strings_get(&t, span_of("")), 0);
	strings_drop(&t, a);
	assert_span(strings_text(&t, a), "/bin/sh");
	strings_drop(&t, a);
	b = strings_get(&t, span_of("/bin/other"));
	assert_int_equal(a, b); /* its place is used again */
	strings_drop(&t, 0);
	assert_span(strings_text(&t, 0), "");
	strings_fini(&t);
}

static void texts_beyond_the_room_are_refused_and_counted(void **state)
{
	static char text[STRINGS_LONGEST + 1];
	uint32_t numbers[64];
	struct strings t;
	size_t n = 0;

	assert_int_equal(strings_init(&t, 65536, &err), 0);
	memset(text, 'x', sizeof(text));
	assert_int_equal(strings_get(&t, span_make(text, sizeof(text))), 0);
	for (; n < ARRAY_LEN(numbers); n++) {
		text[0] = (char)('0' + n);
		numbers[n] = strings_get(&t, span_make(text, STRINGS_LONGEST));
		if (!numbers[n])
			break;
	}
	assert_int_equal(n, 7); /* of eight places one unit is not used */
	assert_int_equal(t.refused, 2);
	strings_drop(&t, numbers[3]);
	for (uint32_t i = 0; i < 126; i++)
		(void)strings_get(&t, span_make(&i, sizeof(i)));
	numbers[3] = strings_get(&t, span_of("takes the place of a larger one"));
	assert_true(numbers[3] != 0);
	assert_span(strings_text(&t, numbers[3]), "takes the place of a larger one");
	strings_fini(&t);
}

#define TABLE_TEST(name) cmocka_unit_test_setup_teardown(name, make_table, free_table)
#define PROC_TEST(name)	 cmocka_unit_test_setup_teardown(name, open_proc, close_proc)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TABLE_TEST(a_snapshot_has_what_the_head_says),
		TABLE_TEST(the_rev_is_new_when_and_only_when_the_content_is),
		TABLE_TEST(threads_with_names_of_their_own_are_no_new_content),
		TABLE_TEST(a_child_inherits_and_an_exec_replaces),
		TABLE_TEST(a_sibling_and_a_thread_are_told_apart_by_the_clone_flags),
		TABLE_TEST(a_fork_that_comes_after_its_childs_exec_changes_nothing),
		TABLE_TEST(a_fork_that_comes_late_still_names_the_executable),
		TABLE_TEST(a_child_whose_fork_is_missing_runs_what_its_parent_runs_if_that_is_sure),
		TABLE_TEST(a_record_of_the_image_before_gets_that_image),
		TABLE_TEST(a_record_from_before_a_change_does_not_undo_it),
		TABLE_TEST(an_exec_that_was_not_seen_leaves_no_wrong_executable),
		TABLE_TEST(a_record_after_the_exit_still_finds_its_process),
		TABLE_TEST(the_ended_are_forgotten_after_the_grace_time),
		TABLE_TEST(a_pid_that_is_used_again_is_another_process),
		TABLE_TEST(a_full_table_forgets_the_ended_first_and_counts),
		TABLE_TEST(a_fork_storm_stays_small),
		TABLE_TEST(a_snapshot_stays_for_a_whole_batch),
		TABLE_TEST(events_go_to_the_function_of_their_type),
		PROC_TEST(a_process_never_seen_is_looked_up_once),
		PROC_TEST(another_process_with_that_pid_is_not_taken_for_it),
		PROC_TEST(an_exec_that_was_not_seen_is_looked_up),
		PROC_TEST(lookups_are_bounded_and_made_up_for_later),
		PROC_TEST(what_runs_already_is_taken_in_and_matched_by_its_record),
		PROC_TEST(all_that_runs_is_taken_in),
		PROC_TEST(a_lost_exit_is_found_by_the_sweep),
		PROC_TEST(a_deleted_executable_keeps_its_name),
		PROC_TEST(a_memfd_is_named_as_the_kernel_programs_do),
		cmocka_unit_test(equal_texts_are_one_and_the_last_holder_frees),
		cmocka_unit_test(texts_beyond_the_room_are_refused_and_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
