/* ruleset_rule.c - from what files define to the rules of the set. */
#include <stdio.h>

#include "detect/condition_types.h"
#include "detect/ruleset_build.h"

#define MANY_EVENT_TYPES 100u /* above that a rule is looked at for nearly everything */

/* A rule that is being made, and what is wrong with it. */
struct maker {
	struct builder *b;
	const struct def_rule *def;
	struct rule rule;
	const struct rules_text *output_text;
	bool wrong, unknown;
};

static void maker_fini(struct maker *m)
{
	buf_fini(&m->rule.desc);
	free(m->rule.tags);
	condition_fini(&m->rule.condition);
	output_fini(&m->rule.output);
}
DEFINE_AUTO(maker, struct maker, maker_fini);

/* What skip-if-unknown-filter forgives is a warning then. */
static enum severity weigh(struct maker *m, bool unknown, bool doubt)
{
	bool forgiven = unknown && m->def->skip_unknown;

	m->unknown = m->unknown || forgiven;
	m->wrong = m->wrong || (!doubt && !forgiven);
	return doubt || forgiven ? SEVERITY_WARNING : SEVERITY_ERROR;
}

static void heard_condition(void *ctx, const struct cond_node *node, enum cond_verdict verdict,
			    const char *hint, const char *text)
{
	struct maker *m = ctx;
	enum severity severity = weigh(m, verdict == COND_UNKNOWN, verdict == COND_DOUBT);

	ruleset_tell_text(m->b, severity, &m->b->set->sources[node->origin].text, node->at, hint,
			  text);
}

static void heard_output(void *ctx, uint32_t at, int code, const char *hint, const char *text)
{
	struct maker *m = ctx;
	enum severity severity = weigh(m, code == -ENOENT, code == 0);

	ruleset_tell_text(m->b, severity, m->output_text, at, hint, text);
}

/* The condition with its exceptions: (condition) and not (...) ... */
static int write_condition(struct maker *m, struct rules_text *raw, bool *ret_good)
{
	const struct def_rule *def = m->def;
	struct rules_segment near = piece_segment(def->conditions.p[0], false);
	int r = 0;

	*ret_good = true;
	if (!def->exception_n)
		return pieces_join(m->b, &def->conditions, raw);
	r = rules_text_add(raw, span_of("("), &near, m->b->e);
	if (r == 0)
		r = pieces_join(m->b, &def->conditions, raw);
	if (r == 0)
		r = rules_text_add(raw, span_of(")"), &near, m->b->e);
	return r < 0 ? r : ruleset_write_exceptions(m->b, def, raw, ret_good);
}

/* Alone, so that `a) or (b` in the condition cannot take its exceptions apart. */
static int check_alone(struct maker *m, bool *ret_good)
{
	AUTO(rules_text) struct rules_text raw, text;
	AUTO(condition) struct condition tree;
	struct err why = ERR_INIT;
	struct cond_fault fault;
	int r;

	rules_text_init(&raw);
	rules_text_init(&text);
	condition_init(&tree);
	r = pieces_join(m->b, &m->def->conditions, &raw);
	if (r == 0)
		r = ruleset_put_lists(m->b, &raw, &text);
	if (r < 0)
		return r;
	r = condition_parse(&tree, buf_span(&text.text), 0, &fault, &why);
	if (r == -ENOMEM)
		return err_set(m->b->e, ENOMEM, "%s", why.text);
	*ret_good = r == 0;
	if (r < 0)
		ruleset_tell_text(m->b, SEVERITY_ERROR, &text, fault.at, fault.hint, why.text);
	return 0;
}

static int make_condition(struct maker *m)
{
	AUTO(rules_text) struct rules_text raw;
	const struct cond_judge judge = {m, heard_condition};
	bool good = true;
	uint32_t source;
	int r = 0;

	rules_text_init(&raw);
	if (m->def->exception_n)
		r = check_alone(m, &good);
	if (r == 0 && good)
		r = write_condition(m, &raw, &good);
	if (r == 0 && good)
		r = ruleset_parse_condition(m->b, &raw, span_of(""), &m->rule.condition, &source,
					    &good);
	if (r == 0 && good)
		r = ruleset_put_macros(m->b, &m->rule.condition, &good);
	if (r < 0 || !good) {
		m->wrong = true;
		return r;
	}
	condition_check_types(&m->rule.condition, &judge);
	condition_events(&m->rule.condition, &m->rule.events);
	return 0;
}

static struct span trimmed(const struct rules_text *text)
{
	struct span s = buf_span(&text->text);

	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

static int make_output(struct maker *m)
{
	AUTO(rules_text) struct rules_text text;
	const struct output_judge judge = {m, heard_output};
	bool good;
	int r;

	rules_text_init(&text);
	m->output_text = &text;
	r = pieces_join(m->b, &m->def->outputs, &text);
	if (r == 0)
		r = output_parse(&m->rule.output, trimmed(&text), &judge, &good, m->b->e);
	m->output_text = NULL;
	return r;
}

static int make_desc(struct maker *m)
{
	AUTO(rules_text) struct rules_text text;
	int r;

	rules_text_init(&text);
	r = pieces_join(m->b, &m->def->descs, &text);
	if (r == 0) {
		buf_add_span(&m->rule.desc, trimmed(&text));
		r = buf_check(&m->rule.desc, "a description", m->b->e);
	}
	return r;
}

static int make_tags(struct maker *m)
{
	const struct pieces *tags = &m->def->tags;
	struct rule *rule = &m->rule;
	AUTO(intern) struct intern seen;

	intern_init(&seen);
	rule->tags = calloc(tags->n + 1, sizeof(*rule->tags));
	if (!rule->tags)
		return err_set(m->b->e, ENOMEM, "no memory for rules");
	for (uint32_t i = 0; i < tags->n; i++) {
		struct span tag = piece_text(m->b, tags->p[i]);
		uint32_t number;

		if (intern_get(&seen, tag, &number) < 0)
			return err_set(m->b->e, ENOMEM, "no memory for rules");
		if (number == rule->tag_n)
			rule->tags[rule->tag_n++] = tag;
	}
	return 0;
}

static void warn_events(struct maker *m)
{
	unsigned n = event_set_count(&m->rule.events);
	struct piece at = m->def->at;

	if (n == 0)
		ruleset_tell(m->b, SEVERITY_WARNING, at,
			     "look for evt.type checks that exclude each other, and empty lists",
			     "the rule can never match");
	else if (n > MANY_EVENT_TYPES && m->def->warn_evttypes)
		ruleset_tell(m->b, SEVERITY_WARNING, at,
			     "add 'evt.type in (...)', or 'warn_evttypes: false'",
			     "the rule is tried on too many types of events (%u)", n);
}

static int keep(struct maker *m)
{
	struct ruleset *s = m->b->set;
	int r = ruleset_grow((void **)&s->rules, &s->rule_n, &s->rule_cap, sizeof(*s->rules),
			     m->b->e);

	if (r < 0)
		return r;
	s->rules[s->rule_n - 1] = m->rule;
	m->rule = (struct rule){0};
	return 0;
}

static void begin(struct maker *m, struct builder *b, const struct def_rule *def)
{
	*m = (struct maker){.b = b, .def = def};
	m->rule = (struct rule){
		.name = def->name,
		.source = def->source,
		.priority = def->priority,
		.enabled = def->enabled,
		.capture = def->capture,
		.capture_ms = def->capture_ms,
		.place = rules_file_at(&b->set->files[def->at.file], def->at.node),
	};
	buf_init(&m->rule.desc, LIMIT_CONDITION);
	condition_init(&m->rule.condition);
	output_init(&m->rule.output);
}

static int make_rule(struct builder *b, const struct def_rule *def,
		     const struct ruleset_options *options)
{
	AUTO(maker) struct maker m;
	int r;

	begin(&m, b, def);
	r = make_condition(&m);
	if (r == 0)
		r = make_output(&m);
	if (r == 0)
		r = make_desc(&m);
	if (r == 0)
		r = make_tags(&m);
	if (r < 0 || m.wrong)
		return r;
	if (m.unknown) {
		b->set->skipped_unknown++;
		return 0;
	}
	warn_events(&m);
	if (def->priority > options->threshold) {
		b->set->skipped_priority++;
		return 0;
	}
	return keep(&m);
}

int ruleset_make_rules(struct builder *b, const struct ruleset_options *options)
{
	const struct diagnostics *d = &b->set->diagnostics;
	int r = 0;

	/* A set with that many errors is not used: looking for more of them only costs time. */
	for (size_t i = 0; i < b->rule_n && r == 0 && d->errors < LIMIT_DIAGNOSTICS; i++) {
		const struct def_rule *def = &b->rules[i];

		if (def->other_source)
			b->set->skipped_source++;
		else if (def->conditions.n) /* none: its definition was refused */
			r = make_rule(b, def, options);
	}
	return r;
}
