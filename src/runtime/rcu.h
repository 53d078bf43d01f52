/* rcu.h - read sections without locks, and memory that is freed when no section can see it.
 *
 * Two counters of open sections, one of which is in use; the epoch moves on when the other is
 * empty, and what was retired in an epoch is freed two epochs later.  Readers touch one counter at
 * either end of a section.  A section that never ends only keeps memory. */
#ifndef AMBER_RUNTIME_RCU_H
#define AMBER_RUNTIME_RCU_H

#include <stdatomic.h>
#include <stdint.h>

struct rcu_node {
	struct rcu_node *next;
	uint64_t epoch;
	void *memory; /* for free(); may be what holds the node */
};

struct rcu {
	_Atomic uint64_t epoch;
	_Atomic uint64_t sections[2];
	struct rcu_node *oldest, *youngest; /* the writer's */
};

/* Opens a section; the number goes to rcu_unlock. */
static inline unsigned rcu_lock(struct rcu *r)
{
	for (;;) {
		uint64_t epoch = atomic_load(&r->epoch);

		atomic_fetch_add(&r->sections[epoch & 1], 1);
		if (atomic_load(&r->epoch) == epoch)
			return (unsigned)(epoch & 1);
		/* the writer moved on in between and may not have seen us */
		atomic_fetch_sub(&r->sections[epoch & 1], 1);
	}
}

static inline void rcu_unlock(struct rcu *r, unsigned section)
{
	atomic_fetch_sub(&r->sections[section], 1);
}

/* Hands over `memory`, which no new reader can reach any more, with the node that carries it (NULL
 * memory: the node itself is freed).  Frees what is due.  One writer at a time. */
void rcu_retire(struct rcu *r, struct rcu_node *node, void *memory);

/* Frees what is due. */
void rcu_reclaim(struct rcu *r);

/* A table from u64 keys other than 0 to pointers that readers walk while the one writer changes it.
 * A slot's key never changes once it is set, its value may become NULL; the table is copied when
 * three quarters of it were used. */
struct rcu_map {
	_Atomic(struct rcu_table *) table;
};

int rcu_map_init(struct rcu_map *m); /* 0 or -ENOMEM */
void rcu_map_fini(struct rcu_map *m);
void *rcu_map_find(const struct rcu_map *m, uint64_t key);
int rcu_map_put(struct rcu_map *m, struct rcu *r, uint64_t key, void *value); /* 0 or -ENOMEM */
/* Takes the key out when it leads to `value`. */
void rcu_map_drop(struct rcu_map *m, uint64_t key, const void *value);

/* Frees everything; no section may be open. */
void rcu_fini(struct rcu *r);

#endif
