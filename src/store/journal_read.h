/* journal_read.h - reading the journal, also while it is written.
 *
 * A reader is a snapshot of the folder: every block of every segment, oldest first, with what is
 * needed to skip it.  Blocks are then loaded one at a time, and of a block only the columns that
 * are asked for.  Nothing in a file is trusted: damaged bytes give -EBADMSG, never a crash.
 * Hashes are not checked here (journal_verify.h does).
 *
 * Columns.  A row column has one value a row.  A field column has values only for the rows whose
 * type has the field, in row order; journal_block_rows gives those rows.  Processes and
 * containers are tables of the block; a row has an index into them, 0 for none.
 *
 * Not thread-safe: one reader and its blocks belong to one thread at a time. */
#ifndef AMBER_STORE_JOURNAL_READ_H
#define AMBER_STORE_JOURNAL_READ_H

#include "base/auto.h"
#include "base/err.h"
#include "model/event.h"

struct journal_reader;
struct journal_block;

enum {
	JOURNAL_TYPE,	   /* u64, also journal_block_types as bytes */
	JOURNAL_REAL,	   /* u64 real_ns */
	JOURNAL_OFFSET,	   /* u64, real_ns - boot_ns, wrapping */
	JOURNAL_MARKS,	   /* u64 */
	JOURNAL_COUNT,	   /* u64 */
	JOURNAL_RET,	   /* i64 */
	JOURNAL_TID_DELTA, /* i64, tid - pid of the process (0 when none) */
	JOURNAL_PROCESS,   /* index, 0 none */
	JOURNAL_CONTAINER, /* index, 0 the host */
	JOURNAL_ROW_COLUMNS,

	JOURNAL_FIELDS = 64, /* column of a field: JOURNAL_FIELDS + field */
	JOURNAL_COLUMNS = 320,
};

static inline unsigned journal_column(enum event_field field)
{
	return JOURNAL_FIELDS + (unsigned)field;
}

/* What is known of a block without loading it. */
struct journal_block_info {
	uint64_t segment, sequence; /* file number, and place in it from 0 */
	uint64_t offset, bytes;	    /* in the file */
	uint64_t min_real_ns, max_real_ns, min_boot_ns, max_boot_ns;
	uint32_t rows, processes, containers;
	uint64_t types[4];  /* bit set of event types */
	struct span hashes; /* sorted u64 hash of each container id, little-endian */
	struct span pids;   /* bloom filter */
	uint32_t directory_bytes, prune_bytes; /* for the reader itself */
};

/* What is looked for; {0} with to_ns 0 means everything. */
struct journal_filter {
	uint64_t from_ns, to_ns; /* real_ns, inclusive; to_ns 0: no end */
	uint64_t types[4];	 /* bit set; all zero: every type */
	struct span container;	 /* exact id; empty: any */
	uint32_t pid;		 /* 0: any */
};

static inline void journal_filter_type(struct journal_filter *f, enum event_type type)
{
	f->types[(unsigned)type / 64 & 3] |= 1ull << ((unsigned)type % 64);
}

/* Opens STATE/journal.  A folder that is not there or has no segments gives a reader with no
 * blocks.  A segment that cannot be read is skipped and counted in journal_reader_damaged. */
int journal_reader_open(const char *state_dir, struct journal_reader **ret_reader, struct err *e);
void journal_reader_close(struct journal_reader *reader);
static inline void journal_reader_close_at(struct journal_reader **reader)
{
	journal_reader_close(*reader);
}
DEFINE_AUTO(journal_reader, struct journal_reader *, journal_reader_close_at);

/* Adds blocks and segments that were written since.  Numbers of blocks never change; blocks of a
 * segment that was deleted stay listed and loading them gives -ENOENT. */
int journal_reader_refresh(struct journal_reader *reader, struct err *e);

size_t journal_reader_blocks(const struct journal_reader *reader);

/* Borrowed until the next refresh or close. */
const struct journal_block_info *journal_reader_block(const struct journal_reader *reader,
						      size_t number);

/* Segments, or tails of unsealed ones, that could not be read; *ret_first (LIMIT_ERR_TEXT bytes,
 * may be NULL) gets the words for the first. */
size_t journal_reader_damaged(const struct journal_reader *reader, char *ret_first);

/* The boot id of the block's segment, 36 characters. */
const char *journal_reader_boot_id(const struct journal_reader *reader, size_t number);

/* False when no row of the block can match. */
bool journal_block_may_match(const struct journal_block_info *info,
			     const struct journal_filter *filter);

/* A block that can be loaded again and again; memory is kept.  Free before the reader. */
int journal_block_new(struct journal_block **ret_block, struct err *e);
void journal_block_free(struct journal_block *block);
static inline void journal_block_free_at(struct journal_block **block)
{
	journal_block_free(*block);
}
DEFINE_AUTO(journal_block, struct journal_block *, journal_block_free_at);

/* Makes `block` be block `number` of the reader; what was borrowed from it before is gone.
 * -ENOENT when retention deleted its segment, -EBADMSG when it is damaged. */
int journal_block_load(struct journal_block *block, struct journal_reader *reader, size_t number,
		       struct err *e);

uint32_t journal_block_row_count(const struct journal_block *block);

/* One byte a row: enum event_type.  Everything below is borrowed until the next load. */
int journal_block_types(struct journal_block *block, const uint8_t **ret_types, struct err *e);

/* Values of a row column or of a field that is no text.  A field that no row has gives n 0. */
int journal_block_numbers(struct journal_block *block, unsigned column, const uint64_t **ret_values,
			  uint32_t *ret_n, struct err *e);

/* JOURNAL_PROCESS or JOURNAL_CONTAINER, one a row. */
int journal_block_indexes(struct journal_block *block, unsigned column,
			  const uint32_t **ret_indexes, struct err *e);

/* A text column: distinct texts once, and which one each value is.  Text 0 is the empty one. */
struct journal_text {
	const uint32_t *index; /* [n], each < distinct */
	uint32_t n;
	uint32_t distinct;
	const uint8_t *bytes; /* all distinct texts, one behind the other */
	const uint32_t *ends; /* [distinct], where each ends in bytes; ends[0] is 0 */
};

static inline struct span journal_text_at(const struct journal_text *t, uint32_t number)
{
	uint32_t start = number ? t->ends[number - 1] : 0;

	/* A column of empty texts has no bytes: NULL + 0 is undefined. */
	return (struct span){start ? t->bytes + start : t->bytes, t->ends[number] - start};
}

/* The distinct texts and the indexes; with journal_block_distinct only the former (index NULL, n
 * 0), which is enough to know that a block has no match. */
int journal_block_text(struct journal_block *block, unsigned column, struct journal_text *ret_text,
		       struct err *e);
int journal_block_distinct(struct journal_block *block, unsigned column,
			   struct journal_text *ret_text, struct err *e);

/* The rows that have the field, ascending: value i of the column belongs to row rows[i]. */
int journal_block_rows(struct journal_block *block, enum event_field field,
		       const uint32_t **ret_rows, uint32_t *ret_n, struct err *e);

/* Place of `row` in such a list, or UINT32_MAX. */
uint32_t journal_rows_find(const uint32_t *rows, uint32_t n, uint32_t row);

/* The tables.  Index 1 is entry 0: *ret_n entries, entry index - 1.  Of a container what the
 * journal keeps with every block: ids, names, image, pod, cgroup, runtime, state, privileged,
 * init pid, times. */
int journal_block_processes(struct journal_block *block, const struct process **ret_processes,
			    uint32_t *ret_n, struct err *e);
int journal_block_containers(struct journal_block *block, const struct container **ret_containers,
			     uint32_t *ret_n, struct err *e);

/* One whole row as an event (random access).  Fields that this program does not know are left
 * out.  Texts are borrowed until the next load. */
int journal_block_event(struct journal_block *block, uint32_t row, struct event *ret_event,
			struct err *e);

/* Rows in the order of the journal, as events.  `filter` is copied; the container id in it is
 * borrowed.  `pid` and `container` are checked exactly. */
struct journal_rows;
int journal_rows_open(struct journal_reader *reader, const struct journal_filter *filter,
		      struct journal_rows **ret_rows, struct err *e);

/* 1 and an event (borrowed until the next call), 0 at the end, or -errno; after an error the next
 * call goes on with the next block.  To follow: when it gives 0, wait, journal_reader_refresh,
 * call again.  Blocks deleted meanwhile are passed over. */
int journal_rows_next(struct journal_rows *rows, struct event *ret_event, struct err *e);

/* Starts so far back that about `count` matching rows remain, for `events --last`. */
int journal_rows_tail(struct journal_rows *rows, uint64_t count, struct err *e);

void journal_rows_close(struct journal_rows *rows);
static inline void journal_rows_close_at(struct journal_rows **rows)
{
	journal_rows_close(*rows);
}
DEFINE_AUTO(journal_rows, struct journal_rows *, journal_rows_close_at);

#endif
