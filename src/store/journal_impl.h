/* journal_impl.h - what journal.c shares with the parts of the writer.  Internal. */
#ifndef AMBER_STORE_JOURNAL_IMPL_H
#define AMBER_STORE_JOURNAL_IMPL_H

#include <pthread.h>

#include "base/fd.h"
#include "store/journal.h"
#include "store/journal_segment.h"

#define JOURNAL_BUILDS 2u /* one fills while the other is written */

struct journal {
	struct journal_options o; /* with the defaults filled in */
	char state_dir[LIMIT_PATH];
	int dir_fd, lock_fd;
	pthread_t thread;
	bool has_thread;

	/* Held for everything that follows, but not while the disk is at work. */
	pthread_mutex_t lock;
	pthread_cond_t work;  /* for the thread: a block is full, or a request */
	pthread_cond_t moved; /* for callers: a block was written, or writing failed */
	struct build builds[JOURNAL_BUILDS];
	struct build *current; /* takes events */
	struct build *pending; /* full, waiting to be written or being written; or NULL */
	bool stop;
	uint64_t written_target; /* rows that somebody waits for */
	uint64_t synced_rows;	 /* rows known to be on the disk */
	uint64_t seal_asked, seal_done, retain_asked, retain_done;
	uint64_t refused, refused_from_ns, refused_to_ns; /* since the last gap record */
	int refused_code;
	struct err failure; /* of the last attempt to write */
	struct journal_stats stats;

	/* The thread's own. */
	struct segment_writer segment;
	struct column_encoder encoder;
	struct build_output output;
	bool encoded; /* output holds the pending block */
	uint64_t next_number;
	uint64_t last_sync_ns; /* CLOCK_MONOTONIC */
	bool dirty;	       /* written since */
};

/* journal.c, with the lock held. */
void journal_swap(struct journal *j);
int journal_append_locked(struct journal *j, const struct event *ev, struct err *e);
void journal_fill_gap(struct event *ev, const struct journal_gap *gap);

/* journal_thread.c */
void *journal_thread(void *journal);
uint64_t journal_now_ns(void); /* CLOCK_MONOTONIC */

/* journal_recover.c: folder, lock, what the last run left; sets j->next_number and the chain. */
int journal_recover(struct journal *j, struct journal_recovery *ret_recovery, struct err *e);

/* Completes deletions that a crash interrupted, then deletes what the limits allow.  Called by
 * the one thread that may touch segments; updates the counts through *deleted, *held, *total. */
struct retain_result {
	uint64_t deleted, held, total_bytes;
};
int journal_retain_now(struct journal *j, struct retain_result *ret_result, struct err *e);

/* Whether a hold overlaps the window.  A hold that cannot be read or trusted overlaps all. */
struct hold_set {
	struct journal_hold *holds;
	size_t n;
	bool all;
};
int hold_set_read(struct hold_set *set, const char *state_dir, const struct key *key,
		  struct err *e);
void hold_set_fini(struct hold_set *set);
DEFINE_AUTO(hold_set, struct hold_set, hold_set_fini);
bool hold_set_covers(const struct hold_set *set, uint64_t from_ns, uint64_t to_ns);

#endif
