/* value.c - see value.h. */
#include "detect/value.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>

#include "base/buf.h"
#include "base/limits.h"

struct detect_value detect_addr(struct span bytes)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (bytes.n == 16 && memcmp(bytes.p, mapped, sizeof(mapped)) == 0)
		bytes = span_make(bytes.p + 12, 4);
	if (bytes.n != 4 && bytes.n != 16)
		return detect_absent();
	return (struct detect_value){.kind = DETECT_ADDR, .bytes = bytes};
}

int detect_scratch_init(struct detect_scratch *s, struct err *e)
{
	struct detect_scratch made = {.bytes = malloc(LIMIT_DETECT_SCRATCH),
				      .items = calloc(LIMIT_DETECT_ITEMS, sizeof(*made.items))};

	if (!made.bytes || !made.items) {
		detect_scratch_fini(&made);
		return err_set(e, ENOMEM, "no memory for the values of an event");
	}
	*s = made;
	return 0;
}

void detect_scratch_fini(struct detect_scratch *s)
{
	free(s->bytes);
	free(s->items);
	*s = (struct detect_scratch){0};
}

uint8_t *detect_room(struct detect_scratch *s, size_t n)
{
	uint8_t *p = s->bytes + s->n;

	if (n > LIMIT_DETECT_SCRATCH - s->n) {
		s->refused++;
		return NULL;
	}
	s->n += n;
	return p;
}

struct detect_value *detect_room_items(struct detect_scratch *s, size_t n)
{
	struct detect_value *items = s->items + s->item_n;

	if (n > LIMIT_DETECT_ITEMS - s->item_n) {
		s->refused++;
		return NULL;
	}
	s->item_n += n;
	return items;
}

struct detect_value detect_print(struct detect_scratch *s, const char *format, ...)
{
	size_t left = LIMIT_DETECT_SCRATCH - s->n;
	char *p = (char *)s->bytes + s->n;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(p, left, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= left) {
		s->refused++;
		return detect_absent();
	}
	s->n += (size_t)n;
	return detect_text(span_make(p, (size_t)n));
}

struct detect_value detect_joined(struct detect_scratch *s, const struct span *parts, size_t n,
				  const char *between)
{
	size_t gap = strlen(between), size = n ? (n - 1) * gap : 0;
	uint8_t *begin, *p;

	for (size_t i = 0; i < n; i++)
		size += parts[i].n;
	begin = p = detect_room(s, size);
	if (!p)
		return detect_absent();
	for (size_t i = 0; i < n; i++) {
		if (i) {
			memcpy(p, between, gap);
			p += gap;
		}
		if (parts[i].n)
			memcpy(p, parts[i].p, parts[i].n);
		p += parts[i].n;
	}
	return detect_text(span_make(begin, size));
}

static void print_addr(struct buf *b, const struct detect_value *v)
{
	char text[INET6_ADDRSTRLEN];

	buf_add_text(
		b, inet_ntop(v->bytes.n == 4 ? AF_INET : AF_INET6, v->bytes.p, text, sizeof(text)));
	if (v->kind == DETECT_NET)
		buf_addf(b, "/%u", v->prefix);
}

static void print_one(struct buf *b, const struct detect_value *v)
{
	switch (v->kind) {
	case DETECT_BOOL:
		buf_add_text(b, v->yes ? "true" : "false");
		break;
	case DETECT_I64:
		buf_addf(b, "%" PRId64, v->i);
		break;
	case DETECT_U64:
		buf_addf(b, "%" PRIu64, v->u);
		break;
	case DETECT_DOUBLE:
		buf_addf(b, "%.3f", v->d);
		break;
	case DETECT_TEXT:
	case DETECT_BYTES:
		buf_add_span(b, v->bytes);
		break;
	case DETECT_ADDR:
	case DETECT_NET:
		print_addr(b, v);
		break;
	default:
		break;
	}
}

void detect_value_print(struct buf *b, const struct detect_value *v)
{
	if (!detect_is_many(v) || (v->kind != DETECT_LIST && v->list.n == 1)) {
		print_one(b, detect_is_many(v) ? v->list.items : v);
		return;
	}
	buf_add_text(b, "(");
	for (size_t i = 0; i < v->list.n; i++) {
		if (i)
			buf_add_text(b, ",");
		print_one(b, &v->list.items[i]);
	}
	buf_add_text(b, ")");
}
