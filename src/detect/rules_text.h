/* rules_text.h - a text that was put together from pieces of files, and where each byte is from.
 *
 * Conditions are joined by `append`, by exceptions and by lists that are put in; an error in the
 * result must be told at the place that somebody wrote. */
#ifndef AMBER_DETECT_RULES_TEXT_H
#define AMBER_DETECT_RULES_TEXT_H

#include "base/buf.h"

#define RULES_NO_LIST UINT32_MAX

/* From this byte on, up to the next segment. */
struct rules_segment {
	uint32_t at;
	uint32_t file, node; /* a scalar of a file */
	uint32_t offset;     /* of its text */
	uint32_t list;	     /* the list that it was put in from, or RULES_NO_LIST */
	bool exact;	     /* byte for byte; false: all of it stands for that one place */
};

struct rules_text {
	struct buf text;
	struct rules_segment *segments;
	size_t n, cap;
};

void rules_text_init(struct rules_text *t);
void rules_text_fini(struct rules_text *t);
DEFINE_AUTO(rules_text, struct rules_text, rules_text_fini);

/* Appends bytes with their origin (`from`'s `at` is not looked at).  -E2BIG or -ENOMEM. */
int rules_text_add(struct rules_text *t, struct span bytes, const struct rules_segment *from,
		   struct err *e);

/* Appends bytes [begin, end) of another text with the origins that they have there; `list`
 * replaces theirs unless it is RULES_NO_LIST. */
int rules_text_copy(struct rules_text *t, const struct rules_text *from, size_t begin, size_t end,
		    uint32_t list, struct err *e);

/* Takes bytes off the end. */
void rules_text_cut(struct rules_text *t, size_t n);

/* The segment that a byte belongs to, NULL in an empty text, and the offset of the byte in its
 * scalar. */
const struct rules_segment *rules_text_find(const struct rules_text *t, size_t at,
					    uint32_t *ret_offset);

#endif
