/* decode_shape.h - between the files of the decoder: one record that is being read. */
#ifndef AMBER_RECORD_DECODE_SHAPE_H
#define AMBER_RECORD_DECODE_SHAPE_H

#include "record/decode.h"
#include "record/decode_text.h"

#define DECODE_SLOTS (WIRE_TEXT_SOCKET + 1u)

struct decode_slot {
	struct span s;
	uint8_t flags; /* WIRE_TEXT_* */
};

/* A record and the event that it becomes.  Which slots there are stands in `present` (bit n: slot
 * n); the others are not initialised. */
struct reading {
	const void *record; /* at least as long as its type's struct */
	struct event *ev;
	struct arena arena;
	uint32_t present;
	struct decode_slot slots[DECODE_SLOTS];
};

static inline bool reading_has(const struct reading *r, unsigned slot)
{
	return r->present & (1u << slot);
}

/* The text as it is in the record, or empty. */
static inline struct span reading_raw(const struct reading *r, unsigned slot)
{
	return reading_has(r, slot) ? r->slots[slot].s : span_make(NULL, 0);
}

static inline bool reading_flag(const struct reading *r, unsigned slot, unsigned flag)
{
	return reading_has(r, slot) && (r->slots[slot].flags & flag);
}

static inline void set_u64(struct reading *r, enum event_field field, uint64_t value)
{
	r->ev->value[field].u = value;
}

static inline void set_i64(struct reading *r, enum event_field field, int64_t value)
{
	r->ev->value[field].i = value;
}

static inline void set_bytes(struct reading *r, enum event_field field, struct span value)
{
	r->ev->value[field].bytes = value;
}

/* Sets `field` to the path in the slots `slot` (kernel) and `slot` + 1 (claim). */
void reading_path(struct reading *r, enum event_field field, unsigned slot);

void reading_file(struct reading *r, const struct wire_file *file);

/* decode_process.c */
void decode_fork(struct reading *r);
void decode_exec(struct reading *r);
void decode_exit(struct reading *r);
void decode_target(struct reading *r);

#endif
