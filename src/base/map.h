/* map.h - a hash table from 64-bit keys or byte strings to 64-bit values.
 *
 * Open addressing, linear probing, at most 70 % full.  Not thread-safe.  For interning, indexes
 * and sets; the byte keys are copied into the map. */
#ifndef AMBER_BASE_MAP_H
#define AMBER_BASE_MAP_H

#include "base/auto.h"
#include "base/err.h"
#include "base/span.h"

/* Keys are u64. */
struct map {
	struct map_slot *slots;
	size_t n, cap; /* cap is a power of two, or 0 */
};

struct map_slot {
	uint64_t key, value;
	bool used;
};

void map_init(struct map *m);
void map_fini(struct map *m);
DEFINE_AUTO(map, struct map, map_fini);

/* The value's place, or NULL.  Valid until the next put or remove. */
uint64_t *map_find(const struct map *m, uint64_t key);

/* Sets the value, adding the key when it is new.  -ENOMEM leaves the map as it was. */
int map_put(struct map *m, uint64_t key, uint64_t value);

/* Takes the key out; false when it was not there. */
bool map_remove(struct map *m, uint64_t key);

/* Empties it and keeps the memory. */
void map_clear(struct map *m);

/* Every slot in use, in no order: map_each(slot, &m) { slot->key, slot->value }. */
#define map_each(slot, m)                                                                      \
	for (struct map_slot *slot = (m)->slots; slot && slot < (m)->slots + (m)->cap; slot++) \
		if (slot->used)

/* Keys are bytes; the numbers given out are 0, 1, 2 ... in order of first sight. */
struct intern {
	struct map by_hash; /* hash64 (made unique by probing) to number */
	struct span *keys;  /* [n], into `bytes` chunks */
	size_t n, cap;
	struct intern_chunk *chunks;
};

void intern_init(struct intern *t);
void intern_fini(struct intern *t);
DEFINE_AUTO(intern, struct intern, intern_fini);

/* The number of `key`, a new one when it was never seen.  -ENOMEM leaves the table as it was. */
int intern_get(struct intern *t, struct span key, uint32_t *ret_number);

/* Whether `key` was seen, and its number. */
bool intern_find(const struct intern *t, struct span key, uint32_t *ret_number);

/* The bytes behind a number that was given out.  Valid until clear or fini. */
static inline struct span intern_key(const struct intern *t, uint32_t number)
{
	return t->keys[number];
}

/* Forgets all keys; keeps the table's memory and one chunk. */
void intern_clear(struct intern *t);

#endif
