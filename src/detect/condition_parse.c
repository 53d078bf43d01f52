/* condition_parse.c - and, or, not and parentheses; what stands between them is
 * condition_check.c's.
 *
 * A condition that is nested deeply must not be nested calls here: open parentheses are frames of
 * an array. */
#include <stdio.h>

#include "detect/condition_build.h"

/* What is open: or-terms, and-terms of the last of them, and a not that waits for its operand. */
struct frame {
	struct cond_children ors, ands;
	size_t at, ands_at, not_at; /* where it begins; `at` is the parenthesis but for the first */
	bool negate;
};

struct stack {
	struct frame *frames;
	size_t n, cap;
};

static void stack_fini(struct stack *s)
{
	free(s->frames);
}
DEFINE_AUTO(stack, struct stack, stack_fini);

int cond_add(struct cond_parser *p, enum cond_kind kind, size_t at, uint32_t *ret_node)
{
	struct condition *c = p->c;

	if (c->n == LIMIT_CONDITION_NODES) {
		(void)lex_fault(&p->l, at, "split the condition into several rules",
				"the condition has more than %u parts", LIMIT_CONDITION_NODES);
		return err_set(p->l.e, E2BIG, "the condition has more than %u parts",
			       LIMIT_CONDITION_NODES);
	}
	if (c->n == c->cap) {
		size_t cap = c->cap ? c->cap * 2 : 32;
		struct cond_node *more = reallocarray(c->nodes, cap, sizeof(*more));

		if (!more)
			return err_set(p->l.e, ENOMEM, "no memory for a condition");
		c->nodes = more;
		c->cap = cap;
	}
	c->nodes[c->n] = (struct cond_node){.kind = (uint8_t)kind,
					    .first = COND_NONE,
					    .next = COND_NONE,
					    .at = (uint32_t)at,
					    .origin = p->origin,
					    .depth = 1};
	*ret_node = (uint32_t)c->n++;
	return 0;
}

void cond_join(struct cond_parser *p, struct cond_children *children, uint32_t node)
{
	if (children->n++ == 0)
		children->first = node;
	else
		p->c->nodes[children->last].next = node;
	children->last = node;
	if (p->c->nodes[node].depth > children->depth)
		children->depth = p->c->nodes[node].depth;
}

static int too_deep(struct cond_parser *p, size_t at)
{
	(void)lex_fault(&p->l, at, "split the condition into macros or rules",
			"nested more than %u deep", LIMIT_CONDITION_DEPTH);
	return err_set(p->l.e, E2BIG, "nested more than %u deep", LIMIT_CONDITION_DEPTH);
}

int cond_adopt(struct cond_parser *p, uint32_t node, const struct cond_children *children)
{
	struct cond_node *n = &p->c->nodes[node];

	n->first = children->first;
	n->depth = children->depth + 1;
	return n->depth > LIMIT_CONDITION_DEPTH ? too_deep(p, n->at) : 0;
}

void cond_set_text(struct cond_parser *p, uint32_t node, struct span text)
{
	p->c->nodes[node].text = (uint32_t)p->c->bytes.n;
	p->c->nodes[node].len = (uint32_t)text.n;
	buf_add_span(&p->c->bytes, text);
}

static int push(struct cond_parser *p, struct stack *s, size_t at)
{
	if (s->n > LIMIT_CONDITION_DEPTH)
		return too_deep(p, at);
	if (s->n == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 16;
		struct frame *more = reallocarray(s->frames, cap, sizeof(*more));

		if (!more)
			return err_set(p->l.e, ENOMEM, "no memory for a condition");
		s->frames = more;
		s->cap = cap;
	}
	s->frames[s->n++] = (struct frame){
		.ors = COND_CHILDREN_INIT, .ands = COND_CHILDREN_INIT, .at = at, .ands_at = at};
	return 0;
}

/* One of several children stands for itself. */
static int close_terms(struct cond_parser *p, enum cond_kind kind,
		       const struct cond_children *terms, size_t at, uint32_t *ret_node)
{
	int r;

	if (terms->n == 1) {
		*ret_node = terms->first;
		return 0;
	}
	r = cond_add(p, kind, at, ret_node);
	return r < 0 ? r : cond_adopt(p, *ret_node, terms);
}

static int close_ands(struct cond_parser *p, struct frame *f)
{
	uint32_t node;
	int r = close_terms(p, COND_AND, &f->ands, f->ands_at, &node);

	if (r == 0)
		cond_join(p, &f->ors, node);
	f->ands = (struct cond_children)COND_CHILDREN_INIT;
	return r;
}

/* Puts a whole operand where it belongs, below its not. */
static int take_operand(struct cond_parser *p, struct frame *f, uint32_t node)
{
	struct cond_children only = COND_CHILDREN_INIT;
	uint32_t outer = node;
	int r = 0;

	if (f->negate) {
		cond_join(p, &only, node);
		r = cond_add(p, COND_NOT, f->not_at, &outer);
		if (r == 0)
			r = cond_adopt(p, outer, &only);
	}
	f->negate = false;
	if (r < 0)
		return r;
	if (!f->ands.n)
		f->ands_at = p->c->nodes[outer].at;
	cond_join(p, &f->ands, outer);
	return 0;
}

static bool starts_operand(const struct lexer *l, size_t at)
{
	return at < l->text.n && (l->text.p[at] == '(' || lex_is_blank(l->text.p[at]));
}

/* Nots fold in pairs.  1 when a parenthesis was opened, 0 when a check or macro is next. */
static int open_operand(struct cond_parser *p, struct stack *s)
{
	struct frame *f = &s->frames[s->n - 1];

	for (;;) {
		size_t at;

		(void)lex_blank(&p->l); /* blanks are allowed here */
		at = p->l.at;
		if (lex_word(&p->l, "not") && starts_operand(&p->l, p->l.at)) {
			if (!f->negate)
				f->not_at = at;
			f->negate = !f->negate;
			continue;
		}
		p->l.at = at;
		if (lex_byte(&p->l, '(')) {
			int r = push(p, s, at);

			return r < 0 ? r : 1;
		}
		return 0;
	}
}

static int unexpected(struct cond_parser *p, size_t at, bool open)
{
	char shown[40];
	const char *hint = "write 'and' or 'or' between two checks";

	lex_shown(&p->l, at, shown);
	if (lex_peek(&p->l) == ',')
		hint = "a list stands in parentheses: in (a, b)";
	else if (lex_peek(&p->l) && strchr("=<>!", lex_peek(&p->l)))
		hint = "a field has a dot in its name: proc.name = sh";
	else if (lex_peek(&p->l) == ')')
		hint = "there is no '(' for it";
	return lex_fault(&p->l, at, hint, "unexpected %s; 'and', 'or'%s should come here", shown,
			 open ? " or ')'" : " or the end");
}

/* What comes behind an operand.  1 the next operand, 0 the end; closes what ')' closes. */
static int after_operand(struct cond_parser *p, struct stack *s, uint32_t node)
{
	for (;;) {
		struct frame *f = &s->frames[s->n - 1];
		size_t at;
		int r = take_operand(p, f, node);

		(void)lex_blank(&p->l); /* blanks are allowed here */
		at = p->l.at;
		if (r < 0 || (lex_word(&p->l, "and") && starts_operand(&p->l, p->l.at)))
			return r < 0 ? r : 1;
		p->l.at = at;
		if (lex_word(&p->l, "or") && starts_operand(&p->l, p->l.at)) {
			r = close_ands(p, f);
			return r < 0 ? r : 1;
		}
		p->l.at = at;
		if (at < p->l.text.n && !(s->n > 1 && lex_byte(&p->l, ')')))
			return unexpected(p, at, s->n > 1);
		if (at >= p->l.text.n && s->n > 1)
			return lex_fault(&p->l, f->at, "add ')'", "a '(' is not closed");
		r = close_ands(p, f);
		if (r == 0)
			r = close_terms(p, COND_OR, &f->ors, p->c->nodes[f->ors.first].at, &node);
		if (r < 0)
			return r;
		if (s->n == 1) {
			p->c->root = node;
			return 0;
		}
		s->n--;
	}
}

static int parse(struct cond_parser *p)
{
	AUTO(stack) struct stack s = {0};
	uint32_t node;
	int r = push(p, &s, 0);

	while (r >= 0) {
		r = open_operand(p, &s);
		if (r != 0)
			continue;
		r = cond_parse_check(p, &node);
		if (r == 0)
			r = after_operand(p, &s, node);
		if (r == 0)
			return 0;
	}
	return r;
}

int condition_parse(struct condition *c, struct span text, uint32_t origin,
		    struct cond_fault *ret_fault, struct err *e)
{
	struct cond_parser p = {.l = {text, 0, ret_fault, e}, .c = c, .origin = origin};
	int r;

	*ret_fault = (struct cond_fault){0};
	if (text.n > LIMIT_CONDITION)
		return err_set(e, E2BIG, "the condition is longer than %u bytes", LIMIT_CONDITION);
	(void)lex_blank(&p.l); /* only to see whether there is more */
	if (p.l.at == text.n)
		return lex_fault(&p.l, 0, "write a check: evt.type = open",
				 "the condition is empty");
	r = parse(&p);
	return r < 0 ? r : buf_check(&c->bytes, "a condition", e);
}

int condition_parse_operand(struct condition *c, struct span text, uint32_t *ret_node,
			    size_t *ret_len, struct cond_fault *ret_fault, struct err *e)
{
	struct cond_parser p = {.l = {text, 0, ret_fault, e}, .c = c};
	int r;

	*ret_fault = (struct cond_fault){0};
	r = cond_parse_operand(&p, ret_node);
	if (r == 0)
		r = buf_check(&c->bytes, "an output", e);
	if (r == 0)
		*ret_len = p.l.at;
	return r;
}

int condition_add_field(struct condition *c, struct span name, struct span arg, bool has_arg,
			uint32_t *ret_node, struct err *e)
{
	struct cond_fault fault;
	struct cond_parser p = {.l = {name, 0, &fault, e}, .c = c};
	struct cond_node *n;
	int r = cond_add(&p, COND_FIELD, 0, ret_node);

	if (r < 0)
		return r;
	cond_set_text(&p, *ret_node, name);
	n = &c->nodes[*ret_node];
	if (has_arg) {
		n->arg = (uint32_t)c->bytes.n;
		n->arg_len = (uint32_t)arg.n;
		n->flags |= COND_HAS_ARG;
		buf_add_span(&c->bytes, arg);
	}
	return buf_check(&c->bytes, "an output", e);
}
