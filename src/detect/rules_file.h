/* rules_file.h - one file of rules: its items, with every key checked but nothing resolved.
 *
 * What is wrong with an item is told to the diagnostics and the item is left out; the others are
 * read.  What the names in it mean is for ruleset.h. */
#ifndef AMBER_DETECT_RULES_FILE_H
#define AMBER_DETECT_RULES_FILE_H

#include "detect/diagnostics.h"
#include "detect/yaml_tree.h"

enum rules_key {
	KEY_RULE,
	KEY_MACRO,
	KEY_LIST,
	KEY_ENGINE,
	KEY_PLUGINS,
	KEY_CONDITION,
	KEY_OUTPUT,
	KEY_DESC,
	KEY_PRIORITY,
	KEY_SOURCE,
	KEY_ENABLED,
	KEY_TAGS,
	KEY_EXCEPTIONS,
	KEY_WARN_EVTTYPES,
	KEY_SKIP_UNKNOWN,
	KEY_CAPTURE,
	KEY_CAPTURE_DURATION,
	KEY_ITEMS,
	KEY_APPEND,
	KEY_OVERRIDE,
	RULES_KEYS,
};

enum rules_action {
	RULES_DEFINE,
	RULES_APPEND,	/* append: true */
	RULES_OVERRIDE, /* key by key, see `change` */
	RULES_ENABLE,	/* only switches an earlier rule on or off */
};

enum rules_change {
	CHANGE_NONE,
	CHANGE_APPEND,
	CHANGE_REPLACE,
};

/* A list, macro or rule.  Nodes are of the file's tree. */
struct rules_item {
	enum rules_key kind; /* KEY_LIST, KEY_MACRO or KEY_RULE */
	enum rules_action action;
	uint32_t node, name;	    /* of the whole item, and of its name */
	uint32_t value[RULES_KEYS]; /* YNODE_NONE: not given */
	uint8_t change[RULES_KEYS]; /* enum rules_change, for RULES_OVERRIDE */
};

struct rules_file {
	char *name; /* owned */
	uint32_t number;
	struct ytree tree;
	struct rules_item *items;
	size_t n, cap;
};

/* The engine whose language this is: Falco 0.44's.  Files may require up to that. */
#define RULES_ENGINE_MINOR 62u

/* The version of the container plugin that Amber stands for. */
#define RULES_CONTAINER_PLUGIN "0.7.1"

void rules_file_init(struct rules_file *f);
void rules_file_fini(struct rules_file *f);
DEFINE_AUTO(rules_file, struct rules_file, rules_file_fini);

/* Reads a file into an empty one.  `number` is what places in `d` name it by.  A file that is
 * broken is told to `d` and gives 0; -errno when it cannot be opened or read, -ENOMEM.  One of more
 * than LIMIT_RULES_FILE bytes is told as an error of the file. */
int rules_file_read(struct rules_file *f, const char *path, uint32_t number, struct diagnostics *d,
		    struct err *e);

/* The same from memory. */
int rules_file_parse(struct rules_file *f, const char *name, struct span text, uint32_t number,
		     struct diagnostics *d, struct err *e);

/* The name of a key as it is written. */
const char *rules_key_name(enum rules_key key);

/* The place of a node, and of a byte of a scalar's text. */
struct place rules_file_at(const struct rules_file *f, uint32_t node);
struct place rules_file_place(struct rules_file *f, uint32_t node, uint32_t offset);

/* Reads a scalar as YAML's true or false; false when it is neither. */
bool rules_bool(const struct rules_file *f, uint32_t node, bool *ret_value);

#endif
