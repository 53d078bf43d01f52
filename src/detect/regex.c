/* regex.c - from the tree of a pattern to a program, and running it; see regex.h. */
#include "detect/regex_impl.h"

static uint16_t emit(struct regex *r, enum regex_op op, size_t x, size_t y)
{
	r->code[r->code_n] =
		(struct regex_inst){.op = (uint8_t)op, .x = (uint16_t)x, .y = (uint16_t)y};
	return (uint16_t)r->code_n++;
}

static void compile_node(struct regex *r, const struct regex_node *nodes, uint32_t number);

/* Each branch but the last: a split to it or to what follows, and a jump over the rest.  The jumps
 * are a list through their targets until the end is known; 0 ends it, as no jump stands at 0. */
static void compile_alt(struct regex *r, const struct regex_node *nodes, uint32_t first)
{
	uint16_t jumps = 0;

	for (uint32_t i = first; i; i = nodes[i].next) {
		uint16_t split;

		if (!nodes[i].next) {
			compile_node(r, nodes, i);
			break;
		}
		split = emit(r, INST_SPLIT, r->code_n + 1, 0);
		compile_node(r, nodes, i);
		jumps = emit(r, INST_JUMP, jumps, 0);
		r->code[split].y = (uint16_t)r->code_n;
	}
	while (jumps) {
		uint16_t next = r->code[jumps].x;

		r->code[jumps].x = (uint16_t)r->code_n;
		jumps = next;
	}
}

static void compile_repeat(struct regex *r, const struct regex_node *nodes,
			   const struct regex_node *node)
{
	uint16_t splits = UINT16_MAX;

	for (uint32_t i = 0; i < node->min; i++)
		compile_node(r, nodes, node->first);
	if (node->max == UINT32_MAX) {
		uint16_t split = emit(r, INST_SPLIT, r->code_n + 1, 0);

		compile_node(r, nodes, node->first);
		emit(r, INST_JUMP, split, 0);
		r->code[split].y = (uint16_t)r->code_n;
		return;
	}
	for (uint32_t i = node->min; i < node->max; i++) {
		splits = emit(r, INST_SPLIT, r->code_n + 1, splits);
		compile_node(r, nodes, node->first);
	}
	while (splits != UINT16_MAX) {
		uint16_t next = r->code[splits].y;

		r->code[splits].y = (uint16_t)r->code_n;
		splits = next;
	}
}

/* Recursion as deep as the tree, which the parser keeps below 4 * LIMIT_REGEX_DEPTH; the parser has
 * counted the instructions as well, so that they fit. */
static void compile_node(struct regex *r, const struct regex_node *nodes, uint32_t number)
{
	const struct regex_node *node = &nodes[number];

	switch (node->kind) {
	case NODE_EMPTY:
		break;
	case NODE_CLASS:
		emit(r, INST_CLASS, node->what, 0);
		break;
	case NODE_ASSERT:
		emit(r, INST_ASSERT, node->what, 0);
		break;
	case NODE_CAT:
		for (uint32_t i = node->first; i; i = nodes[i].next)
			compile_node(r, nodes, i);
		break;
	case NODE_ALT:
		compile_alt(r, nodes, node->first);
		break;
	case NODE_REPEAT:
		compile_repeat(r, nodes, node);
		break;
	}
}

static int parser_init(struct regex_parser *p, struct regex *r)
{
	size_t n = p->pattern.n;

	/* a byte of the pattern makes at most two nodes and its share of a group's two; \W in two
	 * bytes makes five ranges and ten more by folding */
	p->node_max = 4 * n + 16;
	p->range_max = 10 * n + 64;
	p->nodes = calloc(p->node_max, sizeof(*p->nodes));
	p->work = calloc(p->range_max, sizeof(*p->work));
	r->classes = calloc(n + 1, sizeof(*r->classes));
	r->ranges = calloc(p->range_max, sizeof(*r->ranges));
	r->code = calloc(LIMIT_REGEX_SIZE + 2, sizeof(*r->code));
	p->node_n = 1; /* 0 is none */
	if (!p->nodes || !p->work || !r->classes || !r->ranges || !r->code)
		return err_set(p->e, ENOMEM, "no memory for a regex");
	return 0;
}

/* Gives back what was taken for the worst case. */
static void trim(struct regex *r)
{
	void *p = realloc(r->code, r->code_n * sizeof(*r->code));

	if (p)
		r->code = p;
	p = realloc(r->ranges, (r->range_n + 1) * sizeof(*r->ranges));
	if (p)
		r->ranges = p;
	p = realloc(r->classes, (r->class_n + 1) * sizeof(*r->classes));
	if (p)
		r->classes = p;
}

int regex_new(struct span pattern, struct regex **ret_regex, struct err *e)
{
	struct regex_parser p = {.pattern = pattern, .e = e};
	struct regex *made;
	uint32_t root = 0;
	int r;

	if (pattern.n > LIMIT_DETECT_PATTERN)
		return err_set(e, E2BIG, "a regex of %zu bytes is longer than %u", pattern.n,
			       LIMIT_DETECT_PATTERN);
	made = p.regex = calloc(1, sizeof(*made));
	r = made ? parser_init(&p, made) : err_set(e, ENOMEM, "no memory for a regex");
	if (r == 0)
		r = regex_parse(&p, &root);
	if (r == 0) {
		compile_node(made, p.nodes, root);
		emit(made, INST_MATCH, 0, 0);
		trim(made);
		r = regex_make_table(made, e);
	}
	free(p.nodes);
	free(p.work);
	if (r < 0) {
		regex_free(made);
		return r;
	}
	*ret_regex = made;
	return 0;
}

void regex_free(struct regex *r)
{
	if (!r)
		return;
	free(r->classes);
	free(r->ranges);
	free(r->code);
	free(r->table);
	free(r->accepts);
	free(r->symbol_low);
	free(r);
}

bool regex_is_table(const struct regex *r)
{
	return r->table != NULL;
}

size_t regex_bytes(const struct regex *r)
{
	return sizeof(*r) + r->class_n * sizeof(*r->classes) + r->range_n * sizeof(*r->ranges) +
	       r->code_n * sizeof(*r->code) + r->states * r->symbols * sizeof(*r->table) +
	       (r->states + 63) / 64 * sizeof(*r->accepts) + r->symbols * sizeof(*r->symbol_low);
}

bool regex_class_has(const struct regex *r, uint32_t cls, uint32_t rune)
{
	const struct regex_class *c = &r->classes[cls];
	size_t low = c->first, high = c->first + c->n;

	if (rune < 128)
		return c->ascii[rune / 64] >> rune % 64 & 1;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (r->ranges[middle].high < rune)
			low = middle + 1;
		else
			high = middle;
	}
	return low < c->first + c->n && r->ranges[low].low <= rune;
}

static bool is_word(uint32_t rune)
{
	return (rune >= '0' && rune <= '9') || (rune >= 'A' && rune <= 'Z') || rune == '_' ||
	       (rune >= 'a' && rune <= 'z');
}

static bool holds(enum regex_assertion what, uint32_t before, uint32_t after)
{
	switch (what) {
	case ASSERT_LINE_START:
		return before == RUNE_NONE || before == '\n';
	case ASSERT_LINE_END:
		return after == RUNE_NONE || after == '\n';
	case ASSERT_TEXT_START:
		return before == RUNE_NONE;
	case ASSERT_TEXT_END:
		return after == RUNE_NONE;
	case ASSERT_WORD:
		return is_word(before) != is_word(after);
	default:
		return is_word(before) == is_word(after);
	}
}

void regex_set_clear(struct regex_set *s)
{
	s->n = 0;
	memset(s->seen, 0, sizeof(s->seen));
}

/* Puts an instruction on the stack of those to look at, once in the life of the set. */
static void look_at(struct regex_set *s, uint16_t *stack, size_t *n, uint16_t pc)
{
	if (s->seen[pc / 64] >> pc % 64 & 1)
		return;
	s->seen[pc / 64] |= 1ull << pc % 64;
	stack[(*n)++] = pc;
}

void regex_reach(const struct regex *r, struct regex_set *s, uint16_t pc, uint32_t before,
		 uint32_t after)
{
	uint16_t stack[LIMIT_REGEX_SIZE];
	size_t n = 0;

	look_at(s, stack, &n, pc);
	while (n) {
		struct regex_inst inst;

		pc = stack[--n];
		inst = r->code[pc];
		switch (inst.op) {
		case INST_SPLIT:
			look_at(s, stack, &n, inst.y);
			look_at(s, stack, &n, inst.x);
			break;
		case INST_JUMP:
			look_at(s, stack, &n, inst.x);
			break;
		case INST_ASSERT:
			if (holds((enum regex_assertion)inst.x, before, after))
				look_at(s, stack, &n, pc + 1);
			break;
		default:
			s->at[s->n++] = pc;
			break;
		}
	}
}

/* All threads at once (Thompson, 1968): a text costs its length times the program's. */
static bool simulate(const struct regex *r, struct span text)
{
	struct regex_set sets[2], *now = &sets[0], *then = &sets[1], *other;
	uint32_t rune, after, last = (uint32_t)r->code_n - 1;
	size_t at = 0;

	rune = regex_rune(text, &at);
	regex_set_clear(now);
	regex_reach(r, now, 0, RUNE_NONE, rune);
	while (rune != RUNE_NONE && now->n) {
		after = regex_rune(text, &at);
		regex_set_clear(then);
		for (uint16_t i = 0; i < now->n; i++) {
			uint16_t pc = now->at[i];

			if (r->code[pc].op == INST_CLASS && regex_class_has(r, r->code[pc].x, rune))
				regex_reach(r, then, pc + 1, rune, after);
		}
		other = now;
		now = then;
		then = other;
		rune = after;
	}
	return rune == RUNE_NONE && (now->seen[last / 64] >> last % 64 & 1);
}

static size_t symbol_of(const struct regex *r, uint32_t rune)
{
	size_t low = 0, high = r->symbols;

	if (rune < 128)
		return r->ascii_symbol[rune];
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (r->symbol_low[middle] <= rune)
			low = middle;
		else
			high = middle;
	}
	return low;
}

bool regex_match(const struct regex *r, struct span text)
{
	uint32_t state = 0, rune;
	size_t at = 0;

	if (!r->table)
		return simulate(r, text);
	while (state != r->dead && (rune = regex_rune(text, &at)) != RUNE_NONE)
		state = r->table[state * r->symbols + symbol_of(r, rune)];
	return r->accepts[state / 64] >> state % 64 & 1;
}
