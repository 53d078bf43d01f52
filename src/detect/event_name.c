/* event_name.c - see event_name.h. */
#include "detect/event_name.h"

#include "detect/near.h"

int event_name_find(struct span name)
{
	size_t low = 0, high = event_name_n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = span_cmp(name, span_of(event_names[middle]));

		if (order == 0)
			return (int)middle;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return -1;
}

const char *event_name_near(struct span name)
{
	struct near near;
	const char *best = NULL;

	near_init(&near, name);
	for (size_t i = 0; i < event_name_n; i++)
		if (near_offer(&near, span_of(event_names[i])))
			best = event_names[i];
	return best;
}

void event_set_none(struct event_set *s)
{
	memset(s, 0, sizeof(*s));
}

void event_set_add(struct event_set *s, unsigned number)
{
	s->bits[number / 64] |= 1ull << (number % 64);
}

void event_set_all(struct event_set *s)
{
	event_set_none(s);
	memset(s->bits, 0xff, event_name_n / 64 * sizeof(s->bits[0]));
	for (size_t i = event_name_n / 64 * 64; i < event_name_n; i++)
		event_set_add(s, (unsigned)i);
}

bool event_set_has(const struct event_set *s, unsigned number)
{
	return s->bits[number / 64] >> (number % 64) & 1;
}

void event_set_and(struct event_set *s, const struct event_set *other)
{
	for (unsigned i = 0; i < EVENT_NAMES / 64; i++)
		s->bits[i] &= other->bits[i];
}

void event_set_or(struct event_set *s, const struct event_set *other)
{
	for (unsigned i = 0; i < EVENT_NAMES / 64; i++)
		s->bits[i] |= other->bits[i];
}

void event_set_invert(struct event_set *s)
{
	struct event_set all;

	event_set_all(&all);
	for (unsigned i = 0; i < EVENT_NAMES / 64; i++)
		s->bits[i] = all.bits[i] & ~s->bits[i];
}

unsigned event_set_count(const struct event_set *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < EVENT_NAMES / 64; i++)
		n += (unsigned)__builtin_popcountll(s->bits[i]);
	return n;
}
