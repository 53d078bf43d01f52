/* vault_table.h - the set of all digests that the vault's writer knows, and where they are.
 *
 * Whole digests are compared: a table by a part of them would let an attacker who can find partial
 * collisions have a content taken for one that is already kept. */
#ifndef AMBER_STORE_VAULT_TABLE_H
#define AMBER_STORE_VAULT_TABLE_H

#include <stdbool.h>

#include "base/hash.h"

struct vault_slot {
	uint8_t sha256[SHA256_BYTES];
	uint64_t pack; /* 0: the slot is free */
};

struct vault_table {
	struct vault_slot *slots;
	size_t n, cap; /* cap is a power of two or 0 */
	uint64_t seed; /* so that nobody can aim at a chain of slots */
};

int vault_table_init(struct vault_table *t, struct err *e);
void vault_table_fini(struct vault_table *t);

/* The pack that holds the content, 0 when none does. */
uint64_t vault_table_find(const struct vault_table *t, const uint8_t sha256[SHA256_BYTES]);

/* Adds it unless it is there.  *ret_added may be NULL.  -ENOMEM, or -ENOSPC at
 * LIMIT_VAULT_OBJECTS. */
int vault_table_add(struct vault_table *t, const uint8_t sha256[SHA256_BYTES], uint64_t pack,
		    bool *ret_added, struct err *e);

/* Takes it out if that pack holds it. */
void vault_table_remove(struct vault_table *t, const uint8_t sha256[SHA256_BYTES], uint64_t pack);

#endif
