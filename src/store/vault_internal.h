/* vault_internal.h - what the parts of the vault's writer share.
 *
 * Locks: a lane's before the vault's, never the other way round.  A pack that is growing belongs to
 * its lane; the list of packs, the table and the counters belong to the vault's lock. */
#ifndef AMBER_STORE_VAULT_INTERNAL_H
#define AMBER_STORE_VAULT_INTERNAL_H

#include <pthread.h>
#include <zstd.h>

#include "base/fd.h"
#include "store/vault.h"
#include "store/vault_format.h"
#include "store/vault_table.h"

#define VAULT_SMALL_BYTES (256u << 10) /* contents below are read whole and grouped */
#define VAULT_GROUP_BYTES (256u << 10) /* of small objects that are written together */
#define VAULT_LANES	  2u

enum vault_lane_use {
	VAULT_LANE_SMALL,
	VAULT_LANE_LARGE,
};

struct vault_lane {
	pthread_mutex_t lock;
	uint32_t number;
	int fd; /* -1: no pack is growing */
	struct pack_head head;
	uint8_t chain[SHA256_BYTES];
	uint64_t written;   /* bytes of the file that hold whole entries */
	uint64_t advised;   /* of them, given back to the page cache */
	struct buf pending; /* entries that come behind */
	struct pack_row *rows;
	size_t n, cap;
	uint64_t raw_bytes, first_ns, last_ns;
	uint64_t prev_number; /* last pack before the growing one */
	uint8_t prev_end[SHA256_BYTES];
};

struct vault_pack_info {
	uint64_t number, bytes;
	bool sealed;
	struct pack_foot foot;
	uint64_t prev_number;
	uint8_t prev_end[SHA256_BYTES];
};

/* Buffers of one put; a few are kept for the next. */
struct vault_scratch {
	struct vault_scratch *next;
	struct sha256 hash;
	ZSTD_CCtx *zstd;
	size_t out_cap;
	uint8_t *in, *out;
};

struct vault {
	struct vault_options options;
	const struct key *key; /* borrowed */
	int dir_fd, lock_fd;
	struct vault_lane lanes[VAULT_LANES];
	pthread_mutex_t lock;
	struct vault_table table;
	struct vault_pack_info *packs; /* by number */
	size_t n, cap;
	uint64_t next_number;
	struct vault_stats stats;
	struct vault_scratch *scratch;
};

/* vault_lane.c; the lane's lock is held by the caller. */

void vault_lane_init(struct vault_lane *lane, uint32_t number);
void vault_lane_fini(struct vault_lane *lane);

/* Makes sure that a pack with room is growing, sealing a full one. */
int vault_lane_ready(struct vault *v, struct vault_lane *lane, struct err *e);

/* Bytes of the growing pack with what is pending. */
uint64_t vault_lane_bytes(const struct vault_lane *lane);

/* Adds one whole entry to the group and writes the group when it is full.  `entry` has everything
 * but the chain.  On failure the entry was not added. */
int vault_lane_append(struct vault *v, struct vault_lane *lane, struct pack_entry *entry,
		      struct span stored, struct err *e);

/* Takes note of an entry that the caller has put at lane->written itself; see vault_stream.c. */
int vault_lane_note(struct vault *v, struct vault_lane *lane, const struct pack_entry *entry,
		    struct err *e);

int vault_lane_flush(struct vault *v, struct vault_lane *lane, bool durable, struct err *e);

/* Index, footer, signature, 0444.  Nothing when no pack grows.  After a failure the pack goes on
 * growing. */
int vault_lane_seal(struct vault *v, struct vault_lane *lane, struct err *e);

/* vault.c: everything but the seals. */
void vault_free(struct vault *v);

/* vault_open.c */

/* Adds or updates what is known of a pack; the vault's lock is held. */
struct vault_pack_info *vault_pack_note(struct vault *v, uint64_t number);

/* Packs and tombstones below `dir_fd`, sorted: twice the number, plus one for a tombstone.  Caller
 * frees *ret_numbers.  Needs no lock. */
int vault_numbers(int dir_fd, uint64_t **ret_numbers, size_t *ret_count, struct err *e);

void vault_gap(struct vault *v, uint64_t bytes, const char *reason, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* vault_retain.c; both with the vault's lock held. */

/* Removes what is too old, and the oldest packs until `room` more bytes fit. */
int vault_make_room(struct vault *v, uint64_t room, unsigned *ret_removed, struct err *e);

/* vault_stream.c: a content too large for the memory.  Its first VAULT_SMALL_BYTES are in
 * scratch->in and counted in no hash yet.  Takes the lane's lock itself. */
int vault_stream(struct vault *v, struct vault_scratch *s, int fd, uint64_t max_bytes,
		 struct vault_result *ret, struct err *e);

#endif
