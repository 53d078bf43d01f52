/* query_match.h - LIKE, GLOB and equality on bytes of the journal.
 *
 * SQLite looks at every row that is handed to it once more, so a match here may be too many but
 * never too few. */
#ifndef AMBER_STORE_QUERY_MATCH_H
#define AMBER_STORE_QUERY_MATCH_H

#include "base/buf.h"
#include "base/map.h"

enum query_op {
	QUERY_EQ,
	QUERY_IN,
	QUERY_LT,
	QUERY_LE,
	QUERY_GT,
	QUERY_GE,
	QUERY_LIKE,
	QUERY_GLOB,
	QUERY_NOTNULL,
};

struct query_pattern {
	enum query_op op;   /* QUERY_EQ, QUERY_IN, QUERY_LIKE, QUERY_GLOB, QUERY_NOTNULL */
	char *text;	    /* with a NUL behind it */
	size_t n;	    /* of text */
	struct intern set;  /* of QUERY_IN */
	struct span needle; /* in text: what the pattern looks for anywhere; empty when it is more */
	struct buf scratch;
};

/* Takes a copy of `text`. */
int query_pattern_init(struct query_pattern *p, enum query_op op, struct span text, struct err *e);
void query_pattern_fini(struct query_pattern *p);

/* One more value of QUERY_IN. */
int query_pattern_add(struct query_pattern *p, struct span text, struct err *e);

bool query_pattern_match(struct query_pattern *p, struct span bytes);

/* Many texts one behind the other, text i ending at ends[i]: sets ret_match[i] to 1 or 0.  Returns
 * how many match. */
uint32_t query_pattern_match_all(struct query_pattern *p, const uint8_t *bytes,
				 const uint32_t *ends, uint32_t n, uint8_t *ret_match);

/* Offset of `needle` (not empty) in `hay`, or SIZE_MAX.  With `fold`, ASCII letters match in either
 * case; the needle is then lower-case. */
size_t query_find(struct span hay, struct span needle, bool fold);

#endif
