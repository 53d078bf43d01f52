/* vault_table.c - open addressing, linear probing, at most 70 % full. */
#include "store/vault_table.h"

#include <assert.h>
#include <sys/random.h>

#include "base/limits.h"

int vault_table_init(struct vault_table *t, struct err *e)
{
	memset(t, 0, sizeof(*t));
	if (getrandom(&t->seed, sizeof(t->seed), 0) != (ssize_t)sizeof(t->seed))
		return err_sys(e, errno, "cannot get random bytes");
	return 0;
}

void vault_table_fini(struct vault_table *t)
{
	free(t->slots);
	memset(t, 0, sizeof(*t));
}

static size_t home_of(const struct vault_table *t, const uint8_t sha256[SHA256_BYTES])
{
	uint64_t head;

	memcpy(&head, sha256, sizeof(head));
	head = (head ^ t->seed) * 0x9e3779b97f4a7c15ull;
	return (size_t)(head ^ (head >> 32)) & (t->cap - 1);
}

static struct vault_slot *slot_of(const struct vault_table *t, const uint8_t sha256[SHA256_BYTES])
{
	size_t i;

	if (t->cap == 0)
		return NULL;
	for (i = home_of(t, sha256); t->slots[i].pack; i = (i + 1) & (t->cap - 1)) {
		if (memcmp(t->slots[i].sha256, sha256, SHA256_BYTES) == 0)
			break;
	}
	return &t->slots[i];
}

uint64_t vault_table_find(const struct vault_table *t, const uint8_t sha256[SHA256_BYTES])
{
	struct vault_slot *slot = slot_of(t, sha256);

	return slot ? slot->pack : 0;
}

static int grow(struct vault_table *t, struct err *e)
{
	struct vault_table bigger = {.seed = t->seed, .n = t->n};

	if (t->n >= LIMIT_VAULT_OBJECTS)
		return err_set(e, ENOSPC, "the vault holds %u objects, the most it can",
			       LIMIT_VAULT_OBJECTS);
	bigger.cap = t->cap ? t->cap * 2 : 1024;
	bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
	if (!bigger.slots)
		return err_set(e, ENOMEM, "no memory for %zu vault objects", bigger.cap);
	for (size_t i = 0; i < t->cap; i++) {
		if (t->slots[i].pack)
			*slot_of(&bigger, t->slots[i].sha256) = t->slots[i];
	}
	free(t->slots);
	*t = bigger;
	return 0;
}

int vault_table_add(struct vault_table *t, const uint8_t sha256[SHA256_BYTES], uint64_t pack,
		    bool *ret_added, struct err *e)
{
	struct vault_slot *slot = slot_of(t, sha256);
	bool added = !slot || !slot->pack;

	if (added && (t->n + 1) * 10 > t->cap * 7) {
		int r = grow(t, e);

		if (r < 0)
			return r;
		slot = slot_of(t, sha256);
	}
	if (added) {
		assert(slot); /* a table with room has a place for every digest */
		memcpy(slot->sha256, sha256, SHA256_BYTES);
		slot->pack = pack;
		t->n++;
	}
	if (ret_added)
		*ret_added = added;
	return 0;
}

/* Closes the hole by moving back what had to step over it. */
void vault_table_remove(struct vault_table *t, const uint8_t sha256[SHA256_BYTES], uint64_t pack)
{
	struct vault_slot *slot = slot_of(t, sha256);
	size_t hole, mask = t->cap - 1;

	if (!slot || slot->pack != pack || pack == 0)
		return;
	hole = (size_t)(slot - t->slots);
	for (size_t i = (hole + 1) & mask; t->slots[i].pack; i = (i + 1) & mask) {
		size_t home = home_of(t, t->slots[i].sha256);

		if (((i - home) & mask) >= ((i - hole) & mask)) {
			t->slots[hole] = t->slots[i];
			hole = i;
		}
	}
	t->slots[hole].pack = 0;
	t->n--;
}
