/* regex_impl.h - between the files of regex.h: the tree of a pattern, and the program it becomes.
 */
#ifndef AMBER_DETECT_REGEX_IMPL_H
#define AMBER_DETECT_REGEX_IMPL_H

#include "base/limits.h"
#include "detect/regex.h"

#define RUNE_MAX  0x10ffffu
#define RUNE_NONE UINT32_MAX /* before the first and behind the last */

struct regex_range {
	uint32_t low, high;
};

/* A set of characters: sorted ranges that do not touch. */
struct regex_class {
	uint64_t ascii[2];
	uint32_t first, n; /* in regex.ranges */
};

enum regex_assertion {
	ASSERT_LINE_START,
	ASSERT_LINE_END,
	ASSERT_TEXT_START,
	ASSERT_TEXT_END,
	ASSERT_WORD,
	ASSERT_NOT_WORD,
};

enum regex_node_kind {
	NODE_EMPTY,
	NODE_CLASS,
	NODE_ASSERT,
	NODE_CAT,
	NODE_ALT,
	NODE_REPEAT,
};

/* Numbers of nodes; 0 is none. */
struct regex_node {
	enum regex_node_kind kind;
	uint32_t what;	      /* class or assertion */
	uint32_t min, max;    /* of a repetition; UINT32_MAX: no end */
	uint32_t first, next; /* child, sibling */
	uint32_t depth, size; /* levels below; instructions, at least 1 */
};

enum regex_op {
	INST_CLASS, /* x: class; goes on behind itself */
	INST_SPLIT, /* x and y */
	INST_JUMP,  /* x */
	INST_ASSERT,
	INST_MATCH,
};

struct regex_inst {
	uint8_t op;
	uint16_t x, y;
};

struct regex {
	struct regex_class *classes;
	struct regex_range *ranges;
	struct regex_inst *code;
	size_t class_n, range_n, code_n;
	bool asserts;

	/* the table; NULL where the program is simulated */
	uint16_t *table; /* [states][symbols] */
	uint64_t *accepts;
	uint32_t *symbol_low; /* [symbols], the first character of each */
	uint8_t ascii_symbol[128];
	size_t states, symbols;
	uint16_t dead; /* the state that nothing leads out of, or UINT16_MAX */
};

/* A pattern that is being read. */
struct regex_parser {
	struct span pattern;
	size_t at;
	struct regex *regex; /* classes and ranges go there */
	struct regex_node *nodes;
	size_t node_n, node_max;
	struct regex_range *work; /* the class that is being read */
	size_t work_n, range_max;
	bool fold;
	struct err *e;
};

/* Reads the whole pattern to a tree; *ret_root is its node. */
int regex_parse(struct regex_parser *p, uint32_t *ret_root);

/* regex_class.c: the set that stands at p->at, behind '[', and sets by name. */
int regex_read_class(struct regex_parser *p, uint32_t *ret_class);

/* \d, \w, \s and their opposites; false when the letter is none of them. */
bool regex_add_perl(struct regex_parser *p, uint8_t letter);

void regex_add_range(struct regex_parser *p, uint32_t low, uint32_t high);

/* Makes a class of what was added since the last one. */
int regex_end_class(struct regex_parser *p, bool negated, uint32_t *ret_class);

/* The character behind a backslash that stands before p->at. */
int regex_read_escape(struct regex_parser *p, uint32_t *ret_rune);

/* -EINVAL with the place and the reason. */
int regex_wrong(struct regex_parser *p, size_t at, const char *why);

/* One character of UTF-8; U+FFFD for what is broken; RUNE_NONE at the end. */
uint32_t regex_rune(struct span text, size_t *at);

bool regex_class_has(const struct regex *r, uint32_t cls, uint32_t rune);

/* regex_table.c: the table, where it is small enough; 0 also when there is none. */
int regex_make_table(struct regex *r, struct err *e);

/* A set of instructions that execution can stand at: classes and the end. */
struct regex_set {
	uint16_t n;
	uint16_t at[LIMIT_REGEX_SIZE];
	uint64_t seen[LIMIT_REGEX_SIZE / 64];
};

void regex_set_clear(struct regex_set *s);

/* Adds what can be reached from `pc` without a character, between `before` and `after`. */
void regex_reach(const struct regex *r, struct regex_set *s, uint16_t pc, uint32_t before,
		 uint32_t after);

#endif
