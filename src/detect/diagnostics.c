/* diagnostics.c - see diagnostics.h. */
#include "detect/diagnostics.h"

#include <stdio.h>

void diagnostics_init(struct diagnostics *d)
{
	memset(d, 0, sizeof(*d));
	intern_init(&d->seen);
}

void diagnostics_fini(struct diagnostics *d)
{
	free(d->items);
	intern_fini(&d->seen);
	diagnostics_init(d);
}

/* 1 when it is new, 0 when it was there, -ENOMEM. */
static int remember(struct diagnostics *d, struct place at, struct span words)
{
	uint8_t key[sizeof(at) + (size_t)2 * LIMIT_ERR_TEXT];
	size_t before = d->seen.n;
	uint32_t number;

	memcpy(key, &at, sizeof(at));
	memcpy(key + sizeof(at), words.p, words.n);
	if (intern_get(&d->seen, span_make(key, sizeof(at) + words.n), &number) < 0)
		return -ENOMEM;
	return d->seen.n > before;
}

static bool room(struct diagnostics *d)
{
	size_t cap = d->cap ? d->cap * 2 : 16;
	struct diagnostic *more;

	if (d->n < d->cap)
		return true;
	more = reallocarray(d->items, cap, sizeof(*more));
	if (!more)
		return false;
	d->items = more;
	d->cap = cap;
	return true;
}

void diagnostics_add(struct diagnostics *d, enum severity severity, struct place place,
		     const char *hint, const char *format, ...)
{
	char words[2 * LIMIT_ERR_TEXT] = "";
	size_t text_n, n;
	struct span kept;
	va_list args;
	int r;

	va_start(args, format);
	(void)vsnprintf(words, LIMIT_ERR_TEXT, format, args); /* cut when it is too long */
	va_end(args);
	text_n = strlen(words);
	(void)snprintf(words + text_n, LIMIT_ERR_TEXT, "%s", hint ? hint : "");
	n = text_n + strlen(words + text_n);
	if (d->n < LIMIT_DIAGNOSTICS) {
		r = remember(d, place, span_make(words, n));
		if (r == 0)
			return;
		if (r < 0 || !room(d)) {
			d->lost = true;
		} else {
			kept = intern_key(&d->seen, (uint32_t)d->seen.n - 1);
			kept = span_make(kept.p + sizeof(place), n);
			d->items[d->n++] =
				(struct diagnostic){severity, place, span_make(kept.p, text_n),
						    span_make(kept.p + text_n, n - text_n)};
		}
	}
	if (severity == SEVERITY_ERROR)
		d->errors++;
	else
		d->warnings++;
}

static int order(const void *a, const void *b)
{
	const struct diagnostic *x = a, *y = b;

	if (x->place.file != y->place.file)
		return x->place.file < y->place.file ? -1 : 1;
	if (x->place.line != y->place.line)
		return x->place.line < y->place.line ? -1 : 1;
	if (x->place.column != y->place.column)
		return x->place.column < y->place.column ? -1 : 1;
	return (int)x->severity - (int)y->severity;
}

void diagnostics_sort(struct diagnostics *d)
{
	if (d->n)
		qsort(d->items, d->n, sizeof(*d->items), order);
}
