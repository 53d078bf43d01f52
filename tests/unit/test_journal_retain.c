/* test_journal_retain.c - claims about deleting segments, and about what may not be deleted. */
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "journal_checks.h"
#include "test.h"

static bool there(const struct room *room, uint64_t number, const char *suffix)
{
	char path[128];

	path_of(room, number, suffix, path);
	return access(path, F_OK) == 0;
}

static void retention_leaves_tombstones_that_verify(void **state)
{
	struct journal_options options = {.block_rows = ROWS};
	struct journal_stats stats;
	struct room *room = *state;
	struct err e = ERR_INIT;
	struct found f;
	char path[128];

	fill(room, 5, (struct journal_options){0});
	room_open(room, options);
	journal_stats(room->journal, &stats);
	room_close(room);
	options.max_bytes = stats.total_bytes / 2;
	room_open(room, options);
	journal_stats(room->journal, &stats);
	assert_true(stats.deleted_segments > 0 && stats.deleted_segments < 5);
	assert_true(stats.total_bytes <= options.max_bytes);
	for (uint64_t number = 1; number <= 5; number++) {
		bool deleted = number <= stats.deleted_segments;

		assert_int_equal(there(room, number, ".seg"), !deleted);
		assert_int_equal(there(room, number, ".tomb"), deleted);
	}
	append_made(room, 5000, 6000);
	assert_int_equal(journal_seal(room->journal, &e), 0);
	room_close(room);
	f = verify(room);
	assert_int_equal(f.verdict.problems, 0);
	assert_true(f.verdict.tombstones >= stats.deleted_segments);
	assert_int_equal(f.verdict.rows, (6 - f.verdict.tombstones) * 1000);

	path_of(room, 1, ".tomb", path);
	assert_int_equal(unlink(path), 0);
	f = verify(room);
	assert_int_equal(f.first.segment, 1);
	assert_non_null(strstr(f.what, "missing"));
}

static void all_old_segments_go_by_age_and_the_chain_goes_on(void **state)
{
	struct room *room = *state;
	struct found f;

	fill(room, 3, (struct journal_options){0}); /* events of 2023 */
	room_open(room, (struct journal_options){.block_rows = ROWS, .max_age_ns = NSEC_PER_SEC});
	append_made(room, 0, 100);
	room_close(room);
	f = verify(room);
	assert_int_equal(f.verdict.problems, 0);
	assert_int_equal(f.verdict.tombstones, 4);
	room_open(room, (struct journal_options){.block_rows = ROWS});
	append_made(room, 0, 100);
	room_close(room);
	assert_whole(room, 100);
}

static void a_burial_that_was_interrupted_is_finished(void **state)
{
	char seg[128];
	struct room *room = *state;
	AUTO(buf) struct buf bytes;
	struct err e = ERR_INIT;

	buf_init(&bytes, 8u << 20);
	fill(room, 3, (struct journal_options){0});
	path_of(room, 1, ".seg", seg);
	assert_int_equal(fd_read_file(AT_FDCWD, seg, &bytes, &e), 0);
	room_open(room, (struct journal_options){.max_bytes = 1});
	room_close(room);
	assert_false(there(room, 1, ".seg"));
	assert_int_equal(fd_replace_file(seg, buf_span(&bytes), 0440, &e), 0);
	room_open(room, (struct journal_options){0});
	room_close(room);
	assert_false(there(room, 1, ".seg"));
	assert_whole(room, 0);
}

static int count_hold(void *ctx, const struct journal_hold *hold)
{
	unsigned *trusted = ctx;

	trusted[hold->trusted]++;
	return 0;
}

static void a_hold_keeps_what_it_covers(void **state)
{
	struct journal_hold hold = {.name = "case-7", .by = "counsel", .reason = "breach of May"};
	struct room *room = *state;
	struct journal_stats stats;
	unsigned trusted[2] = {0};
	struct err e = ERR_INIT;
	struct made_event m = {0};

	fill(room, 4, (struct journal_options){0});
	made_event(&m, 1500); /* in segment 2 */
	hold.from_ns = hold.to_ns = m.ev.real_ns;
	assert_int_equal(journal_hold_add(room->dir, room->key, &hold, &e), 0);
	assert_int_equal(journal_hold_add(room->dir, room->key, &hold, &e), -EEXIST);
	assert_int_equal(journal_hold_list(room->dir, room->key, count_hold, trusted, &e), 0);
	assert_int_equal(trusted[true], 1);
	room_open(room, (struct journal_options){.max_bytes = 1});
	journal_stats(room->journal, &stats);
	assert_int_equal(stats.deleted_segments, 3);
	assert_int_equal(stats.held_segments, 1);
	assert_true(there(room, 2, ".seg"));
	assert_false(there(room, 3, ".seg"));
	assert_int_equal(verify(room).verdict.problems, 0);
	assert_int_equal(journal_hold_remove(room->dir, "case-7", &e), 0);
	assert_int_equal(journal_hold_remove(room->dir, "case-7", &e), -ENOENT);
	assert_int_equal(journal_retain(room->journal, &e), 0);
	assert_false(there(room, 2, ".seg"));
	room_close(room);
	made_fini(&m);
}

static void a_forged_hold_holds_everything_and_is_told(void **state)
{
	struct journal_hold hold = {.name = "a", .by = "b", .reason = "c", .to_ns = 5};
	struct room *room = *state;
	struct journal_stats stats;
	unsigned trusted[2] = {0};
	AUTO(buf) struct buf text;
	struct err e = ERR_INIT;
	char path[128];

	buf_init(&text, 65536);
	fill(room, 2, (struct journal_options){0});
	assert_int_equal(journal_hold_add(room->dir, room->key, &hold, &e), 0);
	(void)snprintf(path, sizeof(path), "%s/journal/holds/a.hold", room->dir);
	assert_int_equal(fd_read_file(AT_FDCWD, path, &text, &e), 0);
	((uint8_t *)memmem(text.p, text.n, "to_ns: 5", 8))[7] = '4';
	assert_int_equal(fd_replace_file(path, buf_span(&text), 0640, &e), 0);
	assert_int_equal(journal_hold_list(room->dir, room->key, count_hold, trusted, &e), 0);
	assert_int_equal(trusted[false], 1);
	room_open(room, (struct journal_options){.max_bytes = 1});
	journal_stats(room->journal, &stats);
	assert_int_equal(stats.deleted_segments, 0);
	assert_int_equal(stats.held_segments, 2);
	room_close(room);
	assert_string_equal(verify(room).file, "holds/a.hold");
}

static void names_of_holds_do_not_leave_the_folder(void **state)
{
	static const char *const names[] = {"", "..", "../x", "a/b", ".hidden", "x\n", "a b"};
	struct journal_hold hold = {.by = "b", .reason = "c", .to_ns = 5};
	struct room *room = *state;
	struct err e = ERR_INIT;

	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		(void)snprintf(hold.name, sizeof(hold.name), "%s", names[i]);
		assert_int_equal(journal_hold_add(room->dir, room->key, &hold, &e), -EINVAL);
		assert_int_equal(journal_hold_remove(room->dir, names[i], &e), -EINVAL);
	}
}

#define ROOM_TEST(name) cmocka_unit_test_setup_teardown(name, room_setup, room_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROOM_TEST(retention_leaves_tombstones_that_verify),
		ROOM_TEST(all_old_segments_go_by_age_and_the_chain_goes_on),
		ROOM_TEST(a_burial_that_was_interrupted_is_finished),
		ROOM_TEST(a_hold_keeps_what_it_covers),
		ROOM_TEST(a_forged_hold_holds_everything_and_is_told),
		ROOM_TEST(names_of_holds_do_not_leave_the_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
