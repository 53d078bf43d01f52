/* journal_room.h - a state directory of a test's own, with a key and a journal in it. */
#ifndef AMBER_TESTS_UNIT_JOURNAL_ROOM_H
#define AMBER_TESTS_UNIT_JOURNAL_ROOM_H

#include <ftw.h>
#include <unistd.h>

#include "store/journal.h"
#include "test.h"

struct room {
	char dir[64];
	struct key *key;
	struct journal *journal;
	struct journal_recovery recovery;
};

static inline int room_remove_one(const char *path, const struct stat *st, int flag,
				  struct FTW *ftw)
{
	return remove(path);
}

static inline void room_remove(const char *dir)
{
	(void)nftw(dir, room_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline int room_setup(void **state)
{
	static struct room room;
	struct err e = ERR_INIT;

	room = (struct room){.dir = "/tmp/amber-journal-XXXXXX"};
	if (!mkdtemp(room.dir) || key_open(room.dir, &room.key, &e) < 0)
		return -1;
	*state = &room;
	return 0;
}

static inline int room_teardown(void **state)
{
	struct room *room = *state;
	struct err e = ERR_INIT;

	(void)journal_close(room->journal, &e);
	key_close(room->key);
	room_remove(room->dir);
	return 0;
}

static inline void room_open(struct room *room, struct journal_options options)
{
	struct err e = ERR_INIT;

	options.state_dir = room->dir;
	options.key = room->key;
	if (journal_open(&options, &room->journal, &room->recovery, &e) < 0)
		fail_msg("%s", e.text);
}

static inline void room_close(struct room *room)
{
	struct journal *journal = room->journal;
	struct err e = ERR_INIT;

	room->journal = NULL;
	if (journal_close(journal, &e) < 0)
		fail_msg("%s", e.text);
}

#endif
