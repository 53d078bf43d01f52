/* regex.h - regular expressions as Falco's `regex` has them: RE2 with POSIX syntax, the whole text.
 *
 * Syntax (https://github.com/google/re2/wiki/Syntax): literals, `.` (not a newline), [a-z], [^a-z],
 * [[:alpha:]], groups, `|`, `*`, `+`, `?`, {m}, {m,}, {m,n} up to 1000, `^` and `$` at the ends of
 * lines, escapes (\n, \x7f, \x{10ffff}, \123, \.).  As in RE2's POSIX mode a `?` behind a
 * repetition is a repetition too, not a lazy one.  Beyond that mode, what RE2 has in its other one:
 * \d \w \s \D \W \S, \b \B \A \z, (?:...), (?i) and (?i:...), which folds ASCII letters.  Back
 * references, look-around, \p and \C are refused, as RE2 does or as they were no use here.
 *
 * A text is UTF-8; what is not, is U+FFFD for each maximal broken part (Unicode 15, 3.9).
 *
 * No pattern is slow: it becomes a table of at most LIMIT_REGEX_STATES states, one step a
 * character, or where that is too small (or there are \b, ^, $), is simulated with at most
 * LIMIT_REGEX_SIZE steps a character.  Matching allocates nothing. */
#ifndef AMBER_DETECT_REGEX_H
#define AMBER_DETECT_REGEX_H

#include "base/auto.h"
#include "base/err.h"
#include "base/span.h"

struct regex; /* compiled; immutable, may be asked by several threads at once */

/* Compiles `pattern`.  -EINVAL with the byte at which it is wrong, -E2BIG above
 * LIMIT_DETECT_PATTERN bytes, LIMIT_REGEX_DEPTH levels or LIMIT_REGEX_SIZE instructions, -ENOMEM.
 */
int regex_new(struct span pattern, struct regex **ret_regex, struct err *e);
void regex_free(struct regex *r);

/* Whether all of the text matches. */
bool regex_match(const struct regex *r, struct span text);

/* Whether it became a table. */
bool regex_is_table(const struct regex *r);

/* Bytes of memory that it takes. */
size_t regex_bytes(const struct regex *r);

#endif
