/* yaml_tree.h - YAML from hostile files as a flat array of nodes, each with its place.
 *
 * Built from libyaml's events, because its document tree keeps no bound on aliases and loses where
 * in a folded text a word stood.  An alias is a link to the node it names and is never copied.
 * Nesting, nodes and aliases are bounded by limits.h. */
#ifndef AMBER_DETECT_YAML_TREE_H
#define AMBER_DETECT_YAML_TREE_H

#include "base/buf.h"

enum ynode_kind {
	YNODE_SCALAR,
	YNODE_SEQUENCE,
	YNODE_MAPPING, /* children are key, value, key, value ... */
	YNODE_ALIAS,
};

enum ynode_style {
	YSTYLE_PLAIN,
	YSTYLE_SINGLE, /* '...' */
	YSTYLE_DOUBLE, /* "..." */
	YSTYLE_BLOCK,  /* | and > */
};

#define YNODE_NONE UINT32_MAX

struct ynode {
	uint8_t kind, style;
	uint32_t text, len;    /* of a scalar, in `texts` */
	uint32_t first, next;  /* children of one parent; documents are children of nobody */
	uint32_t target;       /* of an alias */
	uint32_t line, column; /* from 1, column in bytes */
	uint32_t begin;	       /* byte of the source */
};

/* Where the last look-up of a place stopped: the next one goes on from there. */
struct yplace_cursor {
	uint32_t node, at, from;
};

struct ytree {
	struct buf source, texts;
	struct ynode *nodes;
	size_t n, cap;
	uint32_t *lines; /* byte of the source that each begins at */
	size_t line_n, line_cap;
	uint32_t first_document;
	struct yplace_cursor cursor;
};

struct yplace {
	uint32_t line, column;
};

void ytree_init(struct ytree *t);
void ytree_fini(struct ytree *t);
DEFINE_AUTO(ytree, struct ytree, ytree_fini);

/* Parses the content of `source`, which moves into the (empty) tree, whatever comes of it.
 * -EINVAL or -E2BIG with *ret_place set, or -ENOMEM; the tree may then only be released. */
int ytree_parse(struct ytree *t, struct buf *source, struct yplace *ret_place, struct err *e);

/* The node itself, or what the alias names; YNODE_NONE for YNODE_NONE. */
uint32_t ytree_follow(const struct ytree *t, uint32_t node);

/* The kind of what the alias names; YNODE_ALIAS for YNODE_NONE and nothing else. */
enum ynode_kind ytree_kind(const struct ytree *t, uint32_t node);

/* The bytes of a scalar, the empty span for anything else. */
struct span ytree_text(const struct ytree *t, uint32_t node);

/* First child of a sequence or mapping, YNODE_NONE when there is none. */
uint32_t ytree_first(const struct ytree *t, uint32_t node);

/* ytree_each(child, tree, sequence) { ... } */
#define ytree_each(child, t, parent)                                       \
	for (uint32_t child = ytree_first(t, parent); child != YNODE_NONE; \
	     child = (t)->nodes[child].next)

/* Whether a scalar is nothing: "", ~ or null without quotes. */
bool ytree_is_null(const struct ytree *t, uint32_t node);

/* Where byte `offset` of a scalar's text stands in the source.  Folding, indentation and escapes
 * are followed; what cannot be is told as the nearest place before. */
struct yplace ytree_place(struct ytree *t, uint32_t node, uint32_t offset);

#endif
