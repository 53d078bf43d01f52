/* test_query.c - what SQL over the journal promises: order, counts, time, limits, and no writing.
 */
#include <fcntl.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/path.h"
#include "query_room.h"
#include "store/journal_read.h"
#include "store/query_match.h"
#include "store/vault.h"

static void rows_come_in_the_order_of_time_when_asked(void **state)
{
	append_made(3000);
	/* A journal is nearly in order of time, never quite: the made events overlap blocks. */
	static const char *const orders[] = {"time_ns", "time_ns DESC", "time", "time DESC"};
	char sql[512];

	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		bool down = strstr(orders[i], "DESC") != NULL;

		snprintf(
			sql, sizeof(sql),
			"SELECT count(*) FROM (SELECT time_ns AS t, lag(time_ns) OVER () AS before "
			"FROM (SELECT time_ns FROM events ORDER BY %s)) WHERE t %s before",
			orders[i], down ? ">" : "<");
		assert_int_equal(number_of(sql), 0);
		snprintf(sql, sizeof(sql),
			 "SELECT count(*) FROM (SELECT * FROM events ORDER BY %s)", orders[i]);
		assert_int_equal(number_of(sql), 3000);
	}
	assert_int_equal(number_of("SELECT time_ns FROM events ORDER BY time DESC LIMIT 1"),
			 number_of("SELECT max(time_ns) FROM events"));
	/* Also with a WHERE, which leaves whole blocks without a row. */
	assert_int_equal(
		number_of("SELECT time_ns FROM events WHERE type = 'gap' ORDER BY time_ns"),
		number_of("SELECT min(time_ns) FROM events WHERE type = 'gap'"));
}

static void native_counts_equal_counting_rows(void **state)
{
	/* +column keeps the native path out. */
	static const char *const pairs[][2] = {
		{"SELECT container, count(*) FROM events GROUP BY container ORDER BY 1, 2",
		 "SELECT +container, count(*) FROM events GROUP BY +container ORDER BY 1, 2"},
		{"SELECT type, container_name, count(*) FROM events GROUP BY 1, 2 ORDER BY 1, 2",
		 "SELECT +type, +container_name, count(*) FROM events GROUP BY 1, 2 ORDER BY 1, 2"},
		{"SELECT comm, count(*) FROM events WHERE type = 'file.open' GROUP BY 1 ORDER BY 1",
		 "SELECT +comm, count(*) FROM events WHERE +type = 'file.open' GROUP BY 1 ORDER BY "
		 "1"},
		{"SELECT DISTINCT image FROM events ORDER BY 1",
		 "SELECT DISTINCT +image FROM events ORDER BY 1"},
		{"SELECT container, sum(n), sum(records) FROM counts GROUP BY 1 ORDER BY 1",
		 "SELECT +container, sum(\"count\"), count(*) FROM events GROUP BY 1 ORDER BY 1"},
		{"SELECT type, exe, records FROM counts WHERE uid = 0 ORDER BY 1, 2",
		 "SELECT +type, +exe, count(*) FROM events WHERE +uid = 0 GROUP BY 1, 2 ORDER BY "
		 "1, "
		 "2"},
		{"SELECT minute, type, comm, records FROM counts WHERE time_ns >= "
		 "1700000000001000000 ORDER BY 1, 2, 3",
		 "SELECT time_ns / 60000000000 * 60000000000, +type, +comm, count(*) FROM events "
		 "WHERE +time_ns >= 1700000000001000000 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"},
		{"SELECT container_name, records FROM counts WHERE type IN ('gap', 'file.open') "
		 "AND "
		 "container LIKE '%a%' ORDER BY 1, 2",
		 "SELECT container_name, c FROM (SELECT +container_name AS container_name, "
		 "+container, +type, count(*) AS c FROM events WHERE +type IN ('gap', 'file.open') "
		 "AND +container LIKE '%a%' GROUP BY 1, 2, 3) ORDER BY 1, 2"},
		{"SELECT sum(records) FROM counts", "SELECT count(*) FROM events"},
	};
	struct made_event m = {0};
	struct err e = ERR_INIT;

	for (size_t i = 0; i < 3000; i++) { /* counts that can be summed */
		look(&m, i);
		m.ev.count %= 1000;
		assert_int_equal(journal_append(fixture.room->journal, &m.ev, &e), 0);
	}
	assert_int_equal(journal_flush(fixture.room->journal, &e), 0);
	made_fini(&m);
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		AUTO(free) char *native = strdup(text_of(pairs[i][0]));
		const char *plain = text_of(pairs[i][1]);

		assert_true(strlen(plain) > 2);
		if (strcmp(native, plain) != 0)
			fail_msg("%s\n%s\nis not\n%s", pairs[i][0], native, plain);
	}
}

static void nothing_but_reading_is_allowed(void **state)
{
	static const char *const statements[] = {
		"DELETE FROM events",
		"INSERT INTO events(type) VALUES('x')",
		"CREATE TABLE t(a)",
		"CREATE TEMP TABLE t(a)",
		"DROP VIEW files",
		"ATTACH '/tmp/x.db' AS x",
		"VACUUM INTO '/tmp/x.db'",
		"PRAGMA writable_schema = 1",
		"PRAGMA temp_store_directory = '/tmp'",
		"PRAGMA case_sensitive_like = 1",
		"SELECT load_extension('/tmp/x.so')",
		"BEGIN",
		"CREATE VIRTUAL TABLE t USING fts3(a)",
		"SELECT 1; SELECT 2",
		"",
		"SELECT no_such_column FROM events",
		"SELECT \"no such text\"",
	};

	append_made(10);
	for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
		if (fails(statements[i]) >= 0)
			fail_msg("allowed: %s", statements[i]);
	}
	assert_int_equal(number_of("SELECT count(*) FROM events"), 10);
	assert_true(strlen(text_of("PRAGMA table_info(events)")) > 100);
	assert_int_equal(number_of("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
				   "LIMIT 5) SELECT sum(i) FROM n"),
			 15);
}

static void rows_are_seen_while_the_recorder_writes(void **state)
{
	assert_int_equal(number_of("SELECT count(*) FROM events"), 0);
	for (size_t i = 1; i <= 5; i++) {
		append_made(700);
		assert_int_equal(number_of("SELECT count(*) FROM events"), i * 700);
		assert_int_equal(number_of("SELECT sum(records) FROM counts"), i * 700);
	}
}

static void time_is_compared_as_a_time(void **state)
{
	struct event ev;
	struct err e = ERR_INIT;
	uint64_t start = 1790000000000000000ull; /* 2026-09-21T14:13:20Z */

	for (unsigned i = 0; i < 100; i++) {
		event_init(&ev, EVENT_CANARY);
		ev.real_ns = start + i * 100000000ull;
		ev.boot_ns = i;
		assert_int_equal(journal_append(fixture.room->journal, &ev, &e), 0);
	}
	assert_int_equal(journal_flush(fixture.room->journal, &e), 0);
	/* As texts, 14:13:22.500000000Z comes before 14:13:22Z. */
	assert_int_equal(
		number_of("SELECT count(*) FROM events WHERE time >= '2026-09-21T14:13:22Z' "
			  "AND time < '2026-09-21T14:13:23Z'"),
		number_of("SELECT count(*) FROM events WHERE time_ns >= "
			  "amber_time('2026-09-21T14:13:22Z') AND time_ns < "
			  "amber_time('2026-09-21T14:13:23Z')"));
	assert_int_equal(
		number_of("SELECT count(*) FROM events WHERE time >= '2026-09-21T14:13:22Z' "
			  "AND time < '2026-09-21T14:13:23Z'"),
		10);
	assert_int_equal(number_of("SELECT sum(records) FROM counts WHERE time >= "
				   "'2026-09-21T14:13:22Z' AND time_ns < "
				   "amber_time('2026-09-21T14:13:23Z')"),
			 10);
	assert_int_equal(number_of("SELECT count(*) FROM events WHERE time = "
				   "'2026-09-21T14:13:20.3Z'"),
			 1);
	assert_int_equal(fails("SELECT * FROM events WHERE time > 'yesterday at tea'"), -EINVAL);
}

static int stop_soon(void *ctx, const struct query_value *values, size_t n)
{
	unsigned *rows = ctx;

	if (++*rows == 10)
		query_interrupt(fixture.query);
	return 0;
}

static void a_query_can_be_stopped(void **state)
{
	static const char endless[] =
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM "
		"n) SELECT count(*) FROM n";
	unsigned rows = 0;
	struct query_handler h = {.row = stop_soon, .ctx = &rows};
	struct err e = ERR_INIT;
	uint64_t start = clock_boot_ns();

	append_made(2000);
	query_set_timeout(fixture.query, 100);
	assert_int_equal(fails(endless), -ETIME);
	assert_true(clock_boot_ns() - start < 20 * NSEC_PER_SEC);
	query_set_timeout(fixture.query, 0);
	assert_int_equal(query_run(fixture.query,
				   "SELECT a.row FROM events a JOIN events b JOIN events c", &h,
				   &e),
			 -EINTR);
	assert_int_equal(number_of("SELECT count(*) FROM events"), 2000); /* and works again */
}

static void containers_are_found_in_every_way(void **state)
{
	struct container c = {.rev = 1,
			      .id = span_of("3f2a000000000000000000000000000000000000000000000000"),
			      .name = span_of("web\n\x1b[31m"),
			      .image = span_of("nginx:1.25"),
			      .runtime = RUNTIME_DOCKER,
			      .state = CONTAINER_RUNNING,
			      .exit_code = -1};
	struct container other = c;
	struct event ev;
	struct err e = ERR_INIT;

	other.rev = 2;
	other.id = span_of("3f2bffff");
	other.name = span_of("db");
	other.image = span_of("\xff\xfe");
	for (unsigned i = 0; i < 4; i++) {
		event_init(&ev, EVENT_FILE_UNLINK);
		ev.real_ns = 1000 + i;
		ev.boot_ns = i;
		ev.container = i % 2 ? &other : &c;
		ev.value[FIELD_PATH].bytes = span_of("/tmp/x");
		assert_int_equal(journal_append(fixture.room->journal, &ev, &e), 0);
	}
	c.rev = 3;
	c.state = CONTAINER_DEAD;
	c.exit_code = 137;
	event_init(&ev, EVENT_CONTAINER_STATE);
	ev.real_ns = 2000;
	ev.container = &c;
	assert_int_equal(journal_append(fixture.room->journal, &ev, &e), 0);
	assert_int_equal(journal_flush(fixture.room->journal, &e), 0);
	assert_string_equal(
		text_of("SELECT state, exit_code, first_ns, last_ns, records, privileged "
			"FROM containers WHERE name GLOB 'web*'"),
		"dead|137|1000|2000|3|-\n");
	assert_int_equal(number_of("SELECT count(*) FROM containers"), 2);
	assert_int_equal(number_of("SELECT count(*) FROM events WHERE container = "
				   "amber_container('3f2a')"),
			 3);
	assert_int_equal(number_of("SELECT count(*) FROM events WHERE container = "
				   "amber_container('db')"),
			 2);
	assert_int_equal(number_of("SELECT count(*) FROM events WHERE container LIKE '3F2%'"), 5);
	assert_int_equal(number_of("SELECT count(*) FROM events WHERE image = x'fffe'"), 2);
	assert_int_equal(number_of("SELECT count(*) FROM events WHERE container = "
				   "amber_container('nobody')"),
			 0);
	assert_int_equal(fails("SELECT * FROM events WHERE container = amber_container('3f2')"),
			 -EINVAL);
}

static void kept_files_say_whether_the_vault_holds_them(void **state)
{
	struct vault *vault = NULL;
	struct vault_result kept;
	uint8_t gone[SHA256_BYTES] = {1};
	struct event ev;
	struct err e = ERR_INIT;

	assert_int_equal(vault_open(fixture.room->dir, fixture.room->key, NULL, &vault, &e), 0);
	assert_int_equal(vault_put(vault, span_of("payload"), &kept, &e), 0);
	assert_int_equal(vault_close(vault, &e), 0);
	for (unsigned i = 0; i < 2; i++) {
		event_init(&ev, EVENT_FILE_KEPT);
		ev.real_ns = 5000 + i;
		ev.value[FIELD_PATH].bytes = span_of(i ? "/gone" : "/payload");
		ev.value[FIELD_SHA256].bytes = span_make(i ? gone : kept.sha256, SHA256_BYTES);
		assert_int_equal(journal_append(fixture.room->journal, &ev, &e), 0);
	}
	assert_int_equal(journal_flush(fixture.room->journal, &e), 0);
	assert_string_equal(text_of("SELECT path, kept FROM files ORDER BY time"),
			    "/payload|1\n/gone|0\n");
	assert_int_equal(
		number_of("SELECT count(*) FROM events WHERE sha256 = "
			  "'239f59ed55e737c77147cf55ad0c1b030b6d7ee748a7426952f9b852d5a935e5'"),
		1);
}

static void functions_do_what_the_schema_says(void **state)
{
	assert_string_equal(
		text_of("SELECT amber_arg('sh -c ''a b'' c', 2), amber_arg('sh -c', 2), "
			"amber_arg('x ''it''\\''s''', 1)"),
		"a b|-|it's\n");
	assert_string_equal(text_of("SELECT amber_arg('x ''it''\\''''s''', 1)"), "it's\n");
	assert_string_equal(text_of("SELECT amber_marks(3), amber_marks(0), amber_marks(NULL)"),
			    "claim,truncated||-\n");
	assert_string_equal(text_of("SELECT amber_rfc3339(amber_time('2026-11-24T07:43:00.5Z'))"),
			    "2026-11-24T07:43:00.500000000Z\n");
	assert_string_equal(text_of("SELECT amber_escape(x'410a1b')"), "A\\n\\x1b\n");
}

static void count_line(void *ctx, const struct query_schema_line *line)
{
	char sql[256];

	++*(unsigned *)ctx;
	assert_true(strlen(line->what) > 0);
	if (strcmp(line->table, "functions") == 0)
		return;
	snprintf(sql, sizeof(sql), "SELECT \"%s\" FROM \"%s\" LIMIT 1", line->column, line->table);
	(void)text_of(sql);
}

static void every_column_of_the_schema_can_be_asked_for(void **state)
{
	unsigned lines = 0;

	append_made(50);
	query_schema(count_line, &lines);
	assert_true(lines > (unsigned)FIELD_COUNT + 60);
}

static void damage_is_told_and_the_rest_is_given(void **state)
{
	AUTO(journal_reader) struct journal_reader *reader = NULL;
	const struct journal_block_info *info;
	char path[LIMIT_PATH], first[LIMIT_ERR_TEXT];
	uint8_t noise[64];
	struct err e = ERR_INIT;
	int fd;

	append_made((size_t)BLOCK_ROWS * 4);
	assert_int_equal(query_damaged(fixture.query, first), 0);
	assert_int_equal(journal_reader_open(fixture.room->dir, &reader, &e), 0);
	assert_int_equal(journal_reader_blocks(reader), 4);
	info = journal_reader_block(reader, 1);
	assert_int_equal(path_print(path, &e, "%s/journal/%08u.seg", fixture.room->dir, 1), 0);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		skip(); /* the name of a segment is another */
	memset(noise, 0xa5, sizeof(noise));
	for (uint64_t at = info->bytes / 3; at + 200 < info->bytes; at += 100)
		assert_int_equal(
			fd_pwrite_full(fd, noise, sizeof(noise), (off_t)(info->offset + at)), 0);
	close(fd);
	/* One query reads what is damaged, and what is not comes. */
	int64_t rows = number_of("SELECT count(*) FROM events WHERE path LIKE '%a%' OR 1");

	assert_true(rows >= 3 * (int64_t)BLOCK_ROWS);
	(void)text_of("SELECT count(comm), count(path), count(argv), count(ret) FROM events");
	assert_true(query_damaged(fixture.query, first) > 0);
	assert_non_null(strstr(first, "block 1"));
}

static void wildcards_match_as_in_sqlite_and_broken_bytes_too(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool like, glob;
	} cases[] = {
		{"", "", true, true},
		{"%", "", true, false},
		{"*", "", false, true},
		{"a%c", "ABC", true, false},
		{"a*c", "abbc", false, true},
		{"a*c", "abbC", false, false},
		{"%a%b%", "xxaxxbxx", true, false},
		{"%ab", "aab", true, false},
		{"_", "\xc3\xa4", true, false},
		{"__", "\xc3\xa4", false, false},
		{"?", "\xc3\xa4", false, true},
		{"_", "\xff", true, false},
		{"__", "\xc3(", true, false},
		{"%x%", "\xff\xfex\xff", true, false},
		{"[a-c]?", "bz", false, true},
		{"[^a-c]?", "bz", false, false},
		{"[^a-c]?", "zz", false, true},
		{"[]]", "]", false, true},
		{"[a-]", "-", false, true},
		{"[a", "a", false, false},
		{"*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct span p = span_of(cases[i].pattern), t = span_of(cases[i].text);

		if (query_like(p, t, QUERY_NO_ESCAPE) != cases[i].like ||
		    query_glob(p, t) != cases[i].glob)
			fail_msg("%s against %s", cases[i].pattern, cases[i].text);
	}
	assert_true(query_like(span_of("50\\%"), span_of("50%"), '\\'));
	assert_false(query_like(span_of("50\\%"), span_of("500"), '\\'));
	assert_true(query_like(span_make("%b", 2), span_make("a\0b", 3), QUERY_NO_ESCAPE));
}

static void a_broken_byte_hides_nothing(void **state)
{
	struct event ev;
	struct err e = ERR_INIT;

	event_init(&ev, EVENT_PROCESS_EXEC);
	ev.real_ns = 1;
	ev.value[FIELD_ARGV].bytes = span_of("./XMrig \xff -o pool");
	assert_int_equal(journal_append(fixture.room->journal, &ev, &e), 0);
	assert_int_equal(journal_flush(fixture.room->journal, &e), 0);
	assert_int_equal(number_of("SELECT count(*) FROM events WHERE argv LIKE '%xmrig%'"), 1);
	assert_int_equal(number_of("SELECT count(*) FROM events WHERE +argv LIKE '%xmrig%'"), 1);
	assert_int_equal(number_of("SELECT count(*) FROM events WHERE argv GLOB '*-o pool'"), 1);
	assert_int_equal(number_of("SELECT count(*) FROM events WHERE argv LIKE '%x!mrig%' ESCAPE "
				   "'!'"),
			 1);
}

static void a_word_is_found_wherever_it_stands(void **state)
{
	uint8_t hay[80];

	for (size_t n = 1; n < sizeof(hay); n++) {
		for (size_t at = 0; at + 3 <= n; at++) {
			memset(hay, 'x', n);
			memcpy(hay + at, "aBc", 3);
			assert_int_equal(query_find(span_make(hay, n), span_of("abc"), true), at);
			assert_true(query_find(span_make(hay, n), span_of("abc"), false) ==
				    SIZE_MAX);
			assert_int_equal(query_find(span_make(hay, n), span_of("aBc"), false), at);
		}
		memset(hay, 'x', n);
		assert_true(query_find(span_make(hay, n), span_of("abc"), true) == SIZE_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, query_setup, query_teardown)
		T(rows_come_in_the_order_of_time_when_asked),
		T(native_counts_equal_counting_rows),
		T(nothing_but_reading_is_allowed),
		T(rows_are_seen_while_the_recorder_writes),
		T(time_is_compared_as_a_time),
		T(a_query_can_be_stopped),
		T(containers_are_found_in_every_way),
		T(kept_files_say_whether_the_vault_holds_them),
		T(functions_do_what_the_schema_says),
		T(every_column_of_the_schema_can_be_asked_for),
		T(damage_is_told_and_the_rest_is_given),
		T(a_broken_byte_hides_nothing),
#undef T
		cmocka_unit_test(wildcards_match_as_in_sqlite_and_broken_bytes_too),
		cmocka_unit_test(a_word_is_found_wherever_it_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
