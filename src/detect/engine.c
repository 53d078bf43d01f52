/* engine.c - see engine.h. */
#include "detect/engine.h"

#include "base/grow.h"
#include "detect/checks.h"

struct engine_rule {
	const struct rule *rule;
	int32_t start;	    /* of its condition in the program */
	uint32_t *operands; /* of its output's fields, by piece; CHECKS_NONE for texts */
};

/* The rules that an event of one name can match. */
struct bucket {
	uint32_t *rules;
	size_t n;
};

struct engine {
	struct engine_options options;
	struct engine_rule *rules;
	size_t n;
	struct program program;
	struct checks checks;
	struct bucket *buckets; /* [event_name_n] */
	struct engine_blind *blinds;
	size_t blind_n, blind_cap;
	struct detect_scratch scratch;
	struct extract_field type_field; /* evt.type */
	uint64_t events, hits;
};

static int no_memory(struct err *e)
{
	return err_set(e, ENOMEM, "no memory for the rules");
}

static int add_blind(struct engine *en, const struct engine_blind *blind, struct err *e)
{
	if (!GROW(en->blinds, en->blind_n, en->blind_cap))
		return no_memory(e);
	en->blinds[en->blind_n++] = *blind;
	return 0;
}

static bool is_told(const struct engine *en, const struct rule *rule, struct span field)
{
	for (size_t i = en->blind_n; i-- > 0 && en->blinds[i].rule == rule;)
		if (span_eq(en->blinds[i].field, field))
			return true;
	return false;
}

static int find_blinds(struct engine *en, const struct rule *rule, struct err *e)
{
	const struct condition *c = &rule->condition;
	int r = 0;

	for (size_t i = 0; i < c->n && r == 0; i++) {
		struct span name = condition_text(c, &c->nodes[i]);
		const char *why =
			c->nodes[i].kind == COND_FIELD
				? checks_blind(&en->checks, name, condition_arg(c, &c->nodes[i]))
				: NULL;

		if (why && !is_told(en, rule, name))
			r = add_blind(en, &(struct engine_blind){rule, name, why}, e);
	}
	return r;
}

static int add_output(struct engine *en, struct engine_rule *er, struct err *e)
{
	const struct output *o = &er->rule->output;
	int r = 0;

	er->operands = calloc(o->n ? o->n : 1, sizeof(*er->operands));
	if (!er->operands)
		return no_memory(e);
	for (size_t i = 0; i < o->n && r == 0; i++) {
		er->operands[i] = CHECKS_NONE;
		if (o->pieces[i].is_field)
			r = checks_add_operand(&en->checks, &o->tree, o->pieces[i].node,
					       &er->operands[i], e);
	}
	return r;
}

static int add_rule(struct engine *en, const struct rule *rule, struct err *e)
{
	struct engine_rule *er = &en->rules[en->n++];
	int r;

	er->rule = rule;
	r = program_add(&en->program, &rule->condition, &er->start, e);
	if (r == 0)
		r = checks_compile(&en->checks, &en->program, e);
	if (r == 0)
		r = find_blinds(en, rule, e);
	if (r == 0)
		r = add_output(en, er, e);
	return r;
}

static int fill_bucket(struct engine *en, unsigned name, struct err *e)
{
	struct bucket *b = &en->buckets[name];

	for (size_t i = 0; i < en->n; i++)
		b->n += event_set_has(&en->rules[i].rule->events, name);
	if (!b->n)
		return 0;
	b->rules = calloc(b->n, sizeof(*b->rules));
	if (!b->rules)
		return no_memory(e);
	b->n = 0;
	for (size_t i = 0; i < en->n; i++)
		if (event_set_has(&en->rules[i].rule->events, name))
			b->rules[b->n++] = (uint32_t)i;
	return 0;
}

static int fill(struct engine *en, const struct ruleset *rules, struct err *e)
{
	int r = detect_scratch_init(&en->scratch, e);

	if (r == 0)
		r = extract_prepare(span_of("evt.type"), span_make(NULL, 0), &en->type_field, e);
	if (r < 0)
		return r;
	en->rules = calloc(rules->rule_n ? rules->rule_n : 1, sizeof(*en->rules));
	en->buckets = calloc(event_name_n, sizeof(*en->buckets));
	if (!en->rules || !en->buckets)
		return no_memory(e);
	for (size_t i = 0; i < rules->rule_n && r == 0; i++)
		if (rules->rules[i].enabled)
			r = add_rule(en, &rules->rules[i], e);
	for (unsigned i = 0; i < event_name_n && r == 0; i++)
		r = fill_bucket(en, i, e);
	return r;
}

int engine_new(const struct ruleset *rules, const struct engine_options *options,
	       struct engine **ret_engine, struct err *e)
{
	AUTO(engine) struct engine *en = calloc(1, sizeof(*en));
	int r;

	if (!en)
		return no_memory(e);
	en->options = *options;
	program_init(&en->program);
	checks_init(&en->checks, options->mode);
	r = fill(en, rules, e);
	if (r == 0)
		*ret_engine = TAKE(en);
	return r;
}

void engine_free(struct engine *en)
{
	if (!en)
		return;
	for (size_t i = 0; i < en->n; i++)
		free(en->rules[i].operands);
	for (size_t i = 0; en->buckets && i < event_name_n; i++)
		free(en->buckets[i].rules);
	free(en->rules);
	free(en->buckets);
	free(en->blinds);
	checks_fini(&en->checks);
	program_fini(&en->program);
	detect_scratch_fini(&en->scratch);
	free(en);
}

const struct engine_blind *engine_blinds(const struct engine *en, size_t *ret_n)
{
	*ret_n = en->blind_n;
	return en->blinds;
}

/* The bucket of the event, NULL when no rule can hold for it. */
static const struct bucket *bucket_of(const struct engine *en, const struct detect_event *ev)
{
	struct detect_value type;
	int number;

	extract(&en->type_field, ev, &type);
	if (type.kind != DETECT_TEXT)
		return NULL;
	number = event_name_find(type.bytes);
	return number >= 0 && en->buckets[number].n ? &en->buckets[number] : NULL;
}

unsigned engine_event(struct engine *en, struct detect_event *ev,
		      void (*hit)(void *ctx, const struct rule *rule), void *ctx)
{
	const struct bucket *bucket;
	unsigned hits = 0;

	en->events++;
	ev->scratch = &en->scratch;
	detect_scratch_reset(&en->scratch);
	bucket = bucket_of(en, ev);
	if (!bucket)
		return 0;
	checks_begin(&en->checks, ev);
	for (size_t i = 0; i < bucket->n; i++) {
		const struct engine_rule *er = &en->rules[bucket->rules[i]];

		if (!program_run(&en->program, er->start, checks_answer, &en->checks))
			continue;
		hits++;
		hit(ctx, er->rule);
		if (en->options.first_match)
			break;
	}
	en->hits += hits;
	return hits;
}

static void add_value(struct buf *b, const struct detect_value *value, uint32_t width)
{
	size_t before = b->n, n;

	if (value->kind == DETECT_ABSENT || value->kind == DETECT_NONE)
		buf_add_text(b, "<NA>");
	else
		detect_value_print(b, value);
	n = b->n - before;
	if (width && n > width)
		b->n = before + width;
	for (; width && n < width; n++)
		buf_add_u8(b, ' ');
}

static const struct engine_rule *rule_of(const struct engine *en, const struct rule *rule)
{
	for (size_t i = 0; i < en->n; i++)
		if (en->rules[i].rule == rule)
			return &en->rules[i];
	return NULL;
}

void engine_output(struct engine *en, const struct rule *rule, struct buf *b)
{
	const struct engine_rule *er = rule_of(en, rule);

	for (size_t i = 0; er && i < rule->output.n; i++) {
		const struct output_piece *piece = &rule->output.pieces[i];
		struct detect_value value;

		if (!piece->is_field) {
			buf_add_span(b, output_text(&rule->output, piece));
			continue;
		}
		value = checks_value(&en->checks, er->operands[i]);
		add_value(b, &value, piece->width);
	}
}

void engine_output_each(struct engine *en, const struct rule *rule,
			void (*field)(void *ctx, struct span name,
				      const struct detect_value *value),
			void *ctx)
{
	const struct engine_rule *er = rule_of(en, rule);

	for (size_t i = 0; er && i < rule->output.n; i++) {
		struct detect_value value;

		if (!rule->output.pieces[i].is_field)
			continue;
		value = checks_value(&en->checks, er->operands[i]);
		field(ctx, output_text(&rule->output, &rule->output.pieces[i]), &value);
	}
}

void engine_get_stats(const struct engine *en, struct engine_stats *ret_stats)
{
	*ret_stats = (struct engine_stats){.events = en->events,
					   .hits = en->hits,
					   .refused = en->scratch.refused,
					   .checks = en->checks.n,
					   .steps = en->program.n};
}
