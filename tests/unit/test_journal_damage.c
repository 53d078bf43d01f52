/* test_journal_damage.c - claims about what the journal survives and what verify finds. */
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "journal_checks.h"
#include "test.h"

static void flip(int fd, off_t at, uint8_t bits)
{
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= bits;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
}

/* Rows that can be read before the first error; all are checked to be the events from 0 on. */
static uint64_t readable(const struct room *room)
{
	AUTO(journal_reader) struct journal_reader *reader = NULL;
	AUTO(journal_rows) struct journal_rows *rows = NULL;
	const struct journal_filter all = {0};
	struct made_event m = {0};
	struct err e = ERR_INIT;
	uint64_t n = 0;
	struct event ev;

	if (journal_reader_open(room->dir, &reader, &e) < 0 ||
	    journal_rows_open(reader, &all, &rows, &e) < 0)
		fail_msg("%s", e.text);
	while (journal_rows_next(rows, &ev, &e) == 1) {
		made_event(&m, n);
		if (ev.type != m.ev.type || ev.real_ns != m.ev.real_ns || ev.ret != m.ev.ret)
			break;
		n++;
	}
	made_fini(&m);
	return n;
}

/* Reads everything that can be read, whatever it says: nothing may crash or hang. */
static void read_regardless(const struct room *room)
{
	AUTO(journal_reader) struct journal_reader *reader = NULL;
	AUTO(journal_rows) struct journal_rows *rows = NULL;
	const struct journal_filter all = {0};
	struct err e = ERR_INIT;
	struct event ev;

	if (journal_reader_open(room->dir, &reader, &e) < 0 ||
	    journal_rows_open(reader, &all, &rows, &e) < 0)
		fail_msg("%s", e.text);
	while (journal_rows_next(rows, &ev, &e) != 0)
		err_clear(&e);
}

static void a_whole_journal_has_no_problems(void **state)
{
	struct room *room = *state;
	struct found f;

	fill(room, 3, (struct journal_options){0});
	f = verify(room);
	assert_int_equal(f.verdict.problems, 0);
	assert_int_equal(f.verdict.segments, 3);
	assert_int_equal(f.verdict.sealed, 3);
	assert_int_equal(f.verdict.blocks, 30);
	assert_int_equal(f.verdict.rows, 3000);
	assert_false(f.verdict.unsealed_last);
}

static void a_segment_being_written_is_no_problem(void **state)
{
	struct room *room = *state;
	struct err e = ERR_INIT;
	struct found f;

	room_open(room, (struct journal_options){.block_rows = ROWS});
	append_made(room, 0, 250);
	assert_int_equal(journal_flush(room->journal, &e), 0);
	f = verify(room);
	assert_int_equal(f.verdict.problems, 0);
	assert_int_equal(f.verdict.rows, 250);
	assert_true(f.verdict.unsealed_last);
}

static void another_key_is_told(void **state)
{
	struct room *room = *state;
	char other[] = "/tmp/amber-journal-XXXXXX";
	AUTO(key) struct key *key = NULL;
	struct found f = {0};
	struct err e = ERR_INIT;

	fill(room, 1, (struct journal_options){0});
	assert_non_null(mkdtemp(other));
	assert_int_equal(key_open(other, &key, &e), 0);
	room_remove(other);
	assert_int_equal(journal_verify(room->dir, key, note_problem, &f, &f.verdict, &e), 0);
	assert_true(f.verdict.problems >= 1);
	assert_non_null(strstr(f.what, "not of this host's key"));
}

static void every_flipped_bit_is_found(void **state)
{
	struct room *room = *state;
	uint64_t seed = 12345;
	struct stat st;

	fill(room, 3, (struct journal_options){0});
	for (unsigned i = 0; i < 240; i++) {
		uint64_t number = 1 + made_random(&seed) % 3;
		int fd = open_segment(room, number, &st);
		off_t at = (off_t)(made_random(&seed) % (uint64_t)st.st_size);
		uint8_t bit = (uint8_t)(1u << made_random(&seed) % 8);
		struct found f;

		/* The ends, where the seal and its trailer are, are small: look there as well. */
		if (i % 4 == 0)
			at = st.st_size - 1 - (off_t)(made_random(&seed) % 300);
		flip(fd, at, bit);
		f = verify(room);
		if (f.verdict.problems == 0 || f.first.segment != number)
			fail_msg("byte %lld of segment %llu of %lld bytes", (long long)at,
				 (unsigned long long)number, (long long)st.st_size);
		if (i % 8 == 0)
			read_regardless(room);
		flip(fd, at, bit);
		assert_int_equal(close(fd), 0);
	}
	assert_whole(room, 3000);
}

static void the_first_bad_block_is_named_and_those_before_it_are_read(void **state)
{
	struct segment_footer footer;
	struct room *room = *state;
	struct footer_entry entry;
	AUTO(buf) struct buf seal;
	AUTO(fd) int fd = -1;
	struct err e = ERR_INIT;
	struct span prune;
	struct cursor index;
	struct found f;
	struct stat st;

	buf_init(&seal, 1u << 20);
	fill(room, 3, (struct journal_options){0});
	fd = open_segment(room, 2, &st);
	assert_int_equal(segment_footer_read(fd, (uint64_t)st.st_size, &seal, &footer, &e), 0);
	index = footer_index(&seal);
	for (unsigned block = 0; block < 10; block++) {
		uint64_t data;

		assert_true(footer_next(&index, &entry, &prune));
		data = entry.offset + sizeof(entry.header);
		/* The types come first in the column data: the rows cannot be read either. */
		flip(fd, (off_t)data, 0xff);
		f = verify(room);
		assert_true(f.verdict.problems >= 1);
		assert_string_equal(f.file, "00000002.seg");
		assert_int_equal(f.first.segment, 2);
		assert_int_equal(f.first.block, block);
		assert_int_equal(f.first.offset, entry.offset);
		assert_true(readable(room) >= 1000 + block * ROWS);
		flip(fd, (off_t)data, 0xff);
	}
	assert_int_equal(readable(room), 3000);
}

static void every_cut_is_found(void **state)
{
	AUTO(free) uint8_t *bytes = NULL;
	struct room *room = *state;
	uint64_t seed = 777;
	struct stat st;
	struct found f;

	fill(room, 2, (struct journal_options){0});
	for (unsigned i = 0; i < 60; i++) {
		uint64_t number = 1 + i % 2;
		AUTO(fd) int fd = open_segment(room, number, &st);
		off_t cut = (off_t)(made_random(&seed) % (uint64_t)st.st_size);

		free(TAKE(bytes));
		bytes = malloc((size_t)st.st_size);
		assert_non_null(bytes);
		assert_int_equal(pread(fd, bytes, (size_t)st.st_size, 0), st.st_size);
		assert_int_equal(ftruncate(fd, cut), 0);
		f = verify(room);
		assert_true(f.verdict.problems >= 1);
		assert_int_equal(f.first.segment, number);
		read_regardless(room);
		assert_int_equal(pwrite(fd, bytes, (size_t)st.st_size, 0), st.st_size);
	}
	assert_whole(room, 2000);
}

static void missing_segments_are_found_at_each_place(void **state)
{
	struct room *room = *state;
	char path[128], away[160];

	fill(room, 4, (struct journal_options){0});
	for (uint64_t number = 1; number <= 4; number++) {
		struct found f;

		path_of(room, number, ".seg", path);
		(void)snprintf(away, sizeof(away), "%s.away", path);
		assert_int_equal(rename(path, away), 0);
		f = verify(room);
		assert_true(f.verdict.problems >= 1);
		assert_int_equal(f.first.segment, number);
		assert_non_null(strstr(f.what, "missing"));
		assert_int_equal(rename(away, path), 0);
	}
	assert_whole(room, 4000);
	(void)snprintf(path, sizeof(path), "%s/journal/head", room->dir);
	assert_int_equal(unlink(path), 0);
	assert_string_equal(verify(room).file, "head");
}

static void reordered_segments_and_blocks_are_found(void **state)
{
	char one[128], two[128], temp[160];
	struct room *room = *state;
	struct segment_footer footer;
	struct footer_entry a, b;
	static uint8_t bytes[2][1u << 20];
	AUTO(buf) struct buf seal;
	AUTO(fd) int fd = -1;
	struct err e = ERR_INIT;
	struct cursor index;
	struct span prune;
	struct found f;
	struct stat st;

	buf_init(&seal, 1u << 20);
	fill(room, 3, (struct journal_options){0});
	path_of(room, 1, ".seg", one);
	path_of(room, 2, ".seg", two);
	(void)snprintf(temp, sizeof(temp), "%s.away", one);
	assert_int_equal(rename(one, temp) | rename(two, one) | rename(temp, two), 0);
	f = verify(room);
	assert_true(f.verdict.problems >= 2);
	assert_int_equal(f.first.segment, 1);
	assert_int_equal(rename(one, temp) | rename(two, one) | rename(temp, two), 0);
	assert_whole(room, 3000);

	/* Two blocks of one segment change places. */
	fd = open_segment(room, 3, &st);
	assert_int_equal(segment_footer_read(fd, (uint64_t)st.st_size, &seal, &footer, &e), 0);
	index = footer_index(&seal);
	for (unsigned i = 0; i < 4; i++)
		assert_true(footer_next(&index, &a, &prune));
	assert_true(footer_next(&index, &b, &prune));
	assert_true(a.header.block_bytes <= sizeof(bytes[0]) &&
		    b.header.block_bytes <= sizeof(bytes[1]));
	assert_true(pread(fd, bytes[0], a.header.block_bytes, (off_t)a.offset) > 0);
	assert_true(pread(fd, bytes[1], b.header.block_bytes, (off_t)b.offset) > 0);
	assert_true(pwrite(fd, bytes[1], b.header.block_bytes, (off_t)a.offset) > 0);
	assert_true(pwrite(fd, bytes[0], a.header.block_bytes,
			   (off_t)(a.offset + b.header.block_bytes)) > 0);
	f = verify(room);
	assert_int_equal(f.first.segment, 3);
	assert_int_equal(f.first.block, 3);
	assert_int_equal(f.first.offset, a.offset);
}

/* A child that writes, tells through the pipe what was flushed, and never stops. */
static void write_until_killed(struct room *room, uint64_t from, int pipe_fd)
{
	struct journal_options options = {
		.state_dir = room->dir,
		.key = room->key,
		.block_rows = 70,
		.segment_bytes = 200000,
		.flush_ms = 3,
	};
	struct made_event m = {0};
	struct err e = ERR_INIT;

	if (journal_open(&options, &room->journal, &room->recovery, &e) < 0)
		_exit(1);
	for (uint64_t i = from;; i++) {
		made_event(&m, i);
		if (journal_append(room->journal, &m.ev, &e) < 0)
			_exit(2);
		if (i % 97 != 0)
			continue;
		if (journal_flush(room->journal, &e) < 0)
			_exit(3);
		i++;
		if (write(pipe_fd, &i, sizeof(i)) != (ssize_t)sizeof(i))
			_exit(4);
		i--;
	}
}

/* Kills after that time, counted from its first flush when `settled`, else from its start. */
static uint64_t kill_a_writer(struct room *room, uint64_t from, long after_ns, bool settled)
{
	const struct timespec later = {.tv_nsec = after_ns};
	uint64_t flushed = from, n;
	int ends[2], status;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		(void)close(ends[0]);
		write_until_killed(room, from, ends[1]);
	}
	(void)close(ends[1]);
	if (settled)
		assert_int_equal(read(ends[0], &flushed, sizeof(flushed)), sizeof(flushed));
	(void)nanosleep(&later, NULL);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status)); /* it had not stopped on an error of its own */
	while (read(ends[0], &n, sizeof(n)) == (ssize_t)sizeof(n))
		flushed = n;
	(void)close(ends[0]);
	return flushed;
}

static void nothing_flushed_is_lost_by_kill_9(void **state)
{
	struct room *room = *state;
	uint64_t seed = (uint64_t)getpid() | 1, rows = 0;
	unsigned recovered = 0;

	for (unsigned round = 0; round < 20; round++) {
		uint64_t flushed =
			kill_a_writer(room, rows, (long)(made_random(&seed) % 40000000), round & 1);
		struct found f;

		room_open(room, (struct journal_options){0});
		recovered += room->recovery.segment != 0;
		assert_int_equal(room->recovery.damaged, 0);
		room_close(room);
		f = verify(room);
		if (f.verdict.problems)
			fail_msg("round %u: %s: %s", round, f.file, f.what);
		assert_true(f.verdict.rows >= flushed);
		rows = f.verdict.rows;
	}
	assert_true(recovered > 0);
	assert_true(rows > 0);
	assert_int_equal(readable(room), rows);
}

static void a_torn_tail_is_cut_told_and_kept_beside(void **state)
{
	struct room *room = *state;
	struct found f;
	char path[128];
	struct stat st;
	int fd;

	fill(room, 1, (struct journal_options){0});
	path_of(room, 1, ".seg", path);
	assert_int_equal(chmod(path, 0640), 0); /* as if it had never been sealed */
	fd = open_segment(room, 1, &st);
	assert_int_equal(ftruncate(fd, st.st_size * 3 / 4), 0);
	assert_int_equal(close(fd), 0);
	(void)snprintf(path, sizeof(path), "%s/journal/head", room->dir);
	assert_int_equal(unlink(path), 0); /* it has seen the seal */
	f = verify(room);
	assert_int_equal(f.verdict.problems, 1);
	assert_true(f.verdict.rows > 500 && f.verdict.rows < 1000);
	assert_int_equal(f.first.block, f.verdict.blocks);

	room_open(room, (struct journal_options){.block_rows = ROWS});
	assert_int_equal(room->recovery.segment, 1);
	assert_int_equal(room->recovery.kept_rows, f.verdict.rows);
	assert_int_equal(room->recovery.cut_bytes, (uint64_t)st.st_size * 3 / 4 - f.first.offset);
	assert_true(room->recovery.last_real_ns > 0);
	assert_int_equal(room->recovery.ended_ns, room->recovery.last_real_ns);
	append_made(room, f.verdict.rows, f.verdict.rows + 50);
	room_close(room);
	path_of(room, 1, ".torn", path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, room->recovery.cut_bytes);
	assert_whole(room, f.verdict.rows + 50);
	assert_int_equal(verify(room).verdict.recovered, 1);
	assert_int_equal(readable(room), f.verdict.rows + 50);
}

static void a_sealed_segment_that_changed_is_left_alone(void **state)
{
	struct room *room = *state;
	struct stat st, after;
	int fd;

	fill(room, 2, (struct journal_options){0});
	fd = open_segment(room, 2, &st);
	flip(fd, st.st_size - 1, 1);
	assert_int_equal(close(fd), 0);
	room_open(room, (struct journal_options){.block_rows = ROWS});
	assert_int_equal(room->recovery.damaged, 2);
	assert_int_equal(room->recovery.segment, 0);
	append_made(room, 2000, 2100);
	room_close(room);
	fd = open_segment(room, 2, &after);
	assert_int_equal(close(fd), 0);
	assert_int_equal(st.st_size, after.st_size);
	assert_int_equal(verify(room).first.segment, 2);
	assert_int_equal(readable(room), 2100);
}

/* In a child, because the limit is the process's. */
static int write_against_a_limit(struct room *room, rlim_t limit)
{
	struct journal_options options = {
		.state_dir = room->dir, .key = room->key, .block_rows = ROWS, .flush_ms = 2};
	struct rlimit tight = {.rlim_cur = limit, .rlim_max = RLIM_INFINITY}, before;
	struct journal_stats stats;
	struct made_event m = {0};
	struct err e = ERR_INIT;
	uint64_t refused = 0;

	(void)signal(SIGXFSZ, SIG_IGN);
	if (getrlimit(RLIMIT_FSIZE, &before) < 0 ||
	    journal_open(&options, &room->journal, NULL, &e) < 0)
		return 1;
	tight.rlim_max = before.rlim_max;
	if (setrlimit(RLIMIT_FSIZE, &tight) < 0)
		return 2;
	for (uint64_t i = 0; i < 5000; i++) {
		int r;

		made_event(&m, i);
		r = journal_append(room->journal, &m.ev, &e);
		if (r < 0 && r != -EFBIG)
			return 3;
		refused += r < 0;
	}
	if (refused == 0 || journal_flush(room->journal, &e) != -EFBIG)
		return 4;
	journal_stats(room->journal, &stats);
	if (stats.failing != EFBIG || stats.rows_refused != refused ||
	    setrlimit(RLIMIT_FSIZE, &before) < 0)
		return 5;
	for (unsigned i = 0; i < 2000 && stats.rows + refused < 5001; i++) {
		const struct timespec moment = {.tv_nsec = 2000000};

		(void)nanosleep(&moment, NULL); /* until the gap record is there */
		journal_stats(room->journal, &stats);
	}
	return journal_close(room->journal, &e) < 0 || stats.rows + refused != 5001 ? 6 : 0;
}

static uint64_t lost_by_gaps(const struct room *room, const char *reason)
{
	AUTO(journal_reader) struct journal_reader *reader = NULL;
	AUTO(journal_rows) struct journal_rows *rows = NULL;
	const struct journal_filter all = {0};
	struct err e = ERR_INIT;
	uint64_t lost = 0;
	struct event ev;

	if (journal_reader_open(room->dir, &reader, &e) < 0 ||
	    journal_rows_open(reader, &all, &rows, &e) < 0)
		fail_msg("%s", e.text);
	while (journal_rows_next(rows, &ev, &e) == 1)
		if (ev.type == EVENT_GAP && span_is(ev.value[FIELD_REASON].bytes, reason))
			lost += ev.value[FIELD_LOST].u;
	return lost;
}

static void a_write_that_fails_anywhere_leaves_a_whole_journal_and_a_gap(void **state)
{
	static const rlim_t limits[] = {1, 4000, 7000, 12000, 25000, 40000, 70001, 99999};
	struct room *room = *state;

	for (unsigned i = 0; i < ARRAY_LEN(limits); i++) {
		char journal[128];
		struct found f;
		int status;
		pid_t child = fork();

		if (child == 0)
			_exit(write_against_a_limit(room, limits[i]));
		assert_int_equal(waitpid(child, &status, 0), child);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			fail_msg("limit %llu: status %x", (unsigned long long)limits[i], status);
		f = verify(room);
		if (f.verdict.problems)
			fail_msg("%s: %s", f.file, f.what);
		assert_int_equal(f.verdict.rows + lost_by_gaps(room, "disk_full"), 5001);
		(void)snprintf(journal, sizeof(journal), "%s/journal", room->dir);
		room_remove(journal);
	}
}

static void a_full_disk_is_told_and_survived(void **state)
{
	struct room *room = *state;
	struct made_event m = {0};
	struct err e = ERR_INIT;
	char path[128];
	uint64_t n = 0;
	int r = 0, fd;

	(void)snprintf(path, sizeof(path), "%s/journal", room->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	if (mount("amber-test", path, "tmpfs", 0, "size=1m") != 0) {
		print_message("skip: cannot mount a small tmpfs: %s\n", err_words(errno));
		skip();
	}
	room_open(room, (struct journal_options){.block_rows = ROWS, .flush_ms = 5});
	while (r == 0 && n < 200000) {
		made_event(&m, n);
		r = journal_append(room->journal, &m.ev, &e);
		n += r == 0;
	}
	assert_int_equal(r, -ENOSPC);
	assert_int_equal(journal_flush(room->journal, &e), -ENOSPC);
	assert_true(readable(room) > 0);
	assert_int_equal(mount("amber-test", path, "tmpfs", MS_REMOUNT, "size=8m"), 0);
	for (unsigned i = 0; i < 100 && (r = journal_flush(room->journal, &e)) < 0; i++)
		;
	assert_int_equal(r, 0);
	assert_true(readable(room) >= n);
	room_close(room);
	assert_int_equal(lost_by_gaps(room, "disk_full"), 1);
	assert_int_equal(verify(room).verdict.problems, 0);
	(void)snprintf(path, sizeof(path), "%s/journal/lock", room->dir);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	(void)snprintf(path, sizeof(path), "%s/journal", room->dir);
	assert_int_equal(umount(path), 0);
	made_fini(&m);
}

#define ROOM_TEST(name) cmocka_unit_test_setup_teardown(name, room_setup, room_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROOM_TEST(a_whole_journal_has_no_problems),
		ROOM_TEST(a_segment_being_written_is_no_problem),
		ROOM_TEST(another_key_is_told),
		ROOM_TEST(every_flipped_bit_is_found),
		ROOM_TEST(the_first_bad_block_is_named_and_those_before_it_are_read),
		ROOM_TEST(every_cut_is_found),
		ROOM_TEST(missing_segments_are_found_at_each_place),
		ROOM_TEST(reordered_segments_and_blocks_are_found),
		ROOM_TEST(nothing_flushed_is_lost_by_kill_9),
		ROOM_TEST(a_torn_tail_is_cut_told_and_kept_beside),
		ROOM_TEST(a_sealed_segment_that_changed_is_left_alone),
		ROOM_TEST(a_write_that_fails_anywhere_leaves_a_whole_journal_and_a_gap),
		ROOM_TEST(a_full_disk_is_told_and_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
