/* glob.c - see glob.h. */
#include "detect/glob.h"

#include <ctype.h>

#include "base/limits.h"

/* An item: a byte, one of these, or ITEM_SET + the number of a set. */
enum {
	ITEM_ANY = 256,
	ITEM_STAR = 257,
	ITEM_NEVER = 258,
	ITEM_SET = 259,
};

struct glob_set {
	uint32_t bits[8];
};

struct glob {
	bool fold;
	size_t n, set_n;
	struct glob_set *sets;
	uint16_t items[]; /* [n]; the sets stand behind it */
};

static uint8_t fold_byte(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static void set_add(struct glob_set *set, unsigned c)
{
	set->bits[c >> 5] |= 1u << (c & 31);
}

static bool set_has(const struct glob_set *set, uint8_t c)
{
	return set->bits[c >> 5] >> (c & 31) & 1;
}

/* ASCII only, whatever locale the program has. */
static bool class_has(unsigned cls, unsigned c)
{
	static int (*const test[])(int) = {isalpha, isdigit, isalnum, isupper, islower, isspace,
					   isblank, ispunct, isprint, isgraph, iscntrl, isxdigit};

	return c < 128 && test[cls]((int)c);
}

static bool class_find(struct span name, unsigned *ret_class)
{
	static const char *const names[] = {"alpha", "digit", "alnum", "upper", "lower", "space",
					    "blank", "punct", "print", "graph", "cntrl", "xdigit"};

	for (unsigned i = 0; i < ARRAY_LEN(names); i++)
		if (span_is(name, names[i])) {
			*ret_class = i;
			return true;
		}
	return false;
}

/* A bracket expression that is being read. */
struct bracket {
	const uint8_t *p, *end;
	struct glob_set raw;	/* bytes, by themselves */
	struct glob_set folded; /* bytes, after folding */
};

enum bracket_end {
	BRACKET_GOES_ON,
	BRACKET_BROKEN, /* not closed: '[' stands for itself */
	BRACKET_NEVER,	/* fnmatch(3) refuses whatever comes */
};

/* [:name:], [=c=] or [.c.] at p; -1 when there is none that is whole, else the byte or, for a
 * class, 256. */
static int bracket_named(struct bracket *b)
{
	uint8_t what = b->end - b->p >= 2 ? b->p[1] : 0;
	const uint8_t *close;
	unsigned cls;

	if (b->p[0] != '[' || (what != ':' && what != '=' && what != '.'))
		return -1;
	for (close = b->p + 2; close + 1 < b->end; close++)
		if (close[0] == what && close[1] == ']')
			break;
	if (close + 1 >= b->end)
		return -1;
	if (what == ':') {
		if (!class_find(span_make(b->p + 2, (size_t)(close - b->p - 2)), &cls))
			return -2;
		for (unsigned c = 0; c < 256; c++)
			if (class_has(cls, c))
				set_add(&b->raw, c);
		b->p = close + 2;
		return 256;
	}
	if (close != b->p + 3)
		return -2;
	what = b->p[2];
	b->p = close + 2;
	return what;
}

/* One byte, escaped or not; false at the end of the pattern. */
static bool bracket_byte(struct bracket *b, uint8_t *ret_byte)
{
	if (b->p < b->end && *b->p == '\\')
		b->p++;
	if (b->p == b->end)
		return false;
	*ret_byte = *b->p++;
	return true;
}

static enum bracket_end bracket_item(struct bracket *b, bool fold)
{
	int named = bracket_named(b);
	uint8_t first, last;

	if (named == -2)
		return BRACKET_NEVER;
	if (named == 256)
		return BRACKET_GOES_ON;
	if (named >= 0)
		first = (uint8_t)named;
	else if (!bracket_byte(b, &first))
		return BRACKET_BROKEN;
	last = first;
	if (b->end - b->p >= 2 && b->p[0] == '-' && b->p[1] != ']') {
		b->p++;
		named = bracket_named(b);
		if (named == -2 || named == 256)
			return BRACKET_NEVER;
		if (named >= 0)
			last = (uint8_t)named;
		else if (!bracket_byte(b, &last))
			return BRACKET_BROKEN;
	}
	if (fold) {
		first = fold_byte(first);
		last = fold_byte(last);
	}
	for (unsigned c = first; c <= last; c++)
		set_add(&b->folded, c);
	return BRACKET_GOES_ON;
}

/* Reads what stands behind '['.  *p moves behind ']' unless the bracket is broken. */
static enum bracket_end bracket_read(const uint8_t **p, const uint8_t *end, bool fold,
				     struct glob_set *ret_set)
{
	struct bracket b = {.p = *p, .end = end};
	enum bracket_end state = BRACKET_GOES_ON;
	bool negated = b.p < end && (*b.p == '!' || *b.p == '^'), first = true;

	if (negated)
		b.p++;
	for (; state == BRACKET_GOES_ON; first = false) {
		if (b.p == end)
			return BRACKET_BROKEN;
		if (*b.p == ']' && !first)
			break;
		state = bracket_item(&b, fold);
	}
	if (state == BRACKET_BROKEN)
		return state;
	*p = b.p + (state == BRACKET_GOES_ON);
	*ret_set = (struct glob_set){{0}};
	for (unsigned c = 0; c < 256; c++) {
		uint8_t folded = fold ? fold_byte((uint8_t)c) : (uint8_t)c;

		if ((set_has(&b.raw, (uint8_t)c) || set_has(&b.folded, folded)) != negated)
			set_add(ret_set, c);
	}
	return state;
}

static uint16_t item_bracket(struct glob *g, const uint8_t **p, const uint8_t *end)
{
	switch (bracket_read(p, end, g->fold, &g->sets[g->set_n])) {
	case BRACKET_GOES_ON:
		return (uint16_t)(ITEM_SET + g->set_n++);
	case BRACKET_NEVER:
		return ITEM_NEVER;
	default:
		return '[';
	}
}

static void glob_read(struct glob *g, struct span pattern)
{
	const uint8_t *p = pattern.p, *end = pattern.p + pattern.n;

	while (p < end) {
		uint8_t c = *p++;

		if (c == '*') {
			if (g->n == 0 || g->items[g->n - 1] != ITEM_STAR)
				g->items[g->n++] = ITEM_STAR;
		} else if (c == '?') {
			g->items[g->n++] = ITEM_ANY;
		} else if (c == '[') {
			g->items[g->n++] = item_bracket(g, &p, end);
		} else if (c == '\\' && p == end) {
			g->items[g->n++] = ITEM_NEVER;
		} else {
			if (c == '\\')
				c = *p++;
			g->items[g->n++] = g->fold ? fold_byte(c) : c;
		}
	}
}

int glob_new(struct span pattern, bool fold, struct glob **ret_glob, struct err *e)
{
	size_t brackets = 0, items;
	struct glob *g;

	if (pattern.n > LIMIT_DETECT_PATTERN)
		return err_set(e, E2BIG, "a glob of %zu bytes is longer than %u", pattern.n,
			       LIMIT_DETECT_PATTERN);
	for (size_t i = 0; i < pattern.n; i++)
		brackets += pattern.p[i] == '[';
	items = (sizeof(*g) + pattern.n * sizeof(g->items[0]) + 3) & ~(size_t)3;
	g = calloc(1, items + brackets * sizeof(*g->sets));
	if (!g)
		return err_set(e, ENOMEM, "no memory for a glob");
	g->fold = fold;
	g->sets = (struct glob_set *)((uint8_t *)g + items);
	if (pattern.n)
		glob_read(g, pattern);
	*ret_glob = g;
	return 0;
}

void glob_free(struct glob *g)
{
	free(g);
}

size_t glob_bytes(const struct glob *g)
{
	return sizeof(*g) + g->n * sizeof(g->items[0]) + g->set_n * sizeof(*g->sets);
}

static bool item_takes(const struct glob *g, uint16_t item, uint8_t c)
{
	if (item < 256)
		return item == (g->fold ? fold_byte(c) : c);
	if (item >= ITEM_SET)
		return set_has(&g->sets[item - ITEM_SET], c);
	return item == ITEM_ANY;
}

/* Only the last star has to be tried again: whatever an earlier one could take, the later one can
 * take as well. */
bool glob_match(const struct glob *g, struct span text)
{
	size_t item = 0, at = 0, star = SIZE_MAX, star_at = 0;

	while (at < text.n) {
		if (item < g->n && g->items[item] == ITEM_STAR) {
			star = item++;
			star_at = at;
		} else if (item < g->n && item_takes(g, g->items[item], text.p[at])) {
			item++;
			at++;
		} else if (star != SIZE_MAX) {
			item = star + 1;
			at = ++star_at;
		} else {
			return false;
		}
	}
	while (item < g->n && g->items[item] == ITEM_STAR)
		item++;
	return item == g->n;
}

bool glob_is_pattern(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] == '*' || text.p[i] == '?' || text.p[i] == '[')
			return true;
	return false;
}
