/* vault.h - contents that were kept, by SHA-256, in append-only sealed packs.
 *
 * STATE/vault/NNNNNNNN.pack; the bytes are described in docs/formats/vault.md.  A content is stored
 * once.  Two lanes of packs grow at a time: small objects are grouped in memory and written
 * together, large ones are streamed, so that a slow or endless file never holds up the small ones.
 * What a writer has accepted is in the pack after vault_flush, and on the disk after a durable one.
 * Flush before the journal records that a content was kept: then no record names a content that a
 * crash took away. */
#ifndef AMBER_STORE_VAULT_H
#define AMBER_STORE_VAULT_H

#include <stdbool.h>

#include "base/hash.h"
#include "store/key.h"

struct vault;	     /* the one writer */
struct vault_reader; /* any number of readers, also while the writer writes */

/* Something was lost or cut: reason is a word that does not change ("vault_torn_tail",
 * "vault_bad_pack"), text says what, bytes how much (0 unknown). */
typedef void (*vault_gap_fn)(void *ctx, const char *reason, const char *text, uint64_t bytes);

/* Whether a legal hold covers the pack with objects kept in this window: it then stays. */
typedef bool (*vault_hold_fn)(void *ctx, uint64_t pack, uint64_t first_ns, uint64_t last_ns);

struct vault_options {
	uint64_t max_bytes;	 /* of all packs; 0 is no limit.  Oldest packs go first. */
	uint64_t pack_bytes;	 /* a pack is sealed when it has grown to this; 0: 64 MB */
	uint64_t pack_age_ns;	 /* or when it is this old; 0: one hour */
	uint64_t max_age_ns;	 /* packs whose newest object is older go; 0 is no limit */
	int zstd_level;		 /* 0: level 1; negative levels are faster */
	uint64_t compress_bytes; /* smaller contents stay raw; 0: 8192 */
	bool no_compress;
	vault_hold_fn hold;
	vault_gap_fn gap;
	void *ctx; /* of both */
};

struct vault_result {
	uint8_t sha256[SHA256_BYTES];
	uint64_t size;	/* raw bytes that were read and hashed */
	bool is_new;	/* false: the content was here already */
	bool truncated; /* the content had more than max_bytes */
};

struct vault_stats {
	uint64_t objects, packs, bytes; /* in the vault now */
	uint64_t puts, duplicates;	/* of this writer */
	uint64_t raw_bytes, stored_bytes;
	uint64_t refused, torn_bytes, packs_removed;
};

/* Opens the vault below `state_dir` for writing, making it when there is none; `key` is borrowed
 * and must outlive it.  -EBUSY when another process writes.  A torn tail is cut and told to
 * options->gap.  A pack without a readable header is set aside as NNNNNNNN.bad and told. */
int vault_open(const char *state_dir, const struct key *key, const struct vault_options *options,
	       struct vault **ret_vault, struct err *e);

/* Seals what is open and closes.  The vault is gone also when this fails. */
int vault_close(struct vault *vault, struct err *e);

/* Keeps what `fd` holds, from offset 0 on, at most `max_bytes` (0: LIMIT_OBJECT_BYTES).  Reads with
 * pread: the descriptor's offset does not move.  In one pass, so the digest is that of the bytes
 * that are kept, also when the file changes meanwhile.
 *
 * Thread-safe.  -EDQUOT when the budget is used up and nothing may be removed, the error of the
 * read, or of the write (-ENOSPC); nothing was kept then. */
int vault_put_fd(struct vault *vault, int fd, uint64_t max_bytes, struct vault_result *ret,
		 struct err *e);

/* Keeps bytes of memory.  Thread-safe. */
int vault_put(struct vault *vault, struct span content, struct vault_result *ret, struct err *e);

/* Whether the content is here. */
bool vault_has(struct vault *vault, const uint8_t sha256[SHA256_BYTES]);

/* Writes what is grouped in memory; with `durable` it is on the disk afterwards.  Seals packs that
 * are old enough.  Call it every second or so.  After a failure everything is still held and the
 * next call tries again. */
int vault_flush(struct vault *vault, bool durable, struct err *e);

/* Removes sealed packs beyond max_bytes and max_age_ns, oldest first, leaving a signed tombstone
 * of each; packs under hold stay.  Happens by itself whenever a pack is sealed. */
int vault_retain(struct vault *vault, unsigned *ret_removed, struct err *e);

void vault_stats(struct vault *vault, struct vault_stats *ret_stats);

/* Where content goes; a negative return stops and is handed on. */
struct vault_out {
	int (*write)(void *ctx, struct span bytes, struct err *e);
	void *ctx;
};

int vault_open_reader(const char *state_dir, struct vault_reader **ret_reader, struct err *e);
void vault_close_reader(struct vault_reader *reader);

static inline void vault_close_reader_at(struct vault_reader **reader)
{
	vault_close_reader(*reader);
}
DEFINE_AUTO(vault_reader, struct vault_reader *, vault_close_reader_at);

struct vault_object {
	uint8_t sha256[SHA256_BYTES];
	uint64_t size, stored_size;
	uint64_t kept_ns; /* real_ns */
	uint64_t pack, offset;
	bool sealed; /* its pack is */
};

/* -ENOENT when the vault does not hold it (any more); the text says so. */
int vault_find(struct vault_reader *reader, const uint8_t sha256[SHA256_BYTES],
	       struct vault_object *ret_object, struct err *e);

/* Gives the content to `out` piece by piece while checking it.  -EBADMSG: it does not match its
 * SHA-256, and what was given out must be thrown away. */
int vault_get(struct vault_reader *reader, const uint8_t sha256[SHA256_BYTES],
	      const struct vault_out *out, struct err *e);

/* The same into a descriptor. */
int vault_get_fd(struct vault_reader *reader, const uint8_t sha256[SHA256_BYTES], int fd,
		 struct err *e);

/* Every object, pack by pack, oldest pack first; stops when `each` returns non-zero and returns
 * that.  A pack that cannot be read is skipped and the first such error returned at the end. */
int vault_list(struct vault_reader *reader,
	       int (*each)(void *ctx, const struct vault_object *object), void *ctx, struct err *e);

struct vault_check {
	uint64_t packs, sealed, tombstones, objects, bytes;
	uint64_t open_tail_bytes; /* behind the last whole object of packs that still grow */
	/* The first bad place; bad is false when there is none. */
	bool bad;
	uint64_t bad_pack, bad_offset;
	uint8_t bad_sha256[SHA256_BYTES]; /* zero when it is not one object's */
};

/* Checks everything: headers, chains, contents, indexes, signatures, and that each number is a
 * pack or a tombstone.  `key` may be the public half.  0 when whole, else -EBADMSG with the first
 * bad place in `e`, and *ret_check filled in both cases. */
int vault_verify(struct vault_reader *reader, const struct key *key, struct vault_check *ret_check,
		 struct err *e);

#endif
