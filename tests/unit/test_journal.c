/* test_journal.c - claims about writing and reading the journal. */
#include "store/journal.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal_events.h"
#include "journal_room.h"
#include "store/journal_format.h"
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

static void append_made(struct room *room, uint64_t from, uint64_t to)
{
	struct made_event m = {0};
	struct err e = ERR_INIT;

	for (uint64_t i = from; i < to; i++) {
		made_event(&m, i);
		assert_int_equal(journal_append(room->journal, &m.ev, &e), 0);
	}
	made_fini(&m);
}

static void a_second_writer_is_refused_by_name(void **state)
{
	struct room *room = *state;
	struct journal_options options = {.state_dir = room->dir, .key = room->key};
	struct journal *second = NULL;
	struct err e = ERR_INIT;
	char pid[32];

	room_open(room, (struct journal_options){0});
	assert_int_equal(journal_open(&options, &second, NULL, &e), -EBUSY);
	(void)snprintf(pid, sizeof(pid), "process %d;", (int)getpid());
	assert_non_null(strstr(e.text, pid));
	assert_null(second);
	room_close(room);
}

static void filters_give_what_a_look_at_every_event_gives(void **state)
{
	AUTO(journal_reader) struct journal_reader *reader = NULL;
	struct room *room = *state;
	struct made_event m = {0};
	struct err e = ERR_INIT;
	char id[4096];

	room_open(room, (struct journal_options){.block_rows = 100});
	append_made(room, 0, 3000);
	room_close(room);
	assert_int_equal(journal_reader_open(room->dir, &reader, &e), 0);
	for (unsigned round = 0; round < 40; round++) {
		AUTO(journal_rows) struct journal_rows *rows = NULL;
		struct journal_filter f = {0};
		uint64_t found = 0;
		struct event ev;

		made_event(&m, (uint64_t)round * 71);
		if (round & 1)
			f.from_ns = m.ev.real_ns, f.to_ns = m.ev.real_ns + 300000;
		if (round & 2)
			journal_filter_type(&f, m.ev.type);
		if ((round & 4) && m.ev.container) {
			memcpy(id, m.container.id.p, m.container.id.n);
			f.container = span_make(id, m.container.id.n);
		}
		if ((round & 8) && m.ev.process)
			f.pid = m.process.pid;
		assert_int_equal(journal_rows_open(reader, &f, &rows, &e), 0);
		for (uint64_t i = 0; i < 3000; i++) {
			made_event(&m, i);
			if (m.ev.real_ns < f.from_ns || (f.to_ns && m.ev.real_ns > f.to_ns) ||
			    ((round & 2) && !(f.types[m.ev.type / 64] >> (m.ev.type % 64) & 1)) ||
			    (f.container.n &&
			     (!m.ev.container || !span_eq(m.container.id, f.container))) ||
			    (f.pid && (!m.ev.process || m.process.pid != f.pid)))
				continue;
			assert_int_equal(journal_rows_next(rows, &ev, &e), 1);
			assert_same_event(&m.ev, &ev);
			found++;
		}
		assert_int_equal(journal_rows_next(rows, &ev, &e), 0);
		assert_true(found > 0);
	}
	made_fini(&m);
}

static void the_tail_begins_where_it_should(void **state)
{
	AUTO(journal_reader) struct journal_reader *reader = NULL;
	AUTO(journal_rows) struct journal_rows *rows = NULL;
	const struct journal_filter all = {0};
	struct room *room = *state;
	struct made_event m = {0};
	struct err e = ERR_INIT;
	struct event ev;

	room_open(room, (struct journal_options){.block_rows = 100});
	append_made(room, 0, 1050);
	room_close(room);
	assert_int_equal(journal_reader_open(room->dir, &reader, &e), 0);
	assert_int_equal(journal_rows_open(reader, &all, &rows, &e), 0);
	for (uint64_t count = 1; count <= 1050; count += 131) {
		assert_int_equal(journal_rows_tail(rows, count, &e), 0);
		for (uint64_t i = 1050 - count; i < 1050; i++) {
			assert_int_equal(journal_rows_next(rows, &ev, &e), 1);
			made_event(&m, i);
			assert_same_event(&m.ev, &ev);
		}
		assert_int_equal(journal_rows_next(rows, &ev, &e), 0);
	}
	assert_int_equal(journal_rows_tail(rows, 999999, &e), 0);
	assert_int_equal(journal_rows_next(rows, &ev, &e), 1);
	made_event(&m, 0);
	assert_same_event(&m.ev, &ev);
	made_fini(&m);
}

struct writing {
	struct room *room;
	uint64_t n;
};

static void *write_slowly(void *arg)
{
	const struct timespec moment = {.tv_nsec = 2000000};
	struct writing *w = arg;
	struct made_event m = {0};
	struct err e = ERR_INIT;

	for (uint64_t i = 0; i < w->n; i++) {
		made_event(&m, i);
		if (journal_append(w->room->journal, &m.ev, &e) < 0)
			break;
		if (i % 100 == 99)
			(void)nanosleep(&moment, NULL);
		if (i % 1000 == 999 && journal_seal(w->room->journal, &e) < 0)
			break;
	}
	(void)journal_flush(w->room->journal, &e);
	made_fini(&m);
	return NULL;
}

static void a_reader_follows_the_writer_over_seals(void **state)
{
	AUTO(journal_reader) struct journal_reader *reader = NULL;
	AUTO(journal_rows) struct journal_rows *rows = NULL;
	const struct timespec moment = {.tv_nsec = 1000000};
	const struct journal_filter all = {0};
	struct room *room = *state;
	struct writing w = {.room = room, .n = 5000};
	struct made_event m = {0};
	struct err e = ERR_INIT;
	struct event ev;
	pthread_t thread;
	uint64_t seen = 0;

	assert_int_equal(journal_reader_open(room->dir, &reader, &e), 0);
	assert_int_equal(journal_rows_open(reader, &all, &rows, &e), 0);
	room_open(room, (struct journal_options){.block_rows = 64, .flush_ms = 5});
	assert_int_equal(pthread_create(&thread, NULL, write_slowly, &w), 0);
	for (unsigned i = 0; i < 20000 && seen < w.n; i++) {
		int r;

		while ((r = journal_rows_next(rows, &ev, &e)) == 1) {
			made_event(&m, seen++);
			assert_same_event(&m.ev, &ev);
		}
		if (r < 0 || journal_reader_refresh(reader, &e) < 0)
			fail_msg("%s", e.text);
		(void)nanosleep(&moment, NULL);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(seen, w.n);
	assert_int_equal(journal_reader_damaged(reader, NULL), 0);
	room_close(room);
	made_fini(&m);
}

static void *write_mine(void *arg)
{
	struct writing *w = arg;
	struct err e = ERR_INIT;
	struct event ev;

	event_init(&ev, EVENT_CANARY);
	for (uint64_t i = 0; i < 20000; i++) {
		ev.value[FIELD_REQUEST].u = w->n;
		ev.value[FIELD_LOST].u = i;
		if (journal_append(w->room->journal, &ev, &e) < 0)
			break;
	}
	return NULL;
}

static void threads_lose_nothing_and_keep_their_own_order(void **state)
{
	AUTO(journal_reader) struct journal_reader *reader = NULL;
	AUTO(journal_rows) struct journal_rows *rows = NULL;
	const struct journal_filter all = {0};
	struct room *room = *state;
	uint64_t next[4] = {0};
	struct writing w[4];
	struct err e = ERR_INIT;
	pthread_t threads[4];
	struct event ev;
	int r;

	room_open(room, (struct journal_options){.block_rows = 500});
	for (unsigned i = 0; i < 4; i++) {
		w[i] = (struct writing){.room = room, .n = i};
		assert_int_equal(pthread_create(&threads[i], NULL, write_mine, &w[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	room_close(room);
	assert_int_equal(journal_reader_open(room->dir, &reader, &e), 0);
	assert_int_equal(journal_rows_open(reader, &all, &rows, &e), 0);
	while ((r = journal_rows_next(rows, &ev, &e)) == 1) {
		assert_true(ev.value[FIELD_REQUEST].u < 4);
		assert_int_equal(ev.value[FIELD_LOST].u, next[ev.value[FIELD_REQUEST].u]++);
	}
	assert_int_equal(r, 0);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(next[i], 20000);
}

static void an_event_that_is_too_large_becomes_a_gap(void **state)
{
	AUTO(journal_reader) struct journal_reader *reader = NULL;
	AUTO(journal_rows) struct journal_rows *rows = NULL;
	AUTO(free) uint8_t *big = calloc(1, LIMIT_TEXT_BYTES + 1);
	struct journal_filter gaps = {0};
	struct room *room = *state;
	struct journal_stats stats;
	struct err e = ERR_INIT;
	struct event ev;

	assert_non_null(big);
	room_open(room, (struct journal_options){.flush_ms = 5});
	event_init(&ev, EVENT_CONTAINER_LOG);
	ev.real_ns = 77;
	ev.value[FIELD_TEXT].bytes = span_make(big, LIMIT_TEXT_BYTES + 1);
	assert_int_equal(journal_append(room->journal, &ev, &e), -E2BIG);
	ev.value[FIELD_TEXT].bytes.n--;
	assert_int_equal(journal_append(room->journal, &ev, &e), 0);
	journal_stats(room->journal, &stats);
	assert_int_equal(stats.rows_refused, 1);
	assert_int_equal(journal_flush(room->journal, &e), 0);
	for (unsigned i = 0; i < 1000 && stats.rows < 2; i++) {
		const struct timespec moment = {.tv_nsec = 2000000};

		(void)nanosleep(&moment, NULL);
		journal_stats(room->journal, &stats);
	}
	room_close(room);
	journal_filter_type(&gaps, EVENT_GAP);
	assert_int_equal(journal_reader_open(room->dir, &reader, &e), 0);
	assert_int_equal(journal_rows_open(reader, &gaps, &rows, &e), 0);
	assert_int_equal(journal_rows_next(rows, &ev, &e), 1);
	assert_true(span_is(ev.value[FIELD_REASON].bytes, "too_large"));
	assert_int_equal(ev.value[FIELD_LOST].u, 1);
	assert_int_equal(ev.value[FIELD_FROM_TIME].u, 77);
	assert_int_equal(journal_rows_next(rows, &ev, &e), 0);
}

/* What an older program left out of a type reads as 0; what it had more is passed over. */
static void a_segment_is_read_by_its_own_schema(void **state)
{
	AUTO(journal_reader) struct journal_reader *reader = NULL;
	AUTO(journal_block) struct journal_block *block = NULL;
	struct room *room = *state;
	char path[128], line[64], other[64];
	struct segment_header h;
	struct err e = ERR_INIT;
	uint8_t bytes[65536], hash[SHA256_BYTES];
	struct event ev;
	uint8_t *at;
	int fd;

	room_open(room, (struct journal_options){0});
	event_init(&ev, EVENT_CANARY);
	ev.value[FIELD_REQUEST].u = 11;
	ev.value[FIELD_LOST].u = 22;
	assert_int_equal(journal_append(room->journal, &ev, &e), 0);
	room_close(room);
	(void)snprintf(path, sizeof(path), "%s/journal/00000001.seg", room->dir);
	(void)snprintf(line, sizeof(line), "canary %d %d\n", FIELD_REQUEST, FIELD_LOST);
	(void)snprintf(other, sizeof(other), "canary %d %d\n", FIELD_REQUEST, FIELD_SIGNAL);
	assert_int_equal(strlen(line), strlen(other));
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_true(pread(fd, bytes, sizeof(bytes), 0) > (ssize_t)sizeof(h));
	memcpy(&h, bytes, sizeof(h));
	at = memmem(bytes, h.header_bytes, line, strlen(line));
	assert_non_null(at);
	memcpy(at, other, strlen(other));
	sha256_of(span_make(bytes, h.header_bytes - SHA256_BYTES), hash);
	memcpy(bytes + h.header_bytes - SHA256_BYTES, hash, sizeof(hash));
	assert_int_equal(pwrite(fd, bytes, h.header_bytes, 0), h.header_bytes);
	assert_int_equal(close(fd), 0);
	assert_int_equal(journal_reader_open(room->dir, &reader, &e), 0);
	assert_int_equal(journal_block_new(&block, &e), 0);
	assert_int_equal(journal_block_load(block, reader, 0, &e), 0);
	assert_int_equal(journal_block_event(block, 0, &ev, &e), 0);
	assert_int_equal(ev.type, EVENT_CANARY);
	assert_int_equal(ev.value[FIELD_REQUEST].u, 11);
	assert_int_equal(ev.value[FIELD_LOST].u, 0);
}

#define ROOM_TEST(name) cmocka_unit_test_setup_teardown(name, room_setup, room_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROOM_TEST(every_type_and_field_comes_back),
		ROOM_TEST(a_second_writer_is_refused_by_name),
		ROOM_TEST(filters_give_what_a_look_at_every_event_gives),
		ROOM_TEST(the_tail_begins_where_it_should),
		ROOM_TEST(a_reader_follows_the_writer_over_seals),
		ROOM_TEST(threads_lose_nothing_and_keep_their_own_order),
		ROOM_TEST(an_event_that_is_too_large_becomes_a_gap),
		ROOM_TEST(a_segment_is_read_by_its_own_schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
