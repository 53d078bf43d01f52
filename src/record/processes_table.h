/* processes_table.h - between the files of the process table: its entries. */
#ifndef AMBER_RECORD_PROCESSES_TABLE_H
#define AMBER_RECORD_PROCESSES_TABLE_H

#include <assert.h>

#include "record/processes.h"

#define ENTRY_APPROX 1u /* start_ns is rounded down to PROC_TICK_NS, exec_id is not known */
#define ENTRY_WANTED 2u /* the executable is not known, and /proc was not asked yet */
#define ENTRY_ENDED  4u
#define ENTRY_LEADER 8u	 /* comm is the leader's */
#define ENTRY_DIRTY  16u /* the content is not that of `rev` */

/* The first members stand as they do in struct wire_head, so that memcmp compares them. */
struct process_entry {
	uint64_t start_ns, parent_start_ns;
	uint32_t ppid, vpid, uid, gid, loginuid;
	uint32_t exec_id;
	char comm[WIRE_COMM];
	uint64_t exec_ns;
	uint64_t image_ns; /* earliest moment at which it is known to have had this exec_id */
	uint64_t rev;	   /* 0: no snapshot was made yet */
	uint64_t snapshot; /* number of the snapshot of `rev` */
	uint64_t seen_ns;  /* of the last record; of its end, when ENTRY_ENDED */
	uint32_t pid;
	uint32_t flags;
	uint32_t exe, exe_before; /* held in texts; of the image before the last exec */
	uint32_t next;		  /* entry + 1: same bucket, or free */
	uint32_t ended_next;	  /* entry + 1 */
};
static_assert(sizeof(struct process_entry) <= 128, "process_entry");

struct process_snapshot {
	struct process process;
	char comm[WIRE_COMM];
	uint32_t exe; /* held in texts */
};

/* The entry of (pid, start_ns), also when the entry has a rounded start; NULL when there is none.
 */
struct process_entry *processes_lookup(const struct processes *p, uint32_t pid, uint64_t start_ns);

/* The youngest of this pid, alive or ended, or NULL. */
struct process_entry *processes_youngest(const struct processes *p, uint32_t pid);

/* Whether a process with this pid is known that started in that hundredth of a second. */
bool processes_knows_tick(const struct processes *p, uint32_t pid, uint64_t tick);

/* A new entry; room is made where there is none.  All zero but pid, start_ns and seen_ns. */
struct process_entry *processes_add(struct processes *p, uint32_t pid, uint64_t start_ns);

/* Marks the entry as ended at `boot_ns`; done once. */
void processes_end(struct processes *p, struct process_entry *e, uint64_t boot_ns);

/* Forgets ended entries whose time is over, `most` at most. */
void processes_forget(struct processes *p, uint32_t most);

/* The entry's snapshot, made when there is none of this content. */
const struct process *processes_snapshot(struct processes *p, struct process_entry *e);

/* A snapshot of its own that stands beside the entry: same process, another image. */
const struct process *processes_snapshot_of(struct processes *p, const struct process_entry *e,
					    uint64_t rev);

/* Asks /proc for the executable of an entry that is ENTRY_WANTED, as far as the budget goes. */
void processes_ask(struct processes *p, struct process_entry *e);

#endif
