/* query_match.c - most questions are LIKE '%word%', so that is what is fast: one search through all
 * distinct texts of a block at once, 16 bytes at a time. */
#include "store/query_match.h"

typedef uint8_t lanes __attribute__((vector_size(16)));

static inline uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static bool is_letter(uint8_t c)
{
	return c >= 'a' && c <= 'z';
}

static bool same_at(const uint8_t *p, struct span needle, bool fold)
{
	if (!fold)
		return memcmp(p, needle.p, needle.n) == 0;
	for (size_t i = 0; i < needle.n; i++) {
		if (lower(p[i]) != needle.p[i])
			return false;
	}
	return true;
}

static inline lanes load(const uint8_t *p)
{
	lanes v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline bool any(lanes v)
{
	uint64_t half[2];

	memcpy(half, &v, sizeof(half));
	return (half[0] | half[1]) != 0;
}

/* Candidates are places where the first and the last byte of the needle fit. */
size_t query_find(struct span hay, struct span needle, bool fold)
{
	size_t last = needle.n - 1, end, i = 0;
	uint8_t a, b, fold_a, fold_b;

	if (needle.n > hay.n)
		return SIZE_MAX;
	end = hay.n - needle.n + 1; /* places where it could begin */
	a = needle.p[0];
	b = needle.p[last];
	fold_a = fold && is_letter(a) ? 0x20 : 0;
	fold_b = fold && is_letter(b) ? 0x20 : 0;
	for (; i + 16 <= end; i += 16) {
		lanes x = load(hay.p + i) | fold_a, y = load(hay.p + i + last) | fold_b;
		lanes hit = (lanes)(x == a) & (lanes)(y == b);

		if (!any(hit))
			continue;
		for (size_t k = 0; k < 16; k++) {
			if (hit[k] && same_at(hay.p + i + k, needle, fold))
				return i + k;
		}
	}
	for (; i < end; i++) {
		if (same_at(hay.p + i, needle, fold))
			return i;
	}
	return SIZE_MAX;
}

/* '%word%' or '*word*' with a plain ASCII word: anything else goes character by character. */
static struct span plain_needle(const struct query_pattern *p)
{
	bool like = p->op == QUERY_LIKE;
	char any_run = like ? '%' : '*';
	const char *special = like ? "%_" : "*?[";

	if (p->n < 3 || p->text[0] != any_run || p->text[p->n - 1] != any_run)
		return span_make(NULL, 0);
	for (size_t i = 1; i < p->n - 1; i++) {
		if (p->text[i] == 0 || (p->text[i] & 0x80) || strchr(special, p->text[i]))
			return span_make(NULL, 0);
	}
	return span_make(p->text + 1, p->n - 2);
}

int query_pattern_init(struct query_pattern *p, enum query_op op, struct span text, struct err *e)
{
	memset(p, 0, sizeof(*p));
	p->op = op;
	p->n = text.n;
	intern_init(&p->set);
	p->text = malloc(text.n + 1);
	if (!p->text)
		return err_set(e, ENOMEM, "no memory for a pattern");
	if (text.n)
		memcpy(p->text, text.p, text.n);
	p->text[text.n] = 0;
	if (op == QUERY_LIKE || op == QUERY_GLOB)
		p->needle = plain_needle(p);
	if (op == QUERY_LIKE) {
		for (size_t i = 0; i < p->needle.n; i++)
			p->text[i + 1] = (char)lower((uint8_t)p->text[i + 1]);
	}
	return 0;
}

void query_pattern_fini(struct query_pattern *p)
{
	free(p->text);
	intern_fini(&p->set);
}

int query_pattern_add(struct query_pattern *p, struct span text, struct err *e)
{
	uint32_t number;

	return intern_get(&p->set, text, &number) < 0 ? err_set(e, ENOMEM, "no memory for a list")
						      : 0;
}

static bool match_pattern(struct query_pattern *p, struct span bytes)
{
	if (p->needle.n)
		return query_find(bytes, p->needle, p->op == QUERY_LIKE) != SIZE_MAX;
	return p->op == QUERY_LIKE ? query_like(span_make(p->text, p->n), bytes, QUERY_NO_ESCAPE)
				   : query_glob(span_make(p->text, p->n), bytes);
}

bool query_pattern_match(struct query_pattern *p, struct span bytes)
{
	uint32_t number;

	switch (p->op) {
	case QUERY_EQ:
		return span_eq(bytes, span_make(p->text, p->n));
	case QUERY_IN:
		return intern_find(&p->set, bytes, &number);
	case QUERY_LIKE:
	case QUERY_GLOB:
		return match_pattern(p, bytes);
	default:
		return true;
	}
}

/* The first text that ends behind `offset`, from `from` on. */
static uint32_t text_at(const uint32_t *ends, uint32_t n, uint32_t from, size_t offset)
{
	uint32_t low = from, high = n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (ends[middle] <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static uint32_t find_in_all(struct query_pattern *p, const uint8_t *bytes, const uint32_t *ends,
			    uint32_t n, uint8_t *ret_match)
{
	size_t at = 0, total = ends[n - 1];
	uint32_t matches = 0, text = 0;

	memset(ret_match, 0, n);
	while (at < total) {
		size_t hit = query_find(span_make(bytes + at, total - at), p->needle,
					p->op == QUERY_LIKE);

		if (hit == SIZE_MAX)
			break;
		at += hit;
		text = text_at(ends, n, text, at);
		if (at + p->needle.n > ends[text]) { /* lies across two texts */
			at++;
			continue;
		}
		ret_match[text] = 1;
		matches++;
		at = ends[text];
	}
	return matches;
}

uint32_t query_pattern_match_all(struct query_pattern *p, const uint8_t *bytes,
				 const uint32_t *ends, uint32_t n, uint8_t *ret_match)
{
	uint32_t matches = 0;

	if (n == 0)
		return 0;
	if (p->needle.n)
		return find_in_all(p, bytes, ends, n, ret_match);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t start = i ? ends[i - 1] : 0;

		ret_match[i] = query_pattern_match(p, span_make(bytes + start, ends[i] - start));
		matches += ret_match[i];
	}
	return matches;
}
