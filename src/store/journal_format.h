/* journal_format.h - the fixed parts of a segment and what is computed over them.
 *
 * Everything is little-endian and laid out without padding; docs/formats/journal.md draws it.
 * Internal to the journal. */
#ifndef AMBER_STORE_JOURNAL_FORMAT_H
#define AMBER_STORE_JOURNAL_FORMAT_H

#include <assert.h>

#include "base/buf.h"
#include "base/hash.h"
#include "model/event.h"
#include "store/journal_read.h"
#include "store/key.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "disk structs are little-endian");

#define SEGMENT_MAGIC	 "AMBERSEG"
#define SEGMENT_VERSION	 1u
#define BLOCK_MAGIC	 "ABLK"
#define FOOTER_MAGIC	 "AMBRFOOT"
#define TRAILER_MAGIC	 "AMBRSEAL"
#define TOMBSTONE_MAGIC	 "AMBRTOMB"
#define SEGMENT_DOMAIN	 "amber-segment-1"
#define TOMBSTONE_DOMAIN "amber-tombstone-1"
#define HOLD_DOMAIN	 "amber-hold-1"
#define HEAD_DOMAIN	 "amber-head-1"

/* Followed by schema_bytes of text and the SHA-256 of everything before it. */
struct segment_header {
	uint8_t magic[8];
	uint32_t version;
	uint32_t header_bytes; /* of all, the hash included */
	uint64_t number;
	uint64_t created_real_ns, created_boot_ns;
	char boot_id[40];		/* 36 characters, then NULs */
	uint8_t previous[SHA256_BYTES]; /* final hash of the segment before; zeros for the first */
	uint8_t key_id[8];
	uint32_t schema_bytes;
	uint32_t reserved;
};
static_assert(sizeof(struct segment_header) == 128, "disk layout");

/* Followed by directory, prune data, column data, and the SHA-256 of everything before it in the
 * block.  `previous` is the hash of the block before, or of the segment's header. */
struct block_header {
	uint8_t magic[4];
	uint32_t rows;
	uint64_t block_bytes; /* of all, the hash included */
	uint64_t sequence;
	uint32_t directory_bytes, prune_bytes;
	uint32_t processes, containers;
	uint64_t min_real_ns, max_real_ns, min_boot_ns, max_boot_ns;
	uint64_t first_row; /* rows of the segment before this block */
	uint8_t previous[SHA256_BYTES];
	uint32_t columns; /* entries of the directory */
	uint32_t reserved;
};
static_assert(sizeof(struct block_header) == 120, "disk layout");

/* Prune data: this, then `containers` u64 hashes ascending, then the bloom filter to the end. */
struct prune_header {
	uint64_t types[4];
	uint32_t containers;
	uint32_t bloom_bytes; /* a power of two, or 0 */
};
static_assert(sizeof(struct prune_header) == 40, "disk layout");

#define FOOTER_RECOVERED 1u /* sealed after a crash; cut_bytes were behind the last whole block */

/* Followed by the index, one entry and its prune data a block; the SHA-256 of everything before
 * it in the footer (the segment's final hash); the signature of that hash; the trailer. */
struct segment_footer {
	uint8_t magic[8];
	uint32_t flags;
	uint32_t blocks;
	uint64_t footer_bytes; /* of all, the trailer included */
	uint64_t rows;
	uint64_t min_real_ns, max_real_ns, min_boot_ns, max_boot_ns;
	uint64_t sealed_real_ns, sealed_boot_ns;
	uint64_t cut_bytes;
	uint8_t header_hash[SHA256_BYTES];
	uint8_t last_hash[SHA256_BYTES]; /* of the last block, or of the header when there is none
					  */
	uint64_t index_bytes;
};
static_assert(sizeof(struct segment_footer) == 160, "disk layout");

struct footer_entry {
	uint64_t offset;
	uint8_t hash[SHA256_BYTES];
	struct block_header header;
};
static_assert(sizeof(struct footer_entry) == 160, "disk layout");

struct segment_trailer {
	uint64_t footer_bytes;
	uint8_t magic[8];
};
static_assert(sizeof(struct segment_trailer) == 16, "disk layout");

#define FOOTER_TAIL_BYTES (SHA256_BYTES + SIGNATURE_BYTES + sizeof(struct segment_trailer))

enum tombstone_reason {
	TOMBSTONE_SIZE = 1,
	TOMBSTONE_AGE = 2
};

/* The whole file NNNNNNNN.tomb, followed by the SHA-256 of it and that hash's signature. */
struct tombstone {
	uint8_t magic[8];
	uint32_t version;
	uint32_t reason;
	uint64_t number;
	uint64_t blocks, rows, bytes;
	uint64_t min_real_ns, max_real_ns;
	uint64_t deleted_real_ns;
	uint8_t key_id[8];
	uint8_t previous[SHA256_BYTES];
	uint8_t header_hash[SHA256_BYTES];
	uint8_t final_hash[SHA256_BYTES];
	uint8_t reserved[16];
};
static_assert(sizeof(struct tombstone) == 192, "disk layout");

#define TOMBSTONE_FILE_BYTES (sizeof(struct tombstone) + SHA256_BYTES + SIGNATURE_BYTES)

#define HEAD_MAGIC  "AMBRHEAD"
#define HEAD_SEALED 1u

/* The whole file `head`, followed by the SHA-256 of it and that hash's signature: how far the
 * journal had come when the newest segment was begun or sealed, so that one that is taken away
 * from the end is missed. */
struct journal_head {
	uint8_t magic[8];
	uint32_t version;
	uint32_t flags;
	uint64_t number; /* of the newest segment */
	uint64_t blocks, rows;
	uint64_t written_real_ns;
	uint8_t header_hash[SHA256_BYTES];
	uint8_t final_hash[SHA256_BYTES]; /* when sealed */
};
static_assert(sizeof(struct journal_head) == 112, "disk layout");

#define HEAD_FILE_BYTES (sizeof(struct journal_head) + SHA256_BYTES + SIGNATURE_BYTES)

/* Reads `head`; checks length, hash and signature.  -ENOENT when there is none. */
int head_read(int dir_fd, const struct key *key, struct journal_head *ret_head, struct err *e);

/* What the type numbers and field numbers of a segment mean. */
struct schema {
	uint8_t has[256][32]; /* [type] bit set of fields */
	bool known[256];      /* the type is in the schema */
	bool is_bytes[256];   /* [field] */
	bool is_field[256];
};

/* The schema of this program as text. */
void schema_print(struct buf *b);
int schema_parse(struct span text, struct schema *ret_schema, struct err *e);

static inline bool schema_has(const struct schema *s, unsigned type, unsigned field)
{
	return s->has[type & 255][field >> 3 & 31] >> (field & 7) & 1;
}

/* Names in STATE/journal: "00000001.seg".  `name` is at least JOURNAL_NAME bytes. */
#define JOURNAL_NAME 40
void journal_name(char *ret_name, uint64_t number, const char *suffix);

/* The number of a name that ends in `suffix` (".seg"), 0 when it is none. */
uint64_t journal_name_number(const char *name, const char *suffix);

/* The numbers of all files with that suffix, ascending.  Caller frees *ret_numbers. */
int journal_list(int dir_fd, const char *suffix, uint64_t **ret_numbers, size_t *ret_n,
		 struct err *e);

/* FNV-1a, 64 bits: for the container hashes of the prune data. */
uint64_t prune_hash(struct span bytes);

/* A bloom filter of pids: two bits each. */
void bloom_add(uint8_t *bloom, uint32_t bytes, uint32_t pid);
bool bloom_has(struct span bloom, uint32_t pid);

/* Points into `prune`; false when it is not well-formed. */
bool prune_parse(struct span prune, struct journal_block_info *ret_info);

/* Whether the lengths of a block's header can be true in a file with `left` bytes from there. */
bool block_header_sane(const struct block_header *h, uint64_t left);
void block_info_of(const struct block_header *h, uint64_t segment, uint64_t offset,
		   struct journal_block_info *ret_info);

/* Reads and checks the header at the start of a file: magic, version, lengths, hash. */
struct segment_head {
	struct segment_header header;
	uint8_t hash[SHA256_BYTES];
	struct buf schema;
};
int segment_head_read(int fd, struct segment_head *ret_head, struct err *e);
void segment_head_fini(struct segment_head *head);
DEFINE_AUTO(segment_head, struct segment_head, segment_head_fini);

/* Reads the footer at the end of a file of `size` bytes.  *ret_bytes gets the whole footer;
 * *ret_footer is its fixed part.  -ENOENT when the file does not end in a trailer (it is not
 * sealed), -EBADMSG when the footer is damaged.  Checks lengths, hash, every index entry; not the
 * signature. */
int segment_footer_read(int fd, uint64_t size, struct buf *ret_bytes,
			struct segment_footer *ret_footer, struct err *e);

/* Walks the index of such a footer: true and the next entry with its prune data, false at the
 * end. */
bool footer_next(struct cursor *index, struct footer_entry *ret_entry, struct span *ret_prune);

/* The index bytes, the final hash and the signature of a whole footer. */
struct cursor footer_index(const struct buf *footer);
const uint8_t *footer_final_hash(const struct buf *footer);
const uint8_t *footer_signature(const struct buf *footer);

/* Reads NNNNNNNN.tomb; checks lengths and hash; not the signature (the last SIGNATURE_BYTES). */
int tombstone_read(int dir_fd, uint64_t number, struct tombstone *ret_tombstone,
		   uint8_t ret_hash[SHA256_BYTES], uint8_t ret_signature[64], struct err *e);

#endif
