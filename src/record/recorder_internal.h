/* recorder_internal.h - between the files of the recorder.
 *
 * Locks, in the order in which they are taken: a read section of the registry, `processes_lock`,
 * the journal's own.  Callbacks of the registry only raise a flag: what follows from a change is
 * done by the house thread, which holds none of these when it calls a part. */
#ifndef AMBER_RECORD_RECORDER_INTERNAL_H
#define AMBER_RECORD_RECORDER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/map.h"
#include "record/decode.h"
#include "record/hold.h"
#include "record/keep_out.h"
#include "record/keeper.h"
#include "record/logs.h"
#include "record/processes.h"
#include "record/recorder.h"
#include "runtime/identify.h"
#include "runtime/registry.h"
#include "store/catalog.h"
#include "store/journal.h"
#include "store/key.h"
#include "store/vault.h"

/* What was lost in one container so far, to tell only what is new. */
struct loss_seen {
	uint64_t lost[WIRE_LOST_COUNT];
};

/* What has been done for a container; by hash of its id. */
#define CARE_ARMED   1u
#define CARE_MOUNTS  2u
#define CARE_LOGS    4u
#define CARE_BURIED  8u
#define CARE_TRACKED 16u

#define RECORDER_COUNTERS 5u

struct recorder {
	struct recorder_options options;
	char boot_id[37];
	uint64_t opened_ns; /* real_ns */
	struct key *key;
	struct journal *journal;
	struct event_sink sink;
	struct vault *vault;
	struct catalog *catalog;
	struct cgroup_host cgroups;
	bool cgroups_open;
	struct registry *registry;
	struct identify *identify;
	struct probe *probe;
	struct keep_out out;
	struct keeper *keeper;
	struct logs *logs;
	struct hold *hold;

	/* of the draining thread */
	struct decoder decoder;
	struct processes processes;
	pthread_mutex_t processes_lock;
	_Atomic unsigned processes_wanted; /* threads that wait for it */
	int proc_fd;
	uint64_t malformed, probe_malformed, strangers_refused;
	uint64_t told[RECORDER_COUNTERS]; /* what recorder_tell_counters told so far */
	struct map strangers; /* cgroup id to struct container of those that nobody knows yet */
	uint64_t canary_sent, canary_seen, canary_next_ns, tick_ns;
	struct map losses; /* cgroup id to struct loss_seen */
	uint64_t lost_outside[WIRE_LOST_COUNT];
	uint64_t lost_from_ns; /* real_ns of the last look at the counters */

	/* of the house thread */
	pthread_t house;
	bool house_runs;
	_Atomic bool house_ends;
	pthread_mutex_t house_lock;
	pthread_cond_t house_wakes;
	bool changed; /* a container changed since the house looked; under house_lock */
	uint64_t seen_rev;
	bool catalog_behind; /* rows were lost with a failed transaction */
	struct map care;     /* hash64 of the id to CARE_* */

	_Atomic uint64_t events, lost;
};

/* recorder_drain.c */

/* One round over the rings; returns how many records there were. */
unsigned recorder_drain(struct recorder *r);

/* Once a second, on the draining thread: repeats, losses, a sign of life, old processes. */
void recorder_tick(struct recorder *r);

/* recorder_losses.c: gaps for what the parts counted since the last call; on the draining thread.
 */
void recorder_tell_counters(struct recorder *r, uint64_t from_ns, uint64_t to_ns);

/* recorder_house.c */

/* Begins the house thread; before it, every container that is known is taken care of once. */
int recorder_house_start(struct recorder *r, struct err *e);
void recorder_house_stop(struct recorder *r);

/* Listener of the registry. */
void recorder_on_change(void *ctx, const struct container *before, const struct container *after);

/* The start hold's callback (hold.h). */
void recorder_on_start(void *ctx, const struct hold_start *start);

/* keep_out's callbacks: who did it. */
void recorder_identify(void *ctx, const struct keep_who *who, struct event *ev);
void recorder_identified(void *ctx);

/* recorder.c */

/* Journals a gap. */
void recorder_gap(struct recorder *r, const struct journal_gap *gap);

/* Tells a person. */
void recorder_trouble(struct recorder *r, const char *what, const struct err *e);

#endif
