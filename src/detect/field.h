/* field.h - the catalog of the fields that a rule may name: Falco's own and its container plugin's.
 *
 * Names, types and flags are those of Falco 0.44 (libs 0.25).  It counts 236 of its own; three of
 * them are called NA and stand for constants, so that no rule can name them.  The container
 * plugin's 61 are here because Amber answers for that plugin. */
#ifndef AMBER_DETECT_FIELD_H
#define AMBER_DETECT_FIELD_H

#include "base/err.h"
#include "base/span.h"

enum field_type {
	FTYPE_TEXT,
	FTYPE_BOOL,
	FTYPE_I16,
	FTYPE_I32,
	FTYPE_I64,
	FTYPE_U32,
	FTYPE_U64,
	FTYPE_DOUBLE,
	FTYPE_PORT,
	FTYPE_RELTIME, /* ns */
	FTYPE_ABSTIME, /* ns since 1970 */
	FTYPE_BYTES,
	FTYPE_ADDRESS,
	FTYPE_NETWORK,
	FTYPE_DYNAMIC, /* known only with the event: evt.rawarg */
};

enum field_flag {
	FFLAG_ARG_REQUIRED = 1 << 0,
	FFLAG_ARG_ALLOWED = 1 << 1,
	FFLAG_INDEX = 1 << 2,	    /* the argument may be a number */
	FFLAG_KEY = 1 << 3,	    /* the argument may be a text */
	FFLAG_DOT = 1 << 4,	    /* and may be written behind a dot: evt.arg.flags */
	FFLAG_LIST = 1 << 5,	    /* several values at once */
	FFLAG_PRINT_ONLY = 1 << 6,  /* for outputs, not for conditions */
	FFLAG_FILTER_ONLY = 1 << 7, /* for conditions, not for outputs */
	FFLAG_HIDDEN = 1 << 8,	    /* Falco knows it for another tool's tables only */
	FFLAG_DEPRECATED = 1 << 9,  /* never has a value any more, or soon */
	FFLAG_NO_RHS = 1 << 10,	    /* not on the right of an operator */
	FFLAG_NO_TRANSFORMER = 1 << 11,
	FFLAG_PLUGIN = 1 << 12, /* the container plugin's */
};

struct field {
	const char *name;
	enum field_type type;
	unsigned flags; /* of enum field_flag */
};

/* All of them, ascending by name. */
extern const struct field fields[];
extern const size_t field_n;

/* The field with exactly that name, or NULL. */
const struct field *field_find(struct span name);

/* The field whose name is nearest to `name`, for "did you mean", or NULL when none is near. */
const struct field *field_near(struct span name);

/* A field with its argument, as it was written. */
struct field_use {
	const struct field *field;
	struct span arg; /* borrowed from what was parsed */
	bool has_arg;
};

/* Resolves a name and the argument that stood in brackets behind it (has_arg false: none did).
 * Where the field allows it, the argument may be the end of the name.  -ENOENT for an unknown
 * field, -EINVAL for an argument that is missing, not allowed or of the wrong kind. */
int field_resolve(struct span name, struct span arg, bool has_arg, struct field_use *ret_use,
		  struct err *e);

/* `name` or `name[arg]` as written; the argument may be quoted.  Errors as of field_resolve. */
int field_parse(struct span text, struct field_use *ret_use, struct err *e);

/* The longest known field name that `text` begins with and that ends at the end of a name, with an
 * argument where there is one.  For outputs, where a field ends wherever its name does.
 * *ret_len is how many bytes it takes.  -ENOENT or -EINVAL as above. */
int field_parse_prefix(struct span text, struct field_use *ret_use, size_t *ret_len, struct err *e);

/* "text", "whole number", ... for errors. */
const char *field_type_name(enum field_type type);

#endif
