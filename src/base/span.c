/* span.c - see span.h. */
#include "base/span.h"

bool span_starts(struct span a, const char *prefix)
{
	size_t n = strlen(prefix);

	return a.n >= n && (n == 0 || memcmp(a.p, prefix, n) == 0);
}

bool span_ends(struct span a, const char *suffix)
{
	size_t n = strlen(suffix);

	return a.n >= n && (n == 0 || memcmp(a.p + a.n - n, suffix, n) == 0);
}

int span_cmp(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n ? memcmp(a.p, b.p, n) : 0;

	if (order)
		return order;
	return a.n < b.n ? -1 : a.n > b.n;
}

bool span_contains(struct span hay, struct span needle)
{
	return needle.n == 0 || (hay.n && memmem(hay.p, hay.n, needle.p, needle.n));
}

/* Length of the well-formed sequence at p, 0 when there is none. */
static size_t utf8_sequence(const uint8_t *p, size_t left)
{
	uint8_t low = 0x80, high = 0xbf;
	size_t n;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (left < n)
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

bool span_is_utf8(struct span a)
{
	for (size_t i = 0; i < a.n;) {
		size_t n = utf8_sequence(a.p + i, a.n - i);

		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

bool cursor_bytes(struct cursor *c, size_t n, struct span *ret_bytes)
{
	if (cursor_left(c) < n)
		return false;
	*ret_bytes = span_make(c->p, n);
	c->p += n;
	return true;
}

static bool little_endian(struct cursor *c, size_t n, uint64_t *ret_value)
{
	struct span s;
	uint64_t value = 0;

	if (!cursor_bytes(c, n, &s))
		return false;
	for (size_t i = n; i-- > 0;)
		value = value << 8 | s.p[i];
	*ret_value = value;
	return true;
}

bool cursor_u8(struct cursor *c, uint8_t *ret_value)
{
	uint64_t v;

	if (!little_endian(c, 1, &v))
		return false;
	*ret_value = (uint8_t)v;
	return true;
}

bool cursor_u16(struct cursor *c, uint16_t *ret_value)
{
	uint64_t v;

	if (!little_endian(c, 2, &v))
		return false;
	*ret_value = (uint16_t)v;
	return true;
}

bool cursor_u32(struct cursor *c, uint32_t *ret_value)
{
	uint64_t v;

	if (!little_endian(c, 4, &v))
		return false;
	*ret_value = (uint32_t)v;
	return true;
}

bool cursor_u64(struct cursor *c, uint64_t *ret_value)
{
	return little_endian(c, 8, ret_value);
}

bool cursor_varint(struct cursor *c, uint64_t *ret_value)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < 10 && i < cursor_left(c); i++) {
		uint8_t byte = c->p[i];

		if (i == 9 && byte > 1)
			return false;
		value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (!(byte & 0x80)) {
			c->p += i + 1;
			*ret_value = value;
			return true;
		}
	}
	return false;
}
