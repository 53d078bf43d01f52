/* grow.h - room for one more element at the end of an array. */
#ifndef AMBER_BASE_GROW_H
#define AMBER_BASE_GROW_H

#include <stdbool.h>
#include <stdlib.h>

/* Makes room for element n of the array at *array, which has room for *cap elements of `size`
 * bytes; it may move.  False without memory: nothing changed. */
static inline bool grow_array(void **array, size_t n, size_t *cap, size_t size)
{
	size_t more = *cap ? *cap * 2 : 16;
	void *bigger;

	if (n < *cap)
		return true;
	bigger = reallocarray(*array, more, size);
	if (!bigger)
		return false;
	*array = bigger;
	*cap = more;
	return true;
}

/* GROW(t->items, t->n, t->cap): whether t->items[t->n] may be written. */
#define GROW(array, n, cap) grow_array((void **)&(array), (n), &(cap), sizeof(*(array)))

#endif
