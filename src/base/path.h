/* path.h - joining and taking apart file names. */
#ifndef AMBER_BASE_PATH_H
#define AMBER_BASE_PATH_H

#include <stddef.h>

#include "base/err.h"
#include "base/span.h"

/* Prints into `ret_path` (LIMIT_PATH bytes) like snprintf; a result that would be cut is
 * -ENAMETOOLONG, never a shorter path. */
int path_print(char *ret_path, struct err *e, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The last component: "/usr/bin/sh" gives "sh", "/" gives "". */
struct span path_base(struct span path);

/* Appends what `escape` would print of hostile bytes to a terminal: printable ASCII and
 * well-formed UTF-8 as they are, control bytes and broken sequences as \n, \t, \xNN, and a
 * backslash as two.  C1 controls and bidirectional overrides are escaped as well. */
struct buf;
void path_escape(struct buf *b, struct span bytes);

#endif
