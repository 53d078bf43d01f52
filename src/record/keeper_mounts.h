/* keeper_mounts.h - which mounts a process has, from /proc/PID/mountinfo (proc(5)).
 *
 * The lines are the kernel's, the names in them are the container's: hostile. */
#ifndef AMBER_RECORD_KEEPER_MOUNTS_H
#define AMBER_RECORD_KEEPER_MOUNTS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

struct keeper_mount {
	uint64_t id;	   /* mount id */
	uint64_t dev;	   /* as stat(2) has it: makedev(major, minor) */
	struct span root;  /* of the file system, as it stands in the line (octal escapes) */
	struct span point; /* mount point, escapes resolved */
	struct span type;  /* "overlay", "tmpfs", ... */
	char point_text[LIMIT_PATH]; /* what `point` points to, with a NUL */
};

/* Takes one line apart.  false when it is none, or its mount point is too long. */
bool keeper_mount_parse(struct span line, struct keeper_mount *ret);

/* Takes the next line out of `text`; false at the end. */
bool keeper_mount_line(struct span *text, struct span *ret_line);

/* Whether a mount of that dev stands in `mountinfo` elsewhere than at `except` and at a mount point
 * that does not name `id` (a container's own id in the path, as in containers/ID/mounts/shm, makes
 * it the container's). */
bool keeper_mount_is_in(struct span mountinfo, uint64_t dev, struct span except, struct span id);

/* Whether `point` is `above` or lies below it. */
bool keeper_mount_below(struct span point, struct span above);

/* Whether a walk to `point` crosses only file systems that answer without help of user space
 * (no FUSE, no network): whatever is mounted above it in `mountinfo` is looked at. */
bool keeper_mount_walkable(struct span mountinfo, struct span point);

#endif
