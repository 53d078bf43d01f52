/* buf.c - see buf.h. */
#include "base/buf.h"

#include <stdio.h>

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max};
}

void buf_fini(struct buf *b)
{
	free(b->p);
	*b = (struct buf){.max = b->max};
}

void buf_clear(struct buf *b)
{
	b->n = 0;
	b->failed = 0;
}

/* Room for `extra` bytes beyond n, without touching n. */
static int grow(struct buf *b, size_t extra)
{
	size_t cap = b->cap ? b->cap : 256;
	uint8_t *p;

	if (b->failed)
		return -b->failed;
	if (extra > b->max - b->n) {
		b->failed = E2BIG;
		return -E2BIG;
	}
	if (b->n + extra <= b->cap)
		return 0;
	while (cap < b->n + extra)
		cap *= 2;
	if (cap > b->max)
		cap = b->max;
	p = realloc(b->p, cap);
	if (!p) {
		b->failed = ENOMEM;
		return -ENOMEM;
	}
	b->p = p;
	b->cap = cap;
	return 0;
}

uint8_t *buf_room(struct buf *b, size_t n)
{
	return grow(b, n) == 0 ? b->p + b->n : NULL;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	if (n == 0 || grow(b, n) != 0)
		return;
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

void buf_add_span(struct buf *b, struct span s)
{
	buf_add(b, s.p, s.n);
}

void buf_add_text(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void buf_addf(struct buf *b, const char *format, ...)
{
	va_list args, again;
	int n;

	va_start(args, format);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	/* vsnprintf writes a NUL, which needs room but is not content. */
	if (n >= 0 && grow(b, (size_t)n + 1) == 0) {
		(void)vsnprintf((char *)b->p + b->n, (size_t)n + 1, format, again); /* measured */
		b->n += (size_t)n;
	}
	va_end(again);
}

static void add_little_endian(struct buf *b, uint64_t value, size_t n)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
	buf_add(b, bytes, n);
}

void buf_add_u8(struct buf *b, uint8_t value)
{
	buf_add(b, &value, 1);
}

void buf_add_u16(struct buf *b, uint16_t value)
{
	add_little_endian(b, value, 2);
}

void buf_add_u32(struct buf *b, uint32_t value)
{
	add_little_endian(b, value, 4);
}

void buf_add_u64(struct buf *b, uint64_t value)
{
	add_little_endian(b, value, 8);
}

void buf_add_varint(struct buf *b, uint64_t value)
{
	uint8_t bytes[10];
	size_t n = 0;

	while (value >= 0x80) {
		bytes[n++] = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	bytes[n++] = (uint8_t)value;
	buf_add(b, bytes, n);
}

int buf_check(const struct buf *b, const char *what, struct err *e)
{
	if (b->failed == E2BIG)
		return err_set(e, E2BIG, "%s is larger than %zu bytes", what, b->max);
	if (b->failed)
		return err_set(e, b->failed, "no memory for %s", what);
	return 0;
}

const char *buf_text(struct buf *b)
{
	if (grow(b, 1) != 0)
		return NULL;
	b->p[b->n] = '\0';
	return (const char *)b->p;
}
