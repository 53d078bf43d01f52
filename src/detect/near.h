/* near.h - which of several names somebody may have meant: "did you mean". */
#ifndef AMBER_DETECT_NEAR_H
#define AMBER_DETECT_NEAR_H

#include "base/span.h"

/* Finds the nearest of the names that are offered one by one. */
struct near {
	struct span wanted;
	struct span best; /* empty: none is near */
	unsigned distance;
};

/* `wanted` is borrowed; of one that is too long to be a slip of the pen nothing is near. */
void near_init(struct near *n, struct span wanted);

/* Offers a name; it is borrowed until `best` was read.  True when it is the best so far. */
bool near_offer(struct near *n, struct span name);

#endif
