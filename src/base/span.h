/* span.h - borrowed bytes, and a cursor that reads them without ever going past the end.
 *
 * A span owns nothing and lives no longer than what it points into. */
#ifndef AMBER_BASE_SPAN_H
#define AMBER_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const uint8_t *p; /* may be NULL when n is 0 */
	size_t n;
};

/* The bytes of a string without its NUL; NULL gives the empty span. */
static inline struct span span_of(const char *text)
{
	return (struct span){(const uint8_t *)text, text ? strlen(text) : 0};
}

static inline struct span span_make(const void *p, size_t n)
{
	return (struct span){p, n};
}

static inline bool span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool span_is(struct span a, const char *text)
{
	return span_eq(a, span_of(text));
}

bool span_starts(struct span a, const char *prefix);
bool span_ends(struct span a, const char *suffix);

/* memcmp order, shorter first on a tie: <0, 0, >0. */
int span_cmp(struct span a, struct span b);

/* Whether `needle` occurs in `hay`; the empty needle always does. */
bool span_contains(struct span hay, struct span needle);

/* Whether the bytes are well-formed UTF-8 (RFC 3629: no surrogates, nothing above U+10FFFF). */
bool span_is_utf8(struct span a);

/* A cursor over bytes.  Each call moves only on success and returns false, moving nothing, when
 * the bytes do not suffice.  Integers are little-endian. */
struct cursor {
	const uint8_t *p, *end;
};

static inline struct cursor cursor_of(struct span s)
{
	return (struct cursor){s.p, s.n ? s.p + s.n : s.p}; /* NULL + 0 is undefined */
}

static inline size_t cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->p);
}

bool cursor_bytes(struct cursor *c, size_t n, struct span *ret_bytes);
bool cursor_u8(struct cursor *c, uint8_t *ret_value);
bool cursor_u16(struct cursor *c, uint16_t *ret_value);
bool cursor_u32(struct cursor *c, uint32_t *ret_value);
bool cursor_u64(struct cursor *c, uint64_t *ret_value);

/* LEB128, at most ten bytes. */
bool cursor_varint(struct cursor *c, uint64_t *ret_value);

static inline uint64_t zigzag(int64_t value)
{
	return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

static inline int64_t unzigzag(uint64_t value)
{
	return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

#endif
