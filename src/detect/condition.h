/* condition.h - a condition of Falco's rule language: text to syntax tree and back.
 *
 * The tree is one array of nodes that name each other by number; texts lie in one buffer beside
 * it.  Every node keeps the byte of the text that it begins at and the number of that text
 * (`origin`, the caller's), so that a tree that was put together from several texts still tells
 * where each part comes from.  Nothing here knows which fields exist: see condition_types.h.
 *
 * The grammar is the one of Falco 0.44 with the following made wider: any blank may end a word
 * operator (not just one space), `or(a) and b` needs no more parentheses, and a text may end in an
 * escaped backslash. */
#ifndef AMBER_DETECT_CONDITION_H
#define AMBER_DETECT_CONDITION_H

#include "base/buf.h"

enum cond_kind {
	COND_AND, /* children: two or more */
	COND_OR,
	COND_NOT,	/* one child */
	COND_MACRO,	/* text is its name */
	COND_CHECK,	/* children: what is compared, and, but for exists, with what */
	COND_FIELD,	/* text is its name as written, arg its argument in brackets */
	COND_TRANSFORM, /* children are its arguments */
	COND_VALUE,	/* text, unescaped */
	COND_LIST,	/* children are values; inside of a transformer also fields */
};

enum cond_op {
	COND_EXISTS,
	COND_LT,
	COND_LE,
	COND_GT,
	COND_GE,
	COND_EQ, /* = and == */
	COND_NE,
	COND_GLOB,
	COND_IGLOB,
	COND_CONTAINS,
	COND_ICONTAINS,
	COND_BCONTAINS,
	COND_STARTSWITH,
	COND_BSTARTSWITH,
	COND_ENDSWITH,
	COND_REGEX,
	COND_IN,
	COND_INTERSECTS,
	COND_PMATCH,
	COND_OPS,
};

/* Over a list on the right: exactly one, at least one, all of its values hold.  None of them holds
 * over an empty list. */
enum cond_modifier {
	COND_PLAIN,
	COND_ONEOF,
	COND_ANYOF,
	COND_ALLOF,
	COND_MODIFIERS,
};

enum cond_transformer {
	COND_VAL, /* on the right only: the field's value itself */
	COND_TOLOWER,
	COND_TOUPPER,
	COND_B64,
	COND_BASENAME,
	COND_LEN,
	COND_JOIN,
	COND_CONCAT,
	COND_GETOPT,
	COND_TRANSFORMERS,
};

enum cond_flag {
	COND_HAS_ARG = 1,
	COND_QUOTED = 2, /* the value stood in quotes */
};

#define COND_NONE UINT32_MAX

struct cond_node {
	uint8_t kind;	    /* enum cond_kind */
	uint8_t what;	    /* enum cond_op of a check, enum cond_transformer of a transformer */
	uint8_t modifier;   /* enum cond_modifier of a check */
	uint8_t flags;	    /* of enum cond_flag */
	uint32_t first;	    /* first child, or COND_NONE */
	uint32_t next;	    /* next child of the same parent, or COND_NONE */
	uint32_t text, len; /* in the condition's bytes */
	uint32_t arg, arg_len;
	uint32_t at;	 /* byte of the text that it begins at */
	uint32_t origin; /* which text */
	uint32_t depth;	 /* levels below and with it, an upper bound */
};

struct condition {
	struct cond_node *nodes;
	size_t n, cap;
	struct buf bytes;
	uint32_t root;
};

/* Why and where a text is no condition; the words are in struct err. */
struct cond_fault {
	uint32_t at;	/* byte of the text */
	char hint[160]; /* what to write instead, may be empty */
};

void condition_init(struct condition *c);
void condition_fini(struct condition *c);
DEFINE_AUTO(condition, struct condition, condition_fini);

/* Parses into an empty condition.  -EINVAL with *ret_fault set, -E2BIG (more than LIMIT_CONDITION
 * bytes, LIMIT_CONDITION_NODES or LIMIT_CONDITION_DEPTH; *ret_fault set) or -ENOMEM; the condition
 * may then only be released. */
int condition_parse(struct condition *c, struct span text, uint32_t origin,
		    struct cond_fault *ret_fault, struct err *e);

/* Parses a field or a transformer with its arguments at the beginning of `text` and adds it to what
 * is there, as outputs need it.  *ret_node is its node and *ret_len the bytes that it takes. Errors
 * as above. */
int condition_parse_operand(struct condition *c, struct span text, uint32_t *ret_node,
			    size_t *ret_len, struct cond_fault *ret_fault, struct err *e);

/* Adds a field that was parsed elsewhere.  -E2BIG or -ENOMEM. */
int condition_add_field(struct condition *c, struct span name, struct span arg, bool has_arg,
			uint32_t *ret_node, struct err *e);

/* Appends text that parses to the same tree (condition_same), in one line. */
void condition_print(struct buf *b, const struct condition *c);

/* The same for one node and what is below it. */
void condition_print_node(struct buf *b, const struct condition *c, uint32_t node);

/* Whether two conditions are the same but for places, quotes around values, and = or ==. */
bool condition_same(const struct condition *a, const struct condition *b);

/* Appends a copy of all of `from`; *ret_root is the copy's root.  -E2BIG or -ENOMEM. */
int condition_graft(struct condition *c, const struct condition *from, uint32_t *ret_root,
		    struct err *e);

static inline struct span condition_text(const struct condition *c, const struct cond_node *n)
{
	return span_make(c->bytes.p + n->text, n->len);
}

static inline struct span condition_arg(const struct condition *c, const struct cond_node *n)
{
	return span_make(c->bytes.p + n->arg, n->arg_len);
}

/* cond_each(child, c, parent) { c->nodes[child] ... } */
#define cond_each(child, c, parent)                                         \
	for (uint32_t child = (c)->nodes[parent].first; child != COND_NONE; \
	     child = (c)->nodes[child].next)

/* The words of the language. */
const char *cond_op_name(enum cond_op op);
const char *cond_modifier_name(enum cond_modifier modifier);
const char *cond_transformer_name(enum cond_transformer transformer);

/* Reads an operator with or without a modifier ("startswith anyof"), as exceptions write it. */
bool cond_op_parse(struct span text, enum cond_op *ret_op, enum cond_modifier *ret_modifier);

/* Whether the operator takes a list on its right: in, intersects, pmatch. */
bool cond_op_is_list(enum cond_op op);

/* Whether it may have a modifier: those that compare with one text. */
bool cond_op_is_text(enum cond_op op);

#endif
