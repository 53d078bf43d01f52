/* test_catalog.c - the catalog keeps what is known, dead or alive, and says when it is damaged. */
#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "journal_room.h"
#include "store/catalog.h"

struct fixture {
	char dir[64];
	struct catalog *writer;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err e = ERR_INIT;

	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "/tmp/amber-catalog-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(catalog_open(f->dir, &f->writer, &e), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = {"catalog.db", "catalog.db-wal", "catalog.db-shm"};
	struct fixture *f = *state;
	char path[128];
	struct err e = ERR_INIT;

	assert_int_equal(catalog_close(f->writer, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", f->dir, names[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

struct seen {
	unsigned n;
	struct buf bytes; /* what the spans point to dies with the call */
	char names[8][32];
	struct catalog_container last;
};

static int see_container(void *ctx, const struct catalog_container *c)
{
	struct seen *seen = ctx;

	snprintf(seen->names[seen->n++ % 8], 32, "%.*s", (int)c->container.name.n,
		 (const char *)c->container.name.p);
	seen->last = *c;
	buf_clear(&seen->bytes);
	buf_add_span(&seen->bytes, c->container.image);
	buf_add_text(&seen->bytes, "|");
	buf_add_span(&seen->bytes, c->labels);
	return 0;
}

static void list(struct fixture *f, const char *which, struct seen *seen)
{
	AUTO(catalog) struct catalog *reader = NULL;
	struct err e = ERR_INIT;

	buf_fini(&seen->bytes);
	memset(seen, 0, sizeof(*seen));
	buf_init(&seen->bytes, 65536);
	assert_int_equal(catalog_commit(f->writer, &e), 0);
	assert_int_equal(catalog_open_reader(f->dir, &reader, &e), 0);
	assert_int_equal(catalog_containers(reader, span_of(which), see_container, seen, &e), 0);
}

static void put(struct fixture *f, const struct container *c, uint64_t at)
{
	struct err e = ERR_INIT;

	if (catalog_container(f->writer, c, at, &e) < 0)
		fail_msg("%s", e.text);
}

static void a_dead_container_keeps_its_identity(void **state)
{
	struct fixture *f = *state;
	struct container_label label = {span_of("team"), span_of("web\xff\n")};
	struct container c = {.id = span_of("abc123"),
			      .name = span_of("shop"),
			      .image = span_of("nginx:1.25"),
			      .runtime = RUNTIME_DOCKER,
			      .state = CONTAINER_RUNNING,
			      .privileged = TRUTH_NO,
			      .exit_code = -1,
			      .init_pid = 42,
			      .created_ns = 1000,
			      .labels = &label,
			      .label_count = 1};
	struct container dead = {.id = span_of("abc123"),
				 .state = CONTAINER_DEAD,
				 .exit_code = 137,
				 .died_ns = 5000};
	struct seen seen = {0};

	put(f, &c, 1);
	put(f, &dead, 2);
	list(f, NULL, &seen);
	assert_int_equal(seen.n, 1);
	assert_string_equal(seen.names[0], "shop");
	assert_non_null(strstr(buf_text(&seen.bytes), "nginx:1.25|[{\"key\":\"team\""));
	assert_int_equal(seen.last.container.state, CONTAINER_DEAD);
	assert_int_equal(seen.last.container.runtime, RUNTIME_DOCKER);
	assert_int_equal(seen.last.container.privileged, TRUTH_NO);
	assert_int_equal(seen.last.container.auto_remove, TRUTH_UNKNOWN);
	assert_int_equal(seen.last.container.exit_code, 137);
	assert_int_equal(seen.last.container.init_pid, 42);
	assert_int_equal(seen.last.container.died_ns, 5000);
	assert_int_equal(seen.last.seen_ns, 2);
	buf_fini(&seen.bytes);
}

static void the_living_come_before_the_dead(void **state)
{
	struct fixture *f = *state;
	struct seen seen = {0};

	for (unsigned i = 0; i < 4; i++) {
		char id[16], name[16];
		struct container c = {.state = i % 2 ? CONTAINER_RUNNING : CONTAINER_DEAD,
				      .died_ns = i % 2 ? 0 : 100 + i};

		snprintf(id, sizeof(id), "id%u", i);
		snprintf(name, sizeof(name), "c%u", i);
		c.id = span_of(id);
		c.name = span_of(name);
		c.created_ns = 10 + i;
		put(f, &c, 1);
	}
	list(f, NULL, &seen);
	assert_int_equal(seen.n, 4);
	assert_string_equal(seen.names[0], "c3");
	assert_string_equal(seen.names[1], "c1");
	assert_string_equal(seen.names[2], "c2");
	assert_string_equal(seen.names[3], "c0");
	buf_fini(&seen.bytes);
}

static void a_container_is_found_by_name_or_start_of_id(void **state)
{
	struct fixture *f = *state;
	struct container one = {.id = span_of("aaa111"), .name = span_of("web")};
	struct container two = {.id = span_of("aaa222"), .name = span_of("a%_'\"\n")};
	struct seen seen = {0};

	put(f, &one, 1);
	put(f, &two, 1);
	list(f, "web", &seen);
	assert_int_equal(seen.n, 1);
	list(f, "aaa2", &seen);
	assert_int_equal(seen.n, 1);
	list(f, "a%_'\"\n", &seen);
	assert_int_equal(seen.n, 1);
	list(f, "aaa", &seen);
	assert_int_equal(seen.n, 2);
	list(f, "%", &seen);
	assert_int_equal(seen.n, 0);
	buf_fini(&seen.bytes);
}

static void many_changes_are_committed_by_themselves(void **state)
{
	struct fixture *f = *state;
	AUTO(catalog) struct catalog *reader = NULL;
	struct seen seen = {0};
	struct err e = ERR_INIT;

	buf_init(&seen.bytes, 4096);
	for (unsigned i = 0; i < 2500; i++) {
		struct container c = {.rev = 1, .exit_code = -1};
		char id[16];

		snprintf(id, sizeof(id), "c%u", i);
		c.id = span_of(id);
		assert_int_equal(catalog_container(f->writer, &c, 1, &e), 0);
	}
	assert_int_equal(catalog_open_reader(f->dir, &reader, &e), 0);
	assert_int_equal(catalog_containers(reader, span_of(NULL), see_container, &seen, &e), 0);
	assert_int_equal(seen.n, 2000);
	assert_int_equal(catalog_commit(f->writer, &e), 0);
	seen.n = 0;
	assert_int_equal(catalog_containers(reader, span_of(NULL), see_container, &seen, &e), 0);
	assert_int_equal(seen.n, 2500);
	buf_fini(&seen.bytes);
}

static void a_damaged_catalog_says_what_to_delete(void **state)
{
	struct fixture *f = *state;
	struct catalog *second = NULL;
	char path[128];
	struct err e = ERR_INIT;
	int fd;

	assert_int_equal(catalog_close(f->writer, &e), 0);
	f->writer = NULL;
	snprintf(path, sizeof(path), "%s/catalog.db", f->dir);
	fd = open(path, O_WRONLY);
	assert_int_equal(fd_pwrite_full(fd, "this is no database", 19, 0), 0);
	close(fd);
	assert_int_equal(catalog_open(f->dir, &second, &e), -EBADMSG);
	assert_non_null(strstr(e.text, "delete '"));
	assert_non_null(strstr(e.text, "catalog.db'"));
	assert_int_equal(catalog_open_reader(f->dir, &second, &e), -EBADMSG);
	assert_null(second);
}

static void it_is_built_anew_from_the_journal(void **state)
{
	struct fixture *f = *state;
	AUTO(catalog) struct catalog *reader = NULL;
	AUTO(key) struct key *key = NULL;
	struct journal *journal = NULL;
	struct container c = {
		.rev = 1, .id = span_of("abc"), .name = span_of("web"), .exit_code = -1};
	struct seen seen = {0};
	struct event ev;
	struct err e = ERR_INIT;

	assert_int_equal(catalog_close(f->writer, &e), 0);
	f->writer = NULL;
	assert_int_equal(key_open(f->dir, &key, &e), 0);
	struct journal_options options = {.state_dir = f->dir, .key = key};

	assert_int_equal(journal_open(&options, &journal, NULL, &e), 0);
	for (unsigned i = 0; i < 3; i++) {
		event_init(&ev, EVENT_FILE_KEPT);
		ev.real_ns = 1000 + i;
		ev.container = &c;
		ev.value[FIELD_PATH].bytes = span_of("/tmp/payload");
		assert_int_equal(journal_append(journal, &ev, &e), 0);
	}
	assert_int_equal(journal_close(journal, &e), 0);
	assert_int_equal(catalog_rebuild(f->dir, &e), 0);
	assert_int_equal(catalog_rebuild(f->dir, &e), 0); /* in place of what is there */
	buf_init(&seen.bytes, 65536);
	assert_int_equal(catalog_open_reader(f->dir, &reader, &e), 0);
	assert_int_equal(catalog_containers(reader, span_of("web"), see_container, &seen, &e), 0);
	assert_int_equal(seen.n, 1);
	buf_fini(&seen.bytes);
	room_remove(f->dir);
	assert_int_equal(mkdir(f->dir, 0700), 0); /* for the teardown */
}

static void no_catalog_is_said_to_be_none(void **state)
{
	struct catalog *reader = NULL;
	struct err e = ERR_INIT;

	assert_int_equal(catalog_open_reader("/nonexistent", &reader, &e), -ENOENT);
	assert_null(reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(a_dead_container_keeps_its_identity),
		T(the_living_come_before_the_dead),
		T(a_container_is_found_by_name_or_start_of_id),
		T(many_changes_are_committed_by_themselves),
		T(a_damaged_catalog_says_what_to_delete),
		T(it_is_built_anew_from_the_journal),
		T(no_catalog_is_said_to_be_none),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
