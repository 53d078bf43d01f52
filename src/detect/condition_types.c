/* condition_types.c - see condition_types.h. */
#include "detect/condition_types.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "detect/field.h"

#define MOST_PROBLEMS 100u /* told of one condition: a hostile one could have as many as checks */

struct checker {
	const struct condition *c;
	const struct cond_judge *judge;
	unsigned problems;
};

/* What an operand is. */
struct operand {
	enum field_type type;
	bool list;
	const struct field *field; /* NULL behind a transformer */
	bool known;
};

static void tell(struct checker *k, uint32_t node, enum cond_verdict verdict, const char *hint,
		 const char *format, ...) __attribute__((format(printf, 5, 6)));

static void tell(struct checker *k, uint32_t node, enum cond_verdict verdict, const char *hint,
		 const char *format, ...)
{
	char text[LIMIT_ERR_TEXT];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args); /* cut when it is too long */
	va_end(args);
	k->problems++;
	k->judge->tell(k->judge->ctx, &k->c->nodes[node], verdict, hint, text);
}

/* "text; hint" of struct err as two texts. */
static void tell_err(struct checker *k, uint32_t node, enum cond_verdict verdict, struct err *e)
{
	char *hint = strstr(e->text, "; ");

	if (hint)
		*hint = '\0';
	tell(k, node, verdict, hint ? hint + 2 : "", "%s", e->text);
}

static void check_use(struct checker *k, uint32_t node, const struct field *f, bool right)
{
	if (f->flags & FFLAG_PRINT_ONLY)
		tell(k, node, COND_WRONG, "use it in the output only",
		     "field '%s' cannot stand in a condition", f->name);
	if (right && f->flags & FFLAG_NO_RHS)
		tell(k, node, COND_WRONG, "write it on the left",
		     "field '%s' cannot stand on the right", f->name);
	if (f->flags & FFLAG_DEPRECATED)
		tell(k, node, COND_DOUBT, "remove the check",
		     "field '%s' is deprecated and has no value", f->name);
}

static struct operand field_operand(struct checker *k, uint32_t node, bool right)
{
	const struct cond_node *n = &k->c->nodes[node];
	struct operand o = {.known = false};
	struct err e = ERR_INIT;
	struct field_use use;
	int r = field_resolve(condition_text(k->c, n), condition_arg(k->c, n),
			      n->flags & COND_HAS_ARG, &use, &e);

	if (r < 0) {
		tell_err(k, node, r == -ENOENT ? COND_UNKNOWN : COND_WRONG, &e);
		return o;
	}
	check_use(k, node, use.field, right);
	/* fd.types[0] is one of them */
	return (struct operand){use.field->type, use.field->flags & FFLAG_LIST && !use.has_arg,
				use.field, true};
}

static bool takes_several(enum cond_transformer t)
{
	return t == COND_JOIN || t == COND_CONCAT || t == COND_GETOPT;
}

/* Whether a transformer can work on that; *o becomes what comes out. */
static bool apply(enum cond_transformer t, struct operand *o)
{
	bool text = o->type == FTYPE_TEXT, bytes = o->type == FTYPE_BYTES;
	bool fits = t == COND_VAL || takes_several(t) || (t == COND_LEN && o->list) ||
		    (t == COND_B64 || t == COND_LEN ? text || bytes : text);

	if (t != COND_VAL)
		o->field = NULL;
	if (t == COND_LEN || takes_several(t))
		o->list = false;
	if (t == COND_LEN)
		o->type = FTYPE_U64;
	else if (takes_several(t))
		o->type = FTYPE_TEXT;
	return fits;
}

static struct operand operand(struct checker *k, uint32_t node, bool right);

/* The arguments of join, concat and getopt; nested calls are at most LIMIT_TRANSFORMERS. */
static bool several(struct checker *k, uint32_t node, bool right)
{
	bool known = true;

	cond_each (child, k->c, node) {
		uint8_t kind = k->c->nodes[child].kind;

		if (kind == COND_LIST)
			known &= several(k, child, right);
		else if (kind != COND_VALUE)
			known &= operand(k, child, right).known;
	}
	return known;
}

static struct operand transform_operand(struct checker *k, uint32_t node, bool right)
{
	const struct cond_node *n = &k->c->nodes[node];
	enum cond_transformer t = (enum cond_transformer)n->what;
	const struct cond_node *child = &k->c->nodes[n->first];
	struct operand o = {.known = false};

	if (takes_several(t)) {
		o.known = several(k, node, right);
		(void)apply(t, &o); /* takes anything */
		return o;
	}
	if (child->next != COND_NONE || child->kind == COND_LIST || child->kind == COND_VALUE) {
		tell(k, node, COND_WRONG, "", "%s() takes one field", cond_transformer_name(t));
		return o;
	}
	if (child->kind == COND_TRANSFORM && (t == COND_VAL || child->what == COND_VAL)) {
		tell(k, node, COND_WRONG, "leave val() out", "val() takes and gives one field");
		return o;
	}
	o = operand(k, n->first, right && t == COND_VAL);
	if (!o.known)
		return o;
	if (t != COND_VAL && o.field && o.field->flags & FFLAG_NO_TRANSFORMER)
		tell(k, node, COND_WRONG, "compare the field itself",
		     "field '%s' cannot go through a transformer", o.field->name);
	else if (!apply(t, &o))
		tell(k, node, COND_WRONG, "", "%s() cannot work on a %s", cond_transformer_name(t),
		     field_type_name(o.type));
	return o;
}

static struct operand operand(struct checker *k, uint32_t node, bool right)
{
	if (k->c->nodes[node].kind == COND_FIELD)
		return field_operand(k, node, right);
	return transform_operand(k, node, right);
}

static bool is_numeric(enum field_type type)
{
	return type != FTYPE_TEXT && type != FTYPE_BOOL && type != FTYPE_BYTES &&
	       type != FTYPE_ADDRESS && type != FTYPE_NETWORK && type != FTYPE_DYNAMIC;
}

#define OP(op)	(1u << COND_##op)
#define OPS_ANY (OP(EQ) | OP(NE) | OP(IN) | OP(INTERSECTS) | OP(EXISTS))

static unsigned allowed_ops(const struct operand *o)
{
	if (o->list)
		return OP(IN) | OP(INTERSECTS) | OP(EXISTS);
	if (is_numeric(o->type))
		return OPS_ANY | OP(LT) | OP(LE) | OP(GT) | OP(GE);
	switch (o->type) {
	case FTYPE_TEXT:
		return ~(OP(BCONTAINS) | OP(BSTARTSWITH));
	case FTYPE_BYTES:
		return OPS_ANY | OP(CONTAINS) | OP(STARTSWITH) | OP(ENDSWITH) | OP(BCONTAINS) |
		       OP(BSTARTSWITH);
	case FTYPE_DYNAMIC:
		return ~0u;
	default:
		return OPS_ANY;
	}
}

static void print_ops(unsigned ops, char ret_text[160])
{
	size_t n = 0;

	n += (size_t)snprintf(ret_text, 160, "it allows");
	for (unsigned i = 0; i < COND_OPS && n < 160; i++)
		if (ops & 1u << i)
			n += (size_t)snprintf(ret_text + n, 160 - n, " %s",
					      cond_op_name((enum cond_op)i));
}

static bool check_operator(struct checker *k, uint32_t check, const struct operand *left)
{
	const struct cond_node *n = &k->c->nodes[check];
	unsigned ops = allowed_ops(left);
	char hint[160];

	if (!(ops & 1u << n->what)) {
		print_ops(ops, hint);
		tell(k, check, COND_WRONG, hint, "operator '%s' does not fit %s%s '%.60s'",
		     cond_op_name((enum cond_op)n->what), left->list ? "the list of " : "the ",
		     field_type_name(left->type),
		     left->field ? left->field->name : "that a transformer makes");
		return false;
	}
	if (n->modifier != COND_PLAIN && left->list) {
		tell(k, check, COND_WRONG, "use in or intersects",
		     "'%s' wants one value on the left, not a list",
		     cond_modifier_name((enum cond_modifier)n->modifier));
		return false;
	}
	return true;
}

static bool to_text(struct span s, char ret_text[64])
{
	if (s.n == 0 || s.n >= 64 || memchr(s.p, 0, s.n))
		return false;
	memcpy(ret_text, s.p, s.n);
	ret_text[s.n] = '\0';
	return true;
}

static bool signed_fits(const char *text, int64_t low, int64_t high)
{
	long long value;
	char *end;

	errno = 0;
	value = strtoll(text, &end, text[0] == '0' && (text[1] | 0x20) == 'x' ? 16 : 10);
	return errno == 0 && end != text && !*end && value >= low && value <= high;
}

static bool unsigned_fits(const char *text, uint64_t high)
{
	unsigned long long value;
	char *end;

	errno = 0;
	if (text[0] == '-')
		return false;
	value = strtoull(text, &end, text[0] == '0' && (text[1] | 0x20) == 'x' ? 16 : 10);
	return errno == 0 && end != text && !*end && value <= high;
}

static bool double_fits(const char *text)
{
	char *end;
	double value = strtod(text, &end);

	return end != text && !*end && isfinite(value);
}

/* A number, or the name of a service. */
static bool port_fits(const char *text)
{
	if (unsigned_fits(text, UINT16_MAX))
		return true;
	return (text[0] | 0x20) >= 'a' && (text[0] | 0x20) <= 'z';
}

static bool address_fits(const char *text)
{
	uint8_t bytes[16];

	return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

static bool network_fits(char *text)
{
	char *slash = strchr(text, '/');
	bool six = strchr(text, ':') != NULL;

	if (!slash)
		return false;
	*slash = '\0';
	return address_fits(text) && unsigned_fits(slash + 1, six ? 128 : 32);
}

static bool value_fits(enum field_type type, struct span value)
{
	char text[64];

	if (type == FTYPE_TEXT || type == FTYPE_BYTES || type == FTYPE_DYNAMIC)
		return true;
	if (!to_text(value, text))
		return false;
	switch (type) {
	case FTYPE_BOOL:
		return strcmp(text, "true") == 0 || strcmp(text, "false") == 0;
	case FTYPE_I16:
		return signed_fits(text, INT16_MIN, INT16_MAX);
	case FTYPE_I32:
		return signed_fits(text, INT32_MIN, INT32_MAX);
	case FTYPE_I64:
		return signed_fits(text, INT64_MIN, INT64_MAX);
	case FTYPE_U32:
		return unsigned_fits(text, UINT32_MAX);
	case FTYPE_DOUBLE:
		return double_fits(text);
	case FTYPE_PORT:
		return port_fits(text);
	case FTYPE_ADDRESS:
		return address_fits(text);
	case FTYPE_NETWORK:
		return network_fits(text);
	default:
		return unsigned_fits(text, UINT64_MAX);
	}
}

static const char *value_hint(enum field_type type)
{
	switch (type) {
	case FTYPE_BOOL:
		return "write true or false";
	case FTYPE_PORT:
		return "write a port, 0 to 65535";
	case FTYPE_ADDRESS:
		return "write an address: 10.0.0.1";
	case FTYPE_NETWORK:
		return "write a network with its prefix: 10.0.0.0/8";
	case FTYPE_U32:
	case FTYPE_U64:
	case FTYPE_RELTIME:
	case FTYPE_ABSTIME:
		return "write a whole number that is not negative";
	default:
		return "write a number";
	}
}

static bool is_hex_text(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i] | 0x20;

		if (!(s.p[i] >= '0' && s.p[i] <= '9') && !(c >= 'a' && c <= 'f'))
			return false;
	}
	return s.n && s.n % 2 == 0;
}

static bool is_event_type(const struct operand *o)
{
	return o->field && strcmp(o->field->name, "evt.type") == 0;
}

static bool compares_names(enum cond_op op)
{
	return op == COND_EQ || op == COND_NE || op == COND_IN;
}

static void check_value(struct checker *k, uint32_t check, uint32_t node, const struct operand *o)
{
	enum cond_op op = (enum cond_op)k->c->nodes[check].what;
	struct span value = condition_text(k->c, &k->c->nodes[node]);
	int shown = value.n < 60 ? (int)value.n : 60;

	if (op == COND_BCONTAINS || op == COND_BSTARTSWITH) {
		if (!is_hex_text(value))
			tell(k, node, COND_WRONG, "write pairs of hexadecimal digits: 7f454c46",
			     "'%.*s' is no bytes in hexadecimal", shown, (const char *)value.p);
	} else if (!value_fits(o->type, value)) {
		tell(k, node, COND_WRONG, value_hint(o->type), "'%.*s' is no %s", shown,
		     (const char *)value.p, field_type_name(o->type));
	} else if (is_event_type(o) && compares_names(op) && event_name_find(value) < 0) {
		const char *near = event_name_near(value);
		char hint[160] = "";

		if (near)
			(void)snprintf(hint, sizeof(hint), "did you mean '%s'?", near);
		tell(k, node, COND_UNKNOWN, hint, "unknown event type '%.*s'", shown,
		     (const char *)value.p);
	} else if (span_is(value, "<NA>") && op != COND_EXISTS) {
		tell(k, node, COND_DOUBT, "use 'not FIELD exists'",
		     "a field that is missing is not '<NA>'");
	}
}

static void check_right_field(struct checker *k, uint32_t right, const struct operand *left)
{
	struct operand o = operand(k, right, true);

	if (!o.known || !left->known)
		return;
	if (is_event_type(left))
		tell(k, right, COND_WRONG, "write names of events",
		     "evt.type cannot be compared with a field");
	else if (o.type != left->type)
		tell(k, right, COND_WRONG, "both sides must have the same type",
		     "a %s is compared with a %s", field_type_name(left->type),
		     field_type_name(o.type));
}

static void check_right(struct checker *k, uint32_t check, uint32_t right,
			const struct operand *left)
{
	uint8_t kind = k->c->nodes[right].kind;

	if (kind == COND_FIELD || kind == COND_TRANSFORM) {
		check_right_field(k, right, left);
		return;
	}
	if (!left->known)
		return;
	if (kind == COND_VALUE) {
		check_value(k, check, right, left);
		return;
	}
	cond_each (value, k->c, right)
		if (k->problems < MOST_PROBLEMS)
			check_value(k, check, value, left);
}

/* Through any transformers, the field that is compared. */
static bool names_event_type(const struct condition *c, uint32_t node)
{
	const struct cond_node *n = &c->nodes[node];

	while (n->kind == COND_TRANSFORM)
		n = &c->nodes[n->first];
	return n->kind == COND_FIELD && !(n->flags & COND_HAS_ARG) &&
	       span_is(condition_text(c, n), "evt.type");
}

static void check_check(struct checker *k, uint32_t check)
{
	uint32_t left = k->c->nodes[check].first, right = k->c->nodes[left].next;
	struct operand o = operand(k, left, false);

	if (k->c->nodes[left].kind == COND_TRANSFORM && names_event_type(k->c, left))
		tell(k, left, COND_WRONG, "compare evt.type itself",
		     "evt.type cannot go through a transformer");
	if (o.known && !check_operator(k, check, &o))
		return;
	if (right != COND_NONE)
		check_right(k, check, right, &o);
}

/* Nested calls are bounded: no tree is deeper than LIMIT_CONDITION_DEPTH. */
static void check_node(struct checker *k, uint32_t node)
{
	if (k->problems >= MOST_PROBLEMS)
		return;
	if (k->c->nodes[node].kind == COND_CHECK) {
		check_check(k, node);
		return;
	}
	if (k->c->nodes[node].kind == COND_MACRO)
		return;
	cond_each (child, k->c, node)
		check_node(k, child);
}

void condition_check_types(const struct condition *c, const struct cond_judge *judge)
{
	struct checker k = {c, judge, 0};

	if (c->root != COND_NONE)
		check_node(&k, c->root);
}

void condition_check_operand(const struct condition *c, uint32_t node,
			     const struct cond_judge *judge)
{
	struct checker k = {c, judge, 0};

	(void)operand(&k, node, false); /* what it told is the result */
}

static void add_name(const struct condition *c, uint32_t node, struct event_set *names)
{
	int number = event_name_find(condition_text(c, &c->nodes[node]));

	if (number >= 0)
		event_set_add(names, (unsigned)number);
}

/* The types that a comparison of evt.type with these names is true for. */
static void compare_names(enum cond_op op, enum cond_modifier modifier,
			  const struct event_set *names, struct event_set *ret_events)
{
	unsigned n = event_set_count(names);
	bool differs = op == COND_NE;

	*ret_events = *names;
	if (modifier == COND_ONEOF && differs && n == 2)
		return; /* one of two differs exactly for these two */
	if (n > 1 && ((modifier == COND_ALLOF && !differs) || (modifier == COND_ONEOF && differs)))
		event_set_none(ret_events);
	else if (modifier == COND_ANYOF && differs && n > 1)
		event_set_all(ret_events);
	else if (differs)
		event_set_invert(ret_events);
}

/* The types of one check; false when it says nothing about them. */
static bool check_events(const struct condition *c, uint32_t check, struct event_set *ret_events)
{
	const struct cond_node *n = &c->nodes[check];
	uint32_t left = n->first, right = c->nodes[left].next;
	enum cond_op op = (enum cond_op)n->what;
	struct event_set names;

	if (right != COND_NONE && c->nodes[right].kind == COND_LIST &&
	    c->nodes[right].first == COND_NONE) {
		event_set_none(ret_events);
		return true;
	}
	if (c->nodes[left].kind != COND_FIELD || !names_event_type(c, left))
		return false;
	event_set_all(ret_events);
	if (op == COND_EXISTS)
		return true;
	if (!compares_names(op))
		return false;
	event_set_none(&names);
	if (c->nodes[right].kind == COND_VALUE)
		add_name(c, right, &names);
	else if (c->nodes[right].kind == COND_LIST)
		cond_each (value, c, right)
			add_name(c, value, &names);
	else
		return false;
	compare_names(op, (enum cond_modifier)n->modifier, &names, ret_events);
	return true;
}

/* Nested calls are bounded: no tree is deeper than LIMIT_CONDITION_DEPTH. */
static void node_events(const struct condition *c, uint32_t node, bool negate,
			struct event_set *ret_events)
{
	const struct cond_node *n = &c->nodes[node];
	bool meet = (n->kind == COND_AND) != negate;

	if (n->kind == COND_NOT) {
		node_events(c, n->first, !negate, ret_events);
		return;
	}
	if (n->kind == COND_CHECK && check_events(c, node, ret_events)) {
		if (negate)
			event_set_invert(ret_events);
		return;
	}
	event_set_all(ret_events);
	if (n->kind != COND_AND && n->kind != COND_OR)
		return;
	if (!meet)
		event_set_none(ret_events);
	cond_each (child, c, node) {
		struct event_set set;

		node_events(c, child, negate, &set);
		if (meet)
			event_set_and(ret_events, &set);
		else
			event_set_or(ret_events, &set);
	}
}

void condition_events(const struct condition *c, struct event_set *ret_events)
{
	event_set_all(ret_events);
	if (c->root != COND_NONE)
		node_events(c, c->root, false, ret_events);
}
