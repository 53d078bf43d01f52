/* regex_parse.c - from a pattern to a tree; see regex_impl.h.  Groups stand on a stack of their
 * own, so depth costs no recursion here. */
#include "detect/regex_impl.h"

/* A group that is open: the branches that are done, and the pieces of the one at work. */
struct group {
	uint32_t alt_first, alt_last, cat_first, cat_last;
	size_t begin;
	bool fold; /* as it was outside */
};

struct groups {
	struct group at[LIMIT_REGEX_DEPTH + 1];
	size_t n;
};

static int too_big(struct regex_parser *p)
{
	return err_set(p->e, E2BIG, "regex '%.*s' at byte %zu: it is too large when written out",
		       (int)(p->pattern.n < 200 ? p->pattern.n : 200), (const char *)p->pattern.p,
		       p->at + 1);
}

static uint32_t add_node(struct regex_parser *p, enum regex_node_kind kind, uint32_t what)
{
	uint32_t number = (uint32_t)p->node_n++;

	p->nodes[number] = (struct regex_node){.kind = kind, .what = what, .size = 1};
	return number;
}

/* Puts a node at the end of a list of siblings. */
static void append(struct regex_parser *p, uint32_t *first, uint32_t *last, uint32_t node)
{
	if (*first)
		p->nodes[*last].next = node;
	else
		*first = node;
	*last = node;
}

/* Makes one node of a list; a list of one is its own node, an empty one NODE_EMPTY. */
static int join(struct regex_parser *p, enum regex_node_kind kind, uint32_t first,
		uint32_t *ret_node)
{
	uint32_t number, depth = 0, count = 0;
	uint64_t size = 1;

	if (first && !p->nodes[first].next) {
		*ret_node = first;
		return 0;
	}
	for (uint32_t i = first; i; i = p->nodes[i].next) {
		size += p->nodes[i].size;
		count++;
		if (p->nodes[i].depth > depth)
			depth = p->nodes[i].depth;
	}
	if (kind == NODE_ALT)
		size += 2ull * count;
	if (size >= LIMIT_REGEX_SIZE || depth >= 4 * LIMIT_REGEX_DEPTH)
		return too_big(p);
	number = add_node(p, first ? kind : NODE_EMPTY, 0);
	p->nodes[number].first = first;
	p->nodes[number].depth = depth + 1;
	p->nodes[number].size = (uint32_t)size;
	*ret_node = number;
	return 0;
}

/* The branch that is at work is over. */
static int end_branch(struct regex_parser *p, struct group *g)
{
	uint32_t branch;
	int r = join(p, NODE_CAT, g->cat_first, &branch);

	if (r < 0)
		return r;
	append(p, &g->alt_first, &g->alt_last, branch);
	g->cat_first = g->cat_last = 0;
	return 0;
}

static int end_group(struct regex_parser *p, struct group *g, uint32_t *ret_node)
{
	int r = end_branch(p, g);

	return r < 0 ? r : join(p, NODE_ALT, g->alt_first, ret_node);
}

/* Turns the last piece into a repetition of itself, in place. */
static int repeat(struct regex_parser *p, struct group *g, size_t begin, uint32_t min, uint32_t max)
{
	struct regex_node *last = &p->nodes[g->cat_last];
	uint64_t child, size;
	uint32_t number;

	if (!g->cat_last)
		return regex_wrong(p, begin, "there is nothing to repeat");
	child = last->size;
	size = 1 + child * min +
	       (max == UINT32_MAX ? child + 2 : (uint64_t)(max - min) * (child + 1));
	if (size >= LIMIT_REGEX_SIZE || last->depth >= 4 * LIMIT_REGEX_DEPTH)
		return too_big(p);
	number = add_node(p, last->kind, last->what);
	p->nodes[number] = *last;
	p->nodes[number].next = 0;
	*last = (struct regex_node){.kind = NODE_REPEAT,
				    .min = min,
				    .max = max,
				    .first = number,
				    .next = last->next,
				    .depth = last->depth + 1,
				    .size = (uint32_t)size};
	return 0;
}

static bool read_number(struct regex_parser *p, size_t *at, uint32_t *ret_value)
{
	uint32_t value = 0;
	size_t begin = *at;

	for (; *at < p->pattern.n; (*at)++) {
		uint8_t c = p->pattern.p[*at];

		if (c < '0' || c > '9')
			break;
		if (value <= LIMIT_REGEX_REPEAT)
			value = value * 10 + (c - '0');
	}
	*ret_value = value;
	return *at > begin;
}

/* {m}, {m,} or {m,n} at p->at; anything else is a brace that stands for itself. */
static bool read_braces(struct regex_parser *p, uint32_t *ret_min, uint32_t *ret_max)
{
	const uint8_t *s = p->pattern.p;
	size_t at = p->at + 1, n = p->pattern.n;

	if (!read_number(p, &at, ret_min))
		return false;
	*ret_max = *ret_min;
	if (at < n && s[at] == ',') {
		at++;
		if (!read_number(p, &at, ret_max))
			*ret_max = UINT32_MAX;
	}
	if (at == n || s[at] != '}')
		return false;
	p->at = at + 1;
	return true;
}

static int add_class(struct regex_parser *p, struct group *g, uint32_t cls)
{
	append(p, &g->cat_first, &g->cat_last, add_node(p, NODE_CLASS, cls));
	return 0;
}

static int add_rune(struct regex_parser *p, struct group *g, uint32_t rune)
{
	uint32_t cls;

	regex_add_range(p, rune, rune);
	regex_end_class(p, false, &cls);
	return add_class(p, g, cls);
}

static int add_assert(struct regex_parser *p, struct group *g, enum regex_assertion what)
{
	p->regex->asserts = true;
	append(p, &g->cat_first, &g->cat_last, add_node(p, NODE_ASSERT, what));
	return 0;
}

static int read_dot(struct regex_parser *p, struct group *g)
{
	uint32_t cls;

	p->at++;
	regex_add_range(p, '\n', '\n');
	regex_end_class(p, true, &cls);
	return add_class(p, g, cls);
}

static int read_braces_or_rune(struct regex_parser *p, struct group *g)
{
	size_t begin = p->at;
	uint32_t min, max;

	if (!read_braces(p, &min, &max)) {
		p->at++;
		return add_rune(p, g, '{');
	}
	if (min > LIMIT_REGEX_REPEAT ||
	    (max != UINT32_MAX && (max > LIMIT_REGEX_REPEAT || max < min)))
		return regex_wrong(p, begin, "write {m,n} with m not above n and n not above 1000");
	return repeat(p, g, begin, min, max);
}

static int read_set(struct regex_parser *p, struct group *g)
{
	uint32_t cls;
	int r;

	p->at++;
	r = regex_read_class(p, &cls);
	return r < 0 ? r : add_class(p, g, cls);
}

static int read_escape(struct regex_parser *p, struct group *g)
{
	static const char letters[] = "AzbB";
	static const enum regex_assertion meant[] = {ASSERT_TEXT_START, ASSERT_TEXT_END,
						     ASSERT_WORD, ASSERT_NOT_WORD};
	uint8_t c = p->at + 1 < p->pattern.n ? p->pattern.p[p->at + 1] : 0;
	const char *letter = c ? strchr(letters, c) : NULL;
	uint32_t what;
	int r;

	if (letter) {
		p->at += 2;
		return add_assert(p, g, meant[letter - letters]);
	}
	if (regex_add_perl(p, c)) {
		p->at += 2;
		regex_end_class(p, false, &what);
		return add_class(p, g, what);
	}
	p->at++;
	r = regex_read_escape(p, &what);
	return r < 0 ? r : add_rune(p, g, what);
}

/* What may stand behind "(?": "i)" for the rest of the group, "i:" or ":" for one of its own. */
static int read_flags(struct regex_parser *p, bool *ret_group)
{
	const uint8_t *s = p->pattern.p + p->at;
	size_t left = p->pattern.n - p->at, begin = p->at - 2;
	bool fold = left && *s == 'i';

	if (left && (*s == '=' || *s == '!' || *s == '<'))
		return regex_wrong(p, begin, "look-around is not supported");
	if (left < 1u + fold || (s[fold] != ':' && !(fold && s[fold] == ')')))
		return regex_wrong(p, begin, "only (?:, (?i: and (?i) are supported");
	p->fold = p->fold || fold;
	*ret_group = s[fold] == ':';
	p->at += 1u + fold;
	return 0;
}

static int open_group(struct regex_parser *p, struct groups *groups)
{
	struct group g = {.begin = p->at, .fold = p->fold};
	bool group = true;

	p->at++;
	if (p->at < p->pattern.n && p->pattern.p[p->at] == '?') {
		int r;

		p->at++;
		r = read_flags(p, &group);
		if (r < 0 || !group)
			return r;
	}
	if (groups->n > LIMIT_REGEX_DEPTH)
		return err_set(p->e, E2BIG, "regex at byte %zu: groups are nested above %u",
			       g.begin + 1, LIMIT_REGEX_DEPTH);
	groups->at[groups->n++] = g;
	return 0;
}

static int close_group(struct regex_parser *p, struct groups *groups)
{
	struct group *g = &groups->at[groups->n - 1];
	uint32_t node;
	int r;

	if (groups->n == 1)
		return regex_wrong(p, p->at, "there is no '(' to this ')'");
	r = end_group(p, g, &node);
	if (r < 0)
		return r;
	p->at++;
	p->fold = g->fold;
	groups->n--;
	append(p, &g[-1].cat_first, &g[-1].cat_last, node);
	return 0;
}

static int read_piece(struct regex_parser *p, struct groups *groups)
{
	struct group *g = &groups->at[groups->n - 1];
	size_t begin = p->at;
	uint32_t rune;

	switch (p->pattern.p[p->at]) {
	case '(':
		return open_group(p, groups);
	case ')':
		return close_group(p, groups);
	case '|':
		p->at++;
		return end_branch(p, g);
	case '*':
		p->at++;
		return repeat(p, g, begin, 0, UINT32_MAX);
	case '+':
		p->at++;
		return repeat(p, g, begin, 1, UINT32_MAX);
	case '?':
		p->at++;
		return repeat(p, g, begin, 0, 1);
	case '{':
		return read_braces_or_rune(p, g);
	case '[':
		return read_set(p, g);
	case '.':
		return read_dot(p, g);
	case '\\':
		return read_escape(p, g);
	case '^':
		p->at++;
		return add_assert(p, g, ASSERT_LINE_START);
	case '$':
		p->at++;
		return add_assert(p, g, ASSERT_LINE_END);
	default:
		rune = regex_rune(p->pattern, &p->at);
		return add_rune(p, g, rune);
	}
}

int regex_parse(struct regex_parser *p, uint32_t *ret_root)
{
	struct groups *groups = calloc(1, sizeof(*groups));
	int r = 0;

	if (!groups)
		return err_set(p->e, ENOMEM, "no memory for a regex");
	groups->n = 1;
	while (r == 0 && p->at < p->pattern.n)
		r = read_piece(p, groups);
	if (r == 0 && groups->n > 1)
		r = regex_wrong(p, groups->at[groups->n - 1].begin, "the '(' is not closed");
	if (r == 0)
		r = end_group(p, &groups->at[0], ret_root);
	free(groups);
	return r;
}
