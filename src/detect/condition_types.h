/* condition_types.h - whether a condition makes sense: fields, operators, values; and for which
 * evt.type it can hold.
 *
 * Works on trees with or without macros in them; a macro is taken for something that can hold for
 * any event. */
#ifndef AMBER_DETECT_CONDITION_TYPES_H
#define AMBER_DETECT_CONDITION_TYPES_H

#include "detect/condition.h"
#include "detect/event_name.h"

enum cond_verdict {
	COND_WRONG,   /* an error */
	COND_UNKNOWN, /* an unknown field or event type: what skip-if-unknown-filter forgives */
	COND_DOUBT,   /* a warning */
};

/* Who hears what is wrong at a node.  `hint` may be empty. */
struct cond_judge {
	void *ctx;
	void (*tell)(void *ctx, const struct cond_node *node, enum cond_verdict verdict,
		     const char *hint, const char *text);
};

/* Checks the whole tree and tells what it finds, up to a hundred problems. */
void condition_check_types(const struct condition *c, const struct cond_judge *judge);

/* Checks one field or transformer, as an output has it. */
void condition_check_operand(const struct condition *c, uint32_t node,
			     const struct cond_judge *judge);

/* The event types for which it can be true: sets of types joined as and, or and not join them,
 * with not pushed down to the checks.  What is no check of evt.type holds for all, negated or not,
 * but a comparison with an empty list, which holds for none. */
void condition_events(const struct condition *c, struct event_set *ret_events);

#endif
