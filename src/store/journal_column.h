/* journal_column.h - one column of a block: from arrays to bytes and back.
 *
 * Numbers are written as bytes of equal weight side by side ("planes"), as differences, or as
 * numbers of a small table, whichever is narrowest; texts as the distinct ones and a column of
 * numbers.  zstd then sees bytes that resemble each other.  Internal to the journal. */
#ifndef AMBER_STORE_JOURNAL_COLUMN_H
#define AMBER_STORE_JOURNAL_COLUMN_H

#include <zstd.h>

#include "base/buf.h"
#include "base/err.h"

enum column_encoding {
	COLUMN_CONST = 0,  /* n times base; no bytes */
	COLUMN_PLANES = 1, /* base + plane 0 + plane 1 << 8 ... */
	COLUMN_DELTA = 2,  /* base, then each the one before + zigzag difference, in planes */
	COLUMN_TABLE = 3,  /* base distinct u64, then their numbers in planes */
	COLUMN_TEXTS = 4,  /* lengths in planes, then the bytes of n texts */
};

/* One line of a block's directory; all LEB128 but `encoding` and `width`, which share a byte. */
struct column_entry {
	uint32_t id;	  /* column * 2, plus 1 for the texts of a text column */
	uint8_t encoding; /* enum column_encoding */
	uint8_t width;	  /* planes, 0 to 8 */
	uint32_t n;	  /* values */
	uint64_t base;
	uint32_t raw_bytes;    /* before zstd */
	uint32_t stored_bytes; /* in the block; equal to raw_bytes when not compressed */
	uint64_t offset;       /* from the start of the column data; not stored */
};

void column_entry_print(struct buf *b, const struct column_entry *entry);
bool column_entry_parse(struct cursor *c, struct column_entry *ret_entry);

/* The distinct texts of a column, numbered as they come; 0 is the empty text. */
struct text_table {
	uint8_t *bytes;
	uint32_t *ends; /* [n] */
	struct text_slot {
		uint32_t hash, number; /* number 0: free */
	} * slots;
	uint32_t n, ends_cap, slots_cap; /* slots_cap is a power of two */
	size_t bytes_cap;
};

int text_table_init(struct text_table *t);
void text_table_fini(struct text_table *t);
void text_table_clear(struct text_table *t);

/* Room for one more text of that many bytes: the next text_table_get cannot fail. */
int text_table_reserve(struct text_table *t, size_t bytes);
uint32_t text_table_get(struct text_table *t, struct span text);

static inline uint32_t text_table_bytes(const struct text_table *t)
{
	return t->ends[t->n - 1];
}

struct column_encoder {
	ZSTD_CCtx *zstd;
	int level;
	struct buf raw;	  /* of the column at hand */
	uint64_t *values; /* [LIMIT_BLOCK_ROWS] scratch for differences and table numbers */
	struct column_table *table;
	struct buf *directory, *data; /* borrowed: where the block at hand is put together */
	uint32_t columns;	      /* entries of the directory so far */
};

int column_encoder_init(struct column_encoder *enc, int level, struct err *e);
void column_encoder_fini(struct column_encoder *enc);

/* Appends the column to enc->data and its line to enc->directory; nothing when all values are 0. */
int column_encode(struct column_encoder *enc, unsigned column, const uint64_t *values, uint32_t n,
		  struct err *e);

/* The same for the table of a text column (without the empty text). */
int column_encode_texts(struct column_encoder *enc, unsigned column, const struct text_table *t,
			struct err *e);

/* Decompresses what an entry stores into `raw`.  -EBADMSG when it is damaged. */
int column_unpack(ZSTD_DCtx *zstd, const struct column_entry *entry, struct span stored,
		  struct buf *raw, struct err *e);

/* entry->n values from its raw bytes; false when the bytes do not fit the entry. */
bool column_decode(const struct column_entry *entry, struct span raw, uint64_t *ret_values);

/* The same into 32 bits, for indexes: false also when the values may not fit (wider than three
 * planes, a large base, or a table).  What the writer makes of indexes always fits. */
bool column_decode_small(const struct column_entry *entry, struct span raw, uint32_t *ret_values);

/* The same into bytes, for types: constant or one plane, which is what the writer makes of them. */
bool column_decode_bytes(const struct column_entry *entry, struct span raw, uint8_t *ret_values);

/* entry->n + 1 ends, the first 0 (the empty text), and where the bytes begin. */
bool column_decode_texts(const struct column_entry *entry, struct span raw, uint32_t *ret_ends,
			 const uint8_t **ret_bytes);

#endif
