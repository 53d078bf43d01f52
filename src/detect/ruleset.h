/* ruleset.h - rules as they are evaluated: files put together, lists and macros put in.
 *
 * Files count in the order in which they are added, as in Falco: what is redefined keeps its place
 * and gets the new content, override and append change what stands before them, a macro sees the
 * macros before it, a rule sees all of them.  A list's name is replaced wherever it stands between
 * delimiters.  Two things are kinder than there: lists may name lists that name lists, and all
 * errors are told, not the first.
 *
 * The set owns the files; everything that it hands out is borrowed from it. */
#ifndef AMBER_DETECT_RULESET_H
#define AMBER_DETECT_RULESET_H

#include "detect/condition.h"
#include "detect/diagnostics.h"
#include "detect/event_name.h"
#include "detect/output.h"
#include "detect/rules_file.h"
#include "detect/rules_text.h"

enum rule_priority {
	PRIORITY_EMERGENCY,
	PRIORITY_ALERT,
	PRIORITY_CRITICAL,
	PRIORITY_ERROR,
	PRIORITY_WARNING,
	PRIORITY_NOTICE,
	PRIORITY_INFORMATIONAL,
	PRIORITY_DEBUG,
	PRIORITIES,
};

struct rule {
	struct span name, source;
	struct buf desc;
	enum rule_priority priority;
	bool enabled, capture;
	uint32_t capture_ms; /* capture_duration; 0 not given */
	struct span *tags;   /* in order of first sight, each once */
	size_t tag_n;
	struct condition condition; /* without macros */
	struct output output;
	struct event_set events; /* for which evt.type it can be true */
	struct place place;	 /* of its first definition */
};

/* One text that nodes come from: `origin` of struct cond_node is a number of these. */
struct ruleset_source {
	struct span macro; /* empty: the rule's own condition */
	struct rules_text text;
};

struct ruleset_options {
	enum rule_priority threshold; /* rules of less weight are left out and counted */
};

struct ruleset {
	struct rules_file *files;
	size_t file_n;
	struct rule *rules;
	size_t rule_n, rule_cap;
	struct diagnostics diagnostics;
	struct ruleset_source *sources;
	size_t source_n, source_cap;
	struct span *lists; /* names by number of struct rules_segment */
	size_t list_n, macro_n;
	/* Rules that are not here though nothing is wrong with them. */
	size_t skipped_unknown;	 /* skip-if-unknown-filter */
	size_t skipped_source;	 /* of another source than syscall */
	size_t skipped_priority; /* below the threshold */
};

void ruleset_init(struct ruleset *s);
void ruleset_fini(struct ruleset *s);
DEFINE_AUTO(ruleset, struct ruleset, ruleset_fini);

/* Adds a file.  -errno when it cannot be read; what is wrong in it goes to the diagnostics.
 * -E2BIG for more than LIMIT_RULES_FILES. */
int ruleset_add_file(struct ruleset *s, const char *path, struct err *e);
int ruleset_add_text(struct ruleset *s, const char *name, struct span text, struct err *e);

/* Compiles what was added, once.  0 whatever is wrong with the rules: the diagnostics say it, and
 * only rules without an error are in the set, up to LIMIT_DIAGNOSTICS errors.  -ENOMEM, or -E2BIG
 * beyond the limits of all files together. */
int ruleset_compile(struct ruleset *s, const struct ruleset_options *options, struct err *e);

/* The rule with that name, or NULL. */
const struct rule *ruleset_find(const struct ruleset *s, struct span name);

/* Where a node of a rule's condition was written. */
struct rule_origin {
	struct place place;
	struct span macro; /* the macro that it stands in, empty: the rule itself */
	struct span list;  /* the list that it was put in from, or empty */
};

struct rule_origin ruleset_origin(struct ruleset *s, const struct cond_node *node);

/* "Emergency" ... "Debug". */
const char *rule_priority_name(enum rule_priority priority);

/* Case does not matter; "Info" is "Informational". */
bool rule_priority_parse(struct span text, enum rule_priority *ret_priority);

#endif
