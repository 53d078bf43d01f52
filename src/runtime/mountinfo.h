/* mountinfo.h - the lines of /proc/PID/mountinfo (proc(5)), and overlay's writable layer. */
#ifndef AMBER_RUNTIME_MOUNTINFO_H
#define AMBER_RUNTIME_MOUNTINFO_H

#include "base/buf.h"

/* One mount; all borrowed from the text that is parsed. */
struct mount_line {
	struct span root, point;   /* unescaped */
	struct span type, options; /* options of the file system, still escaped */
};

/* Reads the next line of `c` and unescapes it in place (the text must be writable); lines that are
 * broken are skipped.  False at the end. */
bool mountinfo_next(struct cursor *c, struct mount_line *ret_line);

/* The value of `key` in comma-separated options ("upperdir"), with the escapes of overlay's own
 * show_options (\\ and \,) left as they are; the empty span when it is not there. */
struct span mount_option(struct span options, const char *key);

/* Finds the overlay that is mounted on `point` (the last one) in the mountinfo file `path` (NULL:
 * /proc/self/mountinfo) and appends its upper directory to `upper`.  -ENOENT when there is none. */
int mountinfo_upper_dir(const char *path, struct span point, struct buf *upper, struct err *e);

#endif
