/* event_name.h - the names that evt.type can have, and sets of them. */
#ifndef AMBER_DETECT_EVENT_NAME_H
#define AMBER_DETECT_EVENT_NAME_H

#include <assert.h>

#include "base/span.h"

#define EVENT_NAMES 512u /* room in a set */

/* Ascending. */
extern const char *const event_names[];
extern const size_t event_name_n;

/* The number of a name, or -1. */
int event_name_find(struct span name);

/* The nearest name for "did you mean", or NULL. */
const char *event_name_near(struct span name);

struct event_set {
	uint64_t bits[EVENT_NAMES / 64];
};

void event_set_none(struct event_set *s);
void event_set_all(struct event_set *s);
void event_set_add(struct event_set *s, unsigned number);
bool event_set_has(const struct event_set *s, unsigned number);
void event_set_and(struct event_set *s, const struct event_set *other);
void event_set_or(struct event_set *s, const struct event_set *other);
void event_set_invert(struct event_set *s);
unsigned event_set_count(const struct event_set *s);

#endif
