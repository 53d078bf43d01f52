/* processes.h - who the processes are, kept from the records that the kernel programs hand over.
 *
 * The key is (pid, start_ns).  Each record carries the ids, comm and exec count of its process, so
 * the table never has to be asked about those.  What it adds is the executable (known from exec,
 * handed down by fork, that of the parent where it must be the same, else looked up once in /proc)
 * and `rev`, which is new whenever the content is.
 *
 * Records of several CPUs come out of order.  exec_id in the head tells the images of one process
 * apart: a record of an earlier image gets a snapshot of that image and changes nothing; one of a
 * later image, whose exec was not seen yet or was lost, has the executable looked up.  Within one
 * image what the record with the latest boot_ns said stays; an older one that says something else
 * gets a snapshot of its own.  A fork that comes after its child's own records adds what they did
 * not know.  An ended process stays for PROCESSES_GRACE_NS.
 *
 * `comm` is that of the thread group's leader, once a record of the leader was seen: otherwise a
 * program with named threads would be a new snapshot with each record.
 *
 * What a look-up says is true at the moment of the look-up, not of the record: a process that was
 * never seen and executes another program between its record and the look-up is given the new
 * program.
 *
 * Memory: 128 bytes a process (touched when used), texts up to PROCESSES_TEXT_BYTES, 0.9 MB of
 * snapshots.  Not thread-safe: it belongs to the thread that drains the rings. */
#ifndef AMBER_RECORD_PROCESSES_H
#define AMBER_RECORD_PROCESSES_H

#include "amber/wire.h"
#include "base/limits.h"
#include "model/event.h"
#include "model/process.h"
#include "record/strings.h"

#define PROCESSES_BATCH	     4096u		     /* calls for which a snapshot stays */
#define PROCESSES_GRACE_NS   (5ull * 1000000000ull)  /* how long an ended process stays */
#define PROCESSES_QUIET_NS   (30ull * 1000000000ull) /* silent that long: processes_sweep looks */
#define PROCESSES_LOOKUPS    1000u /* look-ups in /proc in one second of records */
#define PROCESSES_TEXT_BYTES (8u << 20)

/* What could not be known, and why.  Each is a loss that the caller can make a gap of. */
struct processes_stats {
	uint64_t live, ended;	/* entries now */
	uint64_t lookups;	/* asked of /proc */
	uint64_t gone;		/* of those, too late: the process was no more */
	uint64_t deferred;	/* not asked, because the second's share was used up */
	uint64_t exits_missed;	/* found dead without an exit record */
	uint64_t evicted_early; /* ended, and forgotten within the grace time: the table was full */
	uint64_t evicted_alive; /* alive, and forgotten: the table was full */
	uint64_t texts_refused; /* executables whose path found no room */
};

struct processes {
	/* the rest is private */
	struct process_entry *entries; /* [max] */
	uint32_t *buckets;	       /* by pid, to an entry + 1 */
	uint32_t mask, max, top;       /* entries at and above `top` were never used */
	uint32_t free, hand;
	uint32_t ended_first, ended_last;
	struct process_snapshot *snapshots;
	uint64_t written; /* snapshots, ever */
	uint64_t rev;
	uint64_t now_ns; /* latest boot_ns of a record */
	uint64_t lookup_second;
	uint32_t lookups_left, lookups_max;
	int proc_fd;
	struct strings texts;
	struct processes_stats stats;
};

/* An empty table for at most `max` processes (LIMIT_PROCESSES).  `proc_fd` is a borrowed descriptor
 * of /proc, -1: never look anything up.  -ENOMEM. */
int processes_init(struct processes *p, uint32_t max, int proc_fd, struct err *e);
void processes_fini(struct processes *p);
DEFINE_AUTO(processes, struct processes, processes_fini);

/* For each record that decode_record accepted, in the order in which they come: learns from it and
 * sets ev->process.  Does by head->type what the functions below do.
 *
 * A snapshot that is handed out, with its texts, stays as it is until this table was called
 * PROCESSES_BATCH more times: longer than a drain of as many records. */
void processes_event(struct processes *p, const struct wire_head *head, struct event *ev);

/* The snapshot of the acting process as this record has it; NULL when head->tgid is 0. */
const struct process *processes_see(struct processes *p, const struct wire_head *head);

/* A successful exec: the snapshot with the new executable, `exe` empty when that is not known. */
const struct process *processes_exec(struct processes *p, const struct wire_head *head,
				     struct span exe);

/* A fork: the snapshot of the parent; the child is known from now on. */
const struct process *processes_fork(struct processes *p, const struct wire_fork *fork);

/* The end: the last snapshot. */
const struct process *processes_exit(struct processes *p, const struct wire_head *head);

/* The process with this pid and start, or, with start_ns 0, the youngest, also when it has
 * ended within the grace time.  NULL
 * when it is not known.  Looks nothing up. */
const struct process *processes_find(struct processes *p, uint32_t pid, uint64_t start_ns);

/* Called about once a second: forgets ended processes whose time is over, and asks /proc about at
 * most `budget` others that were silent for long, in turn, so that a lost exit record is no leak.
 */
void processes_sweep(struct processes *p, uint64_t boot_ns, uint32_t budget);

/* Takes in what runs already: every process in /proc that `wanted` says yes to, which is shown its
 * /proc/PID/cgroup; NULL takes all.  /proc rounds start times to 10 ms: until a record of the
 * process gives the exact one, start_ns is the rounded one (downwards), and the record is matched
 * by that. Call it after the kernel programs run, so that no exec falls in between.
 *
 * Returns how many were taken in, or -errno when /proc cannot be read. */
int processes_scan_proc(struct processes *p,
			bool (*wanted)(void *ctx, uint32_t pid, struct span cgroups), void *ctx,
			struct err *e);

void processes_get_stats(const struct processes *p, struct processes_stats *ret_stats);

#endif
