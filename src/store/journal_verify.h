/* journal_verify.h - is the journal whole and unaltered?
 *
 * Walks every segment and tombstone in order and checks hashes, chain, order, totals and
 * signatures.  Needs the public key only, no lock, and works beside a running writer. */
#ifndef AMBER_STORE_JOURNAL_VERIFY_H
#define AMBER_STORE_JOURNAL_VERIFY_H

#include "base/err.h"
#include "store/key.h"

struct journal_problem {
	const char *file; /* name in STATE/journal */
	uint64_t segment;
	int64_t block;	 /* sequence in the segment; -1 when it is no block */
	uint64_t offset; /* byte where the bad part begins */
	const char *what;
};

struct journal_verdict {
	uint64_t segments, sealed, tombstones, blocks, rows, bytes;
	uint64_t recovered; /* segments whose tail was cut after a crash */
	uint64_t problems;
	bool unsealed_last; /* the newest segment is being written, or its writer died */
};

/* Checks everything below `state_dir` and gives each problem to `each` (may be NULL) in the order
 * of the journal: the first is the first bad place.  Strings are borrowed for that call.  Returns
 * 0 also when there are problems (ret_verdict->problems); -errno when it could not look. */
int journal_verify(const char *state_dir, const struct key *key,
		   void (*each)(void *ctx, const struct journal_problem *problem), void *ctx,
		   struct journal_verdict *ret_verdict, struct err *e);

#endif
