/* decode.h - one record of the kernel programs (amber/wire.h) becomes one event.
 *
 * Every field of the event's type is set; what the record does not have stays empty or 0.  Texts
 * point into the record or into the decoder's own memory, so an event lives until the record is
 * given back to its ring or the decoder is used again, whichever comes first.  Nothing is
 * allocated.
 *
 * A record is not trusted: lengths that do not add up are an error, never a read beyond it. */
#ifndef AMBER_RECORD_DECODE_H
#define AMBER_RECORD_DECODE_H

#include "amber/wire.h"
#include "base/err.h"
#include "base/span.h"
#include "model/event.h"

/* Quoting makes at most four bytes of one; the rest is for what decode adds of its own. */
#define DECODE_SCRATCH (4u * WIRE_REC_MAX + 8192u)

/* Too large for a stack.  One for each thread that decodes. */
struct decoder {
	int64_t offset_ns; /* real_ns minus boot_ns (clock_offset_ns); the caller keeps it fresh */
	uint8_t scratch[DECODE_SCRATCH];
};

/* Decodes `record`, which starts at an address that is a multiple of 8, as a ring hands it out;
 *bytes beyond its head's `len` are ignored.
 *
 * Sets all of *ev but two: `process` is NULL (processes_event sets it) and `container` is NULL (the
 * caller finds it by head.cgroup_id).  Marks beside those that the kernel set:
 *	EVENT_CLAIM	path or path2 was built from what the caller said, or the far end of a
 *			socket, or the name of a memfd, module or the like, is such
 *	EVENT_TRUNCATED	a text is shorter than it was, or could not be read (then it is empty)
 *	EVENT_FOLDED	count is above 1
 *
 * Text that cannot be taken for granted: `argv` is quoted as text_argv says, the names in
 *`ancestors` likewise; `path` of a unix socket is the kernel's where it is bound to a file, "@name"
 *where it is abstract; `path2` of file.symlink is what the link says, as it was given; `fd` of an
 *open is what it returned, -1 when it failed; an end of a socket with neither address nor port is
 *absent.
 *
 * -EBADMSG when it is no record: too short for its type, unknown type, texts that run over the end,
 * or not aligned.  *ev is then undefined. */
int decode_record(struct decoder *d, struct span record, struct event *ev, struct err *e);

/* The head of a record that decode_record accepted. */
static inline const struct wire_head *decode_head(struct span record)
{
	return (const struct wire_head *)(const void *)record.p;
}

#endif
