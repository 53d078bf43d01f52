/* ruleset_collect.c - items of files become lists, macros and rules, as later items change them. */
#include <stdio.h>

#include "detect/ruleset_build.h"

#define SHOWN(name) (int)((name).n < 100 ? (name).n : 100), (const char *)(name).p

static struct piece value_of(uint32_t file, const struct rules_item *item, enum rules_key key)
{
	return (struct piece){file, item->value[key]};
}

static bool has(const struct rules_item *item, enum rules_key key)
{
	return item->value[key] != YNODE_NONE;
}

/* Whether an item changes that key at all, and how. */
static enum rules_change change_of(const struct rules_item *item, enum rules_key key)
{
	if (!has(item, key))
		return CHANGE_NONE;
	if (item->action == RULES_OVERRIDE)
		return (enum rules_change)item->change[key];
	return item->action == RULES_APPEND ? CHANGE_APPEND : CHANGE_REPLACE;
}

static int number_of(struct builder *b, struct intern *names, struct span name, bool *ret_new,
		     uint32_t *ret_number)
{
	size_t before = names->n;

	if (intern_get(names, name, ret_number) < 0)
		return err_set(b->e, ENOMEM, "no memory for rules");
	*ret_new = names->n > before;
	return 0;
}

/* What a changing item must find.  False: told. */
static bool check_known(struct builder *b, const struct intern *names, struct piece at,
			const struct rules_item *item)
{
	struct span name = piece_text(b, at);
	uint32_t number;

	if (item->action == RULES_DEFINE || intern_find(names, name, &number))
		return true;
	if (item->kind != KEY_RULE && item->action == RULES_OVERRIDE)
		for (int i = 0; i < RULES_KEYS; i++)
			if (item->change[i] == CHANGE_REPLACE)
				return true; /* replaces nothing: defines */
	ruleset_tell(b, SEVERITY_ERROR, at, "define it before",
		     "%s '%.*s' is changed and not defined before", rules_key_name(item->kind),
		     SHOWN(name));
	return false;
}

static int add_sequence(struct builder *b, struct pieces *to, struct piece sequence)
{
	struct ytree *t = piece_tree(b, sequence);
	int r = 0;

	ytree_each (node, t, sequence.node) {
		struct piece item = {sequence.file, node};

		if (ytree_kind(t, node) != YNODE_SCALAR)
			ruleset_tell(b, SEVERITY_ERROR, item, "write one value an item",
				     "an item must be one value");
		else if (r == 0)
			r = pieces_add(b, to, item);
	}
	return r;
}

static int collect_list(struct builder *b, uint32_t file, const struct rules_item *item)
{
	struct piece at = {file, item->name};
	struct span name = piece_text(b, at);
	struct def_list *list;
	bool is_new = false;
	uint32_t number;
	int r;

	if (!check_known(b, &b->list_names, at, item))
		return 0;
	r = number_of(b, &b->list_names, name, &is_new, &number);
	if (r == 0 && is_new)
		r = ruleset_grow((void **)&b->lists, &b->list_n, &b->list_cap, sizeof(*list), b->e);
	if (r < 0)
		return r;
	list = &b->lists[number];
	list->seen = b->index;
	if (is_new) {
		list->name = name;
		list->at = at;
		list->index = b->index;
	}
	if (change_of(item, KEY_ITEMS) == CHANGE_REPLACE)
		list->items.n = 0;
	return add_sequence(b, &list->items, value_of(file, item, KEY_ITEMS));
}

static int collect_macro(struct builder *b, uint32_t file, const struct rules_item *item)
{
	struct piece at = {file, item->name};
	struct span name = piece_text(b, at);
	struct def_macro *macro;
	bool is_new = false;
	uint32_t number;
	int r;

	if (!check_known(b, &b->macro_names, at, item))
		return 0;
	r = number_of(b, &b->macro_names, name, &is_new, &number);
	if (r == 0 && is_new)
		r = ruleset_grow((void **)&b->macros, &b->macro_n, &b->macro_cap, sizeof(*macro),
				 b->e);
	if (r < 0)
		return r;
	macro = &b->macros[number];
	macro->seen = b->index;
	if (is_new) {
		macro->name = name;
		macro->at = at;
		macro->index = b->index;
	}
	if (change_of(item, KEY_CONDITION) == CHANGE_REPLACE)
		macro->conditions.n = 0;
	return pieces_add(b, &macro->conditions, value_of(file, item, KEY_CONDITION));
}

/* A text that is joined by blanks when it is appended to. */
static int change_text(struct builder *b, struct pieces *to, uint32_t file,
		       const struct rules_item *item, enum rules_key key)
{
	enum rules_change change = change_of(item, key);

	if (change == CHANGE_NONE)
		return 0;
	if (change == CHANGE_REPLACE)
		to->n = 0;
	return pieces_add(b, to, value_of(file, item, key));
}

static void change_bool(struct builder *b, bool *value, uint32_t file,
			const struct rules_item *item, enum rules_key key)
{
	if (change_of(item, key) == CHANGE_REPLACE)
		(void)rules_bool(&b->set->files[file], item->value[key], value); /* shape checked */
}

static void change_priority(struct builder *b, struct def_rule *rule, uint32_t file,
			    const struct rules_item *item)
{
	struct piece at = value_of(file, item, KEY_PRIORITY);

	if (change_of(item, KEY_PRIORITY) != CHANGE_REPLACE)
		return;
	if (!rule_priority_parse(piece_text(b, at), &rule->priority))
		ruleset_tell(b, SEVERITY_ERROR, at,
			     "write Emergency, Alert, Critical, Error, Warning, Notice, "
			     "Informational or Debug",
			     "'%.*s' is no priority", SHOWN(piece_text(b, at)));
}

static void change_capture(struct builder *b, struct def_rule *rule, uint32_t file,
			   const struct rules_item *item)
{
	struct span text = piece_text(b, value_of(file, item, KEY_CAPTURE_DURATION));

	if (change_of(item, KEY_CAPTURE_DURATION) != CHANGE_REPLACE)
		return;
	rule->capture_ms = 0;
	for (size_t i = 0; i < text.n; i++) /* at most nine digits: its shape was checked */
		rule->capture_ms = rule->capture_ms * 10 + (uint32_t)(text.p[i] - '0');
}

static int change_rule(struct builder *b, struct def_rule *rule, uint32_t file,
		       const struct rules_item *item)
{
	enum rules_change tags = change_of(item, KEY_TAGS);
	int r = change_text(b, &rule->conditions, file, item, KEY_CONDITION);

	if (r == 0 && item->action != RULES_APPEND)
		r = change_text(b, &rule->outputs, file, item, KEY_OUTPUT);
	if (r == 0 && item->action != RULES_APPEND)
		r = change_text(b, &rule->descs, file, item, KEY_DESC);
	if (r == 0 && has(item, KEY_EXCEPTIONS) && change_of(item, KEY_EXCEPTIONS) != CHANGE_NONE)
		r = ruleset_read_exceptions(b, rule, value_of(file, item, KEY_EXCEPTIONS),
					    change_of(item, KEY_EXCEPTIONS) == CHANGE_APPEND);
	if (tags == CHANGE_REPLACE)
		rule->tags.n = 0;
	if (r == 0 && tags != CHANGE_NONE && item->action != RULES_APPEND)
		r = add_sequence(b, &rule->tags, value_of(file, item, KEY_TAGS));
	change_priority(b, rule, file, item);
	change_bool(b, &rule->enabled, file, item, KEY_ENABLED);
	change_bool(b, &rule->warn_evttypes, file, item, KEY_WARN_EVTTYPES);
	change_bool(b, &rule->skip_unknown, file, item, KEY_SKIP_UNKNOWN);
	change_bool(b, &rule->capture, file, item, KEY_CAPTURE);
	change_capture(b, rule, file, item);
	return r;
}

/* A rule that is defined again has nothing of the one before but its place in the order. */
static void forget_rule(struct def_rule *rule)
{
	rule->conditions.n = rule->outputs.n = rule->descs.n = rule->tags.n = 0;
	ruleset_free_exceptions(rule);
	rule->enabled = rule->warn_evttypes = true;
	rule->skip_unknown = rule->capture = false;
	rule->capture_ms = 0;
}

/* False: told, the definition is left out. */
static bool define_source(struct builder *b, struct def_rule *rule, bool is_new, uint32_t file,
			  const struct rules_item *item)
{
	struct piece at = value_of(file, item, KEY_SOURCE);
	struct span source = has(item, KEY_SOURCE) ? piece_text(b, at) : span_of("syscall");

	if (!is_new && !span_eq(rule->source, source)) {
		ruleset_tell(b, SEVERITY_ERROR, (struct piece){file, item->name},
			     "give it another name", "rule '%.*s' is redefined with another source",
			     SHOWN(rule->name));
		return false;
	}
	rule->source = source;
	rule->other_source = !span_is(source, "syscall");
	if (rule->other_source)
		ruleset_tell(b, SEVERITY_WARNING, at, "Amber's events are of source syscall",
			     "the rule is skipped: there is no source '%.*s'", SHOWN(source));
	return true;
}

static int collect_rule(struct builder *b, uint32_t file, const struct rules_item *item)
{
	struct piece at = {file, item->name};
	struct def_rule *rule;
	bool is_new = false;
	uint32_t number;
	int r;

	if (!check_known(b, &b->rule_names, at, item))
		return 0;
	r = number_of(b, &b->rule_names, piece_text(b, at), &is_new, &number);
	if (r == 0 && is_new)
		r = ruleset_grow((void **)&b->rules, &b->rule_n, &b->rule_cap, sizeof(*rule), b->e);
	if (r < 0)
		return r;
	rule = &b->rules[number];
	if (is_new) {
		rule->name = piece_text(b, at);
		rule->at = at;
	}
	if (item->action == RULES_ENABLE)
		return change_bool(b, &rule->enabled, file, item, KEY_ENABLED), 0;
	if (item->action == RULES_DEFINE) {
		if (!define_source(b, rule, is_new, file, item))
			return 0;
		forget_rule(rule);
	}
	return change_rule(b, rule, file, item);
}

int ruleset_collect(struct builder *b)
{
	int r = 0;

	for (uint32_t file = 0; file < b->set->file_n; file++) {
		const struct rules_file *f = &b->set->files[file];

		for (size_t i = 0; i < f->n && r == 0; i++) {
			const struct rules_item *item = &f->items[i];

			b->index++;
			if (item->kind == KEY_LIST)
				r = collect_list(b, file, item);
			else if (item->kind == KEY_MACRO)
				r = collect_macro(b, file, item);
			else
				r = collect_rule(b, file, item);
		}
	}
	return r;
}
