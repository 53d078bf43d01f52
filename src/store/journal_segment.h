/* journal_segment.h - one segment file: walking its blocks, writing, sealing and mending it.
 *
 * Internal to the journal.  Mending and writing are for the process that holds the lock. */
#ifndef AMBER_STORE_JOURNAL_SEGMENT_H
#define AMBER_STORE_JOURNAL_SEGMENT_H

#include "store/journal_build.h"
#include "store/journal_format.h"
#include "store/key.h"

/* Goes over the blocks of a file, checking hash, chain, order and counts of each. */
struct segment_walk {
	int fd; /* borrowed */
	uint64_t size, offset;
	uint8_t previous[SHA256_BYTES]; /* of the last good block, or of the header */
	uint64_t sequence, rows;	/* of the blocks passed */
	struct block_header header;	/* the last good one */
	struct buf bytes;		/* its bytes */
};

void segment_walk_init(struct segment_walk *w, int fd, uint64_t size,
		       const struct segment_head *head);
void segment_walk_fini(struct segment_walk *w);
DEFINE_AUTO(segment_walk, struct segment_walk, segment_walk_fini);

/* 1: the next block is good and w->offset is behind it.  0: the end of the file, or the place
 * where a footer begins.  -EAGAIN: the file ends within the block at w->offset.  -EBADMSG: the
 * block at w->offset is bad. */
int segment_walk_next(struct segment_walk *w, struct err *e);

struct segment_writer {
	int dir_fd, fd; /* dir_fd is borrowed */
	const struct key *key;
	uint64_t number, offset, created_boot_ns;
	uint8_t header_hash[SHA256_BYTES], last_hash[SHA256_BYTES];
	uint8_t final_hash[SHA256_BYTES]; /* of the last sealed segment: the next one's previous */
	struct segment_footer footer;	  /* totals so far */
	struct buf index;
	struct sha256 sha;
};

int segment_writer_init(struct segment_writer *w, int dir_fd, const struct key *key, struct err *e);
void segment_writer_fini(struct segment_writer *w);

/* Begins segment `number`, chained to w->final_hash: written under a temporary name, synced,
 * renamed. */
int segment_create(struct segment_writer *w, uint64_t number, struct err *e);

/* Writes one block.  After a failure the file is as it was before. */
int segment_write(struct segment_writer *w, struct build_output *out, struct err *e);

/* Writes footer and signature, syncs, makes the file read-only and closes it.  After a failure
 * the segment is still open and can be sealed again. */
int segment_seal(struct segment_writer *w, struct err *e);

/* Replaces `head`: the segment at hand was begun, or (flag HEAD_SEALED) sealed. */
int segment_write_head(const struct segment_writer *w, uint32_t flags, struct err *e);

/* Takes up an unsealed segment: walks its blocks, keeps the whole ones, moves what is behind them
 * to NNNNNNNN.torn, and seals it as recovered.  *ret_cut is what was behind.  -EBADMSG when its
 * header cannot be read. */
int segment_recover(struct segment_writer *w, uint64_t number, uint64_t *ret_rows,
		    uint64_t *ret_cut, uint64_t *ret_last_real_ns, struct err *e);

#endif
