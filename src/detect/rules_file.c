/* rules_file.c - see rules_file.h. */
#include "detect/rules_file.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/fd.h"
#include "detect/near.h"
#include "detect/rules_require.h"

enum shape {
	SHAPE_TEXT,
	SHAPE_BOOL,
	SHAPE_NUMBER,
	SHAPE_SEQUENCE,
	SHAPE_MAPPING,
	SHAPE_ANY, /* looked at by who uses it */
};

#define IN_RULE	 1u
#define IN_MACRO 2u
#define IN_LIST	 4u
#define IN_ALL	 (IN_RULE | IN_MACRO | IN_LIST)

static const struct key {
	const char *name;
	enum shape shape;
	unsigned where;	     /* of IN_... */
	unsigned can_append; /* by override */
	unsigned can_replace;
} keys[RULES_KEYS] = {
	[KEY_RULE] = {"rule", SHAPE_TEXT, IN_RULE, 0, 0},
	[KEY_MACRO] = {"macro", SHAPE_TEXT, IN_MACRO, 0, 0},
	[KEY_LIST] = {"list", SHAPE_TEXT, IN_LIST, 0, 0},
	[KEY_ENGINE] = {"required_engine_version", SHAPE_ANY, 0, 0, 0},
	[KEY_PLUGINS] = {"required_plugin_versions", SHAPE_ANY, 0, 0, 0},
	[KEY_CONDITION] = {"condition", SHAPE_TEXT, IN_RULE | IN_MACRO, IN_RULE | IN_MACRO,
			   IN_RULE | IN_MACRO},
	[KEY_OUTPUT] = {"output", SHAPE_TEXT, IN_RULE, IN_RULE, IN_RULE},
	[KEY_DESC] = {"desc", SHAPE_TEXT, IN_RULE, IN_RULE, IN_RULE},
	[KEY_PRIORITY] = {"priority", SHAPE_TEXT, IN_RULE, 0, IN_RULE},
	[KEY_SOURCE] = {"source", SHAPE_TEXT, IN_RULE, 0, 0},
	[KEY_ENABLED] = {"enabled", SHAPE_BOOL, IN_RULE, 0, IN_RULE},
	[KEY_TAGS] = {"tags", SHAPE_SEQUENCE, IN_RULE, IN_RULE, IN_RULE},
	[KEY_EXCEPTIONS] = {"exceptions", SHAPE_ANY, IN_RULE, IN_RULE, IN_RULE},
	[KEY_WARN_EVTTYPES] = {"warn_evttypes", SHAPE_BOOL, IN_RULE, 0, IN_RULE},
	[KEY_SKIP_UNKNOWN] = {"skip-if-unknown-filter", SHAPE_BOOL, IN_RULE, 0, IN_RULE},
	[KEY_CAPTURE] = {"capture", SHAPE_BOOL, IN_RULE, 0, IN_RULE},
	[KEY_CAPTURE_DURATION] = {"capture_duration", SHAPE_NUMBER, IN_RULE, 0, IN_RULE},
	[KEY_ITEMS] = {"items", SHAPE_SEQUENCE, IN_LIST, IN_LIST, IN_LIST},
	[KEY_APPEND] = {"append", SHAPE_BOOL, IN_ALL, 0, 0},
	[KEY_OVERRIDE] = {"override", SHAPE_MAPPING, IN_ALL, 0, 0},
};

/* What reading needs at hand. */
struct reader {
	struct rules_file *f;
	struct diagnostics *d;
	struct err *e;
};

const char *rules_key_name(enum rules_key key)
{
	return keys[key].name;
}

void rules_file_init(struct rules_file *f)
{
	memset(f, 0, sizeof(*f));
	ytree_init(&f->tree);
}

void rules_file_fini(struct rules_file *f)
{
	free(f->name);
	free(f->items);
	ytree_fini(&f->tree);
	rules_file_init(f);
}

struct place rules_file_at(const struct rules_file *f, uint32_t node)
{
	const struct ynode *n = &f->tree.nodes[node];

	return (struct place){f->number, n->line, n->column};
}

struct place rules_file_place(struct rules_file *f, uint32_t node, uint32_t offset)
{
	struct yplace p = ytree_place(&f->tree, node, offset);

	return (struct place){f->number, p.line, p.column};
}

bool rules_bool(const struct rules_file *f, uint32_t node, bool *ret_value)
{
	static const char *const words[2][4] = {{"false", "no", "off", "n"},
						{"true", "yes", "on", "y"}};
	struct span text = ytree_text(&f->tree, node);
	char lower[8];

	if (!text.n || text.n >= sizeof(lower))
		return false;
	for (size_t i = 0; i < text.n; i++)
		lower[i] =
			(char)(text.p[i] >= 'A' && text.p[i] <= 'Z' ? text.p[i] + 32 : text.p[i]);
	lower[text.n] = '\0';
	for (unsigned i = 0; i < 8; i++) {
		if (strcmp(lower, words[i / 4][i % 4]) != 0)
			continue;
		*ret_value = i >= 4;
		return true;
	}
	return false;
}

static bool is_number(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
	return text.n > 0 && text.n < 10;
}

static bool tell(struct reader *r, uint32_t node, const char *hint, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Always false: return tell(...). */
static bool tell(struct reader *r, uint32_t node, const char *hint, const char *format, ...)
{
	char text[LIMIT_ERR_TEXT];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args); /* cut when it is too long */
	va_end(args);
	diagnostics_add(r->d, SEVERITY_ERROR, rules_file_at(r->f, node), hint, "%s", text);
	return false;
}

static void warn(struct reader *r, uint32_t node, const char *hint, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void warn(struct reader *r, uint32_t node, const char *hint, const char *format, ...)
{
	char text[LIMIT_ERR_TEXT];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args); /* cut when it is too long */
	va_end(args);
	diagnostics_add(r->d, SEVERITY_WARNING, rules_file_at(r->f, node), hint, "%s", text);
}

static bool check_shape(struct reader *r, const struct key *key, uint32_t node)
{
	const struct ytree *t = &r->f->tree;
	enum ynode_kind kind = ytree_kind(t, node);
	bool value;

	switch (key->shape) {
	case SHAPE_ANY:
		return true;
	case SHAPE_SEQUENCE:
		return kind == YNODE_SEQUENCE ||
		       tell(r, node, "write [a, b]", "'%s' must be a list", key->name);
	case SHAPE_MAPPING:
		return kind == YNODE_MAPPING ||
		       tell(r, node, "write 'override: {condition: append}'",
			    "'%s' must be a mapping", key->name);
	default:
		break;
	}
	if (kind != YNODE_SCALAR)
		return tell(r, node, "", "'%s' must be one value", key->name);
	if (ytree_is_null(t, node) || !ytree_text(t, node).n)
		return tell(r, node, "", "'%s' is empty", key->name);
	if (key->shape == SHAPE_BOOL && !rules_bool(r->f, node, &value))
		return tell(r, node, "write true or false", "'%s' must be true or false",
			    key->name);
	if (key->shape == SHAPE_NUMBER && !is_number(ytree_text(t, node)))
		return tell(r, node, "write a number of milliseconds", "'%s' must be a number",
			    key->name);
	return true;
}

static int find_key(struct span name)
{
	for (int i = 0; i < RULES_KEYS; i++)
		if (span_is(name, keys[i].name))
			return i;
	return -1;
}

static void unknown_key(struct reader *r, uint32_t key, unsigned where)
{
	struct span name = ytree_text(&r->f->tree, key);
	struct near near;
	char hint[160] = "it is ignored";

	near_init(&near, name);
	for (int i = 0; i < RULES_KEYS && r->d->n < LIMIT_DIAGNOSTICS; i++)
		if (keys[i].where & where)
			(void)near_offer(&near, span_of(keys[i].name));
	if (near.best.n)
		(void)snprintf(hint, sizeof(hint), "it is ignored; did you mean '%.*s'?",
			       (int)near.best.n, (const char *)near.best.p);
	warn(r, key, hint, "unknown key '%.*s'", (int)(name.n < 80 ? name.n : 80),
	     (const char *)name.p);
}

/* Sorts the keys of an item into item->value. */
static bool read_keys(struct reader *r, struct rules_item *item, unsigned where)
{
	const struct ytree *t = &r->f->tree;
	bool good = true;

	for (uint32_t key = ytree_first(t, item->node), value; key != YNODE_NONE;
	     key = t->nodes[value].next) {
		int which = find_key(ytree_text(t, key));

		value = t->nodes[key].next;
		if (which < 0 || !(keys[which].where & where)) {
			unknown_key(r, key, where);
		} else if (item->value[which] != YNODE_NONE) {
			warn(r, key, "the first one counts", "key '%s' is there twice",
			     keys[which].name);
		} else {
			item->value[which] = value;
			good = check_shape(r, &keys[which], value) && good;
		}
	}
	return good;
}

static bool override_one(struct reader *r, struct rules_item *item, uint32_t key, uint32_t value,
			 unsigned where)
{
	const struct ytree *t = &r->f->tree;
	struct span how = ytree_text(t, value), name = ytree_text(t, key);
	int which = find_key(name), shown = name.n < 80 ? (int)name.n : 80;
	bool append = span_is(how, "append");
	const struct key *k = which < 0 ? NULL : &keys[which];

	if (!append && !span_is(how, "replace"))
		return tell(r, value, "write append or replace", "override does not know '%.*s'",
			    (int)(how.n < 80 ? how.n : 80), (const char *)how.p);
	if (!k || !((k->can_append | k->can_replace) & where))
		return tell(r, key, "", "'%.*s' cannot be overridden", shown, (const char *)name.p);
	if (append && !(k->can_append & where))
		return tell(r, value, "write replace", "'%s' cannot be appended to", k->name);
	if (item->value[which] == YNODE_NONE)
		return tell(r, key, "add the key", "override names '%s', which is not given",
			    k->name);
	item->change[which] = append ? CHANGE_APPEND : CHANGE_REPLACE;
	return true;
}

/* Each key that is given must be named by override, and the other way round. */
static bool read_override(struct reader *r, struct rules_item *item, unsigned where)
{
	const struct ytree *t = &r->f->tree;
	bool good = true, any = false;

	for (uint32_t key = ytree_first(t, item->value[KEY_OVERRIDE]), value; key != YNODE_NONE;
	     key = t->nodes[value].next) {
		value = t->nodes[key].next;
		any = true;
		good = override_one(r, item, key, value, where) && good;
	}
	for (int i = 0; i < RULES_KEYS && good && any; i++)
		if (keys[i].can_replace & where && item->value[i] != YNODE_NONE &&
		    item->change[i] == CHANGE_NONE)
			good = tell(r, item->value[i], "name it under override",
				    "override does not name '%s'", keys[i].name);
	if (any)
		item->action = RULES_OVERRIDE;
	return good;
}

static bool read_append(struct reader *r, struct rules_item *item)
{
	bool append = false;

	if (item->value[KEY_APPEND] == YNODE_NONE)
		return true;
	(void)rules_bool(r->f, item->value[KEY_APPEND], &append); /* its shape was checked */
	if (!append)
		return true;
	warn(r, item->value[KEY_APPEND], "write 'override: {condition: append}'",
	     "'append: true' is deprecated");
	if (item->action == RULES_OVERRIDE)
		return tell(r, item->value[KEY_APPEND], "remove 'append'",
			    "'append' and 'override' cannot be mixed");
	item->action = RULES_APPEND;
	return true;
}

static bool need(struct reader *r, const struct rules_item *item, enum rules_key key)
{
	if (item->value[key] != YNODE_NONE)
		return true;
	return tell(r, item->node, "add it", "a %s needs '%s'", keys[item->kind].name,
		    keys[key].name);
}

/* What a whole rule must have; one that has none of it can only switch another one. */
static bool check_rule(struct reader *r, struct rules_item *item)
{
	static const enum rules_key required[] = {KEY_CONDITION, KEY_DESC, KEY_OUTPUT,
						  KEY_PRIORITY};
	bool good = true, any = false;

	for (size_t i = 0; i < ARRAY_LEN(required); i++)
		any = any || item->value[required[i]] != YNODE_NONE;
	if (!any && item->value[KEY_ENABLED] != YNODE_NONE) {
		item->action = RULES_ENABLE;
		warn(r, item->node, "write 'override: {enabled: replace}'",
		     "a rule with nothing but 'enabled' is deprecated");
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(required); i++)
		good = need(r, item, required[i]) && good;
	return good;
}

static bool is_list_name(struct span name)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || strchr("()\"'=,", name.p[i]))
			return false;
	return name.n > 0;
}

static bool is_macro_name(struct span name)
{
	for (size_t i = 0; i < name.n; i++) {
		uint8_t c = name.p[i], lower = c | 0x20;
		bool letter = lower >= 'a' && lower <= 'z';

		if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '_')))
			return false;
	}
	return name.n > 0;
}

/* A name that nothing can refer to is no error in Falco either. */
static void check_name(struct reader *r, const struct rules_item *item)
{
	struct span name = ytree_text(&r->f->tree, item->name);

	if (item->kind == KEY_LIST && !is_list_name(name))
		warn(r, item->name, "use letters, digits, _ - . /",
		     "a list's name has no blanks and none of ()\"'=,");
	if (item->kind == KEY_MACRO && !is_macro_name(name))
		warn(r, item->name, "use letters, digits and _",
		     "a macro's name is a letter, then letters, digits and _");
}

static bool check_item(struct reader *r, struct rules_item *item, unsigned where)
{
	if (!read_keys(r, item, where))
		return false;
	check_name(r, item);
	if (item->value[KEY_OVERRIDE] != YNODE_NONE && !read_override(r, item, where))
		return false;
	if (!read_append(r, item))
		return false;
	if (item->kind == KEY_LIST)
		return need(r, item, KEY_ITEMS);
	if (item->kind == KEY_MACRO)
		return need(r, item, KEY_CONDITION);
	return item->action != RULES_DEFINE || check_rule(r, item);
}

static int keep(struct reader *r, const struct rules_item *item)
{
	struct rules_file *f = r->f;

	if (f->n == f->cap) {
		size_t cap = f->cap ? f->cap * 2 : 64;
		struct rules_item *more = reallocarray(f->items, cap, sizeof(*more));

		if (!more)
			return err_set(r->e, ENOMEM, "no memory for a file of rules");
		f->items = more;
		f->cap = cap;
	}
	f->items[f->n++] = *item;
	return 0;
}

/* The value of the first key with that name. */
static uint32_t value_of(const struct ytree *t, uint32_t mapping, const char *name)
{
	for (uint32_t key = ytree_first(t, mapping); key != YNODE_NONE;
	     key = t->nodes[t->nodes[key].next].next)
		if (span_is(ytree_text(t, key), name))
			return t->nodes[key].next;
	return YNODE_NONE;
}

static int read_item(struct reader *r, uint32_t node)
{
	static const enum rules_key kinds[] = {KEY_LIST, KEY_MACRO, KEY_RULE};
	static const unsigned wheres[] = {IN_LIST, IN_MACRO, IN_RULE};
	const struct ytree *t = &r->f->tree;
	struct rules_item item = {.node = node};
	uint32_t value;

	if (ytree_kind(t, node) != YNODE_MAPPING) {
		if (!ytree_is_null(t, node))
			(void)tell(r, node, "write '- rule: NAME'", "an item must be a mapping");
		return 0;
	}
	value = value_of(t, node, keys[KEY_ENGINE].name);
	if (value != YNODE_NONE)
		return rules_require_engine(r->f, value, r->d), 0;
	value = value_of(t, node, keys[KEY_PLUGINS].name);
	if (value != YNODE_NONE)
		return rules_require_plugins(r->f, value, r->d), 0;
	memset(item.value, 0xff, sizeof(item.value));
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		item.kind = kinds[i];
		item.name = value_of(t, node, keys[kinds[i]].name);
		if (item.name != YNODE_NONE)
			return check_item(r, &item, wheres[i]) ? keep(r, &item) : 0;
	}
	warn(r, node,
	     "it is ignored; items are rule, macro, list, required_engine_version and "
	     "required_plugin_versions",
	     "unknown item");
	return 0;
}

static int read_documents(struct reader *r)
{
	const struct ytree *t = &r->f->tree;
	int result = 0;

	for (uint32_t doc = t->first_document; doc != YNODE_NONE && result == 0;
	     doc = t->nodes[doc].next) {
		if (ytree_is_null(t, doc))
			continue;
		if (ytree_kind(t, doc) != YNODE_SEQUENCE) {
			(void)tell(r, doc, "begin each item with '- '",
				   "a file of rules is a list of items");
			continue;
		}
		for (uint32_t item = ytree_first(t, doc); item != YNODE_NONE && result == 0;
		     item = t->nodes[item].next)
			result = read_item(r, item);
	}
	return result;
}

/* Takes the content of `text`. */
static int parse(struct rules_file *f, struct buf *text, struct diagnostics *d, struct err *e)
{
	struct reader r = {f, d, e};
	struct yplace at = {1, 1};
	struct err why = ERR_INIT;
	int result = ytree_parse(&f->tree, text, &at, &why);

	if (result == -ENOMEM)
		return err_set(e, ENOMEM, "%s", why.text);
	if (result < 0) {
		diagnostics_add(d, SEVERITY_ERROR, (struct place){f->number, at.line, at.column},
				"", "broken YAML: %s", why.text);
		return 0;
	}
	return read_documents(&r);
}

static int set_name(struct rules_file *f, const char *name, uint32_t number, struct err *e)
{
	f->number = number;
	f->name = strdup(name);
	return f->name ? 0 : err_set(e, ENOMEM, "no memory for a file of rules");
}

static int too_long(const struct rules_file *f, struct diagnostics *d)
{
	diagnostics_add(d, SEVERITY_ERROR, (struct place){f->number, 0, 0}, "split the file",
			"the file is longer than %u bytes", LIMIT_RULES_FILE);
	return 0;
}

int rules_file_parse(struct rules_file *f, const char *name, struct span text, uint32_t number,
		     struct diagnostics *d, struct err *e)
{
	AUTO(buf) struct buf copy;
	int r = set_name(f, name, number, e);

	buf_init(&copy, LIMIT_RULES_FILE);
	if (r < 0)
		return r;
	if (text.n > LIMIT_RULES_FILE)
		return too_long(f, d);
	buf_add_span(&copy, text);
	r = buf_check(&copy, name, e);
	return r < 0 ? r : parse(f, &copy, d, e);
}

int rules_file_read(struct rules_file *f, const char *path, uint32_t number, struct diagnostics *d,
		    struct err *e)
{
	AUTO(buf) struct buf text;
	int r = set_name(f, path, number, e);

	buf_init(&text, LIMIT_RULES_FILE);
	if (r == 0)
		r = fd_read_file(AT_FDCWD, path, &text, e);
	if (r == -E2BIG) {
		err_clear(e);
		return too_long(f, d);
	}
	return r < 0 ? r : parse(f, &text, d, e);
}
