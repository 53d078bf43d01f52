/* journal_checks.h - filling a journal with made-up events, and asking verify about it. */
#ifndef AMBER_TESTS_UNIT_JOURNAL_CHECKS_H
#define AMBER_TESTS_UNIT_JOURNAL_CHECKS_H

#include <fcntl.h>
#include <sys/stat.h>

#include "journal_events.h"
#include "journal_room.h"
#include "store/journal_format.h"
#include "store/journal_verify.h"

#define ROWS 100 /* of a block in these tests */

/* The first problem that verify names, and how many there are. */
struct found {
	struct journal_verdict verdict;
	struct journal_problem first;
	char file[64], what[LIMIT_ERR_TEXT];
};

static inline void note_problem(void *ctx, const struct journal_problem *problem)
{
	struct found *f = ctx;

	if (f->file[0])
		return;
	f->first = *problem;
	(void)snprintf(f->file, sizeof(f->file), "%s", problem->file);
	(void)snprintf(f->what, sizeof(f->what), "%s", problem->what);
}

static inline struct found verify(const struct room *room)
{
	AUTO(key) struct key *public = NULL;
	struct found f = {0};
	struct err e = ERR_INIT;

	if (key_open_public(room->dir, &public, &e) < 0 ||
	    journal_verify(room->dir, public, note_problem, &f, &f.verdict, &e) < 0)
		fail_msg("%s", e.text);
	return f;
}

static inline void assert_whole(const struct room *room, uint64_t rows)
{
	struct found f = verify(room);

	if (f.verdict.problems)
		fail_msg("%s: block %lld, byte %llu: %s", f.file, (long long)f.first.block,
			 (unsigned long long)f.first.offset, f.what);
	assert_int_equal(f.verdict.rows, rows);
}

static inline void append_made(struct room *room, uint64_t from, uint64_t to)
{
	struct made_event m = {0};
	struct err e = ERR_INIT;

	for (uint64_t i = from; i < to; i++) {
		made_event(&m, i);
		if (journal_append(room->journal, &m.ev, &e) < 0)
			fail_msg("%s", e.text);
	}
	made_fini(&m);
}

/* Segments 1 to n of 1,000 events each, sealed. */
static inline void fill(struct room *room, unsigned segments, struct journal_options options)
{
	struct err e = ERR_INIT;

	options.block_rows = ROWS;
	room_open(room, options);
	for (unsigned i = 0; i < segments; i++) {
		append_made(room, (uint64_t)i * 1000, (uint64_t)i * 1000 + 1000);
		assert_int_equal(journal_seal(room->journal, &e), 0);
	}
	room_close(room);
}

static inline void path_of(const struct room *room, uint64_t number, const char *suffix,
			   char *ret_path)
{
	char name[JOURNAL_NAME];

	journal_name(name, number, suffix);
	(void)snprintf(ret_path, 128, "%s/journal/%s", room->dir, name);
}

static inline int open_segment(const struct room *room, uint64_t number, struct stat *st)
{
	char path[128];
	int fd;

	path_of(room, number, ".seg", path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, st), 0);
	return fd;
}

#endif
