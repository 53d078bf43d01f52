/* ruleset_exception.c - exceptions of rules, and the conditions that they become.
 *
 * One field with values v, w becomes `and not (field in (v, w))`; several fields with rows of
 * values become `and not ((a = x and b contains y) or ...)`.  It is text that is written here, so
 * that names of lists among the values are replaced as everywhere else. */
#include "detect/ruleset_build.h"

#define SHOWN(name) (int)((name).n < 100 ? (name).n : 100), (const char *)(name).p

/* What writing one exception needs at hand. */
struct exception_writer {
	struct builder *b;
	struct rules_text *text;
	struct piece near; /* where what is written here by itself belongs */
	int r;
	bool good;
};

void ruleset_free_exceptions(struct def_rule *rule)
{
	for (size_t i = 0; i < rule->exception_n; i++)
		pieces_fini(&rule->exceptions[i].values);
	free(rule->exceptions);
	rule->exceptions = NULL;
	rule->exception_n = rule->exception_cap = 0;
}

static struct piece member(const struct builder *b, struct piece mapping, const char *name)
{
	const struct ytree *t = piece_tree(b, mapping);

	for (uint32_t key = ytree_first(t, mapping.node); key != YNODE_NONE;
	     key = t->nodes[t->nodes[key].next].next)
		if (span_is(ytree_text(t, key), name))
			return (struct piece){mapping.file, t->nodes[key].next};
	return (struct piece){mapping.file, YNODE_NONE};
}

static enum ynode_kind kind_of(const struct builder *b, struct piece p)
{
	return ytree_kind(piece_tree(b, p), p.node);
}

static struct def_exception *find_exception(struct def_rule *rule, struct span name, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (span_eq(rule->exceptions[i].name, name))
			return &rule->exceptions[i];
	return NULL;
}

static int add_values(struct builder *b, struct def_exception *x, struct piece values)
{
	const struct ytree *t = piece_tree(b, values);
	int r = 0;

	if (values.node == YNODE_NONE || ytree_is_null(t, values.node))
		return 0;
	if (kind_of(b, values) != YNODE_SEQUENCE) {
		ruleset_tell(b, SEVERITY_ERROR, values, "write [[a, b], [c, d]]",
			     "'values' must be a list");
		return 0;
	}
	ytree_each (value, t, values.node)
		if (r == 0)
			r = pieces_add(b, &x->values, (struct piece){values.file, value});
	return r;
}

/* To one that is there, only values can be added. */
static int extend(struct builder *b, struct def_exception *x, struct piece at)
{
	if (member(b, at, "fields").node != YNODE_NONE ||
	    member(b, at, "comps").node != YNODE_NONE) {
		ruleset_tell(b, SEVERITY_ERROR, at, "give 'name' and 'values' only",
			     "only values can be added to exception '%.*s'", SHOWN(x->name));
		return 0;
	}
	return add_values(b, x, member(b, at, "values"));
}

static int define(struct builder *b, struct def_rule *rule, struct span name, struct piece at)
{
	struct def_exception *x;
	int r;

	if (member(b, at, "fields").node == YNODE_NONE) {
		ruleset_tell(b, SEVERITY_ERROR, at, "add 'fields: [a, b]'",
			     "exception '%.*s' has no fields", SHOWN(name));
		return 0;
	}
	if (rule->exception_n == LIMIT_EXCEPTIONS) {
		ruleset_tell(b, SEVERITY_ERROR, at, "use more values and fewer exceptions",
			     "a rule has more than %u exceptions", LIMIT_EXCEPTIONS);
		return 0;
	}
	r = ruleset_grow((void **)&rule->exceptions, &rule->exception_n, &rule->exception_cap,
			 sizeof(*x), b->e);
	if (r < 0)
		return r;
	x = &rule->exceptions[rule->exception_n - 1];
	x->name = name;
	x->at = at;
	x->fields = member(b, at, "fields");
	x->comps = member(b, at, "comps");
	return add_values(b, x, member(b, at, "values"));
}

static int read_one(struct builder *b, struct def_rule *rule, struct piece at, size_t before)
{
	struct span name;
	struct def_exception *x;

	if (kind_of(b, at) != YNODE_MAPPING) {
		ruleset_tell(b, SEVERITY_ERROR, at, "write '- name: ...'",
			     "an exception must be a mapping");
		return 0;
	}
	name = piece_text(b, member(b, at, "name"));
	if (!name.n) {
		ruleset_tell(b, SEVERITY_ERROR, at, "add 'name'", "an exception has no name");
		return 0;
	}
	x = find_exception(rule, name, before);
	if (x)
		return extend(b, x, at);
	if (find_exception(rule, name, rule->exception_n)) {
		ruleset_tell(b, SEVERITY_ERROR, at, "give it another name",
			     "exception '%.*s' is there twice", SHOWN(name));
		return 0;
	}
	return define(b, rule, name, at);
}

int ruleset_read_exceptions(struct builder *b, struct def_rule *rule, struct piece value,
			    bool append)
{
	struct ytree *t = piece_tree(b, value);
	size_t before;
	int r = 0;

	if (!append)
		ruleset_free_exceptions(rule);
	before = rule->exception_n;
	if (ytree_is_null(t, value.node))
		return 0;
	if (kind_of(b, value) != YNODE_SEQUENCE) {
		ruleset_tell(b, SEVERITY_ERROR, value, "write '- name: ...'",
			     "'exceptions' must be a list");
		return 0;
	}
	ytree_each (node, t, value.node)
		if (r == 0)
			r = read_one(b, rule, (struct piece){value.file, node}, before);
	return r;
}

static void put(struct exception_writer *w, const char *text)
{
	struct rules_segment near = piece_segment(w->near, false);

	if (w->r == 0)
		w->r = rules_text_add(w->text, span_of(text), &near, w->b->e);
}

static void put_piece(struct exception_writer *w, struct piece p)
{
	struct rules_segment exact = piece_segment(p, true);

	if (w->r == 0)
		w->r = rules_text_add(w->text, piece_text(w->b, p), &exact, w->b->e);
}

/* As items of lists are quoted. */
static void put_quoted(struct exception_writer *w, struct piece p)
{
	struct span text = piece_text(w->b, p);
	bool quote = (!text.n || memchr(text.p, ' ', text.n)) &&
		     !(text.n && (text.p[0] == '"' || text.p[0] == '\''));

	put(w, quote ? "\"" : "");
	put_piece(w, p);
	put(w, quote ? "\"" : "");
}

static void refuse(struct exception_writer *w, struct piece at, const char *hint, const char *text)
{
	ruleset_tell(w->b, SEVERITY_ERROR, at, hint, "%s", text);
	w->good = false;
}

/* Whether the comparison takes a list.  False with w->good false when it is none. */
static bool takes_list(struct exception_writer *w, struct piece comp, const char *otherwise)
{
	struct span text = comp.node == YNODE_NONE ? span_of(otherwise) : piece_text(w->b, comp);
	enum cond_modifier modifier;
	enum cond_op op;

	if (!cond_op_parse(text, &op, &modifier)) {
		refuse(w, comp, "write an operator: =, in, startswith, contains anyof",
		       "an exception's comparison is no operator");
		return false;
	}
	return cond_op_is_list(op) || modifier != COND_PLAIN;
}

static void put_comp(struct exception_writer *w, struct piece comp, const char *otherwise)
{
	put(w, " ");
	if (comp.node == YNODE_NONE)
		put(w, otherwise);
	else
		put_piece(w, comp);
	put(w, " ");
}

/* fields: a */
static void write_single(struct exception_writer *w, const struct def_exception *x)
{
	if (x->comps.node != YNODE_NONE && kind_of(w->b, x->comps) != YNODE_SCALAR) {
		refuse(w, x->comps, "write one operator", "one field has one comparison");
		return;
	}
	if (!takes_list(w, x->comps, "in")) {
		if (w->good)
			refuse(w, x->comps, "write in, pmatch, intersects or 'startswith anyof'",
			       "one field is compared with a list of values");
		return;
	}
	for (uint32_t i = 0; i < x->values.n; i++) {
		struct piece value = x->values.p[i];

		if (kind_of(w->b, value) != YNODE_SCALAR) {
			refuse(w, value, "write values: [a, b]",
			       "one field is compared with values, not with lists of values");
			return;
		}
		if (i == 0) {
			put(w, " and not (");
			put_piece(w, x->fields);
			put_comp(w, x->comps, "in");
		}
		put(w, i ? ", " : "(");
		put_quoted(w, value);
	}
	put(w, x->values.n ? "))" : "");
}

/* One value of a row: a list, or one value that is made what the comparison wants. */
static void write_value(struct exception_writer *w, struct piece value, bool list)
{
	const struct ytree *t = piece_tree(w->b, value);
	struct span text = piece_text(w->b, value);
	bool first = true;

	if (kind_of(w->b, value) == YNODE_SEQUENCE) {
		put(w, "(");
		ytree_each (item, t, value.node) {
			put(w, first ? "" : ", ");
			put_quoted(w, (struct piece){value.file, item});
			first = false;
		}
		put(w, ")");
	} else if (list && !(text.n && text.p[0] == '(')) {
		put(w, "(");
		put_piece(w, value);
		put(w, ")");
	} else if (list) {
		put_piece(w, value);
	} else {
		put_quoted(w, value);
	}
}

/* The child of a sequence that stands at the same place as another one's; both move on. */
static struct piece take(const struct builder *b, struct piece *next)
{
	struct piece taken = *next;

	if (next->node != YNODE_NONE)
		next->node = piece_tree(b, *next)->nodes[next->node].next;
	return taken;
}

static struct piece first_of(const struct builder *b, struct piece sequence)
{
	return (struct piece){sequence.file, ytree_first(piece_tree(b, sequence), sequence.node)};
}

/* (a = x and b contains y) */
static void write_row(struct exception_writer *w, const struct def_exception *x, struct piece row)
{
	struct piece field = first_of(w->b, x->fields), comp = first_of(w->b, x->comps);
	struct piece value = first_of(w->b, row);
	bool first = true;

	if (kind_of(w->b, row) != YNODE_SEQUENCE) {
		refuse(w, row, "write values: [[a, b]]", "a row of values must be a list");
		return;
	}
	put(w, "(");
	while (field.node != YNODE_NONE && value.node != YNODE_NONE && w->good) {
		struct piece operation = take(w->b, &comp), operand = take(w->b, &value);
		bool list = takes_list(w, operation, "=");

		put(w, first ? "" : " and ");
		put_piece(w, take(w->b, &field));
		put_comp(w, operation, "=");
		write_value(w, operand, list);
		first = false;
	}
	put(w, ")");
	if (w->good && field.node != value.node)
		refuse(w, row, "give each field one value",
		       "a row of values is not as long as 'fields'");
}

static unsigned length(const struct builder *b, struct piece sequence)
{
	const struct ytree *t = piece_tree(b, sequence);
	unsigned n = 0;

	ytree_each (item, t, sequence.node)
		n++;
	return n;
}

/* fields: [a, b] */
static void write_rows(struct exception_writer *w, const struct def_exception *x)
{
	if (x->comps.node != YNODE_NONE && (kind_of(w->b, x->comps) != YNODE_SEQUENCE ||
					    length(w->b, x->comps) != length(w->b, x->fields))) {
		refuse(w, x->comps, "give each field one comparison",
		       "'comps' is not as long as 'fields'");
		return;
	}
	for (uint32_t i = 0; i < x->values.n && w->good; i++) {
		put(w, i ? " or " : " and not (");
		write_row(w, x, x->values.p[i]);
	}
	put(w, x->values.n ? ")" : "");
}

int ruleset_write_exceptions(struct builder *b, const struct def_rule *rule,
			     struct rules_text *text, bool *ret_good)
{
	struct exception_writer w = {.b = b, .text = text, .good = true};

	for (size_t i = 0; i < rule->exception_n && w.r == 0 && w.good; i++) {
		const struct def_exception *x = &rule->exceptions[i];

		w.near = x->at;
		if (kind_of(b, x->fields) == YNODE_SEQUENCE)
			write_rows(&w, x);
		else if (kind_of(b, x->fields) == YNODE_SCALAR)
			write_single(&w, x);
		else
			refuse(&w, x->fields, "write a field or [a, b]", "'fields' is no field");
	}
	*ret_good = w.good;
	return w.r;
}
