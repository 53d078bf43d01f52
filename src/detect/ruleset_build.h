/* ruleset_build.h - what files define, before it is compiled; only ruleset*.c include it. */
#ifndef AMBER_DETECT_RULESET_BUILD_H
#define AMBER_DETECT_RULESET_BUILD_H

#include "detect/ruleset.h"

/* A scalar or other node of one of the files. */
struct piece {
	uint32_t file, node;
};

struct pieces {
	struct piece *p;
	uint32_t n, cap;
};

/* How far something is resolved that may name others of its kind. */
enum resolved {
	RESOLVED_NOT,
	RESOLVED_NOW, /* being looked at: meeting it again is a cycle */
	RESOLVED_DONE,
};

struct def_list {
	struct span name;
	struct piece at;      /* of its name */
	uint32_t index, seen; /* of its first and of its last definition among all items */
	struct pieces items;
	struct rules_text text; /* "a, b, c" with the lists that it names put in */
	enum resolved resolved;
	bool used;
};

struct def_macro {
	struct span name;
	struct piece at;
	uint32_t index, seen;
	struct pieces conditions;
	struct condition tree;
	uint32_t source; /* number in the set's sources */
	enum resolved resolved;
	bool broken; /* its error was told */
	bool used;
};

struct def_exception {
	struct span name;
	struct piece at;
	struct piece fields, comps; /* node YNODE_NONE: not given */
	struct pieces values;
};

struct def_rule {
	struct span name, source;
	struct piece at;
	struct pieces conditions, outputs, descs, tags;
	struct def_exception *exceptions;
	size_t exception_n, exception_cap;
	enum rule_priority priority;
	bool enabled, warn_evttypes, skip_unknown, capture;
	uint32_t capture_ms;
	bool other_source; /* one that Amber does not have: told */
};

struct builder {
	struct ruleset *set;
	struct def_list *lists;
	struct def_macro *macros;
	struct def_rule *rules;
	size_t list_n, list_cap, macro_n, macro_cap, rule_n, rule_cap;
	struct intern list_names, macro_names, rule_names; /* numbers index the arrays */
	uint32_t index;					   /* of the next item */
	size_t items;					   /* so far, for LIMIT_RULES_ITEMS */
	size_t text_bytes, tree_nodes;
	struct err *e;
};

/* Reads every item of every file (ruleset_collect.c). */
int ruleset_collect(struct builder *b);

/* Adds one rule's exceptions: those of `value`, appended to those that are there or, with `append`
 * false, in their place (ruleset_exception.c). */
int ruleset_read_exceptions(struct builder *b, struct def_rule *rule, struct piece value,
			    bool append);
void ruleset_free_exceptions(struct def_rule *rule);

/* Appends ` and not (...)` for every exception to the condition in `text` (ruleset_exception.c).
 * *ret_good becomes false when one of them is wrong, which is told. */
int ruleset_write_exceptions(struct builder *b, const struct def_rule *rule,
			     struct rules_text *text, bool *ret_good);

/* Puts lists into lists (ruleset_list.c). */
int ruleset_resolve_lists(struct builder *b);

/* Appends `from` to `to` with every list put in. */
int ruleset_put_lists(struct builder *b, const struct rules_text *from, struct rules_text *to);

/* Parses every macro and puts macros into macros (ruleset_macro.c). */
int ruleset_resolve_macros(struct builder *b);

/* Parses a condition with its lists put in into `tree` and adds it to the set's sources.  `macro`
 * is the name of the macro whose it is.  *ret_good is false when it has an error, which is told. */
int ruleset_parse_condition(struct builder *b, const struct rules_text *raw, struct span macro,
			    struct condition *tree, uint32_t *ret_source, bool *ret_good);

/* Puts macros into a rule's condition.  *ret_good is false when one is missing or broken. */
int ruleset_put_macros(struct builder *b, struct condition *tree, bool *ret_good);

/* Makes the rules of the set (ruleset_rule.c). */
int ruleset_make_rules(struct builder *b, const struct ruleset_options *options);

/* Grows an array by one zeroed element of `size` bytes.  -ENOMEM. */
int ruleset_grow(void **array, size_t *n, size_t *cap, size_t size, struct err *e);

int pieces_add(struct builder *b, struct pieces *to, struct piece piece);
void pieces_fini(struct pieces *p);

/* Joins scalars with blanks between them. */
int pieces_join(struct builder *b, const struct pieces *from, struct rules_text *to);

struct span piece_text(const struct builder *b, struct piece p);
struct ytree *piece_tree(const struct builder *b, struct piece p);
struct rules_segment piece_segment(struct piece p, bool exact);

void ruleset_tell(struct builder *b, enum severity severity, struct piece at, const char *hint,
		  const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Tells it at the place that byte `at` of the text was written at. */
void ruleset_tell_text(struct builder *b, enum severity severity, const struct rules_text *text,
		       size_t at, const char *hint, const char *words);

#endif
