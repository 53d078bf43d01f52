/* test_lineage.c - claims about the ancestry of processes. */
#include "base/limits.h"
#include "detect/lineage.h"
#include "detect_case.h"

#define TWICE ((size_t)2 * LIMIT_LINEAGE_TEXT)

static struct event ev;
static struct process actor;

/* Process `pid` started at 10 * pid, child of `ppid`, does something. */
static void begin(enum event_type type, uint32_t pid, uint32_t ppid, const char *comm)
{
	event_init(&ev, type);
	actor = (struct process){.pid = pid,
				 .start_ns = pid * 10ull,
				 .ppid = ppid,
				 .parent_start_ns = ppid * 10ull,
				 .uid = 1000,
				 .loginuid = UINT32_MAX,
				 .comm = span_of(comm)};
	ev.process = &actor;
}

static void feed(struct lineage *l)
{
	struct err e = ERR_INIT;

	if (lineage_feed(l, &ev, &e) < 0)
		fail_msg("%s", e.text);
}

static void forks(struct lineage *l, uint32_t pid, uint32_t ppid, const char *comm, uint32_t child)
{
	begin(EVENT_PROCESS_FORK, pid, ppid, comm);
	ev.ret = child;
	ev.value[FIELD_CHILD_PID].u = child;
	ev.value[FIELD_CHILD_START].u = child * 10ull;
	feed(l);
}

static void execs(struct lineage *l, uint32_t pid, uint32_t ppid, const char *comm,
		  const char *argv, const char *ancestors)
{
	begin(EVENT_PROCESS_EXEC, pid, ppid, comm);
	ev.value[FIELD_ARGV].bytes = span_of(argv);
	ev.value[FIELD_PATH].bytes = span_of("/bin/x");
	ev.value[FIELD_ANCESTORS].bytes = span_of(ancestors);
	ev.value[FIELD_CAPS].u = 7;
	feed(l);
}

static void exits(struct lineage *l, uint32_t pid)
{
	begin(EVENT_PROCESS_EXIT, pid, 1, "gone");
	feed(l);
}

static enum truth parent(struct lineage *l, uint32_t pid, unsigned n, struct detect_process *ret)
{
	struct detect_ancestry a = lineage_ancestry(l);
	struct process of = {.pid = pid, .start_ns = pid * 10ull};

	return a.find(a.ctx, &of, n, ret);
}

static struct lineage *table(uint32_t max)
{
	struct lineage *l = NULL;
	struct err e = ERR_INIT;

	assert_int_equal(lineage_new(max, &l, &e), 0);
	return l;
}

static void children_know_their_parents_after_these_are_gone(void **state)
{
	AUTO(lineage) struct lineage *l = table(100);
	struct detect_process p;

	execs(l, 10, 1, "sshd", "sshd -D", "");
	forks(l, 10, 1, "sshd", 20);
	execs(l, 20, 10, "bash", "bash -c 'curl x'", "10:sshd 1:init");
	forks(l, 20, 10, "bash", 30);
	execs(l, 30, 20, "curl", "curl x", "20:bash 10:sshd 1:init");
	exits(l, 20);
	exits(l, 10);
	assert_yes(parent(l, 30, 0, &p));
	assert_true(span_is(p.process.comm, "curl"));
	assert_yes(parent(l, 30, 1, &p));
	assert_true(span_is(p.image->argv, "bash -c 'curl x'"));
	assert_yes(parent(l, 30, 2, &p));
	assert_true(span_is(p.image->argv, "sshd -D"));
	assert_true(span_is(p.process.exe, "/bin/x"));
	assert_true(p.caps_known && p.caps[0] == 7);
	assert_yes(parent(l, 30, 3, &p));
	assert_true(span_is(p.process.comm, "init"));
	assert_null(p.image);
	assert_unknown(parent(l, 30, 4, &p));
	assert_unknown(parent(l, 99, 1, &p));
}

static void a_fork_hands_down_what_the_exec_said(void **state)
{
	AUTO(lineage) struct lineage *l = table(100);
	struct detect_process p;

	execs(l, 1, 0, "init", "init --x", "");
	forks(l, 1, 0, "init", 20);
	assert_yes(parent(l, 20, 0, &p));
	assert_true(span_is(p.image->argv, "init --x"));
	assert_int_equal(p.process.uid, 1000);
	assert_no(parent(l, 20, 2, &p));
	execs(l, 20, 1, "sh", "sh", "1:init");
	forks(l, 1, 0, "init", 20); /* late: its child has said more already */
	assert_yes(parent(l, 20, 0, &p));
	assert_true(span_is(p.image->argv, "sh"));
}

static void a_reused_pid_is_another_process(void **state)
{
	AUTO(lineage) struct lineage *l = table(100);
	struct detect_process p;
	struct detect_ancestry a = lineage_ancestry(l);
	struct process old = {.pid = 10, .start_ns = 100}, young = {.pid = 10, .start_ns = 500};

	execs(l, 10, 1, "old", "old", "");
	begin(EVENT_PROCESS_EXEC, 10, 1, "young");
	actor.start_ns = 500;
	ev.value[FIELD_ARGV].bytes = span_of("young");
	feed(l);
	assert_yes(a.find(a.ctx, &old, 0, &p));
	assert_true(span_is(p.image->argv, "old"));
	assert_yes(a.find(a.ctx, &young, 0, &p));
	assert_true(span_is(p.image->argv, "young"));
}

static void failed_calls_and_ids_change_no_parent(void **state)
{
	AUTO(lineage) struct lineage *l = table(100);
	struct detect_process p;

	execs(l, 10, 1, "sh", "sh", "");
	begin(EVENT_PROCESS_EXEC, 10, 1, "sh");
	ev.ret = -ENOENT;
	ev.value[FIELD_ARGV].bytes = span_of("nope");
	feed(l);
	begin(EVENT_PROCESS_FORK, 10, 1, "sh");
	ev.ret = -EAGAIN;
	feed(l);
	begin(EVENT_CRED_SETID, 10, 1, "sh");
	feed(l);
	assert_yes(parent(l, 10, 0, &p));
	assert_true(span_is(p.image->argv, "sh"));
	assert_false(p.caps_known);
	event_init(&ev, EVENT_GAP);
	feed(l);
}

static void the_dead_go_first_and_evictions_are_counted(void **state)
{
	AUTO(lineage) struct lineage *l = table(8);
	struct lineage_stats s;
	struct detect_process p;

	for (uint32_t pid = 1; pid <= 8; pid++)
		execs(l, pid, 0, "x", "x", "");
	exits(l, 3);
	execs(l, 9, 0, "x", "x", "");
	lineage_get_stats(l, &s);
	assert_int_equal(s.evicted_dead, 1);
	assert_int_equal(s.evicted_alive, 0);
	assert_unknown(parent(l, 3, 0, &p));
	execs(l, 10, 0, "x", "x", "");
	lineage_get_stats(l, &s);
	assert_int_equal(s.evicted_alive, 1);
	assert_unknown(parent(l, 1, 0, &p));
	assert_int_equal(s.live, 8);
	assert_int_equal(s.dead, 0);
}

static void memory_is_bounded_whatever_is_fed(void **state)
{
	AUTO(lineage) struct lineage *l = table(LIMIT_LINEAGE);
	char *argv = malloc(TWICE);
	struct lineage_stats s;
	struct detect_process p;

	assert_non_null(argv);
	memset(argv, 'a', TWICE);
	for (uint32_t pid = 1; pid <= 20000; pid++) {
		begin(EVENT_PROCESS_EXEC, pid, 0, "x");
		ev.value[FIELD_ARGV].bytes = span_make(argv, TWICE);
		feed(l);
	}
	lineage_get_stats(l, &s);
	assert_true(s.bytes <= LIMIT_LINEAGE_BYTES);
	assert_true(s.evicted_alive > 0 && s.cut == 20000);
	assert_yes(parent(l, 20000, 0, &p));
	assert_true(p.image->cut && p.image->argv.n == LIMIT_LINEAGE_TEXT);
	free(argv);
}

static void random_events_keep_the_table_whole(void **state)
{
	AUTO(lineage) struct lineage *l = table(64);
	uint64_t random = 5;
	struct lineage_stats s;
	struct detect_process p;

	for (unsigned i = 0; i < 20000; i++) {
		uint32_t pid = 1 + next_random(&random) % 200, ppid = next_random(&random) % 200;

		switch (next_random(&random) % 4) {
		case 0:
			forks(l, pid, ppid, "a", 1 + next_random(&random) % 200);
			break;
		case 1:
			execs(l, pid, ppid, "b", "b c d", "5:x 6:'a b'");
			break;
		case 2:
			exits(l, pid);
			break;
		default:
			(void)parent(l, pid, next_random(&random) % 70, &p); /* it must end */
			break;
		}
		lineage_get_stats(l, &s);
		assert_true(s.live + s.dead <= 64);
	}
}

static void lists_of_ancestors_are_read_with_their_quotes(void **state)
{
	static const char list[] = "20:bash 10:'a b' 7:'it'\\''s' 1:init";
	struct span comm;
	uint32_t pid;
	char room[64];

	assert_true(detect_ancestor_at(span_of(list), 0, &pid, &comm, room));
	assert_true(pid == 20 && span_is(comm, "bash"));
	assert_true(detect_ancestor_at(span_of(list), 1, &pid, &comm, room));
	assert_true(pid == 10 && span_is(comm, "a b"));
	assert_true(detect_ancestor_at(span_of(list), 2, &pid, &comm, room));
	assert_true(pid == 7 && span_is(comm, "it's"));
	assert_true(detect_ancestor_at(span_of(list), 3, &pid, &comm, room));
	assert_true(pid == 1 && span_is(comm, "init"));
	assert_false(detect_ancestor_at(span_of(list), 4, &pid, &comm, room));
	assert_false(detect_ancestor_at(span_of(""), 0, &pid, &comm, room));
	assert_false(detect_ancestor_at(span_of("x:y"), 0, &pid, &comm, room));
	assert_false(detect_ancestor_at(span_of("99999999999:y"), 0, &pid, &comm, room));
	assert_false(detect_ancestor_at(span_of("1:a "), 1, &pid, &comm, room));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(children_know_their_parents_after_these_are_gone),
		cmocka_unit_test(a_fork_hands_down_what_the_exec_said),
		cmocka_unit_test(a_reused_pid_is_another_process),
		cmocka_unit_test(failed_calls_and_ids_change_no_parent),
		cmocka_unit_test(the_dead_go_first_and_evictions_are_counted),
		cmocka_unit_test(memory_is_bounded_whatever_is_fed),
		cmocka_unit_test(random_events_keep_the_table_whole),
		cmocka_unit_test(lists_of_ancestors_are_read_with_their_quotes),
	};

	return cmocka_run_group_tests_name("lineage", tests, NULL, NULL);
}
