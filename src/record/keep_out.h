/* keep_out.h - how the file keeper and the log follower tell: events and gaps with a container.
 *
 * Both run on their own threads and know a container by its id alone.  Whoever integrates them
 * may hand in `identify` to replace that by all that is known. */
#ifndef AMBER_RECORD_KEEP_OUT_H
#define AMBER_RECORD_KEEP_OUT_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/auto.h"
#include "model/event.h"

/* Whose event it is. */
struct keep_who {
	char id[LIMIT_CONTAINER_ID]; /* empty: nobody's */
	uint64_t cgroup_id;
	uint32_t pid; /* host pid that did it; 0 unknown */
};

/* Where events go.  Shared by threads; the caller owns it and it outlives every user. */
struct keep_out {
	struct event_sink sink;
	/* Optional.  Sets ev->container and ev->process to what is known of `who`; what it locks
	 * stays locked until `done`, which follows the emit on the same thread. */
	void (*identify)(void *ctx, const struct keep_who *who, struct event *ev);
	void (*done)(void *ctx);
	void *ctx;
	_Atomic uint64_t failed; /* events that the sink refused: tell them as a gap elsewhere */
};

/* Fills `who`; an id that is too long is cut (no runtime has one). */
void keep_who_set(struct keep_who *who, struct span id, uint64_t cgroup_id);

/* Completes the event (times when they are 0, container, process) and emits it.  A refusal by the
 * sink is returned and counted in out->failed. */
int keep_emit(struct keep_out *out, const struct keep_who *who, struct event *ev, struct err *e);

/* Gaps of one second become one EVENT_GAP for each container and reason, so that whoever causes
 * them by the thousand writes one record. */
struct keep_gaps {
	pthread_mutex_t lock;
	struct keep_out *out; /* borrowed */
	struct keep_gap *slots;
	size_t n;
};

int keep_gaps_init(struct keep_gaps *gaps, struct keep_out *out, struct err *e);

/* Says what is left and frees. */
void keep_gaps_fini(struct keep_gaps *gaps);

/* One more.  `reason` is a string constant: a word that does not change.  `path` names the last
 * one that it happened to, and may be empty.  Thread-safe. */
struct keep_loss {
	const char *reason;
	uint64_t lost;	/* how many; 0 when that cannot be known */
	uint64_t bytes; /* how much of content was not kept; 0 when it cannot be known */
	struct span path;
};
void keep_gaps_add(struct keep_gaps *gaps, const struct keep_who *who,
		   const struct keep_loss *loss);

/* Emits the gaps whose second is over, or all. */
void keep_gaps_say(struct keep_gaps *gaps, bool all);

#endif
