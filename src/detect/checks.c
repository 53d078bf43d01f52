/* checks.c - see checks.h. */
#include "detect/checks.h"

#include <stdio.h>

#include "base/grow.h"
#include "base/limits.h"
#include "detect/field.h"
#include "detect/transform.h"

#define ARGS_MAX 64u /* of one transformer, and of a list in one */

enum operand_kind {
	OPERAND_FIELD,
	OPERAND_CONSTANT,
	OPERAND_LIST,
	OPERAND_TRANSFORM,
};

struct check_operand {
	enum operand_kind kind;
	enum transform transform;
	uint32_t field;
	uint32_t first, n; /* operands of a list or transformer, one behind the other */
	struct detect_value constant;
	struct transform_type type;
	uint32_t next; /* the argument behind it, or CHECKS_NONE */
};

struct check_field {
	struct extract_field field;
	struct detect_value value; /* of the event `serial` */
	uint32_t serial;
	char why[LIMIT_ERR_TEXT]; /* it cannot be answered; empty when it can */
};

struct check {
	enum match_op op;
	struct match *match; /* NULL: `right` is a field too */
	uint32_t left, right;
	uint32_t serial;
	enum truth truth;
};

void checks_init(struct checks *cs, enum match_mode mode)
{
	*cs = (struct checks){.mode = mode};
	intern_init(&cs->names);
}

void checks_fini(struct checks *cs)
{
	for (size_t i = 0; i < cs->n; i++)
		match_free(cs->checks[i].match);
	free(cs->checks);
	free(cs->fields);
	free(cs->operands);
	intern_fini(&cs->names);
	*cs = (struct checks){.n = 0};
}

static int no_memory(struct err *e)
{
	return err_set(e, ENOMEM, "no memory for the rules");
}

/* ---- compiling ---- */

static int field_key(struct buf *key, struct span name, struct span arg, struct err *e)
{
	buf_init(key, LIMIT_CONDITION);
	buf_add_span(key, name);
	buf_addf(key, "[");
	buf_add_span(key, arg);
	return buf_check(key, "a field", e);
}

static int field_number(struct checks *cs, struct span name, struct span arg, uint32_t *ret_number,
			struct err *e)
{
	AUTO(buf) struct buf key = {0};
	struct check_field field = {.serial = 0};
	struct err why = ERR_INIT;
	size_t before = cs->names.n;
	int r = field_key(&key, name, arg, e);

	if (r < 0)
		return r;
	if (!GROW(cs->fields, cs->field_n, cs->field_cap) ||
	    intern_get(&cs->names, buf_span(&key), ret_number) < 0)
		return no_memory(e);
	if (cs->names.n == before)
		return 0;
	/* the arguments stay where the rules are: they live as long */
	r = extract_prepare(name, arg, &field.field, &why);
	if (r < 0)
		(void)snprintf(field.why, sizeof(field.why), "%s", why.text); /* may be cut */
	if (r < 0 && r != -ENOTSUP)
		return err_set(e, EINVAL, "%s", why.text);
	cs->fields[cs->field_n++] = field;
	return 0;
}

static int add_operand(struct checks *cs, const struct check_operand *o, uint32_t *ret_operand,
		       struct err *e)
{
	if (!GROW(cs->operands, cs->operand_n, cs->operand_cap))
		return no_memory(e);
	*ret_operand = (uint32_t)cs->operand_n;
	cs->operands[cs->operand_n++] = *o;
	return 0;
}

static int field_operand(struct checks *cs, const struct condition *c, const struct cond_node *node,
			 struct check_operand *o, struct err *e)
{
	const struct extractor *x;
	int r;

	o->kind = OPERAND_FIELD;
	r = field_number(cs, condition_text(c, node), condition_arg(c, node), &o->field, e);
	if (r < 0)
		return r;
	x = cs->fields[o->field].field.extractor;
	o->type = x ? (struct transform_type){x->kind, x->list}
		    : (struct transform_type){DETECT_TEXT, false};
	return 0;
}

/* The arguments of a list or transformer.  Nesting is bounded by LIMIT_TRANSFORMERS. */
static int args_operands(struct checks *cs, const struct condition *c, uint32_t node,
			 struct check_operand *o, struct err *e)
{
	uint32_t last = CHECKS_NONE, arg;

	o->first = CHECKS_NONE;
	cond_each (child, c, node) {
		int r = checks_add_operand(cs, c, child, &arg, e);

		if (r < 0)
			return r;
		if (++o->n > ARGS_MAX)
			return err_set(e, E2BIG, "more than %u arguments of one transformer",
				       ARGS_MAX);
		if (last == CHECKS_NONE)
			o->first = arg;
		else
			cs->operands[last].next = arg;
		last = arg;
	}
	return 0;
}

static int transform_operand(struct checks *cs, const struct cond_node *node,
			     struct check_operand *o, struct err *e)
{
	struct transform_type types[ARGS_MAX];
	size_t n = 0;

	o->kind = OPERAND_TRANSFORM;
	if (!transform_find(span_of(cond_transformer_name((enum cond_transformer)node->what)),
			    &o->transform))
		return err_set(e, EINVAL, "no transformer '%s' here",
			       cond_transformer_name((enum cond_transformer)node->what));
	for (uint32_t at = o->first; at != CHECKS_NONE; at = cs->operands[at].next)
		types[n++] = cs->operands[at].type;
	return transform_check(o->transform, types, n, &o->type, e);
}

int checks_add_operand(struct checks *cs, const struct condition *c, uint32_t number,
		       uint32_t *ret_operand, struct err *e)
{
	const struct cond_node *node = &c->nodes[number];
	struct check_operand o = {.next = CHECKS_NONE};
	int r = 0;

	if (node->kind == COND_TRANSFORM && node->what == COND_VAL)
		return checks_add_operand(cs, c, node->first, ret_operand, e);
	switch (node->kind) {
	case COND_FIELD:
		r = field_operand(cs, c, node, &o, e);
		break;
	case COND_VALUE:
		o.kind = OPERAND_CONSTANT;
		o.constant = detect_text(condition_text(c, node));
		o.type = (struct transform_type){DETECT_TEXT, false};
		break;
	case COND_LIST:
		o.kind = OPERAND_LIST;
		o.type = (struct transform_type){DETECT_TEXT, true};
		r = args_operands(cs, c, number, &o, e);
		break;
	default:
		r = args_operands(cs, c, number, &o, e);
		if (r == 0)
			r = transform_operand(cs, node, &o, e);
	}
	return r < 0 ? r : add_operand(cs, &o, ret_operand, e);
}

static enum match_modifier modifier_of(const struct cond_node *node)
{
	static const enum match_modifier modifiers[COND_MODIFIERS] = {
		[COND_PLAIN] = MATCH_ONE_VALUE,
		[COND_ONEOF] = MATCH_ONEOF,
		[COND_ANYOF] = MATCH_ANYOF,
		[COND_ALLOF] = MATCH_ALLOF,
	};

	return modifiers[node->modifier];
}

/* The constants on the right: the value, or the values of the list. */
static int constants(const struct condition *c, uint32_t right, struct span **ret_values,
		     size_t *ret_n, struct err *e)
{
	size_t n = 0, cap = 0;
	struct span *values = NULL;

	if (right == COND_NONE)
		return 0;
	if (c->nodes[right].kind == COND_VALUE) {
		values = malloc(sizeof(*values));
		if (!values)
			return no_memory(e);
		values[n++] = condition_text(c, &c->nodes[right]);
	} else {
		cond_each (child, c, right) {
			if (!GROW(values, n, cap)) {
				free(values);
				return no_memory(e);
			}
			values[n++] = condition_text(c, &c->nodes[child]);
		}
	}
	*ret_values = values;
	*ret_n = n;
	return 0;
}

static bool is_constant(const struct condition *c, uint32_t right)
{
	return right == COND_NONE || c->nodes[right].kind == COND_VALUE ||
	       c->nodes[right].kind == COND_LIST;
}

/* Whether the field's numbers are ports, which may be named by their service. */
static bool is_port(const struct condition *c, const struct cond_node *node)
{
	struct field_use use;
	struct err ignored = ERR_INIT; /* an unknown field is told elsewhere */

	return node->kind == COND_FIELD &&
	       field_resolve(condition_text(c, node), condition_arg(c, node),
			     node->flags & COND_HAS_ARG, &use, &ignored) == 0 &&
	       use.field->type == FTYPE_PORT;
}

static int compile_check(struct checks *cs, const struct condition *c, uint32_t number,
			 struct check *check, struct err *e)
{
	const struct cond_node *node = &c->nodes[number];
	uint32_t right = c->nodes[node->first].next;
	AUTO(free) struct span *values = NULL;
	struct match_spec spec = {.modifier = modifier_of(node)};
	int r;

	if (!match_op_find(span_of(cond_op_name((enum cond_op)node->what)), &check->op))
		return err_set(e, EINVAL, "no operator '%s' here",
			       cond_op_name((enum cond_op)node->what));
	r = checks_add_operand(cs, c, node->first, &check->left, e);
	if (r < 0)
		return r;
	if (!is_constant(c, right))
		return checks_add_operand(cs, c, right, &check->right, e);
	r = constants(c, right, &values, &spec.n, e);
	if (r < 0)
		return r;
	spec.op = check->op;
	spec.kind = cs->operands[check->left].type.kind;
	spec.values = values;
	spec.services = is_port(c, &c->nodes[node->first]);
	return match_compile(&spec, &check->match, e);
}

int checks_compile(struct checks *cs, const struct program *p, struct err *e)
{
	while (cs->n < p->texts.n) {
		const struct program_check *seen = &p->checks[cs->n];
		struct check check = {.left = CHECKS_NONE, .right = CHECKS_NONE};
		int r;

		if (!GROW(cs->checks, cs->n, cs->cap))
			return no_memory(e);
		r = compile_check(cs, seen->condition, seen->node, &check, e);
		if (r < 0)
			return r;
		cs->checks[cs->n++] = check;
	}
	return 0;
}

const char *checks_blind(const struct checks *cs, struct span name, struct span arg)
{
	AUTO(buf) struct buf key = {0};
	struct err ignored = ERR_INIT; /* what was never added is not blind */
	uint32_t number;

	if (field_key(&key, name, arg, &ignored) < 0 ||
	    !intern_find(&cs->names, buf_span(&key), &number))
		return NULL;
	return *cs->fields[number].why ? cs->fields[number].why : NULL;
}

/* ---- answering ---- */

void checks_begin(struct checks *cs, const struct detect_event *event)
{
	cs->event = event;
	if (++cs->serial != 0)
		return;
	/* After 2^32 events: nothing may look as if it were of this one. */
	for (size_t i = 0; i < cs->n; i++)
		cs->checks[i].serial = 0;
	for (size_t i = 0; i < cs->field_n; i++)
		cs->fields[i].serial = 0;
	cs->serial = 1;
}

static struct detect_value field_value(struct checks *cs, uint32_t number)
{
	struct check_field *f = &cs->fields[number];

	if (f->serial == cs->serial)
		return f->value;
	f->serial = cs->serial;
	f->value = detect_absent();
	if (!*f->why)
		extract(&f->field, cs->event, &f->value);
	return f->value;
}

static struct detect_value list_value(struct checks *cs, const struct check_operand *o)
{
	struct detect_value *items = detect_room_items(cs->event->scratch, o->n);
	uint32_t at = o->first;

	if (!items)
		return detect_absent();
	for (uint32_t i = 0; i < o->n; i++, at = cs->operands[at].next)
		items[i] = checks_value(cs, at);
	return detect_several(DETECT_LIST, items, o->n);
}

static struct detect_value transform_value(struct checks *cs, const struct check_operand *o)
{
	struct detect_value args[ARGS_MAX];
	uint32_t at = o->first;

	for (uint32_t i = 0; i < o->n; i++, at = cs->operands[at].next)
		args[i] = checks_value(cs, at);
	return transform_apply(o->transform, args, o->n, cs->event->scratch);
}

struct detect_value checks_value(struct checks *cs, uint32_t operand)
{
	const struct check_operand *o = &cs->operands[operand];

	switch (o->kind) {
	case OPERAND_FIELD:
		return field_value(cs, o->field);
	case OPERAND_CONSTANT:
		return o->constant;
	case OPERAND_LIST:
		return list_value(cs, o);
	case OPERAND_TRANSFORM:
		break;
	}
	return transform_value(cs, o);
}

enum truth checks_answer(void *ctx, uint32_t number)
{
	struct checks *cs = ctx;
	struct check *check = &cs->checks[number];
	struct detect_value left, right;

	if (check->serial == cs->serial)
		return check->truth;
	left = checks_value(cs, check->left);
	if (check->match) {
		check->truth = match_test(check->match, &left, cs->mode);
	} else {
		right = checks_value(cs, check->right);
		check->truth = match_values(check->op, &left, &right, cs->mode);
	}
	check->serial = cs->serial;
	return check->truth;
}
