/* jtree.h - reading JSON (RFC 8259) from hostile sources into a flat array of nodes.
 *
 * Not jansson's, because its json_object() and json.h's are one symbol to the linker, because it
 * refuses a whole text for one broken byte, and because its tree costs fifty times the text.  Here
 * a value is 16 bytes, nothing recurses, and the limits are LIMIT_JSON_DEPTH and LIMIT_JSON_NODES.
 *
 * Texts are unescaped in place and are bytes, not always UTF-8: a broken byte stays as it was and
 * a lone surrogate becomes U+FFFD.  A value that is absent or of another kind reads as nothing
 * (empty span, 0, TRUTH_UNKNOWN), so that a chain of look-ups needs one check at its end. */
#ifndef AMBER_BASE_JTREE_H
#define AMBER_BASE_JTREE_H

#include "base/buf.h"

enum jkind {
	JKIND_ABSENT,
	JKIND_NULL,
	JKIND_FALSE,
	JKIND_TRUE,
	JKIND_NUMBER,
	JKIND_TEXT,
	JKIND_ARRAY,
	JKIND_OBJECT,
};

/* In the order of the text; an object's children are key, value, key, value ... */
struct jnode {
	uint32_t kind;
	uint32_t at, len; /* bytes of a text or number in `text` */
	uint32_t next;	  /* the node behind this one and all that is in it */
};

struct jtree {
	struct buf text; /* owned */
	struct jnode *nodes;
	size_t n, cap;
};

/* A place in a tree; borrowed, valid as long as the tree. */
struct jval {
	const struct jtree *tree;
	uint32_t at; /* UINT32_MAX: absent */
};

/* Parses the content of `text`, which moves into the tree, whatever comes of it (text is empty
 * afterwards).  The first value may be followed by blanks only.  -EINVAL with "WHAT:line:column:
 * ..." or -E2BIG or -ENOMEM leave an empty tree. */
int jtree_parse(struct jtree *t, struct buf *text, const char *what, struct err *e);
void jtree_fini(struct jtree *t);
DEFINE_AUTO(jtree, struct jtree, jtree_fini);

#define JTREE_INIT     \
	{              \
		.n = 0 \
	}

/* The outermost value; absent in an empty tree. */
struct jval jtree_root(const struct jtree *t);

enum jkind jval_kind(struct jval v);

/* The member `key` of an object (the last one when it is there twice, as Go reads it). */
struct jval jval_get(struct jval object, const char *key);

/* jval_get along several keys, the last of which is NULL. */
struct jval jval_path(struct jval object, ...) __attribute__((sentinel));

/* The first child of an array or object and the one behind `child` in `parent`; absent at the
 * end.  For an object, children are keys; jval_value is what stands behind a key. */
struct jval jval_first(struct jval parent);
struct jval jval_next(struct jval parent, struct jval child);
struct jval jval_value(struct jval key);

/* jval_each(item, array) { ... }: of an object, the keys. */
#define jval_each(child, parent)                                                       \
	for (struct jval child = jval_first(parent); jval_kind(child) != JKIND_ABSENT; \
	     child = jval_next(parent, child))

/* The bytes of a text, the empty span for anything else. */
struct span jval_text(struct jval v);

/* A whole number within the type's range, else `otherwise`. */
int64_t jval_int(struct jval v, int64_t otherwise);

/* Whether it is the literal true. */
static inline bool jval_true(struct jval v)
{
	return jval_kind(v) == JKIND_TRUE;
}

#endif
