/* buf.h - owned bytes that grow up to a named maximum.
 *
 * Failure is sticky: after the first add that did not fit (or found no memory), every further one
 * is ignored and buf_check tells.  So a writer adds what it has to and asks once, at the end. */
#ifndef AMBER_BASE_BUF_H
#define AMBER_BASE_BUF_H

#include <stdarg.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/span.h"

struct buf {
	uint8_t *p;
	size_t n, cap;
	size_t max; /* bytes it may hold; from limits.h */
	int failed; /* 0, ENOMEM or E2BIG */
};

/* An empty buffer that may grow to `max` bytes.  Allocates nothing yet. */
void buf_init(struct buf *b, size_t max);
void buf_fini(struct buf *b);
DEFINE_AUTO(buf, struct buf, buf_fini);

/* Forgets the content and a failure; keeps the memory. */
void buf_clear(struct buf *b);

/* Makes room for `n` more bytes and returns where they go, or NULL.  The caller fills them and
 * then adds to b->n what it used. */
uint8_t *buf_room(struct buf *b, size_t n);

void buf_add(struct buf *b, const void *p, size_t n);
void buf_add_span(struct buf *b, struct span s);
void buf_add_text(struct buf *b, const char *text);
void buf_addf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Little-endian integers, and LEB128. */
void buf_add_u8(struct buf *b, uint8_t value);
void buf_add_u16(struct buf *b, uint16_t value);
void buf_add_u32(struct buf *b, uint32_t value);
void buf_add_u64(struct buf *b, uint64_t value);
void buf_add_varint(struct buf *b, uint64_t value);

/* 0, or -ENOMEM / -E2BIG with a text naming `what`. */
int buf_check(const struct buf *b, const char *what, struct err *e);

/* The content as a string with a NUL behind it (not counted in n), or NULL when there is no
 * memory.  Borrowed: valid until the next change. */
const char *buf_text(struct buf *b);

static inline struct span buf_span(const struct buf *b)
{
	return span_make(b->p, b->n);
}

#endif
