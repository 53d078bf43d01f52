/* transform.h - Falco's transformers: values made of values before they are compared.
 *
 *	tolower(t) toupper(t)	ASCII letters; of a list each
 *	b64(t)			what the base64 text decodes to, padded or not; of a list each
 *	basename(t)		what stands behind the last '/', as is when there is none
 *	len(x)			bytes of a text or buffer, values of a list
 *	join(list, sep)		the list's values as one text
 *	concat(a, b, ...)	the values one after the other as one text
 *	getopt(args, opts)	the letters of the options in args (a text that is divided at
 *blanks, or a list), in order and each once, as getopt(3) with '+' reads them with `opts`: "n" is a
 *flag, "t:" has an argument, "t::" may have one behind it; what `opts` does not have is '?'
 *	getopt(args, opts, t)	the arguments of option t
 *
 * A missing value makes the result missing; what cannot be decoded is absent. */
#ifndef AMBER_DETECT_TRANSFORM_H
#define AMBER_DETECT_TRANSFORM_H

#include "detect/value.h"

enum transform {
	TRANSFORM_TOLOWER,
	TRANSFORM_TOUPPER,
	TRANSFORM_B64,
	TRANSFORM_BASENAME,
	TRANSFORM_LEN,
	TRANSFORM_JOIN,
	TRANSFORM_CONCAT,
	TRANSFORM_GETOPT,
};

/* What an argument is before there is a value: a kind, and whether it is a list of it. */
struct transform_type {
	enum detect_kind kind;
	bool list;
};

/* The transformer of that name; false when there is none. */
bool transform_find(struct span name, enum transform *ret_transform);

/* Its name; never NULL. */
const char *transform_name(enum transform t);

/* What it makes of arguments of these types.  -EINVAL when it does not take them, with a text that
 * says what it takes. */
int transform_check(enum transform t, const struct transform_type *args, size_t n,
		    struct transform_type *ret_type, struct err *e);

/* The value of arguments that transform_check let pass, built in `s`. */
struct detect_value transform_apply(enum transform t, const struct detect_value *args, size_t n,
				    struct detect_scratch *s);

#endif
