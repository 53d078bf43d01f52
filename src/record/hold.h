/* hold.h - a container's start waits until Amber knows it.
 *
 * The executables of OCI runtimes are marked FAN_OPEN_EXEC_PERM.  When one is executed its thread
 * waits inside execve, so that its new argv can be read from /proc/TID/syscall and /proc/TID/mem
 * and its bundle looked at before any of the container runs.  Nothing but the listed files is
 * held, never longer than the deadline, and never by a dead Amber (permit.h).
 *
 * docker, containerd and podman call `create` and then `start`: at `create` the root is mounted
 * (arm the keeper), at `start` all of the container's mounts are there and its first instruction
 * is still to come (arm the keeper's mounts with the pid of its init).  A bare `run` has only the
 * first moment. */
#ifndef AMBER_RECORD_HOLD_H
#define AMBER_RECORD_HOLD_H

#include "record/hold_argv.h"
#include "record/keep_out.h"
#include "record/permit.h"

enum hold_kind {
	HOLD_RUNC,
	HOLD_CRUN,
	HOLD_UNNAMED /* a path of the options with another name */
};

/* Paths are absolute and NUL-terminated; they are the caller's claims until they are opened. */
struct hold_start {
	enum hold_kind kind;
	enum hold_verb verb;
	uint32_t pid;	    /* process that executes the runtime */
	const char *id;	    /* at most LIMIT_CONTAINER_ID - 1 bytes */
	const char *bundle; /* its working directory when none was given */
	const char *root;   /* state directory; empty: the runtime's default */
	const char *config; /* crun --config; empty: config.json of the bundle */
};

struct hold_options {
	const char *const *paths; /* more runtimes than the well-known ones; borrowed */
	size_t path_count;
	bool only_paths;      /* leave the well-known ones alone */
	unsigned deadline_ms; /* 0: 250 */
	/* Called on the hold's thread while the runtime waits.  Everything is borrowed. */
	void (*on_start)(void *ctx, const struct hold_start *start);
	void *ctx;
	struct keep_out *out; /* where gaps go; NULL: they are counted only */
};

struct hold_stats {
	struct permit_stats permit;
	uint64_t starts;     /* on_start was called */
	uint64_t others;     /* other verbs */
	uint64_t unreadable; /* argv could not be read or understood: a gap each */
	uint64_t marked;     /* executables that are marked now */
};

struct hold;

/* Marks every runtime that is there and looks for new ones and replaced ones every 2 seconds.
 * Not finding any is no error (see marked in the statistics).  Caller owns *ret. */
int hold_open(const struct hold_options *options, struct hold **ret, struct err *e);

/* Lets all go and closes; NULL is allowed. */
void hold_close(struct hold *hold);

void hold_stats_get(struct hold *hold, struct hold_stats *ret_stats);

#endif
