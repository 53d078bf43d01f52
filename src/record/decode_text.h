/* decode_text.h - the texts of a wire record as the journal has them: paths, argv, terminals.
 *
 * Every function appends to a struct arena and hands back a span into it.  Input is hostile: any
 * bytes, any length.  Nothing is written beyond the arena: what does not fit comes back empty and
 * sets `full`. */
#ifndef AMBER_RECORD_DECODE_TEXT_H
#define AMBER_RECORD_DECODE_TEXT_H

#include "base/span.h"

struct arena {
	uint8_t *p, *end; /* the free part */
	bool full;	  /* a text did not fit */
};

/* The path of a file, from what the kernel knows (`base`, leaf first, a NUL behind each component)
 * with `flags` of its struct wire_text, and, unless claim.p is NULL, what the caller said,
 * relative to it.
 *
 *	/a/b			from the root of the task
 *	(unreachable)/a/b	ends at a root that is not the task's; the kernel's own word,
 *getcwd(2) a/b, memfd:a		no slash in front: the root end is missing, or there is no
 *root
 *
 * A claim is normalised lexically: no "", "." and ".." inside, no slash at the end.  Of a path
 * without a root, ".." that lead above its start stay. */
struct span text_path(struct arena *a, struct span base, unsigned flags, struct span claim);

/* A claim without a known place: absolute, or relative to the unknown. */
struct span text_claim(struct arena *a, struct span claim);

/* Arguments with a NUL behind each, joined by spaces; *ret_count is how many there are.  Those that
 * are empty or hold blanks, quotes, backslashes or control bytes stand in single quotes, a single
 * quote inside as '\'': splitting by the quoting rules of the POSIX shell (XCU 2.2) gives the same
 * arguments again.  What else is special to a shell ($, ;, *) is not quoted. */
struct span text_argv(struct arena *a, struct span argv, uint64_t *ret_count);

/* Name of a terminal as below /dev: "pts/0", "tty1", "console"; `name` is what the kernel calls it
 * ("pts0", "tty1") or empty.  Empty when `rdev` ((major << 20) | minor) is 0 and name is empty. */
struct span text_tty(struct arena *a, uint32_t rdev, struct span name);

/* Whether the device is a terminal by its major number (Linux Documentation/admin-guide/devices).
 */
bool text_is_tty(uint32_t rdev);

/* Appends pieces one after the other to one text: text_begin, text_add ..., text_end. */
static inline uint8_t *text_begin(const struct arena *a)
{
	return a->p;
}
void text_add(struct arena *a, struct span s);
void text_add_u64(struct arena *a, uint64_t value);
void text_add_quoted(struct arena *a, struct span s);
static inline struct span text_end(const struct arena *a, const uint8_t *begin)
{
	return span_make(begin, (size_t)(a->p - begin));
}

#endif
