/* permit.h - executions that wait for an answer, and get one in time whatever happens.
 *
 * A fanotify permission group (fanotify(7), FAN_OPEN_EXEC_PERM).  Two threads: one reads events
 * and answers those whose deadline has passed, one calls `on_event`.  So a callback that hangs
 * holds nobody longer than the deadline: fail open, counted.  When Amber dies the kernel closes
 * the group and allows whatever waits.  Executions by Amber itself and by its children are
 * allowed without asking. */
#ifndef AMBER_RECORD_PERMIT_H
#define AMBER_RECORD_PERMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/err.h"

#define PERMIT_SLOTS 64 /* executions that wait at once; more are allowed at once, counted */

struct permit;

struct permit_event {
	int fd;	      /* of the file that is being executed; borrowed */
	uint32_t tid; /* thread that waits inside execve, in Amber's pid namespace */
};

struct permit_options {
	unsigned deadline_ms; /* longest that one execution waits; 0 means 250 */
	unsigned tick_ms;     /* how often on_tick is called on the reading thread; 0 never */
	/* Called on the worker thread, one at a time; the execution goes on when it returns. */
	void (*on_event)(void *ctx, const struct permit_event *event);
	void (*on_tick)(void *ctx);
	/* The deadline passed, or no slot was free: told on the reading thread. */
	void (*on_late)(void *ctx, uint32_t tid);
	void *ctx;
};

struct permit_stats {
	uint64_t events, late, crowded, own; /* crowded: no slot was free */
	uint64_t median_ns, p99_ns, max_ns;  /* wait of the last 1,024, from reading to answer */
};

/* Makes the group without marks and starts the threads.  -EPERM without CAP_SYS_ADMIN, -EINVAL
 * where the kernel lacks CONFIG_FANOTIFY_ACCESS_PERMISSIONS.  Caller owns *ret. */
int permit_open(const struct permit_options *options, struct permit **ret, struct err *e);

/* Answers all, stops the threads (waits for a callback to return) and closes; NULL is allowed. */
void permit_close(struct permit *permit);

/* The process of a thread and its parent, in Amber's pid namespace: false when it is gone. */
bool permit_who(uint32_t tid, uint32_t *ret_pid, uint32_t *ret_ppid);

/* Adds or removes marks.  `flags` is FAN_MARK_ADD or FAN_MARK_REMOVE with FAN_MARK_INODE or
 * FAN_MARK_FILESYSTEM; the mask is FAN_OPEN_EXEC_PERM.  0 or -errno. */
int permit_mark(struct permit *permit, unsigned flags, const char *path);

void permit_stats_get(struct permit *permit, struct permit_stats *ret_stats);

#endif
