/* regex_class.c - sets of characters and escapes of a pattern; see regex_impl.h. */
#include "detect/regex_impl.h"

#include "base/hash.h"

int regex_wrong(struct regex_parser *p, size_t at, const char *why)
{
	return err_set(p->e, EINVAL, "regex '%.*s' at byte %zu: %s",
		       (int)(p->pattern.n < 200 ? p->pattern.n : 200), (const char *)p->pattern.p,
		       at + 1, why);
}

/* Adds the range and, when folding, the other case of its letters. */
void regex_add_range(struct regex_parser *p, uint32_t low, uint32_t high)
{
	static const uint32_t first[2] = {'a', 'A'};

	p->work[p->work_n++] = (struct regex_range){low, high};
	for (unsigned i = 0; p->fold && i < 2; i++) {
		uint32_t from = low > first[i] ? low : first[i];
		uint32_t to = high < first[i] + 25 ? high : first[i] + 25;

		if (from <= to)
			p->work[p->work_n++] = (struct regex_range){from ^ 32, to ^ 32};
	}
}

static int range_order(const void *a, const void *b)
{
	const struct regex_range *x = a, *y = b;

	return x->low < y->low ? -1 : x->low > y->low;
}

/* Sorts and joins; a set has one form. */
static void merge(struct regex_parser *p)
{
	size_t n = 0;

	qsort(p->work, p->work_n, sizeof(*p->work), range_order);
	for (size_t i = 0; i < p->work_n; i++) {
		if (n && p->work[i].low <= p->work[n - 1].high + 1) {
			if (p->work[i].high > p->work[n - 1].high)
				p->work[n - 1].high = p->work[i].high;
		} else {
			p->work[n++] = p->work[i];
		}
	}
	p->work_n = n;
}

static void keep_range(struct regex *r, uint32_t low, uint32_t high)
{
	struct regex_class *cls = &r->classes[r->class_n];

	r->ranges[r->range_n++] = (struct regex_range){low, high};
	for (uint32_t c = low; c <= high && c < 128; c++)
		cls->ascii[c / 64] |= 1ull << c % 64;
}

int regex_end_class(struct regex_parser *p, bool negated, uint32_t *ret_class)
{
	struct regex *r = p->regex;
	struct regex_class *cls = &r->classes[r->class_n];
	uint32_t low = 0;

	merge(p);
	cls->first = (uint32_t)r->range_n;
	for (size_t i = 0; i < p->work_n; i++) {
		if (!negated) {
			keep_range(r, p->work[i].low, p->work[i].high);
			continue;
		}
		if (p->work[i].low > low)
			keep_range(r, low, p->work[i].low - 1);
		low = p->work[i].high + 1;
	}
	if (negated && low <= RUNE_MAX)
		keep_range(r, low, RUNE_MAX);
	cls->n = (uint32_t)(r->range_n - cls->first);
	p->work_n = 0;
	*ret_class = (uint32_t)r->class_n++;
	return 0;
}

struct named_class {
	const char *name;
	uint8_t n;
	struct regex_range ranges[4]; /* ASCII */
};

/* https://github.com/google/re2/wiki/Syntax, "ASCII character classes" */
static const struct named_class named_classes[] = {
	{"alnum", 3, {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
	{"alpha", 2, {{'A', 'Z'}, {'a', 'z'}}},
	{"ascii", 1, {{0, 127}}},
	{"blank", 2, {{'\t', '\t'}, {' ', ' '}}},
	{"cntrl", 2, {{0, 31}, {127, 127}}},
	{"digit", 1, {{'0', '9'}}},
	{"graph", 1, {{'!', '~'}}},
	{"lower", 1, {{'a', 'z'}}},
	{"print", 1, {{' ', '~'}}},
	{"punct", 4, {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
	{"space", 2, {{'\t', '\r'}, {' ', ' '}}},
	{"upper", 1, {{'A', 'Z'}}},
	{"word", 4, {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}, {'_', '_'}}},
	{"xdigit", 3, {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}},
	{"d", 1, {{'0', '9'}}},
	{"s", 3, {{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}}}, /* without \v, as in Perl of old */
	{"w", 4, {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}},
};

/* Adds the class or all that is not in it. */
static void add_named(struct regex_parser *p, const struct named_class *named, bool negated)
{
	uint32_t low = 0;

	for (unsigned i = 0; i < named->n; i++) {
		struct regex_range range = named->ranges[i];

		if (!negated)
			regex_add_range(p, range.low, range.high);
		else if (range.low > low)
			regex_add_range(p, low, range.low - 1);
		low = range.high + 1;
	}
	if (negated)
		regex_add_range(p, low, RUNE_MAX);
}

static const struct named_class *find_named(struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(named_classes); i++)
		if (span_is(name, named_classes[i].name))
			return &named_classes[i];
	return NULL;
}

bool regex_add_perl(struct regex_parser *p, uint8_t letter)
{
	uint8_t lower = letter | 32;

	if (lower != 'd' && lower != 'w' && lower != 's')
		return false;
	add_named(p, find_named(span_make(&lower, 1)), letter != lower);
	return true;
}

static int read_octal(struct regex_parser *p, uint32_t *ret_rune)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < 3 && p->at < p->pattern.n; i++) {
		uint8_t c = p->pattern.p[p->at];

		if (c < '0' || c > '7')
			break;
		value = value * 8 + (c - '0');
		p->at++;
	}
	*ret_rune = value;
	return 0;
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* \x7f or \x{10ffff} */
static int read_hex(struct regex_parser *p, uint32_t *ret_rune)
{
	const uint8_t *s = p->pattern.p;
	size_t at = p->at, begin = at - 2, n = p->pattern.n, digits = 0;
	bool braces = at < n && s[at] == '{';
	uint32_t value = 0;

	at += braces;
	for (; at < n && hex_digit(s[at]) >= 0 && digits < (braces ? 8u : 2u); at++, digits++)
		value = value * 16 + (uint32_t)hex_digit(s[at]);
	if (digits == 0 || (!braces && digits != 2) || value > RUNE_MAX ||
	    (braces && (at == n || s[at] != '}')))
		return regex_wrong(p, begin, "write \\x7f or \\x{10ffff}");
	p->at = at + braces;
	*ret_rune = value;
	return 0;
}

int regex_read_escape(struct regex_parser *p, uint32_t *ret_rune)
{
	static const char letters[] = "afnrtv", meant[] = "\a\f\n\r\t\v";
	size_t begin = p->at - 1;
	const char *letter;
	uint8_t c;

	if (p->at == p->pattern.n)
		return regex_wrong(p, begin, "nothing stands behind the backslash");
	c = p->pattern.p[p->at];
	if (c >= '1' && c <= '7' &&
	    (p->at + 1 == p->pattern.n || p->pattern.p[p->at + 1] < '0' ||
	     p->pattern.p[p->at + 1] > '7'))
		return regex_wrong(p, begin, "back references are not supported");
	if (c >= '0' && c <= '7')
		return read_octal(p, ret_rune);
	if (c == '8' || c == '9')
		return regex_wrong(p, begin, "back references are not supported");
	if (c >= 0x80) {
		*ret_rune = regex_rune(p->pattern, &p->at);
		return 0;
	}
	p->at++;
	if (c == 'x')
		return read_hex(p, ret_rune);
	letter = c ? strchr(letters, c) : NULL;
	if (letter) {
		*ret_rune = (uint8_t)meant[letter - letters];
		return 0;
	}
	if ((c | 32) >= 'a' && (c | 32) <= 'z')
		return regex_wrong(p, begin, "there is no such escape");
	*ret_rune = c;
	return 0;
}

/* [:alpha:] or [:^alpha:] at p->at; *ret_read is whether there was one. */
static int read_named(struct regex_parser *p, bool *ret_read)
{
	const uint8_t *s = p->pattern.p;
	const struct named_class *named;
	size_t end = p->at + 2, begin = end;
	bool negated;

	*ret_read = false;
	if (p->pattern.n - p->at < 2 || s[p->at] != '[' || s[p->at + 1] != ':')
		return 0;
	while (end + 1 < p->pattern.n && !(s[end] == ':' && s[end + 1] == ']'))
		end++;
	if (end + 1 >= p->pattern.n)
		return 0; /* '[' and ':' stand for themselves */
	negated = begin < end && s[begin] == '^';
	named = find_named(span_make(s + begin + negated, end - begin - negated));
	if (!named || !named->name[1])
		return regex_wrong(p, p->at, "there is no class of that name; [:alpha:] is one");
	add_named(p, named, negated);
	p->at = end + 2;
	*ret_read = true;
	return 0;
}

static int class_rune(struct regex_parser *p, uint32_t *ret_rune)
{
	if (p->pattern.p[p->at] != '\\') {
		*ret_rune = regex_rune(p->pattern, &p->at);
		return 0;
	}
	p->at++;
	return regex_read_escape(p, ret_rune);
}

/* A character or a range of them. */
static int class_item(struct regex_parser *p, bool first)
{
	const uint8_t *s = p->pattern.p;
	size_t begin = p->at, n = p->pattern.n;
	uint32_t low = 0, high;
	int r;

	if (s[begin] == '-' && !first && !(begin + 1 < n && s[begin + 1] == ']'))
		return regex_wrong(p, begin, "a '-' stands first or last, or is written \\-");
	if (s[begin] == '\\' && begin + 1 < n && regex_add_perl(p, s[begin + 1])) {
		p->at += 2;
		return 0;
	}
	r = class_rune(p, &low);
	if (r < 0)
		return r;
	high = low;
	if (p->at + 1 < n && s[p->at] == '-' && s[p->at + 1] != ']') {
		p->at++;
		r = class_rune(p, &high);
		if (r < 0)
			return r;
		if (high < low)
			return regex_wrong(p, begin, "the range ends before it begins");
	}
	regex_add_range(p, low, high);
	return 0;
}

int regex_read_class(struct regex_parser *p, uint32_t *ret_class)
{
	size_t begin = p->at - 1;
	bool negated = p->at < p->pattern.n && p->pattern.p[p->at] == '^', named;
	int r;

	p->at += negated;
	for (bool first = true;; first = false) {
		if (p->at == p->pattern.n)
			return regex_wrong(p, begin, "the '[' is not closed");
		if (p->pattern.p[p->at] == ']' && !first)
			break;
		r = read_named(p, &named);
		if (r == 0 && !named)
			r = class_item(p, first);
		if (r < 0)
			return r;
	}
	p->at++;
	return regex_end_class(p, negated, ret_class);
}

/* How many bytes a first byte asks for, and the least and greatest second one (Unicode 15,
 * table 3-7); 0 for none. */
static size_t rune_shape(uint8_t c, uint8_t *ret_low, uint8_t *ret_high)
{
	*ret_low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
	*ret_high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c <= 0xdf)
		return 2;
	if (c >= 0xe0 && c <= 0xef)
		return 3;
	return c >= 0xf0 && c <= 0xf4 ? 4 : 0;
}

uint32_t regex_rune(struct span text, size_t *at)
{
	uint8_t c, low, high;
	uint32_t rune;
	size_t n;

	if (*at == text.n)
		return RUNE_NONE;
	c = text.p[(*at)++];
	n = rune_shape(c, &low, &high);
	if (n == 1)
		return c;
	if (n == 0)
		return 0xfffd;
	rune = c & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if (*at == text.n || text.p[*at] < low || text.p[*at] > high)
			return 0xfffd;
		rune = rune << 6 | (text.p[(*at)++] & 0x3f);
		low = 0x80;
		high = 0xbf;
	}
	return rune;
}
