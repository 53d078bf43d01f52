/* journal_reader.h - what the parts of the reader share.  Internal to the journal. */
#ifndef AMBER_STORE_JOURNAL_READER_H
#define AMBER_STORE_JOURNAL_READER_H

#include "base/fd.h"
#include "store/journal_format.h"
#include "store/journal_read.h"

struct reader_schema {
	struct reader_schema *next;
	uint64_t hash;
	struct schema schema;
};

struct reader_chunk {
	struct reader_chunk *next;
	size_t n, cap;
	uint8_t bytes[];
};

struct reader_segment {
	uint64_t number, end; /* end: where the next block would begin */
	uint64_t used;	      /* reader->clock of the last use */
	const struct schema *schema;
	char boot_id[37];
	int fd; /* -1 while closed */
	bool sealed, dead;
};

struct reader_block {
	struct journal_block_info info;
	size_t segment; /* in reader->segments */
	uint32_t columns;
};

struct journal_reader {
	char path[LIMIT_PATH];
	int dir_fd;
	struct reader_segment *segments;
	size_t segment_count, segment_cap;
	struct reader_block *blocks;
	size_t block_count, block_cap;
	struct reader_schema *schemas;
	struct reader_chunk *chunks;
	uint64_t clock;
	unsigned open_files;
	size_t damaged;
	char first_damage[LIMIT_ERR_TEXT];
};

/* The segment's file, opened when it was not; valid until the next call for another segment. */
int reader_file(struct journal_reader *reader, size_t segment, int *ret_fd, struct err *e);

#endif
