/* vault_format.h - the bytes of a vault pack: docs/formats/vault.md is their description.
 *
 * Little-endian structures as they are on disk, and the checks that each one carries in itself.
 * Nothing here does I/O, so that a fuzzer can feed it. */
#ifndef AMBER_STORE_VAULT_FORMAT_H
#define AMBER_STORE_VAULT_FORMAT_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/hash.h"
#include "store/key.h"

#define PACK_VERSION	 1u
#define PACK_DOMAIN	 "amber-pack-1"
#define PACK_TOMB_DOMAIN "amber-pack-tombstone-1"

enum pack_encoding {
	PACK_RAW = 0,
	PACK_ZSTD = 1, /* one zstd frame (RFC 8878) */
};

#define PACK_ENTRY_TRUNCATED 0x01u /* the content is a prefix: a size limit was reached */

struct pack_head {
	char magic[8]; /* "AMBRPACK" */
	uint32_t version;
	uint32_t lane; /* packs of a lane are chained to each other */
	uint64_t number;
	uint8_t key_id[KEY_ID_BYTES];
	uint64_t created_ns;
	uint64_t prev_number;		/* pack before it in the lane; 0 for the first */
	uint8_t prev_end[SHA256_BYTES]; /* SHA-256 of that pack's footer; zero for the first */
	uint8_t reserved[16];
	uint8_t digest[SHA256_BYTES]; /* of all bytes before */
};

struct pack_entry {
	char magic[4]; /* "AOBJ" */
	uint8_t encoding;
	uint8_t flags;
	uint16_t head_bytes; /* of this structure */
	uint64_t raw_size, stored_size;
	uint64_t kept_ns;
	uint8_t sha256[SHA256_BYTES]; /* of the raw content */
	uint8_t chain[SHA256_BYTES];  /* SHA-256 of the chain before and the bytes before this */
	uint64_t check;		      /* XXH64, seed 0, of all bytes before */
};

struct pack_row {
	uint8_t sha256[SHA256_BYTES];
	uint64_t offset; /* of the entry in the pack */
	uint64_t raw_size, stored_size;
	uint64_t kept_ns;
};

struct pack_foot {
	char magic[8]; /* "AMBRPEND" */
	uint32_t version;
	uint32_t lane;
	uint64_t number;
	uint64_t index_offset, count; /* rows of the index, sorted by sha256 */
	uint64_t raw_bytes;
	uint64_t sealed_ns;
	uint64_t first_ns, last_ns; /* smallest and largest kept_ns */
	uint8_t key_id[KEY_ID_BYTES];
	uint8_t head_digest[SHA256_BYTES];
	uint8_t chain[SHA256_BYTES]; /* of the last entry */
	uint8_t index_digest[SHA256_BYTES];
	uint8_t reserved[16];
	uint8_t signature[SIGNATURE_BYTES]; /* over all bytes before */
};

enum pack_tomb_reason {
	PACK_TOMB_SIZE = 1,
	PACK_TOMB_AGE = 2,
};

/* What stays of a pack that retention removed. */
struct pack_tomb {
	char magic[8]; /* "AMBRPTMB" */
	uint32_t version;
	uint32_t lane;
	uint64_t number;
	uint64_t reason;
	uint64_t deleted_ns;
	uint64_t count, file_bytes;
	uint64_t first_ns, last_ns;
	uint64_t prev_number;
	uint8_t key_id[KEY_ID_BYTES];
	uint8_t prev_end[SHA256_BYTES];
	uint8_t end[SHA256_BYTES];	    /* SHA-256 of the removed footer */
	uint8_t index_digest[SHA256_BYTES]; /* so that a copy of the pack can still be proved */
	uint8_t signature[SIGNATURE_BYTES];
};

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "packs are little-endian");
static_assert(sizeof(struct pack_head) == 128, "pack header is 128 bytes");
static_assert(offsetof(struct pack_head, digest) == 96, "pack header digest at 96");
static_assert(sizeof(struct pack_entry) == 104, "entry header is 104 bytes");
static_assert(offsetof(struct pack_entry, chain) == 64, "entry chain at 64");
static_assert(offsetof(struct pack_entry, check) == 96, "entry check at 96");
static_assert(sizeof(struct pack_row) == 64, "index row is 64 bytes");
static_assert(sizeof(struct pack_foot) == 256, "footer is 256 bytes");
static_assert(offsetof(struct pack_foot, signature) == 192, "footer signature at 192");
static_assert(sizeof(struct pack_tomb) == 248, "tombstone is 248 bytes");
static_assert(offsetof(struct pack_tomb, signature) == 184, "tombstone signature at 184");

/* Fills magic, version, digest; the caller has filled the rest. */
void pack_head_finish(struct pack_head *head);
/* 0, or -EBADMSG saying what is wrong. */
int pack_head_check(const struct pack_head *head, struct err *e);

/* Fills magic, sizes of the structure, chain (from `chain_before`) and check. */
void pack_entry_finish(struct pack_entry *entry, const uint8_t chain_before[SHA256_BYTES]);
/* Whether the entry's own checksum and values hold; the chain is not looked at. */
bool pack_entry_ok(const struct pack_entry *entry);
/* Whether the entry continues the chain. */
bool pack_entry_follows(const struct pack_entry *entry, const uint8_t chain_before[SHA256_BYTES]);

/* Fills magic and version and signs.  Errors are those of key_sign. */
int pack_foot_finish(struct pack_foot *foot, const struct key *key, struct err *e);
/* Whether it looks like the footer of a pack of `file_bytes`: magic, version, index in place. */
bool pack_foot_ok(const struct pack_foot *foot, uint64_t file_bytes);
int pack_foot_verify(const struct pack_foot *foot, const struct key *key, struct err *e);

int pack_tomb_finish(struct pack_tomb *tomb, const struct key *key, struct err *e);
bool pack_tomb_ok(const struct pack_tomb *tomb);
int pack_tomb_verify(const struct pack_tomb *tomb, const struct key *key, struct err *e);

/* "00000012.pack" gives 12; false when the name is none of a pack with that ending. */
bool pack_name_parse(const char *name, const char *ending, uint64_t *ret_number);

/* Whether compressing these first bytes of a content is likely to pay: false for what looks
 * compressed or encrypted already. */
bool pack_compressible(struct span sample);

#endif
