/* test_logs.c - claims about the log follower, on files and on a real dockerd. */
#include <signal.h>

#include "keep_test.h"
#include "record/logs.h"

/* --- lines --- */

struct json_case {
	const char *line;
	const char *text; /* NULL: refused */
	bool partial;
};

#define T "\"time\":\"2026-11-24T07:43:00.123456789Z\""

static const struct json_case json_cases[] = {
	{"{\"log\":\"hello\\n\",\"stream\":\"stdout\"," T "}", "hello", false},
	{"{\"log\":\"part\",\"stream\":\"stdout\"," T "}", "part", true},
	{"{\"log\":\"\",\"stream\":\"stdout\"," T "}", "", true},
	{"{\"log\":\"\\n\",\"stream\":\"stdout\"," T "}", "", false},
	{" { \"log\" : \"a\\n\" , \"stream\" : \"stderr\" , " T " } ", "a", false},
	{"{\"log\":\"q\\\"b\\\\s\\/t\\t\\r\\b\\f\\n\",\"stream\":\"stdout\"," T "}",
	 "q\"b\\s/t\t\r\b\f", false},
	{"{\"log\":\"\\u00e9\\u20ac\\ud83d\\ude00\\u2028\\n\",\"stream\":\"stdout\"," T "}",
	 "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xe2\x80\xa8", false},
	{"{\"log\":\"\\ud83d x\\udc00\\n\",\"stream\":\"stdout\"," T "}",
	 "\xef\xbf\xbd x\xef\xbf\xbd", false},
	{"{\"log\":\"x\\n\",\"stream\":\"stdout\",\"attrs\":{\"a\":\"}\",\"b\":[1,{}]}," T "}", "x",
	 false},
	{"{\"n\":-1.5e3,\"t\":true,\"z\":null,\"log\":\"x\\n\",\"stream\":\"stdout\"," T "}", "x",
	 false},
	{"{\"log\":\"\x1b[31m\xff\\n\",\"stream\":\"stdout\"," T "}", "\x1b[31m\xff", false},
	{"", NULL, false},
	{"{}", NULL, false},
	{"{\"log\":\"x\\n\",\"stream\":\"stdout\"}", NULL, false},
	{"{\"log\":\"x\\n\"," T "}", NULL, false},
	{"{\"log\":7,\"stream\":\"stdout\"," T "}", NULL, false},
	{"{\"log\":\"x\\q\",\"stream\":\"stdout\"," T "}", NULL, false},
	{"{\"log\":\"x\\u12\",\"stream\":\"stdout\"," T "}", NULL, false},
	{"{\"log\":\"x\\n\",\"stream\":\"stdout\"," T "} x", NULL, false},
	{"{\"log\":\"x\\n\",\"stream\":\"stdout\"," T, NULL, false},
	{"{\"log\":\"x\\", NULL, false},
	{"[[[[[[[[[[[[[[[[[[[[[[[", NULL, false},
	{"{\"a\":[[[[[[[[[[[[[[[[[[", NULL, false},
	{"garbage", NULL, false},
};

static void json_lines_are_read_and_others_refused(void **state)
{
	struct log_line line;
	struct buf scratch;

	buf_init(&scratch, LOG_RAW_BYTES);
	for (size_t i = 0; i < ARRAY_LEN(json_cases); i++) {
		const struct json_case *c = &json_cases[i];
		int r = log_line_parse(LOG_FORMAT_JSON, span_of(c->line), &scratch, &line);

		if ((r == 0) != (c->text != NULL) ||
		    (r == 0 && (!span_is(line.text, c->text) || line.partial != c->partial))) {
			fprintf(stderr, "wrong: %s\n", c->line);
			fail();
		}
		if (r == 0)
			assert_true(line.real_ns == 1795506180123456789ull);
	}
	buf_fini(&scratch);
}

static void cri_lines_are_read_and_others_refused(void **state)
{
	struct log_line line;
	struct buf scratch;

	buf_init(&scratch, LOG_RAW_BYTES);
#define CRI(text) log_line_parse(LOG_FORMAT_CRI, span_of(text), &scratch, &line)
	assert_int_equal(CRI("2016-10-06T00:17:09.669794202Z stdout F log content 1"), 0);
	assert_true(span_is(line.text, "log content 1") && span_is(line.stream, "stdout"));
	assert_false(line.partial);
	assert_true(line.real_ns == 1475713029669794202ull);
	assert_int_equal(CRI("2016-10-06T02:17:09.669794202+02:00 stderr P:x  two blanks"), 0);
	assert_true(span_is(line.text, " two blanks") && line.partial);
	assert_true(line.real_ns == 1475713029669794202ull);
	assert_int_equal(CRI("2016-10-06T00:17:09Z stdout F "), 0);
	assert_int_equal(CRI("2016-10-06T00:17:09Z stdout F"), 0);
	assert_int_equal(line.text.n, 0);
	assert_int_equal(CRI("2016-10-06T00:17:09Z stdout X x"), -EINVAL);
	assert_int_equal(CRI("2016-10-06T00:17:09Z stdout"), -EINVAL);
	assert_int_equal(CRI("2016-13-06T00:17:09Z stdout F x"), -EINVAL);
	assert_int_equal(CRI("yesterday stdout F x"), -EINVAL);
	assert_int_equal(CRI(""), -EINVAL);
	buf_fini(&scratch);
}

static void times_are_read_to_the_nanosecond(void **state)
{
	static const uint64_t moments[] = {0, 951782400000000000, 1709164800123000000,
					   1795506180123456789, 4102444799999999999};
	uint64_t ns;

	for (size_t i = 0; i < ARRAY_LEN(moments); i++) {
		char text[CLOCK_TEXT];

		clock_print(moments[i], text);
		assert_int_equal(log_time_parse(span_of(text), &ns), 0);
		assert_true(ns == moments[i]);
	}
	assert_int_equal(log_time_parse(span_of("2026-11-24T07:43:00.5-01:30"), &ns), 0);
	assert_true(ns == 1795511580500000000ull);
	assert_int_equal(log_time_parse(span_of("2026-11-24T07:43:00."), &ns), -EINVAL);
	assert_int_equal(log_time_parse(span_of("2026-11-24T07:43:00Zx"), &ns), -EINVAL);
	assert_int_equal(log_time_parse(span_of("1969-12-31T23:59:59Z"), &ns), -EINVAL);
	assert_int_equal(log_time_parse(span_of("9999-12-31T23:59:59Z"), &ns), -EINVAL);
}

/* --- files --- */

struct world {
	char dir[64], path[LIMIT_PATH];
	struct seen_list seen;
	struct keep_out out;
	struct logs *logs;
	struct keep_who who;
	pid_t dockerd;
};

static struct world w;

static int setup(void **state)
{
	memset(&w, 0, sizeof(w));
	(void)snprintf(w.dir, sizeof(w.dir), "/tmp/amber-logs-XXXXXX");
	if (!mkdtemp(w.dir))
		return -1;
	(void)snprintf(w.path, sizeof(w.path), "%s/c-json.log", w.dir);
	pthread_mutex_init(&w.seen.lock, NULL);
	w.out = (struct keep_out){.sink = {seen_emit, &w.seen}};
	keep_who_set(&w.who, span_of("logged-container"), 5);
	return 0;
}

static int teardown(void **state)
{
	logs_close(w.logs);
	remove_tree(w.dir);
	seen_clear(&w.seen);
	return 0;
}

static void open_logs(uint64_t lines_per_s)
{
	struct logs_options options = {.lines_per_s = lines_per_s};
	struct err e = ERR_INIT;

	assert_int_equal(logs_open(&options, &w.out, &w.logs, &e), 0);
}

static void follow_from(enum log_format format, uint64_t since_ns)
{
	struct err e = ERR_INIT;

	if (logs_follow(w.logs, &w.who, w.path, format, since_ns, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		fail();
	}
}

static void close_logs(void)
{
	logs_close(w.logs);
	w.logs = NULL;
}

static void append(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_full(fd, text, strlen(text)), 0);
	(void)close(fd);
}

static void append_json(const char *text, unsigned number, const char *end)
{
	append(w.path, at("{\"log\":\"%s%u%s\",\"stream\":\"stdout\"," T "}\n", text, number, end));
}

static size_t lines_seen(void)
{
	size_t n = 0;

	pthread_mutex_lock(&w.seen.lock);
	for (size_t i = 0; i < w.seen.n; i++)
		n += w.seen.p[i].type == EVENT_CONTAINER_LOG;
	pthread_mutex_unlock(&w.seen.lock);
	return n;
}

/* Waits until `n` lines were seen; at most ten seconds. */
static void wait_lines(size_t n)
{
	for (unsigned i = 0; i < 1000 && lines_seen() < n; i++)
		usleep(10000);
	assert_int_equal(lines_seen(), n);
}

static const struct seen *line_at(size_t n)
{
	for (size_t i = 0; i < w.seen.n; i++)
		if (w.seen.p[i].type == EVENT_CONTAINER_LOG && n-- == 0)
			return &w.seen.p[i];
	fail();
	return NULL;
}

/* That lines are PREFIX0, PREFIX1 ... in order, each once. */
static void check_sequence(const char *prefix, size_t n)
{
	assert_int_equal(lines_seen(), n);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(line_at(i)->text, at("%s%zu", prefix, i));
}

static void lines_of_a_file_that_is_there_and_that_comes_are_followed(void **state)
{
	open_logs(0);
	follow_from(LOG_FORMAT_JSON, 0); /* not there yet */
	for (unsigned i = 0; i < 50; i++)
		append_json("line", i, "\\n");
	wait_lines(50);
	for (unsigned i = 50; i < 100; i++)
		append_json("line", i, "\\n");
	wait_lines(100);
	close_logs();
	check_sequence("line", 100);
	assert_string_equal(line_at(0)->id, "logged-container");
	assert_string_equal(line_at(0)->stream, "stdout");
	assert_true(line_at(0)->real_ns == 1795506180123456789ull);
	assert_true(line_at(0)->boot_ns <= clock_boot_ns());
}

static void a_folder_that_comes_later_is_found(void **state)
{
	char dir[128];

	(void)snprintf(dir, sizeof(dir), "%s/later", w.dir);
	(void)snprintf(w.path, sizeof(w.path), "%s/c-json.log", dir);
	open_logs(0);
	follow_from(LOG_FORMAT_JSON, 0);
	usleep(100000);
	assert_int_equal(mkdir(dir, 0755), 0);
	append_json("line", 0, "\\n");
	wait_lines(1);
}

static void what_was_written_before_the_unlink_is_read(void **state)
{
	open_logs(0);
	append(w.path, "");
	follow_from(LOG_FORMAT_JSON, 0);
	for (unsigned i = 0; i < 5000; i++)
		append_json("line", i, "\\n");
	assert_int_equal(unlink(w.path), 0);
	logs_finish(w.logs, span_of("logged-container"));
	close_logs();
	check_sequence("line", 5000);
	assert_int_equal(seen_gaps(&w.seen, "log_lost"), 0);
}

static void a_finished_log_is_closed(void **state)
{
	struct logs_stats stats = {0};

	open_logs(0);
	append_json("line", 0, "\\n");
	follow_from(LOG_FORMAT_JSON, 0);
	wait_lines(1);
	append_json("late", 1, ""); /* no newline: the container printed none at its end */
	assert_int_equal(unlink(w.path), 0);
	logs_finish(w.logs, span_of("logged-container"));
	for (unsigned i = 0; i < 500; i++) {
		logs_stats_get(w.logs, &stats);
		if (stats.followed == 0)
			break;
		usleep(10000);
	}
	assert_int_equal(stats.followed, 0);
	close_logs();
	assert_string_equal(line_at(1)->text, "late1");
}

static void a_long_line_is_joined_from_its_parts(void **state)
{
	open_logs(0);
	append_json("a", 1, "");
	append(w.path, "{\"log\":\"between\\n\",\"stream\":\"stderr\"," T "}\n");
	append_json("b", 2, "");
	append_json("c", 3, "\\n");
	follow_from(LOG_FORMAT_JSON, 0);
	wait_lines(2);
	close_logs();
	assert_string_equal(line_at(0)->text, "between");
	assert_string_equal(line_at(0)->stream, "stderr");
	assert_string_equal(line_at(1)->text, "a1b2c3");
}

static void a_line_above_the_limit_is_cut_and_told(void **state)
{
	char *text = malloc(LIMIT_LOG_LINE + 1);

	memset(text, 'x', LIMIT_LOG_LINE);
	text[LIMIT_LOG_LINE] = '\0';
	open_logs(0);
	append(w.path, "{\"log\":\"");
	append(w.path, text);
	append(w.path, "\",\"stream\":\"stdout\"," T "}\n");
	append_json("tail", 0, "\\n");
	append_json("next", 0, "\\n");
	follow_from(LOG_FORMAT_JSON, 0);
	wait_lines(2);
	close_logs();
	assert_int_equal(line_at(0)->text_n, LIMIT_LOG_LINE);
	assert_true(line_at(0)->marks & EVENT_TRUNCATED);
	assert_string_equal(line_at(1)->text, "next0");
	assert_int_equal(seen_gaps(&w.seen, "log_line_cut"), 1);
	free(text);
}

static void garbage_is_counted_and_the_next_line_read(void **state)
{
	size_t n = 2 * (size_t)LOG_RAW_BYTES;
	char *text = malloc(n + 1);

	memset(text, 'x', n);
	text[n] = '\0';
	open_logs(0);
	append(w.path, "garbage\n\n\x01\xff{{{\n");
	append_json("line", 0, "\\n");
	append(w.path, text);
	append(w.path, "\n");
	append_json("line", 1, "\\n");
	append(w.path, "torn");
	follow_from(LOG_FORMAT_JSON, 0);
	wait_lines(2);
	close_logs();
	check_sequence("line", 2);
	assert_true(seen_gaps(&w.seen, "log_garbled") >= 4);
	free(text);
}

static void rotate(unsigned files)
{
	for (unsigned i = files; i-- > 1;)
		(void)rename(i == 1 ? w.path : at("%s.%u", w.path, i - 1), at("%s.%u", w.path, i));
}

static void rotated_files_are_read_in_order(void **state)
{
	open_logs(0);
	append_json("line", 0, "\\n");
	follow_from(LOG_FORMAT_JSON, 0);
	wait_lines(1);
	for (unsigned i = 1; i < 100; i++) { /* far faster than any daemon */
		if (i % 20 == 0)
			rotate(6);
		append_json("line", i, "\\n");
	}
	wait_lines(100);
	close_logs();
	check_sequence("line", 100);
	assert_int_equal(seen_gaps(&w.seen, "log_lost"), 0);
}

static void a_rotation_that_went_too_fast_is_a_gap(void **state)
{
	const char *path = at("%s", w.path);

	append_json("line", 0, "\\n");
	open_logs(0);
	follow_from(LOG_FORMAT_JSON, 0);
	wait_lines(1);
	/* Three rotations that keep two files, seen at their end: line 1 is gone, and who knows. */
	assert_int_equal(unlink(w.path), 0);
	(void)snprintf(w.path, sizeof(w.path), "%s", at("%s.1", path));
	append_json("line", 2, "\\n");
	(void)snprintf(w.path, sizeof(w.path), "%s/new", w.dir);
	append_json("line", 3, "\\n");
	assert_int_equal(rename(w.path, path), 0);
	wait_lines(3);
	close_logs();
	assert_string_equal(line_at(1)->text, "line2");
	assert_string_equal(line_at(2)->text, "line3");
	assert_int_equal(seen_gaps(&w.seen, "log_lost"), 1);
}

static void a_truncated_file_is_a_gap_and_read_from_its_start(void **state)
{
	append_json("old", 0, "\\n");
	append_json("old", 1, "\\n");
	open_logs(0);
	follow_from(LOG_FORMAT_JSON, 0);
	wait_lines(2);
	assert_int_equal(truncate(w.path, 0), 0);
	append_json("new", 2, "\\n");
	wait_lines(3);
	close_logs();
	assert_string_equal(line_at(2)->text, "new2");
	assert_int_equal(seen_gaps(&w.seen, "log_truncated"), 1);
}

static void cri_files_are_followed_over_the_rotation_of_the_kubelet(void **state)
{
	open_logs(0);
	append(w.path, "2026-11-24T07:43:00Z stdout P one \n2026-11-24T07:43:00Z stdout F line\n");
	follow_from(LOG_FORMAT_CRI, 0);
	wait_lines(1);
	assert_int_equal(rename(w.path, at("%s.20261124-074301", w.path)), 0);
	append(at("%s.20261124-074301", w.path), "2026-11-24T07:43:01Z stderr F still the old\n");
	append(w.path, "2026-11-24T07:43:02Z stdout F the new\n");
	wait_lines(3);
	close_logs();
	assert_string_equal(line_at(0)->text, "one line");
	assert_string_equal(line_at(1)->text, "still the old");
	assert_string_equal(line_at(2)->text, "the new");
	assert_int_equal(seen_gaps(&w.seen, "log_lost"), 0);
}

static void lines_of_before_are_passed_over(void **state)
{
	uint64_t first = 1795500000;
	int fd = open(w.path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	for (unsigned i = 0; i < 20000; i++) { /* 1.6 MB: the place is looked for, not read up to */
		char time[CLOCK_TEXT];
		const char *text;

		clock_print((first + i) * NSEC_PER_SEC, time);
		text = at("{\"log\":\"line%u\\n\",\"stream\":\"stdout\",\"time\":\"%s\"}\n", i,
			  time);
		assert_int_equal(fd_write_full(fd, text, strlen(text)), 0);
	}
	(void)close(fd);
	open_logs(0);
	follow_from(LOG_FORMAT_JSON, (first + 19990) * NSEC_PER_SEC);
	wait_lines(10);
	struct logs_stats stats;
	logs_stats_get(w.logs, &stats);
	assert_true(stats.bytes < 600000);
	close_logs();
	assert_string_equal(line_at(0)->text, "line19990");
	assert_string_equal(line_at(9)->text, "line19999");
}

static void a_container_that_shouts_loses_lines_and_it_is_told(void **state)
{
	open_logs(100);
	for (unsigned i = 0; i < 1000; i++)
		append_json("line", i, "\\n");
	follow_from(LOG_FORMAT_JSON, 0);
	usleep(300000);
	close_logs();
	assert_true(lines_seen() >= 200 && lines_seen() < 500);
	assert_int_equal(seen_gaps(&w.seen, "log_lost") + lines_seen(), 1000);
}

static void links_and_pipes_are_refused(void **state)
{
	struct err e = ERR_INIT;

	open_logs(0);
	assert_int_equal(symlink("/etc/passwd", w.path), 0);
	assert_int_equal(logs_follow(w.logs, &w.who, w.path, LOG_FORMAT_JSON, 0, &e), -ELOOP);
	assert_int_equal(unlink(w.path), 0);
	assert_int_equal(mkfifo(w.path, 0600), 0);
	assert_int_equal(logs_follow(w.logs, &w.who, w.path, LOG_FORMAT_JSON, 0, &e), -EINVAL);
	assert_int_equal(logs_follow(w.logs, &w.who, "relative", LOG_FORMAT_JSON, 0, &e), -EINVAL);
}

static void a_restarted_container_is_followed_on_without_repeats(void **state)
{
	open_logs(0);
	append_json("line", 0, "\\n");
	follow_from(LOG_FORMAT_JSON, 0);
	wait_lines(1);
	logs_finish(w.logs, span_of("logged-container"));
	follow_from(LOG_FORMAT_JSON, 0);
	append_json("line", 1, "\\n");
	wait_lines(2);
	usleep(100000);
	close_logs();
	check_sequence("line", 2);
}

/* --- a real daemon --- */

static bool docker_answers(const char *docker, const char *socket)
{
	for (unsigned i = 0; i < 150; i++) {
		if (RUN(docker, "-H", socket, "version") == 0)
			return true;
		usleep(100000);
	}
	return false;
}

/* dockerd with everything in our own folder, on nobody's network. */
static bool start_dockerd(const char *dockerd, const char *docker, const char *socket)
{
	const char *const argv[] = {dockerd,
				    "--data-root",
				    at("%s/data", w.dir),
				    "--exec-root",
				    at("%s/exec", w.dir),
				    "--pidfile",
				    at("%s/pid", w.dir),
				    "-H",
				    socket,
				    "--bridge=none",
				    "--iptables=false",
				    "--ip6tables=false",
				    "--log-level=error",
				    NULL};

	w.dockerd = spawn(argv);
	return docker_answers(docker, socket);
}

static void stop_dockerd(void)
{
	(void)kill(w.dockerd, SIGTERM);
	(void)wait_for(w.dockerd);
	/* What it leaves mounted would keep the folder. */
	(void)umount2(at("%s/data/overlay2", w.dir), MNT_DETACH);
	(void)umount2(at("%s/data", w.dir), MNT_DETACH);
}

static bool import_busybox(const char *docker, const char *socket)
{
	const char *busybox = find_program("busybox");
	const char *root = at("%s/root", w.dir), *tar = at("%s/root.tar", w.dir);

	if (!busybox || !find_program("tar"))
		return false;
	assert_int_equal(mkdir(root, 0755), 0);
	assert_int_equal(mkdir(at("%s/bin", root), 0755), 0);
	copy_file(busybox, at("%s/bin/busybox", root));
	assert_int_equal(symlink("busybox", at("%s/bin/sh", root)), 0);
	return RUN(find_program("tar"), "-C", root, "-cf", tar, "bin") == 0 &&
	       RUN(docker, "-H", socket, "import", tar, "amber-test:1") == 0;
}

/* The whole id that `docker create --cidfile` wrote. */
static void read_id(char id[65])
{
	int fd = open(at("%s/cid", w.dir), O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fd_read_full(fd, id, 64), 64);
	id[64] = '\0';
	(void)close(fd);
}

static void every_line_of_a_docker_container_with_rm_is_found_after_its_removal(void **state)
{
	const char *docker = find_program("docker"), *dockerd = find_program("dockerd");
	const char *socket = at("unix://%s/socket", w.dir);
	struct err e = ERR_INIT;
	char id[65];

	PROBE(geteuid() == 0 && docker && dockerd, "needs root and dockerd");
	if (!start_dockerd(dockerd, docker, socket) || !import_busybox(docker, socket)) {
		stop_dockerd();
		PROBE(false, "dockerd does not start here");
	}
	open_logs(0);
	assert_int_equal(RUN(docker, "-H", socket, "create", "--rm", "--network=none", "--cidfile",
			     at("%s/cid", w.dir), "amber-test:1", "/bin/sh", "-c",
			     "i=0; while [ $i -lt 2000 ]; do echo line$i; i=$((i+1)); done"),
			 0);
	read_id(id);
	keep_who_set(&w.who, span_of(id), 0);
	assert_int_equal(logs_follow(w.logs, &w.who,
				     at("%s/data/containers/%s/%s-json.log", w.dir, id, id),
				     LOG_FORMAT_JSON, 0, &e),
			 0);
	assert_int_equal(RUN(docker, "-H", socket, "start", "--attach", id), 0);
	logs_finish(w.logs, span_of(id));
	for (unsigned i = 0; i < 500; i++) { /* --rm removes in the background */
		if (access(at("%s/data/containers/%s", w.dir, id), F_OK) != 0)
			break;
		usleep(10000);
	}
	assert_int_not_equal(access(at("%s/data/containers/%s", w.dir, id), F_OK), 0);
	close_logs();
	stop_dockerd();
	check_sequence("line", 2000);
	assert_string_equal(line_at(0)->id, id);
	assert_int_equal(seen_gaps(&w.seen, "log_lost"), 0);
}

#define ON_FILES(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_lines_are_read_and_others_refused),
		cmocka_unit_test(cri_lines_are_read_and_others_refused),
		cmocka_unit_test(times_are_read_to_the_nanosecond),
		ON_FILES(lines_of_a_file_that_is_there_and_that_comes_are_followed),
		ON_FILES(a_folder_that_comes_later_is_found),
		ON_FILES(what_was_written_before_the_unlink_is_read),
		ON_FILES(a_finished_log_is_closed),
		ON_FILES(a_long_line_is_joined_from_its_parts),
		ON_FILES(a_line_above_the_limit_is_cut_and_told),
		ON_FILES(garbage_is_counted_and_the_next_line_read),
		ON_FILES(rotated_files_are_read_in_order),
		ON_FILES(a_rotation_that_went_too_fast_is_a_gap),
		ON_FILES(a_truncated_file_is_a_gap_and_read_from_its_start),
		ON_FILES(cri_files_are_followed_over_the_rotation_of_the_kubelet),
		ON_FILES(lines_of_before_are_passed_over),
		ON_FILES(a_container_that_shouts_loses_lines_and_it_is_told),
		ON_FILES(links_and_pipes_are_refused),
		ON_FILES(a_restarted_container_is_followed_on_without_repeats),
		ON_FILES(every_line_of_a_docker_container_with_rm_is_found_after_its_removal),
	};

	if (geteuid() == 0 && !private_mounts()) { /* dockerd's mounts are nobody else's */
		fprintf(stderr, "cannot make a mount namespace\n");
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
