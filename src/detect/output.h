/* output.h - the output of a rule, parsed into texts and fields.
 *
 * %field, %field[arg], %evt.arg.name, %<width>field (cut and padded to that many bytes) and
 * %transformer(field).  A `*` in front, which asks for <NA> in place of what is missing, changes
 * nothing: it is always so.  A field ends where its name does, as in Falco. */
#ifndef AMBER_DETECT_OUTPUT_H
#define AMBER_DETECT_OUTPUT_H

#include "detect/condition.h"

#define OUTPUT_WIDTH 4096u /* widest field */

struct output_piece {
	bool is_field;
	uint32_t at, len; /* in the output's text: a text, or a field as it is written behind % */
	uint32_t node;	  /* of a field: COND_FIELD or COND_TRANSFORM in `tree` */
	uint32_t width;	  /* 0: as long as it is */
};

struct output {
	struct buf text;
	struct output_piece *pieces;
	size_t n, cap;
	struct condition tree; /* operands of all fields; it has no root */
};

void output_init(struct output *o);
void output_fini(struct output *o);
DEFINE_AUTO(output, struct output, output_fini);

/* Who hears what is wrong at a byte of the text.  Verdicts as of condition_types.h; -ENOENT is an
 * unknown field, -EINVAL another error, 0 a warning. */
struct output_judge {
	void *ctx;
	void (*tell)(void *ctx, uint32_t at, int code, const char *hint, const char *text);
};

/* Parses into an empty output.  What is wrong is told, and *ret_good becomes false for errors.
 * -E2BIG or -ENOMEM. */
int output_parse(struct output *o, struct span text, const struct output_judge *judge,
		 bool *ret_good, struct err *e);

static inline struct span output_text(const struct output *o, const struct output_piece *p)
{
	return span_make(o->text.p + p->at, p->len);
}

#endif
