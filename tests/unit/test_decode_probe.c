/* test_decode_probe.c - claims about real records: from the kernel programs through decode and the
 * process table. */
#include <sys/sysmacros.h>

#include "base/clock.h"
#include "probe_fixture.h"
#include "record/decode.h"
#include "record/processes.h"

static struct decoder decoder;
static struct processes table;
static struct err err;

static int by_time(const void *a, const void *b)
{
	const struct wire_head *const *x = a, *const *y = b;

	return ((*x)->boot_ns > (*y)->boot_ns) - ((*x)->boot_ns < (*y)->boot_ns);
}

/* Decodes all records of the last run, in the order of time, and calls `look` with each event. */
static unsigned replay(void (*look)(void *ctx, const struct event *ev), void *ctx)
{
	unsigned seen = 0;

	decoder.offset_ns = clock_offset_ns();
	qsort(fixture.records, fixture.count, sizeof(fixture.records[0]), by_time);
	for (size_t i = 0; i < fixture.count; i++) {
		const struct wire_head *head = fixture.records[i];
		struct event ev;

		if (decode_record(&decoder, span_make(head, head->len), &ev, &err) != 0)
			fail_msg("%s", err.text);
		processes_event(&table, head, &ev);
		if (head->cgroup_id != fixture.cgroup_id)
			continue;
		look(ctx, &ev);
		seen++;
	}
	return seen;
}

static void assert_span(struct span s, const char *text)
{
	if (!span_is(s, text))
		fail_msg("'%.*s' is not '%s'", (int)s.n, (const char *)s.p, text);
}

static uint64_t inode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

/* ---- one program ---- */

static int pipe_fds[2];

static void act_exec(void *arg)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null < 0 || dup2(null, 0) < 0 || dup2(pipe_fds[1], 1) < 0 || close(2) || chdir("/usr"))
		_exit(1);
	execl("/bin/cat", "cat", "a b", "it's", "", "/dev/null", (char *)NULL);
	_exit(2);
}

static void look_exec(void *ctx, const struct event *ev)
{
	const union value *v = ev->value;
	char path[LIMIT_PATH], text[128];
	struct stat st;

	if (ev->type != EVENT_PROCESS_EXEC)
		return;
	++*(unsigned *)ctx;
	assert_non_null(realpath("/bin/cat", path));
	assert_int_equal(stat(path, &st), 0);
	assert_span(v[FIELD_PATH].bytes, path);
	assert_int_equal(v[FIELD_INO].u, st.st_ino);
	assert_int_equal(v[FIELD_DEV].u, major(st.st_dev) << 20 | minor(st.st_dev));
	assert_span(v[FIELD_FILENAME].bytes, "/bin/cat");
	assert_span(v[FIELD_ARGV].bytes, "cat 'a b' 'it'\\''s' '' /dev/null");
	assert_int_equal(v[FIELD_ARGC].u, 5);
	assert_int_equal(v[FIELD_ARGV_BYTES].u, 24);
	assert_span(v[FIELD_CWD].bytes, "/usr");
	assert_span(v[FIELD_STDIN].bytes, "null");
	assert_int_equal(fstat(pipe_fds[1], &st), 0);
	(void)snprintf(text, sizeof(text), "pipe:[%lu]", st.st_ino);
	assert_span(v[FIELD_STDOUT].bytes, text);
	assert_span(v[FIELD_STDERR].bytes, "closed");
	assert_int_equal(v[FIELD_EUID].u, geteuid());
	assert_int_equal(v[FIELD_MNT_NS].u, inode_of("/proc/self/ns/mnt"));
	assert_int_equal(v[FIELD_PID_NS].u, inode_of("/proc/self/ns/pid"));
	assert_int_equal(v[FIELD_NET_NS].u, inode_of("/proc/self/ns/net"));
	assert_int_equal(v[FIELD_USER_NS].u, inode_of("/proc/self/ns/user"));
	assert_int_equal(v[FIELD_UTS_NS].u, inode_of("/proc/self/ns/uts"));
	assert_int_equal(v[FIELD_IPC_NS].u, inode_of("/proc/self/ns/ipc"));
	assert_int_equal(v[FIELD_CGROUP_NS].u, inode_of("/proc/self/ns/cgroup"));
	(void)snprintf(text, sizeof(text), "%d:test_decode_pro", getpid());
	assert_true(span_starts(v[FIELD_ANCESTORS].bytes, text));
	assert_int_equal(v[FIELD_SYSCALL].u, 59);
	assert_int_equal(ev->ret, 0);
	assert_int_equal(ev->marks, 0);
	assert_true(clock_real_ns() - ev->real_ns < 60 * NSEC_PER_SEC);
	assert_int_equal(ev->process->pid, fixture.child);
	assert_int_equal(ev->process->ppid, getpid());
	assert_span(ev->process->exe, path);
	assert_span(ev->process->comm, "cat");
	assert_int_equal(ev->process->exec_ns, ev->boot_ns);
}

static void a_program_that_runs_is_told_whole(void **state)
{
	unsigned execs = 0;

	fixture_need();
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	fixture_run(act_exec, NULL);
	assert_true(replay(look_exec, &execs) >= 2);
	assert_int_equal(execs, 1);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

/* ---- a family ---- */

struct family {
	char self[LIMIT_PATH], shell[LIMIT_PATH], truth[LIMIT_PATH];
	uint64_t start_ns[8];
	unsigned forks, execs, exits, failed;
};

static void act_family(void *arg)
{
	execl("/bin/sh", "sh", "-c", "/bin/true; (exit 7); /no/such/program; kill -9 $$",
	      (char *)NULL);
	_exit(2);
}

static void look_family(void *ctx, const struct event *ev)
{
	struct family *f = ctx;

	switch (ev->type) {
	case EVENT_PROCESS_FORK:
		assert_span(ev->process->exe, f->shell);
		f->start_ns[f->forks++] = ev->value[FIELD_CHILD_START].u;
		break;
	case EVENT_PROCESS_EXEC:
		if (ev->ret < 0) {
			f->failed++;
			assert_int_equal(ev->ret, -ENOENT);
			assert_span(ev->value[FIELD_PATH].bytes, "/no/such/program");
			assert_true(ev->marks & EVENT_CLAIM);
			assert_span(ev->process->exe, f->shell);
			break;
		}
		f->execs++;
		assert_span(ev->process->exe, f->execs == 1 ? f->shell : f->truth);
		break;
	case EVENT_PROCESS_EXIT:
		f->exits++;
		if (ev->process->pid != (uint32_t)fixture.child) {
			assert_true(ev->process->start_ns == f->start_ns[f->exits - 1]);
			assert_int_equal(ev->process->ppid, fixture.child);
			assert_int_equal(ev->value[FIELD_EXIT_SIGNAL].u, 0);
			break;
		}
		assert_int_equal(ev->value[FIELD_EXIT_SIGNAL].u, 9);
		assert_span(ev->process->exe, f->shell);
		break;
	default:
		break;
	}
}

static void children_are_known_by_what_their_parent_runs(void **state)
{
	struct processes_stats stats;
	struct family f = {0};

	fixture_need();
	assert_non_null(realpath("/bin/sh", f.shell));
	assert_non_null(realpath("/bin/true", f.truth));
	fixture_run(act_family, NULL);
	(void)replay(look_family, &f);
	assert_int_equal(f.forks, 3);
	assert_int_equal(f.execs, 2);
	assert_int_equal(f.failed, 1);
	assert_int_equal(f.exits, 4);
	processes_get_stats(&table, &stats);
	assert_int_equal(stats.exits_missed, 0);
}

static int open_all(void **state)
{
	struct probe_options options = probe_defaults();
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	options.ring_bytes = 1u << 20;
	if (proc < 0 || processes_init(&table, 4096, proc, &err) < 0)
		return -1;
	return fixture_open(&options);
}

static int close_all(void **state)
{
	fixture_close();
	close(table.proc_fd);
	processes_fini(&table);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_that_runs_is_told_whole),
		cmocka_unit_test(children_are_known_by_what_their_parent_runs),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
