/* probe_fixture.h - one probe for a test program, and children that act inside a tracked cgroup.
 *
 *	static void act(void *arg) { chdir("/tmp"); }	  the child's body; it exits 0 after it
 *
 *	fixture_run(act, NULL);				  run it, wait, collect its records
 *	const struct wire_exec *w = fixture_find(WIRE_PROCESS_EXEC);
 *
 * Each run has a cgroup of its own below fixture.cgroup_path, tracked before the child enters it.
 *Where the programs cannot be loaded (privileges, kernel) the tests skip and say why. */
#ifndef AMBER_TESTS_UNIT_PROBE_FIXTURE_H
#define AMBER_TESTS_UNIT_PROBE_FIXTURE_H

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "record/probe.h"
#include "test.h"

#define FIXTURE_BYTES	(64u << 20) /* of collected records */
#define FIXTURE_RECORDS 400000u

struct fixture {
	struct probe *probe; /* NULL: not available, `why` says it */
	char why[512];
	char cgroup_path[256]; /* of the last run */
	uint64_t cgroup_id;
	pid_t child; /* of the last run */
	int status;  /* of its exit, as wait gives it */
	uint8_t *bytes;
	size_t used;
	const struct wire_head *records[FIXTURE_RECORDS];
	size_t count;
};

static struct fixture fixture;

/* Keeps a copy of a record; for probe_drain and probe_sweep. */
static inline void fixture_collect(void *ctx, const struct wire_head *rec, size_t len)
{
	size_t whole = (len + 7) & ~(size_t)7;

	(void)ctx;
	if (fixture.used + whole > FIXTURE_BYTES || fixture.count == FIXTURE_RECORDS)
		fail_msg("more than %u records", FIXTURE_RECORDS);
	memcpy(fixture.bytes + fixture.used, rec, len);
	fixture.records[fixture.count++] = (const void *)(fixture.bytes + fixture.used);
	fixture.used += whole;
}

static inline void fixture_drop(void *ctx, const struct wire_head *rec, size_t len)
{
	(void)ctx;
	(void)rec;
	(void)len;
}

/* Opens the probe with these options; to be called before the tests of a group. */
static inline int fixture_open(const struct probe_options *options)
{
	struct err e = ERR_INIT;

	fixture.bytes = malloc(FIXTURE_BYTES);
	if (!fixture.bytes)
		return -1;
	if (probe_open(options, &fixture.probe, &e)) {
		fixture.probe = NULL;
		(void)snprintf(fixture.why, sizeof(fixture.why), "%s", e.text);
		if (e.code == EPERM || e.code == ENOTSUP)
			return 0;
		print_error("%s\n", e.text);
		return -1;
	}
	return 0;
}

static inline void fixture_close(void)
{
	probe_close(fixture.probe);
	free(fixture.bytes);
	memset(&fixture, 0, sizeof(fixture));
}

#define fixture_need()                                            \
	do {                                                      \
		if (!fixture.probe) {                             \
			print_message("skip: %s\n", fixture.why); \
			skip();                                   \
		}                                                 \
	} while (0)

/* The id of a cgroup: the inode of its folder. */
static inline uint64_t fixture_cgroup_id(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

/* Makes the folder of a cgroup and returns its id. */
static inline uint64_t fixture_cgroup_make(const char *path)
{
	if (mkdir(path, 0755))
		fail_msg("cannot make cgroup '%s': %s", path, strerror(errno));
	return fixture_cgroup_id(path);
}

/* Removes it; processes that were just reaped may hold it for a moment. */
static inline void fixture_cgroup_remove(const char *path)
{
	for (int i = 0; i < 200 && rmdir(path); i++) {
		if (errno != EBUSY)
			fail_msg("cannot remove cgroup '%s': %s", path, strerror(errno));
		usleep(10000);
	}
}

/* Moves the calling process. */
static inline void fixture_enter(const char *path)
{
	char procs[320];
	int fd;

	(void)snprintf(procs, sizeof(procs), "%s/cgroup.procs", path);
	fd = open(procs, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		_exit(98);
	close(fd);
}

/* Field 22 of /proc/PID/stat: when the process started, in units of 10 ms; 0 when it is gone. */
static inline uint64_t fixture_start_ticks(pid_t pid)
{
	char path[64], text[1024], *p;
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return 0;
	text[n] = 0;
	p = strrchr(text, ')') + 1;
	for (int field = 3; field < 22; field++)
		p = strchr(p + 1, ' ');
	return strtoull(p, NULL, 10);
}

/* Forgets the collected records, and those that wait. */
static inline void fixture_clear(void)
{
	while (probe_drain(fixture.probe, fixture_drop, NULL, 100000))
		;
	fixture.used = fixture.count = 0;
}

/* Collects all that waits. */
static inline void fixture_drain(void)
{
	while (probe_drain(fixture.probe, fixture_collect, NULL, 100000))
		;
}

/* Starts a child that enters the cgroup `path` and runs `act`. */
static inline pid_t fixture_start(const char *path, void (*act)(void *arg), void *arg)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		alarm(30);		  /* a test that hangs fails */
		signal(SIGSEGV, SIG_DFL); /* cmocka's handlers would go on with the tests in here */
		signal(SIGILL, SIG_DFL);
		signal(SIGBUS, SIG_DFL);
		fixture_enter(path);
		act(arg);
		_exit(0);
	}
	return pid;
}

/* Runs `act` in a child inside a new tracked cgroup, waits for its end and collects the records.
 * The cgroup is gone afterwards. */
static inline void fixture_run(void (*act)(void *arg), void *arg)
{
	static unsigned serial;
	struct err e = ERR_INIT;

	fixture_clear();
	(void)snprintf(fixture.cgroup_path, sizeof(fixture.cgroup_path), "%s/amber-test-%d-%u",
		       probe_cgroup_root(fixture.probe), getpid(), serial++);
	fixture.cgroup_id = fixture_cgroup_make(fixture.cgroup_path);
	assert_true(probe_track(fixture.probe, fixture.cgroup_id, fixture.cgroup_id, &e) >= 0);
	fixture.child = fixture_start(fixture.cgroup_path, act, arg);
	assert_int_equal(waitpid(fixture.child, &fixture.status, 0), fixture.child);
	fixture_drain();
	fixture_cgroup_remove(fixture.cgroup_path);
	probe_untrack(fixture.probe, fixture.cgroup_id);
}

/* The n-th collected record (from 0) of this type that belongs to the last run; NULL when there are
 * fewer. */
static inline const void *fixture_nth(enum wire_type type, unsigned n)
{
	for (size_t i = 0; i < fixture.count; i++)
		if (fixture.records[i]->type == type &&
		    fixture.records[i]->cgroup_id == fixture.cgroup_id && !n--)
			return fixture.records[i];
	return NULL;
}

/* The only record of the type; the test fails when there is another number of them. */
static inline const void *fixture_find(enum wire_type type)
{
	const void *found = fixture_nth(type, 0);

	if (!found)
		fail_msg("no record of type %d", type);
	if (fixture_nth(type, 1))
		fail_msg("more than one record of type %d", type);
	return found;
}

/* The text of a slot: its header, and *ret_bytes; NULL when the record has none.  `fixed` is the
 * size of the record's struct. */
static inline const struct wire_text *fixture_text(const void *rec, size_t fixed, unsigned slot,
						   const char **ret_bytes)
{
	static _Thread_local struct wire_text text;
	const struct wire_head *head = rec;

	for (size_t at = fixed; at + sizeof(text) <= head->len; at += sizeof(text) + text.len) {
		memcpy(&text, (const uint8_t *)rec + at, sizeof(text));
		assert_true(at + sizeof(text) + text.len <= head->len);
		*ret_bytes = (const char *)rec + at + sizeof(text);
		if (text.slot == slot)
			return &text;
	}
	return NULL;
}

/* A kernel path as people write it, into `ret_path` (PATH bytes at least). */
static inline const char *fixture_path(const void *rec, size_t fixed, unsigned slot)
{
	static char path[WIRE_PATH_MAX + 2];
	const char *bytes;
	const struct wire_text *text = fixture_text(rec, fixed, slot, &bytes);
	size_t end, n = 0;

	if (!text)
		return NULL;
	assert_true(text->flags & WIRE_TEXT_KERNEL_PATH);
	end = text->len;
	while (end) {
		size_t from = --end; /* the NUL behind a component */

		while (from && bytes[from - 1])
			from--;
		path[n++] = '/';
		memcpy(path + n, bytes + from, end - from);
		n += end - from;
		end = from;
	}
	if (!n)
		path[n++] = '/';
	path[n] = 0;
	return path;
}

/* Asserts that the slot holds exactly these bytes and flags. */
#define fixture_assert_text(rec, fixed, slot, want, want_len, want_flags)                \
	do {                                                                             \
		const char *bytes_;                                                      \
		const struct wire_text *text_ = fixture_text(rec, fixed, slot, &bytes_); \
		assert_non_null(text_);                                                  \
		assert_int_equal(text_->len, want_len);                                  \
		assert_int_equal(text_->flags, want_flags);                              \
		assert_memory_equal(bytes_, want, want_len);                             \
	} while (0)

#endif
