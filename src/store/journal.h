/* journal.h - the record: an append-only chain of signed segments, written here.
 *
 * One process writes (a lock names it), any number read while it does (journal_read.h).  Events
 * are kept column by column in memory, up to block_rows, and a thread of the journal
 * compresses, hashes and writes them as one block: when the block is full, or after flush_ms.
 * What a finished call to journal_flush covers survives kill -9; what was synced survives a power
 * cut.  The bytes on disk: docs/formats/journal.md. */
#ifndef AMBER_STORE_JOURNAL_H
#define AMBER_STORE_JOURNAL_H

#include "base/auto.h"
#include "base/err.h"
#include "model/event.h"
#include "store/key.h"

struct journal;

/* 0 in any number takes the default that stands beside it. */
struct journal_options {
	const char *state_dir;	/* segments go to STATE/journal; borrowed for journal_open */
	const struct key *key;	/* private; borrowed until journal_close */
	uint64_t segment_bytes; /* a segment is sealed above this: 64 MiB */
	uint64_t segment_ns;	/* and when it is this old: one hour */
	uint64_t max_bytes;	/* of all segments; the oldest are deleted above: no limit */
	uint64_t max_age_ns;	/* of a segment's newest event; deleted when older: no limit */
	unsigned flush_ms;	/* longest time that an event is in memory only: 1000 */
	unsigned sync_ms;	/* longest time without fdatasync while writing: 5000 */
	uint32_t block_rows;	/* rows of a block: 32768, at most LIMIT_BLOCK_ROWS */
	int level;		/* of zstd: 1 */
	/* Called before each block is written, without locks, on the journal's thread: what events
	 * name (kept contents) goes to its file before the event does.  May be NULL. */
	void (*before_write)(void *ctx);
	void *ctx;
};

/* What journal_open found and did.  Whoever opens turns a cut into a gap record (torn_tail). */
struct journal_recovery {
	uint64_t segment;      /* the segment that had not been sealed; 0 none */
	uint64_t kept_rows;    /* rows of its whole blocks */
	uint64_t cut_bytes;    /* bytes behind the last whole block, moved to NNNNNNNN.torn */
	uint64_t last_real_ns; /* newest event of the last segment; 0 when there is none */
	uint64_t ended_ns;     /* real_ns of the last seal or, after a crash, of that event */
	uint64_t damaged;      /* a last segment that cannot be read on from: left alone; 0 none */
};

/* Opens STATE/journal for writing, creating it, and finishes what a crash left: a torn tail is
 * cut, its segment sealed, a deletion completed.  -EBUSY names the process that writes already.
 * `ret_recovery` may be NULL. */
int journal_open(const struct journal_options *options, struct journal **ret_journal,
		 struct journal_recovery *ret_recovery, struct err *e);

/* Takes one event; any thread.  Copies what it keeps.
 *
 * Waits when the disk is behind by more than the blocks in memory.  While the disk refuses
 * (-ENOSPC, -EIO, ...) events are taken as long as memory has room; then each call fails with
 * that code at once and the event is counted as refused.  When writing works again the journal
 * writes a gap record (disk_full or write_error) itself.  -E2BIG for an event above
 * LIMIT_TEXT_BYTES or LIMIT_EVENT_BYTES, also counted. */
int journal_append(struct journal *journal, const struct event *ev, struct err *e);

/* Appends a gap record with these words.  `container` and `text` may be NULL. */
struct journal_gap {
	const char *reason; /* a word of docs/formats/journal.md */
	const char *text;
	uint64_t lost;		 /* 0 unknown */
	uint64_t from_ns, to_ns; /* real_ns */
	const struct container *container;
};
int journal_append_gap(struct journal *journal, const struct journal_gap *gap, struct err *e);

/* Returns when all that was appended before is in the file and synced; or why it is not. */
int journal_flush(struct journal *journal, struct err *e);

/* Flushes, signs the current segment and begins a new one with the next event. */
int journal_seal(struct journal *journal, struct err *e);

/* Deletes what max_bytes and max_age_ns allow now (it also happens after each seal). */
int journal_retain(struct journal *journal, struct err *e);

/* Flushes, seals and lets go.  Always frees; the return value tells whether everything that was
 * appended is on disk.  NULL is allowed. */
int journal_close(struct journal *journal, struct err *e);

/* Changes the limits of retention (journal_options) from the next deletion on. */
void journal_set_limits(struct journal *journal, uint64_t max_bytes, uint64_t max_age_ns);

struct journal_stats {
	uint64_t rows;		/* appended */
	uint64_t rows_written;	/* in the file */
	uint64_t rows_refused;	/* journal_append failed */
	uint64_t bytes_written; /* of segments, headers and footers included */
	uint64_t blocks, segments;
	uint64_t waits;		   /* appends that had to wait for the disk */
	uint64_t write_errors;	   /* failed attempts to write a block */
	int failing;		   /* errno of the last attempt, 0 when it worked */
	uint64_t deleted_segments; /* by retention, in this run */
	uint64_t held_segments;	   /* too old or too many, but under legal hold */
	uint64_t total_bytes;	   /* of all segments */
};
void journal_stats(struct journal *journal, struct journal_stats *ret_stats);

/* The journal as a sink for producers. */
struct event_sink journal_sink(struct journal *journal);

/* Legal hold: segments that overlap the window are not deleted while it stands.  A hold is a
 * signed file STATE/journal/holds/NAME.hold; one that cannot be read or trusted holds
 * everything.  No lock is needed: the writer reads the folder before each deletion. */
struct journal_hold {
	char name[65]; /* letters, digits, '-', '_' and inner '.' */
	char by[128];  /* one line each */
	char reason[512];
	uint64_t from_ns, to_ns; /* real_ns, inclusive; 0 and UINT64_MAX for everything */
	uint64_t created_ns;
	bool trusted; /* signature of the host's key; set by journal_hold_list */
};

/* -EEXIST when there is one of that name, -EINVAL for a bad name or an empty window. */
int journal_hold_add(const char *state_dir, const struct key *key, const struct journal_hold *hold,
		     struct err *e);

/* Gives each hold to `each`, sorted by name, until it returns non-zero (which is returned).
 * `key` may be public. */
int journal_hold_list(const char *state_dir, const struct key *key,
		      int (*each)(void *ctx, const struct journal_hold *hold), void *ctx,
		      struct err *e);

/* -ENOENT when there is none.  The caller records who removed it and why. */
int journal_hold_remove(const char *state_dir, const char *name, struct err *e);

#endif
