/* rcu.c - see rcu.h. */
#include "runtime/rcu.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

static void free_node(struct rcu_node *node)
{
	void *memory = node->memory;

	free(node);
	free(memory);
}

void rcu_reclaim(struct rcu *r)
{
	for (int i = 0; i < 2; i++) {
		uint64_t epoch = atomic_load(&r->epoch);

		if (atomic_load(&r->sections[(epoch + 1) & 1]) != 0)
			break;
		atomic_store(&r->epoch, epoch + 1);
	}
	while (r->oldest && r->oldest->epoch + 2 <= atomic_load(&r->epoch)) {
		struct rcu_node *node = r->oldest;

		r->oldest = node->next;
		free_node(node);
	}
	if (!r->oldest)
		r->youngest = NULL;
}

void rcu_retire(struct rcu *r, struct rcu_node *node, void *memory)
{
	*node = (struct rcu_node){.epoch = atomic_load(&r->epoch), .memory = memory};
	if (r->youngest)
		r->youngest->next = node;
	else
		r->oldest = node;
	r->youngest = node;
	rcu_reclaim(r);
}

void rcu_fini(struct rcu *r)
{
	while (r->oldest) {
		struct rcu_node *node = r->oldest;

		r->oldest = node->next;
		free_node(node);
	}
	r->youngest = NULL;
}

struct slot {
	_Atomic uint64_t key; /* 0: never used */
	_Atomic(void *) value;
};

struct rcu_table {
	size_t cap, used; /* cap is a power of two */
	struct slot slots[];
};

static struct rcu_table *table_new(size_t cap)
{
	struct rcu_table *t = calloc(1, sizeof(*t) + cap * sizeof(t->slots[0]));

	if (t)
		t->cap = cap;
	return t;
}

/* Where `key` is or would be. */
static struct slot *table_slot(struct rcu_table *t, uint64_t key)
{
	uint64_t mixed = (key ^ key >> 32) * 0x9e3779b97f4a7c15ull;

	for (size_t i = (size_t)(mixed >> 32) & (t->cap - 1);; i = (i + 1) & (t->cap - 1)) {
		uint64_t there = atomic_load_explicit(&t->slots[i].key, memory_order_acquire);

		if (there == key || there == 0)
			return &t->slots[i];
	}
}

/* The value is there before the key is, so that no reader sees a key without its value. */
static void table_set(struct rcu_table *t, uint64_t key, void *value)
{
	struct slot *s = table_slot(t, key);

	atomic_store_explicit(&s->value, value, memory_order_release);
	if (atomic_load_explicit(&s->key, memory_order_relaxed) == 0) {
		t->used++;
		atomic_store_explicit(&s->key, key, memory_order_release);
	}
}

int rcu_map_init(struct rcu_map *m)
{
	struct rcu_table *t = table_new(64);

	atomic_store(&m->table, t);
	return t ? 0 : -ENOMEM;
}

void rcu_map_fini(struct rcu_map *m)
{
	free(atomic_load(&m->table));
	atomic_store(&m->table, NULL);
}

void *rcu_map_find(const struct rcu_map *m, uint64_t key)
{
	struct rcu_table *t = atomic_load_explicit(&m->table, memory_order_acquire);

	struct slot *s = key ? table_slot(t, key) : NULL;

	/* an unused slot may be about to get another key's value */
	if (!s || atomic_load_explicit(&s->key, memory_order_acquire) != key)
		return NULL;
	return atomic_load_explicit(&s->value, memory_order_acquire);
}

/* A copy with the keys that still lead somewhere and at least half of it free. */
static int grow(struct rcu_map *m, struct rcu *r)
{
	struct rcu_table *old = atomic_load(&m->table), *t;
	struct rcu_node *node = malloc(sizeof(*node));
	size_t live = 0, cap = 64;

	for (size_t i = 0; i < old->cap; i++)
		live += atomic_load(&old->slots[i].value) != NULL;
	while (cap < live * 2 + 2)
		cap *= 2;
	t = node ? table_new(cap) : NULL;
	if (!t) {
		free(node);
		return -ENOMEM;
	}
	for (size_t i = 0; i < old->cap; i++) {
		void *value = atomic_load(&old->slots[i].value);

		if (value)
			table_set(t, atomic_load(&old->slots[i].key), value);
	}
	atomic_store_explicit(&m->table, t, memory_order_release);
	rcu_retire(r, node, old);
	return 0;
}

int rcu_map_put(struct rcu_map *m, struct rcu *r, uint64_t key, void *value)
{
	struct rcu_table *t = atomic_load(&m->table);

	if (t->used >= t->cap / 4 * 3) {
		if (grow(m, r) < 0)
			return -ENOMEM;
		t = atomic_load(&m->table);
	}
	table_set(t, key, value);
	return 0;
}

void rcu_map_drop(struct rcu_map *m, uint64_t key, const void *value)
{
	struct slot *s = table_slot(atomic_load(&m->table), key);

	if (atomic_load(&s->value) == value)
		atomic_store_explicit(&s->value, NULL, memory_order_release);
}
