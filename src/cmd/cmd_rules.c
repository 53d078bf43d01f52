/* cmd_rules.c - amber rules: check files of rules, list what is in them, explain one rule. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/map.h"
#include "base/path.h"
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/table.h"
#include "detect/ruleset.h"

#define OUT_BYTES   (256u << 20)
#define SHOWN_TYPES 12u /* event types that are listed; of more, their number */

enum {
	OPT_PRIORITY
};

static const struct cmd_option options[] = {
	[OPT_PRIORITY] = {"priority", "LEVEL", "leave out rules of less weight (default debug)"},
	{NULL, NULL, NULL},
};

static const struct cmd_example examples[] = {
	{"is everything right with these rules?", "amber rules check base.yaml local.yaml"},
	{"what do they watch, and who is switched off?", "amber rules list base.yaml"},
	{"what is a rule once its macros, lists and exceptions are put in?",
	 "amber rules explain 'Shell in container' base.yaml local.yaml"},
	{NULL, NULL},
};

static int load(struct cmd *cmd, unsigned first, struct ruleset *s, struct err *e)
{
	struct ruleset_options load = {.threshold = PRIORITY_DEBUG};
	const char *level = cmd->option[OPT_PRIORITY];
	int r = 0;

	if (level && !rule_priority_parse(span_of(level), &load.threshold))
		return err_set(e, EINVAL, "'%s' is no priority; write warning, error, ...", level);
	for (unsigned i = first; i < cmd->words && r == 0; i++)
		r = ruleset_add_file(s, cmd->word[i], e);
	return r < 0 ? r : ruleset_compile(s, &load, e);
}

static void place_text(const struct ruleset *s, struct place p, struct buf *b)
{
	buf_add_text(b, s->files[p.file].name);
	if (p.line)
		buf_addf(b, ":%u:%u", p.line, p.column);
}

static int print_out(struct buf *out, struct err *e)
{
	int r = buf_check(out, "the result", e);

	if (r == 0)
		(void)fwrite(out->p, 1, out->n, stdout); /* main() looks at the stream */
	return r;
}

static void json_place(struct json *j, const struct ruleset *s, struct place p)
{
	json_bytes(j, "file", span_of(s->files[p.file].name));
	json_u64(j, "line", p.line);
	json_u64(j, "column", p.column);
}

static void json_check(struct json *j, const struct ruleset *s)
{
	json_object(j, NULL);
	json_u64(j, "files", s->file_n);
	json_u64(j, "rules", s->rule_n);
	json_u64(j, "macros", s->macro_n);
	json_u64(j, "lists", s->list_n);
	json_u64(j, "skipped_unknown_field", s->skipped_unknown);
	json_u64(j, "skipped_source", s->skipped_source);
	json_u64(j, "skipped_priority", s->skipped_priority);
	json_u64(j, "errors", s->diagnostics.errors);
	json_u64(j, "warnings", s->diagnostics.warnings);
	json_array(j, "diagnostics");
	for (size_t i = 0; i < s->diagnostics.n; i++) {
		const struct diagnostic *d = &s->diagnostics.items[i];

		json_object(j, NULL);
		json_text(j, "severity", d->severity == SEVERITY_ERROR ? "error" : "warning");
		json_place(j, s, d->place);
		json_bytes(j, "text", d->text);
		json_bytes(j, "hint", d->hint);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
}

static int table_check(const struct ruleset *s, struct err *e)
{
	static const char *const titles[] = {"PLACE", "KIND", "WHAT", "WRITE INSTEAD"};
	AUTO(table) struct table t;
	int r = 0;

	table_init(&t, titles, ARRAY_LEN(titles));
	for (size_t i = 0; i < s->diagnostics.n; i++) {
		const struct diagnostic *d = &s->diagnostics.items[i];
		AUTO(buf) struct buf place;

		buf_init(&place, LIMIT_PATH + 64);
		place_text(s, d->place, &place);
		table_cell(&t, buf_span(&place));
		table_cell(&t, span_of(d->severity == SEVERITY_ERROR ? "error" : "warning"));
		table_cell(&t, d->text);
		table_cell(&t, d->hint);
	}
	if (s->diagnostics.n)
		r = table_print(&t, stdout, e);
	printf("%zu rules, %zu macros, %zu lists; %zu errors, %zu warnings", s->rule_n, s->macro_n,
	       s->list_n, s->diagnostics.errors, s->diagnostics.warnings);
	if (s->skipped_unknown + s->skipped_source + s->skipped_priority)
		printf("; skipped: %zu with unknown fields, %zu of other sources, %zu of less "
		       "weight",
		       s->skipped_unknown, s->skipped_source, s->skipped_priority);
	printf("\n");
	return r;
}

static int check(struct cmd *cmd, struct ruleset *s, struct err *e)
{
	AUTO(buf) struct buf out = {0};
	struct json j;

	if (!cmd->json)
		return table_check(s, e);
	buf_init(&out, OUT_BYTES);
	j = json_to(&out);
	json_check(&j, s);
	buf_add_u8(&out, '\n');
	return print_out(&out, e);
}

/* "open openat", "all", "all but open", "140 types". */
static void events_text(const struct event_set *set, struct buf *b)
{
	unsigned n = event_set_count(set), all = (unsigned)event_name_n;
	struct event_set shown = *set;
	bool first = true;

	if (n == 0 || n == all) {
		buf_add_text(b, n ? "all" : "none");
		return;
	}
	if (all - n <= SHOWN_TYPES) {
		event_set_invert(&shown);
		buf_add_text(b, "all but ");
	} else if (n > SHOWN_TYPES) {
		buf_addf(b, "%u types", n);
		return;
	}
	for (unsigned i = 0; i < all; i++) {
		if (!event_set_has(&shown, i))
			continue;
		buf_addf(b, "%s%s", first ? "" : " ", event_names[i]);
		first = false;
	}
}

static void tags_text(const struct rule *rule, struct buf *b)
{
	for (size_t i = 0; i < rule->tag_n; i++) {
		if (i)
			buf_add_u8(b, ' ');
		buf_add_span(b, rule->tags[i]);
	}
}

static void json_rule(struct json *j, const struct ruleset *s, const struct rule *rule)
{
	json_bytes(j, "rule", rule->name);
	json_text(j, "priority", rule_priority_name(rule->priority));
	json_bytes(j, "source", rule->source);
	json_bool(j, "enabled", rule->enabled);
	json_bool(j, "capture", rule->capture);
	json_bytes(j, "desc", buf_span(&rule->desc));
	json_place(j, s, rule->place);
	json_array(j, "tags");
	for (size_t i = 0; i < rule->tag_n; i++)
		json_bytes(j, NULL, rule->tags[i]);
	json_array_end(j);
	json_u64(j, "event_types_count", event_set_count(&rule->events));
	json_array(j, "event_types");
	for (unsigned i = 0; i < event_name_n; i++)
		if (event_set_has(&rule->events, i))
			json_text(j, NULL, event_names[i]);
	json_array_end(j);
}

static void list_row(struct table *t, const struct rule *rule)
{
	AUTO(buf) struct buf events, tags;

	buf_init(&events, 64 << 10);
	buf_init(&tags, LIMIT_FILE_READ);
	events_text(&rule->events, &events);
	tags_text(rule, &tags);
	table_cell(t, rule->name);
	table_cell(t, span_of(rule_priority_name(rule->priority)));
	table_cell(t, span_of(rule->enabled ? "yes" : "no"));
	table_cell(t, rule->source);
	table_cell(t, buf_span(&events));
	table_cell(t, buf_span(&tags));
}

static int list(struct cmd *cmd, struct ruleset *s, struct err *e)
{
	static const char *const titles[] = {"RULE",   "PRIORITY",    "ENABLED",
					     "SOURCE", "EVENT TYPES", "TAGS"};
	AUTO(table) struct table t;
	AUTO(buf) struct buf out;

	buf_init(&out, OUT_BYTES);
	table_init(&t, titles, ARRAY_LEN(titles));
	for (size_t i = 0; i < s->rule_n; i++) {
		struct json j = json_to(&out);

		if (!cmd->json) {
			list_row(&t, &s->rules[i]);
			continue;
		}
		json_object(&j, NULL);
		json_rule(&j, s, &s->rules[i]);
		json_object_end(&j);
		buf_add_u8(&out, '\n');
	}
	return cmd->json ? print_out(&out, e) : table_print(&t, stdout, e);
}

/* What a walk over a condition collects and where it writes. */
struct explain {
	struct ruleset *set;
	const struct rule *rule;
	struct intern fields, lists, macros;
	struct json *json;   /* NULL: for people */
	struct table *table; /* NULL: as JSON */
};

static void explain_fini(struct explain *x)
{
	intern_fini(&x->fields);
	intern_fini(&x->lists);
	intern_fini(&x->macros);
}
DEFINE_AUTO(explain, struct explain, explain_fini);

static void remember(struct intern *names, struct span name)
{
	uint32_t number;

	if (name.n)
		(void)intern_get(names, name, &number); /* without memory the summary is shorter */
}

static void remember_field(struct explain *x, uint32_t node)
{
	AUTO(buf) struct buf text;

	buf_init(&text, LIMIT_CONDITION);
	condition_print_node(&text, &x->rule->condition, node);
	remember(&x->fields, buf_span(&text));
}

/* Fields and lists below a check. */
static void collect(struct explain *x, uint32_t node)
{
	const struct condition *c = &x->rule->condition;

	remember(&x->lists, ruleset_origin(x->set, &c->nodes[node]).list);
	if (c->nodes[node].kind == COND_FIELD)
		remember_field(x, node);
	cond_each (child, c, node)
		collect(x, child);
}

static void explain_row_json(struct explain *x, unsigned depth, struct span text,
			     const struct rule_origin *o)
{
	json_object(x->json, NULL);
	json_u64(x->json, "depth", depth);
	json_bytes(x->json, "text", text);
	json_place(x->json, x->set, o->place);
	json_bytes(x->json, "macro", o->macro);
	json_object_end(x->json);
}

static void explain_row(struct explain *x, unsigned depth, struct span text,
			const struct rule_origin *o)
{
	AUTO(buf) struct buf left, place;

	buf_init(&left, OUT_BYTES);
	buf_init(&place, LIMIT_PATH + 64);
	if (x->json) {
		explain_row_json(x, depth, text, o);
		return;
	}
	for (unsigned i = 0; i < depth; i++)
		buf_add_text(&left, "  ");
	buf_add_span(&left, text);
	place_text(x->set, o->place, &place);
	table_cell(x->table, buf_span(&left));
	table_cell(x->table, o->macro.n ? o->macro : span_of("-"));
	table_cell(x->table, buf_span(&place));
}

/* Nested calls are bounded: no tree is deeper than LIMIT_CONDITION_DEPTH. */
static void explain_node(struct explain *x, uint32_t node, unsigned depth)
{
	static const char *const words[] = {
		[COND_AND] = "and", [COND_OR] = "or", [COND_NOT] = "not"};
	const struct condition *c = &x->rule->condition;
	const struct cond_node *n = &c->nodes[node];
	struct rule_origin o = ruleset_origin(x->set, n);
	AUTO(buf) struct buf text;

	buf_init(&text, LIMIT_CONDITION);
	remember(&x->macros, o.macro);
	if (n->kind <= COND_NOT) {
		explain_row(x, depth, span_of(words[n->kind]), &o);
		cond_each (child, c, node)
			explain_node(x, child, depth + 1);
		return;
	}
	condition_print_node(&text, c, node);
	explain_row(x, depth, buf_span(&text), &o);
	collect(x, node);
}

static void print_names(const char *title, const struct intern *names)
{
	AUTO(buf) struct buf line;

	buf_init(&line, OUT_BYTES);
	for (uint32_t i = 0; i < names->n; i++) {
		if (i)
			buf_add_u8(&line, ' ');
		path_escape(&line, intern_key(names, i));
	}
	printf("%-12s %s\n", title, names->n && buf_text(&line) ? buf_text(&line) : "-");
}

static void print_text(const char *title, struct span text)
{
	AUTO(buf) struct buf line;

	buf_init(&line, OUT_BYTES);
	path_escape(&line, text);
	printf("%-12s %s\n", title, text.n && buf_text(&line) ? buf_text(&line) : "-");
}

static void print_head(const struct ruleset *s, const struct rule *rule)
{
	AUTO(buf) struct buf tags, events, place;

	buf_init(&tags, LIMIT_FILE_READ);
	buf_init(&events, 64 << 10);
	buf_init(&place, LIMIT_PATH + 64);
	tags_text(rule, &tags);
	events_text(&rule->events, &events);
	place_text(s, rule->place, &place);
	print_text("rule", rule->name);
	print_text("place", buf_span(&place));
	print_text("description", buf_span(&rule->desc));
	print_text("priority", span_of(rule_priority_name(rule->priority)));
	print_text("enabled", span_of(rule->enabled ? "yes" : "no"));
	print_text("tags", buf_span(&tags));
	print_text("event types", buf_span(&events));
	print_text("output", buf_span(&rule->output.text));
}

static int explain_table(struct explain *x, struct err *e)
{
	static const char *const titles[] = {"CONDITION", "MACRO", "PLACE"};
	AUTO(table) struct table t;
	int r;

	table_init(&t, titles, ARRAY_LEN(titles));
	x->table = &t;
	explain_node(x, x->rule->condition.root, 0);
	print_head(x->set, x->rule);
	print_names("macros", &x->macros);
	print_names("lists", &x->lists);
	print_names("fields", &x->fields);
	printf("\n");
	r = table_print(&t, stdout, e);
	x->table = NULL;
	return r;
}

static void json_names(struct json *j, const char *title, const struct intern *names)
{
	json_array(j, title);
	for (uint32_t i = 0; i < names->n; i++)
		json_bytes(j, NULL, intern_key(names, i));
	json_array_end(j);
}

static int explain_json(struct explain *x, struct err *e)
{
	AUTO(buf) struct buf out, text;
	struct json j = json_to(&out);

	buf_init(&out, OUT_BYTES);
	buf_init(&text, LIMIT_CONDITION);
	x->json = &j;
	json_object(&j, NULL);
	json_rule(&j, x->set, x->rule);
	json_bytes(&j, "output", buf_span(&x->rule->output.text));
	condition_print(&text, &x->rule->condition);
	json_bytes(&j, "condition", buf_span(&text));
	json_array(&j, "tree");
	explain_node(x, x->rule->condition.root, 0);
	json_array_end(&j);
	json_names(&j, "macros", &x->macros);
	json_names(&j, "lists", &x->lists);
	json_names(&j, "fields", &x->fields);
	json_object_end(&j);
	buf_add_u8(&out, '\n');
	x->json = NULL;
	return print_out(&out, e);
}

static int explain(struct cmd *cmd, struct ruleset *s, struct err *e)
{
	AUTO(explain) struct explain x = {.set = s};

	x.rule = ruleset_find(s, span_of(cmd->word[1]));
	intern_init(&x.fields);
	intern_init(&x.lists);
	intern_init(&x.macros);
	if (!x.rule)
		return err_set(e, ENOENT,
			       "no rule '%s' without errors; 'amber rules check' tells more",
			       cmd->word[1]);
	return cmd->json ? explain_json(&x, e) : explain_table(&x, e);
}

static const struct verb {
	const char *name;
	unsigned first; /* word that is the first file */
	int (*run)(struct cmd *cmd, struct ruleset *s, struct err *e);
} verbs[] = {{"check", 1, check}, {"list", 1, list}, {"explain", 2, explain}};

static int run(struct cmd *cmd, struct err *e)
{
	AUTO(ruleset) struct ruleset s;
	const struct verb *verb = NULL;
	int r;

	ruleset_init(&s);
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (strcmp(cmd->word[0], verbs[i].name) == 0)
			verb = &verbs[i];
	if (!verb || cmd->words <= verb->first) {
		(void)err_set(e, EINVAL,
			      "write: amber rules check FILE..., list FILE... or explain "
			      "RULE FILE...");
		return EXIT_USAGE;
	}
	r = load(cmd, verb->first, &s, e);
	if (r == 0)
		r = verb->run(cmd, &s, e);
	if (r < 0)
		return r == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
	if (s.diagnostics.errors && verb->run != check)
		log_error("the files have %zu errors; 'amber rules check' tells them",
			  s.diagnostics.errors);
	return s.diagnostics.errors ? EXIT_WRONG : EXIT_DONE;
}

const struct command command_rules = {
	.name = "rules",
	.summary = "check, list and explain rules in Falco's language",
	.words = "check FILE... | list FILE... | explain RULE FILE...",
	.words_min = 2,
	.words_max = CMD_POSITIONAL,
	.options = options,
	.description = "Files are read in the order in which they are named; later ones may "
		       "redefine, append "
		       "to and\n"
		       "override what earlier ones define. 'check' tells everything that is wrong, "
		       "each with "
		       "its\n"
		       "place and what to write instead; exit 3 when there are errors, warnings "
		       "alone are 0.\n"
		       "'list' shows the rules with the types of events for which they are tried. "
		       "'explain' "
		       "shows a\n"
		       "rule with all macros, lists and exceptions put in, and where each part was "
		       "written.",
	.examples = examples,
	.run = run,
};
