/* ruleset.c - see ruleset.h. */
#include "detect/ruleset.h"

#include <stdio.h>

#include "detect/ruleset_build.h"

static const char *const priority_names[PRIORITIES] = {
	[PRIORITY_EMERGENCY] = "Emergency",
	[PRIORITY_ALERT] = "Alert",
	[PRIORITY_CRITICAL] = "Critical",
	[PRIORITY_ERROR] = "Error",
	[PRIORITY_WARNING] = "Warning",
	[PRIORITY_NOTICE] = "Notice",
	[PRIORITY_INFORMATIONAL] = "Informational",
	[PRIORITY_DEBUG] = "Debug",
};

const char *rule_priority_name(enum rule_priority priority)
{
	return priority_names[priority];
}

static bool same_word(struct span a, const char *b)
{
	return a.n == strlen(b) && strncasecmp((const char *)a.p, b, a.n) == 0;
}

bool rule_priority_parse(struct span text, enum rule_priority *ret_priority)
{
	if (text.n && same_word(text, "info")) {
		*ret_priority = PRIORITY_INFORMATIONAL;
		return true;
	}
	for (unsigned i = 0; i < PRIORITIES && text.n; i++) {
		if (!same_word(text, priority_names[i]))
			continue;
		*ret_priority = (enum rule_priority)i;
		return true;
	}
	return false;
}

void ruleset_init(struct ruleset *s)
{
	memset(s, 0, sizeof(*s));
	diagnostics_init(&s->diagnostics);
}

static void rule_fini(struct rule *r)
{
	buf_fini(&r->desc);
	free(r->tags);
	condition_fini(&r->condition);
	output_fini(&r->output);
}

void ruleset_fini(struct ruleset *s)
{
	for (size_t i = 0; i < s->file_n; i++)
		rules_file_fini(&s->files[i]);
	for (size_t i = 0; i < s->rule_n; i++)
		rule_fini(&s->rules[i]);
	for (size_t i = 0; i < s->source_n; i++)
		rules_text_fini(&s->sources[i].text);
	free(s->files);
	free(s->rules);
	free(s->sources);
	free(s->lists);
	diagnostics_fini(&s->diagnostics);
	memset(s, 0, sizeof(*s));
}

static int new_file(struct ruleset *s, struct rules_file **ret_file, struct err *e)
{
	if (!s->files) {
		s->files = calloc(LIMIT_RULES_FILES, sizeof(*s->files));
		if (!s->files)
			return err_set(e, ENOMEM, "no memory for rules");
	}
	if (s->file_n == LIMIT_RULES_FILES)
		return err_set(e, E2BIG, "more than %u files of rules", LIMIT_RULES_FILES);
	*ret_file = &s->files[s->file_n++];
	rules_file_init(*ret_file);
	return 0;
}

int ruleset_add_file(struct ruleset *s, const char *path, struct err *e)
{
	struct rules_file *f = NULL;
	int r = new_file(s, &f, e);

	return r < 0 ? r : rules_file_read(f, path, (uint32_t)s->file_n - 1, &s->diagnostics, e);
}

int ruleset_add_text(struct ruleset *s, const char *name, struct span text, struct err *e)
{
	struct rules_file *f = NULL;
	int r = new_file(s, &f, e);

	return r < 0 ? r
		     : rules_file_parse(f, name, text, (uint32_t)s->file_n - 1, &s->diagnostics, e);
}

int ruleset_grow(void **array, size_t *n, size_t *cap, size_t size, struct err *e)
{
	if (*n == *cap) {
		size_t more = *cap ? *cap * 2 : 16;
		void *p = reallocarray(*array, more, size);

		if (!p)
			return err_set(e, ENOMEM, "no memory for rules");
		*array = p;
		*cap = more;
	}
	memset((char *)*array + *n * size, 0, size);
	++*n;
	return 0;
}

void pieces_fini(struct pieces *p)
{
	free(p->p);
	*p = (struct pieces){0};
}

int pieces_add(struct builder *b, struct pieces *to, struct piece piece)
{
	if (++b->items > LIMIT_RULES_ITEMS)
		return err_set(b->e, E2BIG, "the files have more than %u items, values and tags",
			       LIMIT_RULES_ITEMS);
	if (to->n == to->cap) {
		uint32_t cap = to->cap ? to->cap * 2 : 4;
		struct piece *more = reallocarray(to->p, cap, sizeof(*more));

		if (!more)
			return err_set(b->e, ENOMEM, "no memory for rules");
		to->p = more;
		to->cap = cap;
	}
	to->p[to->n++] = piece;
	return 0;
}

struct ytree *piece_tree(const struct builder *b, struct piece p)
{
	return &b->set->files[p.file].tree;
}

struct span piece_text(const struct builder *b, struct piece p)
{
	return ytree_text(piece_tree(b, p), p.node);
}

struct rules_segment piece_segment(struct piece p, bool exact)
{
	return (struct rules_segment){
		.file = p.file, .node = p.node, .list = RULES_NO_LIST, .exact = exact};
}

int pieces_join(struct builder *b, const struct pieces *from, struct rules_text *to)
{
	int r = 0;

	for (uint32_t i = 0; i < from->n && r == 0; i++) {
		struct rules_segment exact = piece_segment(from->p[i], true);
		struct rules_segment blank = piece_segment(from->p[i], false);

		if (i)
			r = rules_text_add(to, span_of(" "), &blank, b->e);
		if (r == 0)
			r = rules_text_add(to, piece_text(b, from->p[i]), &exact, b->e);
	}
	return r;
}

void ruleset_tell(struct builder *b, enum severity severity, struct piece at, const char *hint,
		  const char *format, ...)
{
	char text[LIMIT_ERR_TEXT];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args); /* cut when it is too long */
	va_end(args);
	diagnostics_add(&b->set->diagnostics, severity,
			rules_file_at(&b->set->files[at.file], at.node), hint, "%s", text);
}

void ruleset_tell_text(struct builder *b, enum severity severity, const struct rules_text *text,
		       size_t at, const char *hint, const char *words)
{
	struct diagnostics *d = &b->set->diagnostics;
	uint32_t offset;
	const struct rules_segment *s = rules_text_find(text, at, &offset);
	struct place place = {0};

	if (s && d->n < LIMIT_DIAGNOSTICS) /* looking up places of what is only counted costs */
		place = rules_file_place(&b->set->files[s->file], s->node, offset);
	diagnostics_add(d, severity, place, hint, "%s", words);
}

static void builder_fini(struct builder *b)
{
	for (size_t i = 0; i < b->list_n; i++) {
		pieces_fini(&b->lists[i].items);
		rules_text_fini(&b->lists[i].text);
	}
	for (size_t i = 0; i < b->macro_n; i++) {
		pieces_fini(&b->macros[i].conditions);
		condition_fini(&b->macros[i].tree);
	}
	for (size_t i = 0; i < b->rule_n; i++) {
		pieces_fini(&b->rules[i].conditions);
		pieces_fini(&b->rules[i].outputs);
		pieces_fini(&b->rules[i].descs);
		pieces_fini(&b->rules[i].tags);
		ruleset_free_exceptions(&b->rules[i]);
	}
	free(b->lists);
	free(b->macros);
	free(b->rules);
	intern_fini(&b->list_names);
	intern_fini(&b->macro_names);
	intern_fini(&b->rule_names);
}
DEFINE_AUTO(builder, struct builder, builder_fini);

static int keep_list_names(struct builder *b)
{
	struct ruleset *s = b->set;

	s->lists = calloc(b->list_n + 1, sizeof(*s->lists));
	if (!s->lists)
		return err_set(b->e, ENOMEM, "no memory for rules");
	for (size_t i = 0; i < b->list_n; i++)
		s->lists[i] = b->lists[i].name;
	s->list_n = b->list_n;
	s->macro_n = b->macro_n;
	return 0;
}

static void tell_unused(struct builder *b)
{
	for (size_t i = 0; i < b->macro_n; i++)
		if (!b->macros[i].used)
			ruleset_tell(b, SEVERITY_WARNING, b->macros[i].at, "remove it",
				     "macro '%.*s' is used by no rule and no macro",
				     (int)b->macros[i].name.n, (const char *)b->macros[i].name.p);
	for (size_t i = 0; i < b->list_n; i++)
		if (!b->lists[i].used)
			ruleset_tell(b, SEVERITY_WARNING, b->lists[i].at, "remove it",
				     "list '%.*s' is used by no rule, macro or list",
				     (int)b->lists[i].name.n, (const char *)b->lists[i].name.p);
}

int ruleset_compile(struct ruleset *s, const struct ruleset_options *options, struct err *e)
{
	AUTO(builder) struct builder b = {.set = s, .e = e};
	int r;

	intern_init(&b.list_names);
	intern_init(&b.macro_names);
	intern_init(&b.rule_names);
	r = ruleset_collect(&b);
	if (r == 0)
		r = keep_list_names(&b);
	if (r == 0)
		r = ruleset_resolve_lists(&b);
	if (r == 0)
		r = ruleset_resolve_macros(&b);
	if (r == 0)
		r = ruleset_make_rules(&b, options);
	if (r < 0)
		return r;
	tell_unused(&b);
	diagnostics_sort(&s->diagnostics);
	return s->diagnostics.lost ? err_set(e, ENOMEM, "no memory for what is wrong with rules")
				   : 0;
}

const struct rule *ruleset_find(const struct ruleset *s, struct span name)
{
	for (size_t i = 0; i < s->rule_n; i++)
		if (span_eq(s->rules[i].name, name))
			return &s->rules[i];
	return NULL;
}

struct rule_origin ruleset_origin(struct ruleset *s, const struct cond_node *node)
{
	const struct ruleset_source *source = &s->sources[node->origin];
	uint32_t offset;
	const struct rules_segment *segment = rules_text_find(&source->text, node->at, &offset);
	struct rule_origin o = {.macro = source->macro};

	if (!segment)
		return o;
	o.place = rules_file_place(&s->files[segment->file], segment->node, offset);
	if (segment->list != RULES_NO_LIST)
		o.list = s->lists[segment->list];
	return o;
}
