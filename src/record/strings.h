/* strings.h - texts shared by reference, in memory of a fixed size.
 *
 * For the paths of executables: few are different, many processes hold the same.  Nothing is
 * allocated after init; memory that was never used is never touched.  Not thread-safe. */
#ifndef AMBER_RECORD_STRINGS_H
#define AMBER_RECORD_STRINGS_H

#include "base/auto.h"
#include "base/err.h"
#include "base/span.h"

#define STRINGS_CLASSES 8u    /* blocks of 64, 128 ... 8192 bytes */
#define STRINGS_LONGEST 8000u /* bytes of one text */

struct strings {
	uint8_t *bytes;
	size_t max; /* of `bytes` */
	uint32_t *buckets;
	uint32_t top; /* blocks of 64 bytes that were ever handed out */
	uint32_t free[STRINGS_CLASSES];
	uint64_t refused; /* texts that found no room */
};

/* Room for `max_bytes` (at most 4 GB) of blocks.  -ENOMEM. */
int strings_init(struct strings *t, size_t max_bytes, struct err *e);
void strings_fini(struct strings *t);
DEFINE_AUTO(strings, struct strings, strings_fini);

/* A number for the text, which the caller holds once and gives back by strings_drop.  0 for the
 * empty text, and for one that is too long or finds no room, which `refused` counts. */
uint32_t strings_get(struct strings *t, struct span text);

/* One holder more, one less; the last one frees the text.  0 is allowed. */
uint32_t strings_hold(struct strings *t, uint32_t number);
void strings_drop(struct strings *t, uint32_t number);

/* The text while it is held; 0 gives the empty one. */
struct span strings_text(const struct strings *t, uint32_t number);

#endif
