/* registry.h - all containers that are or were, by control group and by name.
 *
 * A container in it is an immutable snapshot; a change makes a new one with a larger rev.  Readers
 * open a read section and take no lock in it: every pointer that they find stays valid until they
 * close it, and a writer (a start that is held) never waits for a reader.  A section should last
 * as long as one batch of events; what was replaced is freed when the sections that could see it
 * are closed.
 *
 * The dead stay as tombstones for `keep_ns`, and longer while there is room (law 6). */
#ifndef AMBER_RUNTIME_REGISTRY_H
#define AMBER_RUNTIME_REGISTRY_H

#include "base/err.h"
#include "model/container.h"

/* Where a fact comes from, weakest first.  A known value is replaced only by one of the same or a
 * stronger source; an unknown one by any. */
enum source {
	SOURCE_NAME, /* read out of a control group's name */
	SOURCE_OCI,  /* bundle or state file of the OCI runtime */
	SOURCE_DISK, /* files of Docker, containerd or Podman */
	SOURCE_API,  /* their answer */
	SOURCE_KERNEL,
};

struct registry_options {
	size_t max;	  /* containers, dead ones included; 0: LIMIT_CONTAINERS */
	uint64_t keep_ns; /* least time that a dead one stays; 0: an hour */
};

struct registry_stats {
	uint64_t live, dead;
	uint64_t evicted; /* dead ones dropped before keep_ns because `max` was reached */
	uint64_t expired; /* dead ones dropped after keep_ns */
	uint64_t refused; /* containers that found no room because none of `max` is dead */
	uint64_t unbound; /* nested control groups forgotten at LIMIT_CGROUPS */
};

struct registry;

/* -ENOMEM. */
int registry_new(const struct registry_options *o, struct registry **ret_r, struct err *e);
/* No read section may be open. */
void registry_free(struct registry *r);

/* Opens and closes a read section.  May be nested; from any thread.  The number that lock gives is
 * handed to unlock. */
unsigned registry_read_lock(struct registry *r);
void registry_read_unlock(struct registry *r, unsigned section);

/* The container to which the control group belongs, alive or dead, or NULL.  One look-up, no
 * lock.  Within a read section. */
const struct container *registry_find_cgroup(struct registry *r, uint64_t cgroup_id);

/* The container with that whole id (the live one of several), or NULL.  Within a read section. */
const struct container *registry_find_id(struct registry *r, struct span id);

/* What a person names: a whole id, else a name, else the start of an id.  A live one is preferred
 * to dead ones of the same name, the youngest dead one to the others.  -ENOENT, or -EEXIST when
 * several remain.  Within a read section. */
int registry_find_name(struct registry *r, struct span text, const struct container **ret_c,
		       struct err *e);

/* Adds or completes a container.  It is one that is there when the control group says so, or when
 * the id is the same and nothing kernel-made (control group of a live one, bundle) contradicts;
 * else it is new.  `c` is copied; state and exit code move only forward, except that a dead one
 * that is bound to another control group lives again, and only SOURCE_KERNEL makes one dead whose
 * control group is there.  A cgroup_path that comes with a cgroup_id is a kernel's fact.  A
 * container with neither id nor control group is -EINVAL; -ENOSPC when there is no room (counted).
 * *ret_rev (may be NULL) is the rev after the call. */
int registry_put(struct registry *r, const struct container *c, enum source source,
		 uint64_t *ret_rev, struct err *e);

/* Makes `cgroup_id` with `path` one more control group of the container whose own path is an
 * ancestor of `path`.  *ret_bound tells whether there was one. */
int registry_bind(struct registry *r, uint64_t cgroup_id, struct span path, bool *ret_bound,
		  struct err *e);

/* The control group was removed.  When it was the container's own, the container is dead since
 * `died_ns`; true then.  The control group keeps leading to it. */
bool registry_gone(struct registry *r, uint64_t cgroup_id, uint64_t died_ns);

/* The runtime is starting a container with that id.  When there is a dead one with it: a
 * Docker-like id (64 hexadecimal digits) is the same container, CREATED from now on, and what
 * belonged to its last life (control group, pid, times, exit code) is unknown; any other id may be
 * given out again, so that the next put makes a new container. */
int registry_revive(struct registry *r, struct span id, struct err *e);

/* Called after each change with the snapshot before (NULL for a new one) and after, both valid for
 * the call; from the thread that made the change, outside the registry's lock: two changes of one
 * container may arrive in the wrong order, and the larger rev is the newer.  At most
 * REGISTRY_LISTENERS, added before the threads start. */
#define REGISTRY_LISTENERS 4
typedef void registry_change_fn(void *ctx, const struct container *before,
				const struct container *after);
int registry_on_change(struct registry *r, registry_change_fn *fn, void *ctx, struct err *e);

/* Takes every listener with that ctx away, after the threads ended. */
void registry_off_change(struct registry *r, const void *ctx);

/* Calls `fn` for every container until it returns other than 0, which is returned.  The registry
 * is locked against changes meanwhile: `fn` must not put. */
int registry_each(struct registry *r, int (*fn)(void *ctx, const struct container *c), void *ctx);

/* Drops the dead ones whose time is over. */
void registry_expire(struct registry *r, uint64_t now_ns);

void registry_stats(struct registry *r, struct registry_stats *ret_stats);

#endif
