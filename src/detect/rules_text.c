/* rules_text.c - see rules_text.h. */
#include "detect/rules_text.h"

void rules_text_init(struct rules_text *t)
{
	memset(t, 0, sizeof(*t));
	buf_init(&t->text, LIMIT_CONDITION);
}

void rules_text_fini(struct rules_text *t)
{
	buf_fini(&t->text);
	free(t->segments);
	rules_text_init(t);
}

/* Whether `next` only goes on where the last segment is. */
static bool continues(const struct rules_text *t, const struct rules_segment *next)
{
	const struct rules_segment *s = t->n ? &t->segments[t->n - 1] : NULL;
	uint32_t expected;

	if (!s || s->file != next->file || s->node != next->node || s->list != next->list ||
	    s->exact != next->exact)
		return false;
	expected = s->exact ? s->offset + (uint32_t)(t->text.n - s->at) : s->offset;
	return next->offset == expected;
}

int rules_text_add(struct rules_text *t, struct span bytes, const struct rules_segment *from,
		   struct err *e)
{
	if (!bytes.n)
		return 0;
	if (!continues(t, from)) {
		if (t->n == t->cap) {
			size_t cap = t->cap ? t->cap * 2 : 8;
			struct rules_segment *more = reallocarray(t->segments, cap, sizeof(*more));

			if (!more)
				return err_set(e, ENOMEM, "no memory for a condition");
			t->segments = more;
			t->cap = cap;
		}
		t->segments[t->n] = *from;
		t->segments[t->n++].at = (uint32_t)t->text.n;
	}
	buf_add_span(&t->text, bytes);
	return buf_check(&t->text, "a condition with its lists", e);
}

int rules_text_copy(struct rules_text *t, const struct rules_text *from, size_t begin, size_t end,
		    uint32_t list, struct err *e)
{
	int r = 0;

	while (begin < end && r == 0) {
		struct rules_segment origin;
		const struct rules_segment *s = rules_text_find(from, begin, &origin.offset);
		size_t next = s + 1 < from->segments + from->n ? s[1].at : from->text.n;
		size_t n = (next < end ? next : end) - begin;

		origin = (struct rules_segment){.file = s->file,
						.node = s->node,
						.offset = origin.offset,
						.list = list == RULES_NO_LIST ? s->list : list,
						.exact = s->exact};
		r = rules_text_add(t, span_make(from->text.p + begin, n), &origin, e);
		begin += n;
	}
	return r;
}

void rules_text_cut(struct rules_text *t, size_t n)
{
	t->text.n -= n < t->text.n ? n : t->text.n;
	while (t->n && t->segments[t->n - 1].at >= t->text.n && t->segments[t->n - 1].at)
		t->n--;
}

const struct rules_segment *rules_text_find(const struct rules_text *t, size_t at,
					    uint32_t *ret_offset)
{
	size_t low = 0, high = t->n;

	if (!t->n)
		return NULL;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (t->segments[middle].at <= at)
			low = middle;
		else
			high = middle;
	}
	*ret_offset = t->segments[low].offset;
	if (t->segments[low].exact)
		*ret_offset += (uint32_t)(at - t->segments[low].at);
	return &t->segments[low];
}
