/* query_wildcard.c - LIKE and GLOB, character by character.
 *
 * Only the last run of anything has to be remembered to go back to, so a match costs at most the
 * product of both lengths and no stack. */
#include "store/query_match.h"

#define BROKEN 0x110000u /* above every code point: a byte that is not UTF-8 */

size_t query_character(struct span s, uint32_t *ret_character)
{
	uint8_t c = s.p[0];
	size_t n = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
	uint32_t value;

	*ret_character = c;
	if (n == 1)
		return 1;
	if (n > s.n || !span_is_utf8(span_make(s.p, n))) {
		*ret_character = BROKEN + c;
		return 1;
	}
	value = c & (0x7fu >> n);
	for (size_t i = 1; i < n; i++)
		value = value << 6 | (s.p[i] & 0x3f);
	*ret_character = value;
	return n;
}

static uint32_t lower(uint32_t c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

struct wildcard {
	struct span pattern;
	bool glob;
	uint32_t escape;
};

static struct span rest_of(struct span s, size_t at)
{
	return span_make(s.p + at, s.n - at);
}

/* "[a-z]" at `at`, behind the bracket.  Returns where it ends, or 0 when it is not closed. */
static size_t match_set(const struct wildcard *w, size_t at, uint32_t c, bool *ret_match)
{
	bool negated = at < w->pattern.n && w->pattern.p[at] == '^', match = false, first = true;
	uint32_t low, high;

	for (at += negated; at < w->pattern.n; first = false) {
		at += query_character(rest_of(w->pattern, at), &low);
		if (low == ']' && !first) {
			*ret_match = match != negated;
			return at;
		}
		high = low;
		if (at + 1 < w->pattern.n && w->pattern.p[at] == '-' &&
		    w->pattern.p[at + 1] != ']') {
			at++;
			at += query_character(rest_of(w->pattern, at), &high);
		}
		match = match || (c >= low && c <= high);
	}
	return 0;
}

/* One character of the text against the pattern at `at`, which is not a run of anything.  Returns
 * where the pattern goes on, or 0 when it does not match. */
static size_t match_one(const struct wildcard *w, size_t at, uint32_t c)
{
	uint32_t p;
	bool match;

	at += query_character(rest_of(w->pattern, at), &p);
	if (w->glob && p == '[') {
		at = match_set(w, at, c, &match);
		return at && match ? at : 0;
	}
	if (p == w->escape) {
		if (at == w->pattern.n)
			return 0;
		at += query_character(rest_of(w->pattern, at), &p);
	} else if (p == (w->glob ? '?' : '_')) {
		return at;
	}
	if (w->glob)
		return p == c ? at : 0;
	return lower(p) == lower(c) ? at : 0;
}

static bool is_run(const struct wildcard *w, size_t at)
{
	uint8_t run = w->glob ? '*' : '%';

	return at < w->pattern.n && w->pattern.p[at] == run && w->escape != run;
}

static bool match_all(const struct wildcard *w, struct span text)
{
	size_t p = 0, t = 0, back_p = SIZE_MAX, back_t = 0;

	while (t < text.n) {
		uint32_t c;
		size_t n = query_character(rest_of(text, t), &c), next = 0;

		if (is_run(w, p)) {
			back_p = ++p;
			back_t = t;
			continue;
		}
		if (p < w->pattern.n)
			next = match_one(w, p, c);
		if (next) {
			p = next;
			t += n;
		} else if (back_p != SIZE_MAX) {
			back_t += query_character(rest_of(text, back_t), &c);
			t = back_t;
			p = back_p;
		} else {
			return false;
		}
	}
	while (is_run(w, p))
		p++;
	return p == w->pattern.n;
}

bool query_like(struct span pattern, struct span text, uint32_t escape)
{
	struct wildcard w = {pattern, false, escape};

	return match_all(&w, text);
}

bool query_glob(struct span pattern, struct span text)
{
	struct wildcard w = {pattern, true, QUERY_NO_ESCAPE};

	return match_all(&w, text);
}
