/* statefile.h - JSON files that runtimes keep in their folders, read as hostile.
 *
 * A folder is opened once; every name below it is resolved inside it (fd_open_in), so that a link
 * in a state folder cannot lead out.  Only regular files are read. */
#ifndef AMBER_RUNTIME_STATEFILE_H
#define AMBER_RUNTIME_STATEFILE_H

#include "base/fd.h"
#include "base/jtree.h"

/* Opens a folder of the host; a descriptor, or -errno with a text. */
int statefile_open_dir(const char *path, struct err *e);

/* Appends the regular file `path` below `dir_fd`; -ELOOP for other kinds of file. */
int statefile_read(int dir_fd, const char *path, struct buf *b, struct err *e);

/* Reads and parses one of at most LIMIT_FILE_READ bytes. */
int statefile_parse(int dir_fd, const char *path, struct jtree *t, struct err *e);

/* Calls `fn` with the name of every folder (or, with `files`, every regular file) directly below
 * `dir_fd` until it returns other than 0.  At most LIMIT_CONTAINERS names: -E2BIG behind that. */
int statefile_each(int dir_fd, bool files, int (*fn)(void *ctx, const char *name), void *ctx,
		   struct err *e);

/* RFC 3339 with any number of digits of a second and any offset, as Go prints time; 0 when it is
 * none, and for Go's zero time (year 1). */
uint64_t statefile_time(struct span text);

#endif
