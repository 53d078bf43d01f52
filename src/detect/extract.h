/* extract.h - Falco's fields, read from Amber's events.
 *
 * One table has every field that is known; one that Amber cannot answer stands there with the
 * reason, so that a rule that needs it is told at load time and never fails in silence.  A field
 * that is answered may still be absent for an event (DETECT_ABSENT, unknown) or have no meaning in
 * it (DETECT_NONE): see value.h. */
#ifndef AMBER_DETECT_EXTRACT_H
#define AMBER_DETECT_EXTRACT_H

#include "detect/lineage.h"
#include "detect/value.h"
#include "model/event.h"

/* An event and what is known around it.  All borrowed. */
struct detect_event {
	const struct event *ev;
	uint64_t number;		 /* of the event, from 1 on */
	struct span hostname;		 /* empty: not known */
	struct detect_ancestry ancestry; /* find NULL: nothing is known of other processes */

	/* The name of a user or group as the event's container has it; false when it is not known.
	 * NULL: nobody knows.  0 is root with or without it. */
	bool (*name_of)(void *ctx, const struct event *ev, bool group, uint32_t id,
			struct span *ret_name);
	void *name_ctx;

	struct detect_scratch *scratch; /* where values are built; reset for each event */
};

enum extract_arg {
	EXTRACT_NO_ARG,
	EXTRACT_ARG_ALLOWED,
	EXTRACT_ARG_REQUIRED,
};

struct extract_field;

struct extractor {
	const char *name;      /* without an argument: "proc.aname", "evt.arg" */
	enum detect_kind kind; /* of a value, or of what a list holds */
	bool list;	       /* Falco's type is a list */
	enum extract_arg arg;
	struct detect_value (*read)(const struct extract_field *field,
				    const struct detect_event *event); /* NULL: not answered */
	const char *note; /* how it is answered where that is not plain, or why not; may be NULL */
};

/* A field as a rule names it. */
struct extract_field {
	const struct extractor *extractor;
	struct span arg; /* borrowed from the rule; empty when there is none */
	uint32_t number; /* of an argument that is digits */
	bool is_number;
};

/* The entry for a name; "evt.arg.flags" finds evt.arg.  NULL for a field that is not known.  Sets
 * *ret_arg to the argument that is part of the name, or to nothing. */
const struct extractor *extract_find(struct span name, struct span *ret_arg);

/* The n-th entry of the table, from 0; NULL behind the last. */
const struct extractor *extract_at(size_t n);

/* Prepares a field.  `arg` is what stands between brackets, empty for none.  -ENOENT: there is no
 * such field; -ENOTSUP: it cannot be answered (the text says why); -EINVAL: wrong argument. */
int extract_prepare(struct span name, struct span arg, struct extract_field *ret_field,
		    struct err *e);

/* The field's value for this event.  Never fails: what cannot be had is absent. */
void extract(const struct extract_field *field, const struct detect_event *event,
	     struct detect_value *ret_value);

/* Falco's names of the arguments of this event, in its order, as "name=value name=value". */
struct detect_value extract_args(const struct detect_event *event);

#endif
