/* value.h - what a rule compares: the value of one field, and the memory that values are built in.
 *
 * A value that is not known is DETECT_ABSENT and never an empty text or 0 (law 4); one that cannot
 * be there, such as the Kubernetes namespace of a container that has none, is DETECT_NONE.  Bytes
 * are borrowed from the event, from the table of processes, or from a struct detect_scratch; they
 * live until the next event. */
#ifndef AMBER_DETECT_VALUE_H
#define AMBER_DETECT_VALUE_H

#include "base/auto.h"
#include "base/err.h"
#include "base/span.h"
#include "model/container.h"

enum detect_kind {
	DETECT_ABSENT, /* not known */
	DETECT_NONE,   /* known not to be there: this event or container has no such thing */
	DETECT_BOOL,
	DETECT_I64,
	DETECT_U64,
	DETECT_DOUBLE,
	DETECT_TEXT,
	DETECT_BYTES,  /* a buffer: NUL does not end it */
	DETECT_ADDR,   /* 4 or 16 bytes in network order; a mapped IPv4 address has 4 */
	DETECT_NET,    /* the same and the bits of its prefix */
	DETECT_LIST,   /* all of them belong to the event: `in` wants every one, `intersects` any */
	DETECT_ANY,    /* candidates: an operator holds when it holds for one of them */
	DETECT_EITHER, /* the two ends of a connection: as DETECT_ANY, but != wants both to differ
			*/
};

struct detect_value {
	enum detect_kind kind;
	uint8_t prefix; /* DETECT_NET */
	bool open;	/* of several: there may be more that are not known */
	union {
		bool yes;
		int64_t i;
		uint64_t u;
		double d;
		struct span bytes;
		struct {
			const struct detect_value *items; /* none is itself several */
			size_t n;
		} list;
	};
};

/* Whether the value is several: DETECT_LIST, DETECT_ANY or DETECT_EITHER. */
static inline bool detect_is_many(const struct detect_value *v)
{
	return v->kind >= DETECT_LIST;
}

static inline struct detect_value detect_absent(void)
{
	return (struct detect_value){.kind = DETECT_ABSENT};
}

static inline struct detect_value detect_none(void)
{
	return (struct detect_value){.kind = DETECT_NONE};
}

/* Whether there is no value to compare. */
static inline bool detect_is_missing(const struct detect_value *v)
{
	return v->kind <= DETECT_NONE;
}

static inline struct detect_value detect_bool(bool yes)
{
	return (struct detect_value){.kind = DETECT_BOOL, .yes = yes};
}

static inline struct detect_value detect_truth(enum truth truth)
{
	return truth == TRUTH_UNKNOWN ? detect_absent() : detect_bool(truth == TRUTH_YES);
}

static inline struct detect_value detect_i64(int64_t i)
{
	return (struct detect_value){.kind = DETECT_I64, .i = i};
}

static inline struct detect_value detect_u64(uint64_t u)
{
	return (struct detect_value){.kind = DETECT_U64, .u = u};
}

static inline struct detect_value detect_double(double d)
{
	return (struct detect_value){.kind = DETECT_DOUBLE, .d = d};
}

/* A text as it is, also an empty one. */
static inline struct detect_value detect_text(struct span bytes)
{
	return (struct detect_value){.kind = DETECT_TEXT, .bytes = bytes};
}

/* A text whose emptiness means that it is not known. */
static inline struct detect_value detect_known(struct span bytes)
{
	return bytes.n ? detect_text(bytes) : detect_absent();
}

/* An address of 4 or 16 bytes, absent for any other length; mapped ones (RFC 4291, 2.5.5.2)
 * become IPv4. */
struct detect_value detect_addr(struct span bytes);

static inline struct detect_value detect_several(enum detect_kind kind,
						 const struct detect_value *items, size_t n)
{
	return (struct detect_value){.kind = kind, .list = {items, n}};
}

/* Memory for the texts and lists of one event.  Fixed: a text that does not fit is refused and
 * counted, and its value is absent. */
struct detect_scratch {
	uint8_t *bytes;
	struct detect_value *items;
	size_t n, item_n;
	uint64_t refused; /* values that found no room, ever: a loss that the caller tells */
};

/* Takes LIMIT_DETECT_SCRATCH bytes and LIMIT_DETECT_ITEMS values.  -ENOMEM. */
int detect_scratch_init(struct detect_scratch *s, struct err *e);
void detect_scratch_fini(struct detect_scratch *s);
DEFINE_AUTO(detect_scratch, struct detect_scratch, detect_scratch_fini);

/* Forgets what was built; called before each event. */
static inline void detect_scratch_reset(struct detect_scratch *s)
{
	s->n = s->item_n = 0;
}

/* Room for n bytes or n values; NULL, and counted, when there is none. */
uint8_t *detect_room(struct detect_scratch *s, size_t n);
struct detect_value *detect_room_items(struct detect_scratch *s, size_t n);

/* A text printed as by printf; absent when there is no room. */
struct detect_value detect_print(struct detect_scratch *s, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The parts with `between` after each but the last; absent when there is no room. */
struct detect_value detect_joined(struct detect_scratch *s, const struct span *parts, size_t n,
				  const char *between);

/* Appends the value as Falco prints it: numbers in decimal, true and false, addresses in their
 * usual form, several as "(a,b)"; nothing for an absent one.  Bytes are not escaped. */
struct buf;
void detect_value_print(struct buf *b, const struct detect_value *v);

#endif
