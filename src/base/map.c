/* map.c - see map.h. */
#include "base/map.h"

#include "base/hash.h"

#define CHUNK_BYTES 65536u

struct intern_chunk {
	struct intern_chunk *next;
	size_t n, cap;
	uint8_t bytes[];
};

/* Finalizer of MurmurHash3 (public domain): every bit of the key moves every bit of the place. */
static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdull;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ull;
	return x ^ x >> 33;
}

void map_init(struct map *m)
{
	*m = (struct map){0};
}

void map_fini(struct map *m)
{
	free(m->slots);
	*m = (struct map){0};
}

static struct map_slot *slot_of(const struct map *m, uint64_t key)
{
	size_t i = mix(key) & (m->cap - 1);

	while (m->slots[i].used && m->slots[i].key != key)
		i = (i + 1) & (m->cap - 1);
	return &m->slots[i];
}

uint64_t *map_find(const struct map *m, uint64_t key)
{
	struct map_slot *slot;

	if (m->cap == 0)
		return NULL;
	slot = slot_of(m, key);
	return slot->used ? &slot->value : NULL;
}

static int resize(struct map *m, size_t cap)
{
	struct map bigger = {.cap = cap};

	bigger.slots = calloc(cap, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	map_each (slot, m)
		*slot_of(&bigger, slot->key) = *slot;
	bigger.n = m->n;
	free(m->slots);
	*m = bigger;
	return 0;
}

int map_put(struct map *m, uint64_t key, uint64_t value)
{
	struct map_slot *slot;

	if ((m->n + 1) * 10 > m->cap * 7) {
		int r = resize(m, m->cap ? m->cap * 2 : 16);

		if (r < 0)
			return r;
	}
	slot = slot_of(m, key);
	m->n += !slot->used;
	*slot = (struct map_slot){.key = key, .value = value, .used = true};
	return 0;
}

bool map_remove(struct map *m, uint64_t key)
{
	struct map_slot *slot = m->cap ? slot_of(m, key) : NULL;
	size_t hole, i;

	if (!slot || !slot->used)
		return false;
	/* Close the hole: move back every later entry of the run that may stand there. */
	hole = (size_t)(slot - m->slots);
	for (i = (hole + 1) & (m->cap - 1); m->slots[i].used; i = (i + 1) & (m->cap - 1)) {
		size_t home = mix(m->slots[i].key) & (m->cap - 1);

		if (((i - home) & (m->cap - 1)) >= ((i - hole) & (m->cap - 1))) {
			m->slots[hole] = m->slots[i];
			hole = i;
		}
	}
	m->slots[hole].used = false;
	m->n--;
	return true;
}

void map_clear(struct map *m)
{
	if (m->slots)
		memset(m->slots, 0, m->cap * sizeof(*m->slots));
	m->n = 0;
}

void intern_init(struct intern *t)
{
	*t = (struct intern){0};
}

static void free_chunks(struct intern_chunk *chunk)
{
	while (chunk) {
		struct intern_chunk *next = chunk->next;

		free(chunk);
		chunk = next;
	}
}

void intern_fini(struct intern *t)
{
	map_fini(&t->by_hash);
	free(t->keys);
	free_chunks(t->chunks);
	*t = (struct intern){0};
}

/* Finds the number under `key`'s hash, or the free hash where it would go: keys with the same
 * hash stand at hash, hash + 1, and so on. */
static bool look_up(const struct intern *t, struct span key, uint64_t *ret_hash,
		    uint32_t *ret_number)
{
	for (uint64_t hash = hash64(key);; hash++) {
		uint64_t *number = map_find(&t->by_hash, hash);

		*ret_hash = hash;
		if (!number)
			return false;
		if (span_eq(t->keys[*number], key)) {
			*ret_number = (uint32_t)*number;
			return true;
		}
	}
}

bool intern_find(const struct intern *t, struct span key, uint32_t *ret_number)
{
	uint64_t hash;

	return look_up(t, key, &hash, ret_number);
}

static uint8_t *chunk_room(struct intern *t, size_t n)
{
	struct intern_chunk *chunk = t->chunks;

	if (!chunk || chunk->cap - chunk->n < n) {
		size_t cap = n > CHUNK_BYTES ? n : CHUNK_BYTES;

		chunk = malloc(sizeof(*chunk) + cap);
		if (!chunk)
			return NULL;
		*chunk = (struct intern_chunk){.next = t->chunks, .cap = cap};
		t->chunks = chunk;
	}
	chunk->n += n;
	return chunk->bytes + chunk->n - n;
}

int intern_get(struct intern *t, struct span key, uint32_t *ret_number)
{
	uint64_t hash;
	uint8_t *copy;

	if (look_up(t, key, &hash, ret_number))
		return 0;
	if (t->n == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 64;
		struct span *keys = reallocarray(t->keys, cap, sizeof(*keys));

		if (!keys)
			return -ENOMEM;
		t->keys = keys;
		t->cap = cap;
	}
	copy = chunk_room(t, key.n);
	if (!copy || map_put(&t->by_hash, hash, t->n) != 0)
		return -ENOMEM;
	if (key.n)
		memcpy(copy, key.p, key.n);
	t->keys[t->n] = span_make(copy, key.n);
	*ret_number = (uint32_t)t->n++;
	return 0;
}

void intern_clear(struct intern *t)
{
	map_clear(&t->by_hash);
	t->n = 0;
	if (t->chunks) {
		free_chunks(t->chunks->next);
		t->chunks->next = NULL;
		t->chunks->n = 0;
	}
}
