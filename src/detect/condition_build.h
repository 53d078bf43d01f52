/* condition_build.h - the parser's state and how nodes are made; only condition_*.c include it. */
#ifndef AMBER_DETECT_CONDITION_BUILD_H
#define AMBER_DETECT_CONDITION_BUILD_H

#include "detect/condition_lex.h"

struct cond_parser {
	struct lexer l;
	struct condition *c;
	uint32_t origin;
};

/* Children of a node that is being built. */
struct cond_children {
	uint32_t first, last;
	unsigned n;
	uint32_t depth; /* of the deepest */
};

#define COND_CHILDREN_INIT           \
	{                            \
		COND_NONE, COND_NONE \
	}

/* Appends a node of that kind without text and children.  -E2BIG or -ENOMEM. */
int cond_add(struct cond_parser *p, enum cond_kind kind, size_t at, uint32_t *ret_node);

/* Puts `node` behind the others. */
void cond_join(struct cond_parser *p, struct cond_children *children, uint32_t node);

/* Makes them the children of `node`.  -E2BIG when the node becomes too deep. */
int cond_adopt(struct cond_parser *p, uint32_t node, const struct cond_children *children);

/* Appends bytes and makes them the node's text. */
void cond_set_text(struct cond_parser *p, uint32_t node, struct span text);

/* Parses a check or the name of a macro at the cursor (condition_check.c). */
int cond_parse_check(struct cond_parser *p, uint32_t *ret_node);

/* Parses a field or transformer at the cursor; any but val() on the left (condition_check.c). */
int cond_parse_operand(struct cond_parser *p, uint32_t *ret_node);

#endif
