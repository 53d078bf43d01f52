/* keeper.h - keeps the content of files that containers write and execute.
 *
 * fanotify on the container's own file systems (its overlay root, its tmpfs mounts) reports every
 * close of a file that was open for writing and every execution.  The event holds the file, so
 * its content is read into the store even when its name is gone microseconds later.  What cannot
 * be kept is a gap: too large, over a budget, unreadable, changed while it was read, excluded.
 *
 * What is kept is what the file holds when the keeper reads it, a few milliseconds after the
 * close: a file that is written again before that is kept in its later form (fanotify has no
 * copies).  A file system of the host is never marked.
 *
 * Reads do not change atime (event_f_flags O_NOATIME).  A pending event holds the mount it came
 * through: a umount without MNT_DETACH inside the container can see EBUSY for those milliseconds.
 *
 * Cost: the event queue is not waited on while events come (the threads nap), so that the writer
 * does not pay for wake-ups.  The queue is unlimited in the kernel and bounded here: when more
 * than max_backlog events wait, data files are let go unread (gap "overflow") until it is shorter;
 * executables are still kept. */
#ifndef AMBER_RECORD_KEEPER_H
#define AMBER_RECORD_KEEPER_H

#include "base/auto.h"
#include "base/err.h"
#include "base/hash.h"
#include "record/keep_out.h"
#include "record/keeper_policy.h"

/* file_flags of the events */
#define KEPT_DELETED 0x02u
#define KEPT_UPPER   0x04u /* in the writable layer: not from the image */
#define KEPT_OVERLAY 0x08u
#define KEPT_TMPFS   0x10u

struct keeper_object {
	uint8_t digest[SHA256_BYTES];
	uint64_t size;
	bool is_new;	/* the store did not have it */
	bool truncated; /* cut at max_bytes */
};

struct keeper_store {
	/* Stores the content of `fd` (a regular file; borrowed) from its start, at most max_bytes.
	 * Called from several threads at once. */
	int (*put_fd)(void *ctx, int fd, uint64_t max_bytes, struct keeper_object *ret,
		      struct err *e);
	void *ctx;
};

struct keeper_options {
	struct keeper_policy policy;
	unsigned threads;     /* that read and store; 0: 1 */
	unsigned nap_us;      /* between looks while events come; 0: 2000 */
	unsigned max_backlog; /* events; 0: 131072 */
	/* First-exec guard: the first execution on an overlay root is held until the mounts of the
	 * container are armed, at most guard_deadline_ms (0: 250).  It waits guard_ms for that
	 * execution; 0 switches it off. */
	unsigned guard_ms, guard_deadline_ms;
	bool volumes; /* also folders of the host that are mounted into the container */
};

struct keeper_stats {
	uint64_t events, kept, kept_bytes, reused; /* reused: executed, known, not read again */
	uint64_t known;				   /* executed again in the same container */
	uint64_t skipped;			   /* all gaps of single files */
	uint64_t unattributed;			   /* no armed container has that file system */
	uint64_t places, containers;		   /* armed now */
	uint64_t guarded, guard_late;
};

struct keeper;

/* `out` is borrowed and outlives the keeper.  -EPERM without CAP_SYS_ADMIN.  Caller owns *ret. */
int keeper_open(const struct keeper_options *options, struct keeper_store store,
		struct keep_out *out, struct keeper **ret, struct err *e);

/* Reads what the queue holds (at most 5 seconds long), stops, says the gaps; NULL is allowed. */
void keeper_close(struct keeper *keeper);

/* Begins with the root file system (container->rootfs, on the host): call it inside the start
 * hold.  Of the container only id, cgroup_id, rootfs and upper_dir are looked at, and copied.
 * Twice for one id is no error; the later call tells what was unknown.
 *
 * -EOPNOTSUPP when the root is not a file system of its own (a folder of the host: runc with a
 * plain directory, the vfs driver): it is remembered, and keeper_arm_mounts marks the container's
 * mount of it.  Other errors leave the container unknown. */
int keeper_arm(struct keeper *keeper, const struct container *container, struct err *e);

/* Marks what process `pid` of the container sees mounted: its tmpfs and overlay file systems that
 * are not the host's, and its root where keeper_arm could not.  Call it when the container's init
 * exists (inside the hold of `start`) and after it mounted something.  *ret_new is how many were
 * new.  Mounts that cannot be marked are gaps, not errors.  -ENOENT when `id` was never armed,
 * -ESRCH when the process is gone. */
int keeper_arm_mounts(struct keeper *keeper, struct span id, uint32_t pid, unsigned *ret_new,
		      struct err *e);

/* The container is dead.  What is still queued is kept, then it is forgotten. */
void keeper_disarm(struct keeper *keeper, struct span id);

void keeper_stats_get(struct keeper *keeper, struct keeper_stats *ret_stats);

#endif
