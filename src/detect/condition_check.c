/* condition_check.c - one check of a condition: what is compared, how, and with what. */
#include <stdio.h>

#include "detect/condition_build.h"
#include "detect/near.h"

/* Appends a quoted text to the bytes; 1 with *ret_text set, 0 there is none, or -EINVAL. */
static int quoted(struct cond_parser *p, uint32_t *ret_text, uint32_t *ret_len)
{
	size_t before = p->c->bytes.n;
	int r = lex_quoted(&p->l, &p->c->bytes);

	*ret_text = (uint32_t)before;
	*ret_len = (uint32_t)(p->c->bytes.n - before);
	return r;
}

/* [arg] behind a field's name, if it is there. */
static int parse_arg(struct cond_parser *p, uint32_t node)
{
	size_t at = p->l.at;
	struct span bare;
	uint32_t text, len;
	int r;

	if (!lex_byte(&p->l, '['))
		return 0;
	r = quoted(p, &text, &len);
	if (r < 0)
		return r;
	if (r == 0) {
		if (!lex_bare_arg(&p->l, &bare))
			return lex_fault(&p->l, p->l.at, "write a name or number: [1]",
					 "the argument of a field is missing");
		text = (uint32_t)p->c->bytes.n;
		len = (uint32_t)bare.n;
		buf_add_span(&p->c->bytes, bare);
	}
	if (!lex_byte(&p->l, ']'))
		return lex_fault(&p->l, at, "add ']'; with blanks in it, put it in quotes",
				 "the argument of a field is not closed");
	p->c->nodes[node].arg = text;
	p->c->nodes[node].arg_len = len;
	p->c->nodes[node].flags |= COND_HAS_ARG;
	return 0;
}

static int parse_field(struct cond_parser *p, struct span name, size_t at, uint32_t *ret_node)
{
	int r = cond_add(p, COND_FIELD, at, ret_node);

	if (r < 0)
		return r;
	cond_set_text(p, *ret_node, name);
	return parse_arg(p, *ret_node);
}

static int find_transformer(struct span name)
{
	for (int i = 0; i < COND_TRANSFORMERS; i++)
		if (span_is(name, cond_transformer_name((enum cond_transformer)i)))
			return i;
	return -1;
}

static int unknown_transformer(struct cond_parser *p, struct span name, size_t at)
{
	struct near near;
	char shown[40], hint[160];

	near_init(&near, name);
	for (int i = 0; i < COND_TRANSFORMERS; i++)
		(void)near_offer(&near, span_of(cond_transformer_name((enum cond_transformer)i)));
	lex_shown(&p->l, at, shown);
	if (near.best.n)
		(void)snprintf(hint, sizeof(hint), "did you mean '%.*s'?", (int)near.best.n,
			       (const char *)near.best.p);
	else
		(void)snprintf(hint, sizeof(hint),
			       "there are tolower toupper b64 basename len join concat getopt");
	return lex_fault(&p->l, at, hint, "unknown transformer %s", shown);
}

static int parse_value(struct cond_parser *p, uint32_t *ret_node);
static int parse_transform(struct cond_parser *p, struct span name, size_t at, unsigned level,
			   uint32_t *ret_node);

/* An argument of a transformer: a field, a transformer, a text, or a list of these.  Nested calls
 * are at most LIMIT_TRANSFORMERS deep. */
static int parse_argument(struct cond_parser *p, unsigned level, uint32_t *ret_node);

/* Arguments up to the ')' that closes them. */
static int parse_arguments(struct cond_parser *p, uint32_t node, size_t open, unsigned level)
{
	struct cond_children children = COND_CHILDREN_INIT;

	if (level > LIMIT_TRANSFORMERS)
		return lex_fault(&p->l, open, "use fewer transformers",
				 "transformers are nested more than %u deep", LIMIT_TRANSFORMERS);
	for (;;) {
		uint32_t child;
		int r = parse_argument(p, level, &child);

		if (r < 0)
			return r;
		cond_join(p, &children, child);
		(void)lex_blank(&p->l); /* blanks are allowed here */
		if (lex_byte(&p->l, ')'))
			return cond_adopt(p, node, &children);
		if (!lex_byte(&p->l, ','))
			return lex_fault(&p->l, p->l.at, "add ')'",
					 "a transformer's argument is not closed");
	}
}

static int parse_argument(struct cond_parser *p, unsigned level, uint32_t *ret_node)
{
	struct span name;
	unsigned dots;
	size_t at;
	int r;

	(void)lex_blank(&p->l); /* blanks are allowed here */
	at = p->l.at;
	if (lex_byte(&p->l, '(')) {
		r = cond_add(p, COND_LIST, at, ret_node);
		return r < 0 ? r : parse_arguments(p, *ret_node, at, level + 1);
	}
	if (!lex_name(&p->l, &name, &dots))
		return parse_value(p, ret_node);
	if (dots)
		return parse_field(p, name, at, ret_node);
	if (lex_peek(&p->l) == '(')
		return parse_transform(p, name, at, level + 1, ret_node);
	p->l.at = at;
	return parse_value(p, ret_node);
}

/* At the '(' behind a transformer's name. */
static int parse_transform(struct cond_parser *p, struct span name, size_t at, unsigned level,
			   uint32_t *ret_node)
{
	int which = find_transformer(name), r;
	size_t open = p->l.at;

	if (which < 0)
		return unknown_transformer(p, name, at);
	if (!lex_byte(&p->l, '('))
		return lex_fault(&p->l, open, "write '(' directly behind its name",
				 "a transformer without an argument");
	r = cond_add(p, COND_TRANSFORM, at, ret_node);
	if (r < 0)
		return r;
	p->c->nodes[*ret_node].what = (uint8_t)which;
	return parse_arguments(p, *ret_node, open, level);
}

static int parse_value(struct cond_parser *p, uint32_t *ret_node)
{
	size_t at = p->l.at;
	struct span bare;
	uint32_t text, len;
	char shown[40];
	int r = cond_add(p, COND_VALUE, at, ret_node);

	if (r < 0)
		return r;
	r = quoted(p, &text, &len);
	if (r < 0)
		return r;
	if (r > 0) {
		p->c->nodes[*ret_node].text = text;
		p->c->nodes[*ret_node].len = len;
		p->c->nodes[*ret_node].flags |= COND_QUOTED;
		return 0;
	}
	if (lex_bare(&p->l, &bare)) {
		cond_set_text(p, *ret_node, bare);
		return 0;
	}
	lex_shown(&p->l, at, shown);
	return lex_fault(&p->l, at, "a value with blanks or any of ()=,'\" in it stands in quotes",
			 "a value is missing before %s", shown);
}

/* The values of a list up to ')', the '(' is taken. */
static int parse_list(struct cond_parser *p, size_t at, uint32_t *ret_node)
{
	struct cond_children children = COND_CHILDREN_INIT;
	int r = cond_add(p, COND_LIST, at, ret_node);

	(void)lex_blank(&p->l); /* blanks are allowed here */
	if (r < 0 || lex_byte(&p->l, ')'))
		return r;
	for (;;) {
		uint32_t value;

		(void)lex_blank(&p->l); /* blanks are allowed here */
		r = parse_value(p, &value);
		if (r < 0)
			return r;
		cond_join(p, &children, value);
		(void)lex_blank(&p->l); /* blanks are allowed here */
		if (lex_byte(&p->l, ')'))
			return cond_adopt(p, *ret_node, &children);
		if (!lex_byte(&p->l, ','))
			return lex_fault(&p->l, p->l.at, "values are separated by commas",
					 "a list is not closed");
	}
}

/* val(field) or transformer(field) on the right.  1 taken, 0 there is none. */
static int parse_right_field(struct cond_parser *p, uint32_t *ret_node)
{
	size_t at = p->l.at;
	struct span word;
	int r;

	if (!lex_identifier(&p->l, &word))
		return 0;
	if (lex_peek(&p->l) != '(' || find_transformer(word) < 0) {
		p->l.at = at;
		return 0;
	}
	r = parse_transform(p, word, at, 1, ret_node);
	return r < 0 ? r : 1;
}

/* A modifier is one only before a list or a field: `= oneof` alone compares with that word. */
static enum cond_modifier parse_modifier(struct cond_parser *p)
{
	size_t at = p->l.at;

	for (unsigned i = COND_ONEOF; i < COND_MODIFIERS; i++) {
		struct span word;

		p->l.at = at;
		if (!lex_word(&p->l, cond_modifier_name((enum cond_modifier)i)))
			continue;
		(void)lex_blank(&p->l); /* blanks are allowed here */
		if (lex_peek(&p->l) == '(')
			return (enum cond_modifier)i;
		if (lex_identifier(&p->l, &word) && lex_peek(&p->l) == '(') {
			p->l.at -= word.n;
			return (enum cond_modifier)i;
		}
	}
	p->l.at = at;
	return COND_PLAIN;
}

/* A list, or one word that stands for a list of one. */
static int parse_right_list(struct cond_parser *p, enum cond_op op, uint32_t *ret_node)
{
	size_t at = p->l.at;
	struct span word;
	char hint[160];
	int r;

	if (lex_byte(&p->l, '('))
		return parse_list(p, at, ret_node);
	if (!lex_identifier(&p->l, &word)) {
		(void)snprintf(hint, sizeof(hint), "write %s (a, b)", cond_op_name(op));
		return lex_fault(&p->l, at, hint, "a list is missing behind '%s'",
				 cond_op_name(op));
	}
	r = cond_add(p, COND_VALUE, at, ret_node);
	if (r == 0)
		cond_set_text(p, *ret_node, word);
	return r;
}

static int parse_number(struct cond_parser *p, uint32_t *ret_node)
{
	size_t at = p->l.at;
	struct span bare;
	int r;

	if (!lex_bare(&p->l, &bare) || !lex_is_number(bare))
		return lex_fault(&p->l, at, "only numbers have an order; quotes are not needed",
				 "a number is missing");
	r = cond_add(p, COND_VALUE, at, ret_node);
	if (r == 0)
		cond_set_text(p, *ret_node, bare);
	return r;
}

static int parse_right(struct cond_parser *p, uint32_t check, uint32_t *ret_node)
{
	enum cond_op op = (enum cond_op)p->c->nodes[check].what;
	int r = parse_right_field(p, ret_node);

	if (r != 0)
		return r < 0 ? r : 0;
	if (cond_op_is_list(op))
		return parse_right_list(p, op, ret_node);
	if (!cond_op_is_text(op))
		return parse_number(p, ret_node);
	p->c->nodes[check].modifier = (uint8_t)parse_modifier(p);
	if (p->c->nodes[check].modifier != COND_PLAIN) {
		r = parse_right_field(p, ret_node);
		if (r != 0)
			return r < 0 ? r : 0;
		return parse_right_list(p, op, ret_node);
	}
	if (lex_peek(&p->l) == '(')
		return lex_fault(&p->l, p->l.at,
				 op == COND_EQ ? "write 'in (a, b)' for one of several"
					       : "write 'anyof (a, b)' for one of several",
				 "'%s' compares with one value, not with a list", cond_op_name(op));
	return parse_value(p, ret_node);
}

static int unknown_operator(struct cond_parser *p)
{
	struct near near;
	struct span word = {0};
	char shown[40], hint[160];
	size_t at = p->l.at;

	(void)lex_identifier(&p->l, &word); /* none: nothing is near */
	near_init(&near, word);
	for (unsigned i = 0; i < COND_OPS; i++)
		(void)near_offer(&near, span_of(cond_op_name((enum cond_op)i)));
	lex_shown(&p->l, at, shown);
	if (near.best.n)
		(void)snprintf(hint, sizeof(hint), "did you mean '%.*s'?", (int)near.best.n,
			       (const char *)near.best.p);
	else if (span_is(word, "not"))
		(void)snprintf(hint, sizeof(hint), "'not' stands before the field: not x.y in (a)");
	else
		(void)snprintf(hint, sizeof(hint),
			       "there are = != < <= > >= in intersects pmatch exists contains "
			       "startswith endswith glob regex ...");
	return lex_fault(&p->l, at, hint, "an operator is missing; there is %s", shown);
}

static int parse_comparison(struct cond_parser *p, uint32_t left, size_t at, uint32_t *ret_node)
{
	struct cond_children sides = COND_CHILDREN_INIT;
	uint32_t check, right = COND_NONE;
	enum cond_op op;
	int r;

	(void)lex_blank(&p->l); /* blanks are allowed here */
	if (!lex_operator(&p->l, &op))
		return unknown_operator(p);
	r = cond_add(p, COND_CHECK, at, &check);
	if (r < 0)
		return r;
	p->c->nodes[check].what = (uint8_t)op;
	cond_join(p, &sides, left);
	if (op != COND_EXISTS) {
		(void)lex_blank(&p->l); /* blanks are allowed here */
		r = parse_right(p, check, &right);
		if (r < 0)
			return r;
		cond_join(p, &sides, right);
	}
	*ret_node = check;
	return cond_adopt(p, check, &sides);
}

static int missing_check(struct cond_parser *p, size_t at)
{
	char shown[40];

	lex_shown(&p->l, at, shown);
	return lex_fault(&p->l, at, "write a check (proc.name = sh), a macro's name or '('",
			 "a check is missing before %s", shown);
}

static bool is_keyword(struct span word)
{
	return span_is(word, "and") || span_is(word, "or") || span_is(word, "not");
}

int cond_parse_operand(struct cond_parser *p, uint32_t *ret_node)
{
	size_t at = p->l.at;
	struct span name;
	unsigned dots;
	int r;

	if (!lex_name(&p->l, &name, &dots))
		return missing_check(p, at);
	r = dots ? parse_field(p, name, at, ret_node) : parse_transform(p, name, at, 1, ret_node);
	if (r < 0)
		return r;
	if (p->c->nodes[*ret_node].kind == COND_TRANSFORM &&
	    p->c->nodes[*ret_node].what == COND_VAL)
		return lex_fault(&p->l, at, "write the field alone",
				 "val() stands on the right of an operator only");
	return 0;
}

int cond_parse_check(struct cond_parser *p, uint32_t *ret_node)
{
	size_t at = p->l.at;
	struct span name;
	unsigned dots;
	uint32_t left = COND_NONE;
	int r;

	if (!lex_name(&p->l, &name, &dots) || is_keyword(name))
		return missing_check(p, at);
	if (!dots && lex_peek(&p->l) != '(') {
		r = cond_add(p, COND_MACRO, at, ret_node);
		if (r == 0)
			cond_set_text(p, *ret_node, name);
		return r;
	}
	p->l.at = at;
	r = cond_parse_operand(p, &left);
	return r < 0 ? r : parse_comparison(p, left, at, ret_node);
}
