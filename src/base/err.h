/* err.h - the one error object that is handed down every call.
 *
 * Fixed size: reporting an error never allocates.  A function that takes `struct err *e` returns
 * 0 or -errno, leaves its outputs untouched on failure, and has then written to `e`, which is
 * never NULL.  Text: lower case, no full stop, what failed first, the subject quoted, then what
 * the reader can do: "cannot open '/run/docker.sock': permission denied; run as root". */
#ifndef AMBER_BASE_ERR_H
#define AMBER_BASE_ERR_H

#include <errno.h>
#include <stdarg.h>

#include "base/limits.h"

struct err {
	int code; /* a positive errno value, 0 when nothing happened */
	char text[LIMIT_ERR_TEXT];
};

#define ERR_INIT      \
	{             \
		0, "" \
	}

/* Records `code` (positive errno) with a text of its own.  Returns -code. */
int err_set(struct err *e, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Like err_set, and appends ": " and the system's words for `code`. */
int err_sys(struct err *e, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts "context: " before the text that is there.  Returns -e->code. */
int err_prefix(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends "; advice" to the text that is there.  Returns -e->code. */
int err_hint(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Forgets the error. */
void err_clear(struct err *e);

/* The system's words for a positive errno, lower case, thread-safe; never NULL. */
const char *err_words(int code);

#endif
