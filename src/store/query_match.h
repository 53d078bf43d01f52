/* query_match.h - LIKE, GLOB and equality on bytes of the journal.
 *
 * LIKE and GLOB here take the place of SQLite's own, which may never match a BLOB (a build option
 * of Debian's) and stop at a NUL: a process would only have to put one broken byte into its argv to
 * be found by no query.  A byte that is not UTF-8 is one character, equal to itself only. */
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
	enum query_op op;  /* QUERY_EQ, QUERY_IN, QUERY_LIKE, QUERY_GLOB, QUERY_NOTNULL */
	char *text;	   /* with a NUL behind it */
	size_t n;	   /* of text */
	struct intern set; /* of QUERY_IN */
	struct span
		needle; /* in text: what the pattern looks for anywhere; empty when it is more */
};

#define QUERY_NO_ESCAPE UINT32_MAX

/* Whether the whole of `text` matches: LIKE ('%', '_', ASCII letters in either case, and a
 * character that escapes) or GLOB ('*', '?', "[a-z]", "[^a-z]"). */
bool query_like(struct span pattern, struct span text, uint32_t escape);
bool query_glob(struct span pattern, struct span text);

/* The character at the start of `s` (not empty) and its length. */
size_t query_character(struct span s, uint32_t *ret_character);

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
