/* match.h - one condition's operator and right-hand side, compiled, and its answer for a value.
 *
 * Two ways to answer (enum match_mode).  In Amber's, what is not known makes the answer
 * TRUTH_UNKNOWN, so that neither `in` nor `not in` holds of it.  In Falco's exact one it makes it
 * TRUTH_NO, and a NUL ends a text, as there.  What is known not to be there (DETECT_NONE) is
 * TRUTH_NO in both, also for `!=`.  `exists` is always answered with yes or no.
 *
 * A value that is several (value.h) answers by its kind:
 *   DETECT_LIST	  `in` wants all of them in the set and at least one; `intersects` any
 *   DETECT_ANY	  the operator holds of one of them
 *   DETECT_EITHER	  the same, but `!=` holds of all
 * and an `open` one is unknown where one more value could turn the answer.
 *
 * Which operators a kind has is match_allows; a scalar's `intersects` is `in`, as Falco has it. */
#ifndef AMBER_DETECT_MATCH_H
#define AMBER_DETECT_MATCH_H

#include "detect/value.h"

enum match_op {
	MATCH_EXISTS,
	MATCH_EQ, /* both `=` and `==` */
	MATCH_NE,
	MATCH_LT,
	MATCH_LE,
	MATCH_GT,
	MATCH_GE,
	MATCH_IN,
	MATCH_INTERSECTS,
	MATCH_PMATCH,
	MATCH_GLOB,
	MATCH_IGLOB,
	MATCH_CONTAINS,
	MATCH_ICONTAINS,
	MATCH_BCONTAINS,
	MATCH_STARTSWITH,
	MATCH_BSTARTSWITH,
	MATCH_ENDSWITH,
	MATCH_REGEX,
};

enum match_mode {
	MATCH_AMBER,
	MATCH_FALCO,
};

/* `op anyof (a, b)` is (x op a or x op b), allof joins by `and`, oneof wants exactly one. */
enum match_modifier {
	MATCH_ONE_VALUE, /* there is none */
	MATCH_ANYOF,
	MATCH_ALLOF,
	MATCH_ONEOF,
};

struct match_spec {
	enum match_op op;
	enum match_modifier modifier;
	enum detect_kind kind;	   /* of the field, or of what its lists hold */
	bool services;		   /* numbers are ports: the name of a service is one as well */
	const struct span *values; /* borrowed; unquoted; none for exists */
	size_t n;
};

struct match; /* compiled; immutable, may be asked by several threads at once */

/* The operator of that name ("=", "startswith"); false when there is none. */
bool match_op_find(struct span name, enum match_op *ret_op);

/* Its name; never NULL. */
const char *match_op_name(enum match_op op);

/* Whether fields of `kind` can be compared by `op`, and whether a list of them can. */
bool match_allows(enum match_op op, enum detect_kind kind);
bool match_allows_list(enum match_op op);

/* Compiles a condition.  Values are texts that are read as the kind wants them: numbers in decimal
 * or 0x hexadecimal, true and false, addresses, and for DETECT_NET networks; bcontains and
 * bstartswith take pairs of hexadecimal digits.
 *
 * -EINVAL for an operator that the kind has not, a value that cannot be read, or a number of
 * values that the operator does not take (the text says what to write instead; a regex with the
 * place in it); -E2BIG above a limit; -ENOMEM. */
int match_compile(const struct match_spec *spec, struct match **ret_match, struct err *e);
void match_free(struct match *m);

static inline void match_freep(struct match **m)
{
	match_free(*m);
}
DEFINE_AUTO(match, struct match *, match_freep);

/* Whether the condition holds of `value`. */
enum truth match_test(const struct match *m, const struct detect_value *value,
		      enum match_mode mode);

/* The same of two values, for a right-hand side that is a field (val(...)).  A regex or a glob
 * whose pattern is a field is compiled in the call.  A pair of kinds that do not compare, or a
 * pattern that is none, is TRUTH_UNKNOWN (TRUTH_NO in Falco's mode). */
enum truth match_values(enum match_op op, const struct detect_value *left,
			const struct detect_value *right, enum match_mode mode);

/* Bytes of memory that it takes. */
size_t match_bytes(const struct match *m);

#endif
