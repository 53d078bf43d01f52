/* extract_impl.h - between the files of extract.h: the parts of the table, and what readers share.
 */
#ifndef AMBER_DETECT_EXTRACT_IMPL_H
#define AMBER_DETECT_EXTRACT_IMPL_H

#include "detect/extract.h"

/* Each ends with a NULL name. */
extern const struct extractor extract_event_fields[], extract_fd_fields[], extract_proc_fields[],
	extract_container_fields[];

#define READER(function)                                                       \
	static struct detect_value function(const struct extract_field *field, \
					    const struct detect_event *event)

/* Numbers of FIELD_FILE_FLAGS. */
#define FILE_FLAG_MEMFD	  1u
#define FILE_FLAG_UPPER	  4u
#define FILE_FLAG_OVERLAY 8u
#define FILE_FLAG_CREATED 32u

/* Whether the event's type has the field. */
static inline bool event_has(const struct detect_event *event, enum event_field field)
{
	return event_type_has(event->ev->type, field);
}

static inline uint64_t event_u64(const struct detect_event *event, enum event_field field)
{
	return event->ev->value[field].u;
}

static inline int64_t event_i64(const struct detect_event *event, enum event_field field)
{
	return event->ev->value[field].i;
}

static inline struct span event_bytes(const struct detect_event *event, enum event_field field)
{
	return event->ev->value[field].bytes;
}

/* The text of the field: absent when it is empty, none when the type has no such field. */
static inline struct detect_value event_text(const struct detect_event *event,
					     enum event_field field)
{
	return event_has(event, field) ? detect_known(event_bytes(event, field)) : detect_none();
}

/* extract_arg.c: evt.arg[name]. */
struct detect_value extract_arg_named(const struct detect_event *event, struct span name);

/* Whether any event has an argument of that name. */
bool extract_arg_known(struct span name);

/* What the file of an open was opened with; *ret_whole is false when the kernel's flags are all
 * that is known: it forgets O_CREAT, O_EXCL, O_NOCTTY and O_TRUNC once the file is open. */
uint64_t extract_open_flags(const struct detect_event *event, bool *ret_whole);

/* The text with what was quoted for the shell as it was, joined by blanks, without the first
 * `skip` arguments. */
struct detect_value extract_argv(const struct detect_event *event, struct span argv, unsigned skip);

/* The first argument. */
struct detect_value extract_argv0(const struct detect_event *event, struct span argv);

/* The n-th parent (0: the process itself) with what is known of it. */
enum truth extract_process(const struct detect_event *event, unsigned n,
			   struct detect_process *ret_process);

/* A missing value as the answer says it. */
static inline struct detect_value missing(enum truth answer)
{
	return answer == TRUTH_NO ? detect_none() : detect_absent();
}

struct detect_value extract_user_name(const struct detect_event *event, bool group, uint32_t id);

#endif
