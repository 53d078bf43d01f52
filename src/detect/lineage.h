/* lineage.h - who the parents of a process are and how they were started, learned from events.
 *
 * A process is (pid, start_ns).  Fork hands everything down, exec replaces it, exit marks the
 * process as ended; it stays, so that the children of a short-lived shell can be explained, until
 * room is needed: the longest dead go first, then the longest silent.  What was forgotten alive is
 * counted.  The parent is the first that was told, also after the process was handed to init when
 * that one ended.  Beyond the table, an exec event's own list of ancestors (pid and comm, from the
 * kernel) is asked, so parents outside of recorded containers have at least a name.
 *
 * Memory: 128 bytes a process and what their last execs said, shared by those that only forked:
 * at most LIMIT_LINEAGE processes and LIMIT_LINEAGE_BYTES.  Not thread-safe. */
#ifndef AMBER_DETECT_LINEAGE_H
#define AMBER_DETECT_LINEAGE_H

#include "base/auto.h"
#include "model/event.h"

/* What an exec said.  Texts are empty where it did not. */
struct detect_image {
	struct span exe, argv, filename, cwd, tty;
	struct span stdio[3];  /* as FIELD_STDIN has them */
	struct span ancestors; /* as FIELD_ANCESTORS has them */
	uint64_t argc, ino, file_flags;
	uint64_t exec_real_ns;
	bool cut; /* argv, cwd or another text is shorter than it was */
};

/* A process as far as it is known.  Borrowed until the source is fed with the next event. */
struct detect_process {
	struct process process;		  /* comm is empty when not even that is known */
	const struct detect_image *image; /* NULL: no exec of it was seen */
	uint64_t caps[3];		  /* effective, permitted, inheritable */
	bool caps_known;
};

/* Where parents are looked up.
 *
 * find gives the n-th parent of `of` (0: itself).  TRUTH_NO: it has none, the chain ends before;
 * TRUTH_UNKNOWN: the chain is not known that far.  *ret_process is set on TRUTH_YES only. */
struct detect_ancestry {
	enum truth (*find)(void *ctx, const struct process *of, unsigned n,
			   struct detect_process *ret_process);
	void *ctx;
};

struct lineage_stats {
	uint64_t live, dead;	/* entries now */
	uint64_t bytes;		/* of what execs said */
	uint64_t evicted_dead;	/* forgotten after their end */
	uint64_t evicted_alive; /* forgotten while they ran: their children lose their parents */
	uint64_t cut;		/* texts kept shorter, at LIMIT_LINEAGE_TEXT */
};

struct lineage;

/* An empty table for at most `max` processes (LIMIT_LINEAGE).  -ENOMEM. */
int lineage_new(uint32_t max, struct lineage **ret_lineage, struct err *e);
void lineage_free(struct lineage *l);

static inline void lineage_freep(struct lineage **l)
{
	lineage_free(*l);
}
DEFINE_AUTO(lineage, struct lineage *, lineage_freep);

/* Learns from an event; called for each, before the rules see it.  Events in which no process does
 * anything change nothing.  -ENOMEM leaves the table without what the event said. */
int lineage_feed(struct lineage *l, const struct event *ev, struct err *e);

/* The table as a source; valid as long as the table. */
struct detect_ancestry lineage_ancestry(struct lineage *l);

void lineage_get_stats(const struct lineage *l, struct lineage_stats *ret_stats);

/* What the exec event `ev` says; borrowed from it. */
void detect_image_of(const struct event *ev, struct detect_image *ret_image);

/* The n-th (from 0) entry of a list of ancestors "PID:COMM PID:COMM"; names with blanks stand in
 * quotes.  *ret_comm is without them, copied to `room` when it had to be changed.  False at the
 * end of the list. */
bool detect_ancestor_at(struct span ancestors, unsigned n, uint32_t *ret_pid, struct span *ret_comm,
			char room[64]);

#endif
