/* glob.h - shell patterns as fnmatch(3) with flags 0 has them, on bytes, in bounded time.
 *
 * `*` any bytes, also '/' and a leading dot; `?` one byte; [a-z], [!a-z], [^a-z], [[:alpha:]];
 * `\` takes the meaning from the byte behind it.  Bytes are compared, whatever the locale.  A
 * pattern costs at most (its length) x (length of the text) steps: there is no backtracking
 * beyond the last `*`. */
#ifndef AMBER_DETECT_GLOB_H
#define AMBER_DETECT_GLOB_H

#include "base/auto.h"
#include "base/err.h"
#include "base/span.h"

struct glob; /* compiled; immutable */

/* Compiles `pattern`, folding ASCII case when `fold`.  Any pattern is one: a broken bracket is the
 * byte '['.  -E2BIG above LIMIT_DETECT_PATTERN bytes, -ENOMEM. */
int glob_new(struct span pattern, bool fold, struct glob **ret_glob, struct err *e);
void glob_free(struct glob *g);

/* Whether the whole text matches. */
bool glob_match(const struct glob *g, struct span text);

/* Bytes of memory that it takes. */
size_t glob_bytes(const struct glob *g);

/* Whether the text has a byte that makes it a pattern: `*`, `?` or `[`. */
bool glob_is_pattern(struct span text);

#endif
