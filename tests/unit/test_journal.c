/* test_journal.c - claims about writing and reading the journal. */
#include "store/journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "journal_events.h"
#include "journal_room.h"
#include "store/journal_read.h"
#include "store/journal_verify.h"
#include "test.h"

static void assert_same_process(const struct process *a, const struct process *b)
{
	assert_int_equal(!a, !b);
	if (!a)
		return;
	assert_true(a->rev == b->rev && a->start_ns == b->start_ns &&
		    a->parent_start_ns == b->parent_start_ns && a->exec_ns == b->exec_ns &&
		    a->pid == b->pid && a->ppid == b->ppid && a->vpid == b->vpid &&
		    a->uid == b->uid && a->gid == b->gid && a->loginuid == b->loginuid);
	assert_true(span_eq(a->comm, b->comm));
	assert_true(span_eq(a->exe, b->exe));
}

static void assert_same_container(const struct container *a, const struct container *b)
{
	assert_int_equal(!a, !b);
	if (!a)
		return;
	assert_true(a->rev == b->rev && a->cgroup_id == b->cgroup_id && a->runtime == b->runtime &&
		    a->state == b->state && a->privileged == b->privileged &&
		    a->auto_remove == b->auto_remove && a->init_pid == b->init_pid &&
		    a->exit_code == b->exit_code && a->created_ns == b->created_ns &&
		    a->started_ns == b->started_ns && a->died_ns == b->died_ns);
	assert_true(span_eq(a->id, b->id) && span_eq(a->name, b->name) &&
		    span_eq(a->image, b->image) && span_eq(a->image_id, b->image_id) &&
		    span_eq(a->digest, b->digest) && span_eq(a->pod, b->pod) &&
		    span_eq(a->pod_uid, b->pod_uid) &&
		    span_eq(a->pod_namespace, b->pod_namespace) &&
		    span_eq(a->cgroup_path, b->cgroup_path) && span_eq(a->rootfs, b->rootfs) &&
		    span_eq(a->upper_dir, b->upper_dir) && span_eq(a->command, b->command) &&
		    span_eq(a->user, b->user));
}

static void assert_same_event(const struct event *a, const struct event *b)
{
	const struct event_type_info *info = &event_types[a->type];

	assert_int_equal(a->type, b->type);
	assert_true(a->marks == b->marks && a->boot_ns == b->boot_ns && a->real_ns == b->real_ns &&
		    a->count == b->count && a->ret == b->ret && a->tid == b->tid);
	assert_same_process(a->process, b->process);
	assert_same_container(a->container, b->container);
	for (unsigned i = 0; i < info->field_count; i++) {
		unsigned f = info->fields[i];

		if (value_kind_is_bytes(event_fields[f].kind))
			assert_true(span_eq(a->value[f].bytes, b->value[f].bytes));
		else
			assert_true(a->value[f].u == b->value[f].u);
	}
}

/* Reads all and asserts that it is events 0 to n - 1. */
static void assert_journal_is(const char *state_dir, uint64_t n)
{
	AUTO(journal_reader) struct journal_reader *reader = NULL;
	AUTO(journal_rows) struct journal_rows *rows = NULL;
	const struct journal_filter all = {0};
	struct made_event m = {0};
	struct err e = ERR_INIT;
	struct event ev;

	assert_int_equal(journal_reader_open(state_dir, &reader, &e), 0);
	assert_int_equal(journal_reader_damaged(reader, NULL), 0);
	assert_int_equal(journal_rows_open(reader, &all, &rows, &e), 0);
	for (uint64_t i = 0; i < n; i++) {
		assert_int_equal(journal_rows_next(rows, &ev, &e), 1);
		made_event(&m, i);
		assert_same_event(&m.ev, &ev);
	}
	assert_int_equal(journal_rows_next(rows, &ev, &e), 0);
	made_fini(&m);
}

static void every_type_and_field_comes_back(void **state)
{
	struct room *room = *state;
	struct made_event m = {0};
	struct err e = ERR_INIT;

	room_open(room, (struct journal_options){.block_rows = 1000});
	for (uint64_t i = 0; i < 6500; i++) {
		made_event(&m, i);
		assert_int_equal(journal_append(room->journal, &m.ev, &e), 0);
	}
	assert_int_equal(journal_flush(room->journal, &e), 0);
	assert_journal_is(room->dir, 6500);
	room_close(room);
	assert_journal_is(room->dir, 6500);
	made_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_type_and_field_comes_back, room_setup,
						room_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
