/* condition.c - see condition.h. */
#include "detect/condition.h"

#include "detect/condition_lex.h"

void condition_init(struct condition *c)
{
	*c = (struct condition){.root = COND_NONE};
	buf_init(&c->bytes, LIMIT_CONDITION);
}

void condition_fini(struct condition *c)
{
	free(c->nodes);
	buf_fini(&c->bytes);
	condition_init(c);
}

/* In double quotes, with the escapes that lex_quoted() reads. */
static void print_quoted(struct buf *b, struct span s)
{
	static const char plain[] = "\b\f\n\r\t\\\"", named[] = "bfnrt\\\"";

	buf_add_u8(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		const char *escaped = s.p[i] ? strchr(plain, s.p[i]) : NULL;

		if (escaped)
			buf_add_u8(b, '\\');
		buf_add_u8(b, escaped ? (uint8_t)named[escaped - plain] : s.p[i]);
	}
	buf_add_u8(b, '"');
}

/* A word that could be read as a modifier stands in quotes. */
static bool is_plain(struct span value)
{
	for (unsigned i = COND_ONEOF; i < COND_MODIFIERS; i++)
		if (span_is(value, cond_modifier_name((enum cond_modifier)i)))
			return false;
	return lex_is_bare(value);
}

static void print_value(struct buf *b, struct span value)
{
	if (is_plain(value))
		buf_add_span(b, value);
	else
		print_quoted(b, value);
}

static void print_field(struct buf *b, const struct condition *c, const struct cond_node *n)
{
	struct span arg = condition_arg(c, n);

	buf_add_span(b, condition_text(c, n));
	if (!(n->flags & COND_HAS_ARG))
		return;
	buf_add_u8(b, '[');
	if (lex_is_bare_arg(arg))
		buf_add_span(b, arg);
	else
		print_quoted(b, arg);
	buf_add_u8(b, ']');
}

/* A node below another one needs parentheses when it binds no tighter. */
static void print_below(struct buf *b, const struct condition *c, uint32_t child)
{
	bool group = c->nodes[child].kind <= COND_NOT;

	if (group)
		buf_add_u8(b, '(');
	condition_print_node(b, c, child);
	if (group)
		buf_add_u8(b, ')');
}

static void print_node(struct buf *b, const struct condition *c, uint32_t node, bool inside);

static void print_terms(struct buf *b, const struct condition *c, uint32_t node)
{
	bool is_and = c->nodes[node].kind == COND_AND, first = true;

	cond_each (child, c, node) {
		uint8_t kind = c->nodes[child].kind;

		if (!first)
			buf_add_text(b, is_and ? " and " : " or ");
		first = false;
		if (kind == COND_NOT || (kind == COND_AND && !is_and))
			condition_print_node(b, c, child);
		else
			print_below(b, c, child);
	}
}

/* `inside` a transformer a text without quotes could be a field. */
static void print_several(struct buf *b, const struct condition *c, uint32_t node, bool inside)
{
	bool first = true;

	buf_add_u8(b, '(');
	cond_each (child, c, node) {
		if (!first)
			buf_add_text(b, ", ");
		first = false;
		print_node(b, c, child, inside);
	}
	buf_add_u8(b, ')');
}

static void print_check(struct buf *b, const struct condition *c, const struct cond_node *n)
{
	uint32_t right = c->nodes[n->first].next;

	condition_print_node(b, c, n->first);
	buf_add_u8(b, ' ');
	buf_add_text(b, cond_op_name((enum cond_op)n->what));
	if (n->modifier != COND_PLAIN) {
		buf_add_u8(b, ' ');
		buf_add_text(b, cond_modifier_name((enum cond_modifier)n->modifier));
	}
	if (right == COND_NONE)
		return;
	buf_add_u8(b, ' ');
	if (c->nodes[right].kind == COND_VALUE && cond_op_is_list((enum cond_op)n->what))
		buf_add_span(b, condition_text(c, &c->nodes[right])); /* one word, never quoted */
	else
		condition_print_node(b, c, right);
}

/* Nested calls are bounded: no tree is deeper than LIMIT_CONDITION_DEPTH. */
static void print_node(struct buf *b, const struct condition *c, uint32_t node, bool inside)
{
	const struct cond_node *n = &c->nodes[node];

	switch ((enum cond_kind)n->kind) {
	case COND_AND:
	case COND_OR:
		print_terms(b, c, node);
		return;
	case COND_NOT:
		buf_add_text(b, "not ");
		print_below(b, c, n->first);
		return;
	case COND_MACRO:
		buf_add_span(b, condition_text(c, n));
		return;
	case COND_CHECK:
		print_check(b, c, n);
		return;
	case COND_FIELD:
		print_field(b, c, n);
		return;
	case COND_TRANSFORM:
		buf_add_text(b, cond_transformer_name((enum cond_transformer)n->what));
		print_several(b, c, node, true);
		return;
	case COND_VALUE:
		if (inside)
			print_quoted(b, condition_text(c, n));
		else
			print_value(b, condition_text(c, n));
		return;
	case COND_LIST:
		print_several(b, c, node, inside);
		return;
	}
}

void condition_print_node(struct buf *b, const struct condition *c, uint32_t node)
{
	print_node(b, c, node, false);
}

void condition_print(struct buf *b, const struct condition *c)
{
	if (c->root != COND_NONE)
		condition_print_node(b, c, c->root);
}

static bool node_same(const struct condition *a, uint32_t x, const struct condition *b, uint32_t y)
{
	const struct cond_node *m = &a->nodes[x], *n = &b->nodes[y];
	uint32_t p = m->first, q = n->first;

	if (m->kind != n->kind || m->what != n->what || m->modifier != n->modifier ||
	    (m->flags ^ n->flags) & COND_HAS_ARG ||
	    !span_eq(condition_text(a, m), condition_text(b, n)) ||
	    !span_eq(condition_arg(a, m), condition_arg(b, n)))
		return false;
	while (p != COND_NONE && q != COND_NONE) {
		if (!node_same(a, p, b, q))
			return false;
		p = a->nodes[p].next;
		q = b->nodes[q].next;
	}
	return p == q;
}

bool condition_same(const struct condition *a, const struct condition *b)
{
	if (a->root == COND_NONE || b->root == COND_NONE)
		return a->root == b->root;
	return node_same(a, a->root, b, b->root);
}

static int graft_room(struct condition *c, size_t more, struct err *e)
{
	struct cond_node *nodes;
	size_t cap = c->n + more;

	if (cap > LIMIT_CONDITION_NODES)
		return err_set(e, E2BIG, "the condition has more than %u parts with its macros",
			       LIMIT_CONDITION_NODES);
	if (cap <= c->cap)
		return 0;
	if (cap < c->cap * 2)
		cap = c->cap * 2;
	nodes = reallocarray(c->nodes, cap, sizeof(*nodes));
	if (!nodes)
		return err_set(e, ENOMEM, "no memory for a condition");
	c->nodes = nodes;
	c->cap = cap;
	return 0;
}

int condition_graft(struct condition *c, const struct condition *from, uint32_t *ret_root,
		    struct err *e)
{
	uint32_t base = (uint32_t)c->n, bytes = (uint32_t)c->bytes.n;
	int r = graft_room(c, from->n, e);

	if (r < 0)
		return r;
	buf_add_span(&c->bytes, buf_span(&from->bytes));
	r = buf_check(&c->bytes, "a condition with its macros", e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < from->n; i++) {
		struct cond_node n = from->nodes[i];

		n.first += n.first == COND_NONE ? 0 : base;
		n.next += n.next == COND_NONE ? 0 : base;
		n.text += bytes;
		n.arg += bytes;
		c->nodes[c->n++] = n;
	}
	*ret_root = from->root + base;
	return 0;
}
