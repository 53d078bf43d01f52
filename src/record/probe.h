/* probe.h - Amber's programs in the kernel: load them, say what to watch, take their records.
 *
 * The programs watch the cgroups that are containers: those that user space names (probe_track),
 * those whose name holds a container id, those whose name was announced (probe_expect), and all
 * below them.  They recognise a new one by themselves, before its first process runs.
 *
 * Records (amber/wire.h) wait in rings that nobody is woken for until one is a quarter full: the
 * caller looks with probe_drain at its own pace.  Once a second or so it calls, in this order,
 * probe_losses (what was lost, per container), probe_sweep (counts of repeats that no record has
 * told yet) and, to prove that all of this lives, probe_canary.
 *
 * One thread drains and sweeps; track, untrack, expect, unexpect, stats and canary may be called
 * from any thread. */
#ifndef AMBER_RECORD_PROBE_H
#define AMBER_RECORD_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "amber/wire.h"
#include "base/auto.h"
#include "base/err.h"

#define PROBE_RINGS_MAX 16u

/* The hierarchy of control groups that names containers. */
enum probe_hierarchy {
	PROBE_HIERARCHY_AUTO = 0, /* the unified one where it is mounted, else pids, else memory */
	PROBE_HIERARCHY_UNIFIED,
	PROBE_HIERARCHY_PIDS, /* cgroup v1 */
	PROBE_HIERARCHY_MEMORY,
};

struct probe_options {
	uint32_t ring_bytes;  /* of each ring, rounded up to a power of two; 0: 16 MB */
	uint32_t fold_ms;     /* window in which repeats are folded */
	uint32_t quota_rate;  /* records a second and container; 0: no quota */
	uint32_t quota_burst; /* records at once */
	enum probe_hierarchy hierarchy;
};

/* The defaults: 16 MB a ring, 1 s, 200,000 a second, 400,000 at once, automatic. */
struct probe_options probe_defaults(void);

struct probe;

/* Loads and attaches the programs.  From here on records come in; nothing is tracked yet but what
 * the programs recognise themselves.  Caller owns *ret_probe.
 *
 * -ENOTSUP: the kernel cannot (no BTF, no BPF, another processor); -EPERM: it is not allowed
 * (privileges, lockdown); the text says what to do. */
int probe_open(const struct probe_options *options, struct probe **ret_probe, struct err *e);

/* Detaches and unloads; NULL is allowed.  Records that were not drained are lost. */
void probe_close(struct probe *probe);

static inline void probe_close_at(struct probe **probe)
{
	probe_close(*probe);
}
DEFINE_AUTO(probe, struct probe *, probe_close_at);

/* Hands at most `max` waiting records to `fn` and returns how many; never waits.  A record is
 * borrowed for the call.  Records of one CPU come in order; between CPUs boot_ns tells it. */
unsigned probe_drain(struct probe *probe,
		     void (*fn)(void *ctx, const struct wire_head *rec, size_t len), void *ctx,
		     unsigned max);

/* Waits until records are there or a ring fills up, at most so long; a signal ends it early.  What
 * comes in small numbers wakes nobody. */
void probe_wait(const struct probe *probe, int timeout_ms);

/* Hands over what repeated and has been quiet for a window, as the record of the first repeat
 * with its count (seq 0), and forgets containers whose cgroup is gone for 5 seconds.  Returns the
 * number of records. */
unsigned probe_sweep(struct probe *probe,
		     void (*fn)(void *ctx, const struct wire_head *rec, size_t len), void *ctx);

/* Watches a cgroup that is there already, as (part of) the container `root`, which is a tracked
 * cgroup id or `cgroup_id` itself.  Its id is the inode number of its folder.  A cgroup that is
 * tracked already stays as it is.  Cgroups that are already below it want a call of their own.
 * Returns 1 when it was not watched before, 0 when it was. */
int probe_track(struct probe *probe, uint64_t cgroup_id, uint64_t root, struct err *e);

/* Stops watching it; nothing happens when it was not tracked. */
void probe_untrack(struct probe *probe, uint64_t cgroup_id);

/* Announces the name (last component) of a cgroup that will be made and is a container.  At most
 * WIRE_NAME_MAX - 1 bytes (-ENAMETOOLONG), 4,096 names at once (-E2BIG). */
int probe_expect(struct probe *probe, const char *name, struct err *e);
void probe_unexpect(struct probe *probe, const char *name);

/* Replaces the names whose opening for reading is recorded as well; none at first.  "shadow" is a
 * file of that name, ".ssh/" a folder of that name when it is opened itself or when it is one of
 * the two folders that the file is in.  A name counts wherever it is mounted and by whatever link
 * it was reached; the place where a file or folder is mounted counts as its name too.
 *
 * -EINVAL: no such name; -ENAMETOOLONG: more than WIRE_WATCH_NAME bytes; -E2BIG: more than
 * WIRE_WATCH_MAX names; the names of before stay then. */
int probe_watch_read(struct probe *probe, const char *const *names, size_t count, struct err *e);

/* Makes the programs emit a WIRE_CANARY record with these two numbers, by a system call of this
 * process that goes the way of all calls. */
void probe_canary(uint64_t request, uint64_t lost);

struct probe_stats {
	struct wire_counters all; /* sum of all CPUs */
	uint64_t malformed;	  /* records in the rings that made no sense */
	uint64_t ring_used;	  /* bytes that wait, in all rings */
	uint64_t ring_bytes;	  /* of all rings */
	uint64_t tracked;	  /* cgroups */
};

void probe_stats(const struct probe *probe, struct probe_stats *ret_stats);

/* Calls `fn` for each container with its counters, which only grow.  slot->flags has
 * WIRE_SLOT_DEAD when its cgroup is gone. */
void probe_losses(const struct probe *probe,
		  void (*fn)(void *ctx, uint64_t cgroup_id, const struct wire_slot *slot),
		  void *ctx);

/* The hierarchy in use and where it is mounted ("/sys/fs/cgroup/unified"); borrowed. */
enum probe_hierarchy probe_hierarchy(const struct probe *probe);
const char *probe_cgroup_root(const struct probe *probe);

/* What this host allows; every text is a constant. */
struct probe_features {
	bool btf;	      /* /sys/kernel/btf/vmlinux */
	bool privileged;      /* CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN */
	bool ring;	      /* ring buffers: 5.8 */
	bool compat;	      /* 32-bit programs can run */
	bool unified;	      /* the unified hierarchy is mounted */
	const char *lockdown; /* "none", "integrity", "confidentiality", "unknown" */
};

void probe_features(struct probe_features *ret_features);

#endif
