/* processes_table.c - entries by pid, the queue of the ended, and snapshots.
 *
 * Links are entry + 1, so that 0 is none.  The memory is mapped for the whole limit at once and
 * touched as it is used; a freed entry is the next to be used, so it stays small. */
#include "record/processes_table.h"

#include <sys/mman.h>

#include "record/proc.h"

#define SNAPSHOTS   ((size_t)PROCESSES_BATCH * 2)
#define FORGET_STEP 4u /* entries forgotten with each one that comes or ends: more than come */

static uint32_t number_of(const struct processes *p, const struct process_entry *e)
{
	return (uint32_t)(e - p->entries) + 1;
}

static struct process_entry *entry_at(const struct processes *p, uint32_t number)
{
	return number ? &p->entries[number - 1] : NULL;
}

/* Pids are handed out in turn and there are at most 4 M (pid_max), so nobody can make many of them
 * share a bucket, and neighbours share a cache line. */
static uint32_t *bucket_of(const struct processes *p, uint32_t pid)
{
	return &p->buckets[pid & p->mask];
}

static void *map_zeroed(size_t bytes)
{
	void *mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return mapped == MAP_FAILED ? NULL : mapped;
}

static size_t entries_bytes(const struct processes *p)
{
	return (size_t)p->max * sizeof(*p->entries);
}

static size_t snapshots_bytes(void)
{
	return SNAPSHOTS * sizeof(struct process_snapshot);
}

int processes_init(struct processes *p, uint32_t max, int proc_fd, struct err *e)
{
	struct processes made = {.max = max, .proc_fd = proc_fd, .lookups_max = PROCESSES_LOOKUPS};
	int r;

	if (max == 0 || max > LIMIT_PROCESSES)
		return err_set(e, EINVAL, "a process table of %u entries; 1 to %u are possible",
			       max, LIMIT_PROCESSES);
	made.mask = 1;
	while (made.mask < max)
		made.mask *= 2;
	r = strings_init(&made.texts, PROCESSES_TEXT_BYTES, e);
	if (r < 0)
		return r;
	made.entries = map_zeroed(entries_bytes(&made));
	made.buckets = map_zeroed((size_t)made.mask * sizeof(*made.buckets));
	made.mask--;
	made.snapshots = map_zeroed(snapshots_bytes());
	if (!made.entries || !made.buckets || !made.snapshots) {
		processes_fini(&made);
		return err_set(e, ENOMEM, "no memory for a table of %u processes", max);
	}
	*p = made;
	return 0;
}

void processes_fini(struct processes *p)
{
	if (p->entries)
		munmap(p->entries, entries_bytes(p));
	if (p->buckets)
		munmap(p->buckets, ((size_t)p->mask + 1) * sizeof(*p->buckets));
	if (p->snapshots)
		munmap(p->snapshots, snapshots_bytes());
	strings_fini(&p->texts);
	*p = (struct processes){.proc_fd = -1};
}

static bool entry_is(const struct process_entry *e, uint32_t pid, uint64_t start_ns)
{
	if (e->pid != pid)
		return false;
	return e->start_ns == start_ns ||
	       ((e->flags & ENTRY_APPROX) && e->start_ns / PROC_TICK_NS == start_ns / PROC_TICK_NS);
}

struct process_entry *processes_lookup(const struct processes *p, uint32_t pid, uint64_t start_ns)
{
	struct process_entry *e = entry_at(p, *bucket_of(p, pid));

	while (e && !entry_is(e, pid, start_ns))
		e = entry_at(p, e->next);
	return e;
}

struct process_entry *processes_youngest(const struct processes *p, uint32_t pid)
{
	struct process_entry *e = entry_at(p, *bucket_of(p, pid)), *best = NULL;

	/* The later start is the living one, when there is one. */
	for (; e; e = entry_at(p, e->next))
		if (e->pid == pid && (!best || e->start_ns > best->start_ns))
			best = e;
	return best;
}

bool processes_knows_tick(const struct processes *p, uint32_t pid, uint64_t tick)
{
	struct process_entry *e = entry_at(p, *bucket_of(p, pid));

	while (e && (e->pid != pid || e->start_ns / PROC_TICK_NS != tick))
		e = entry_at(p, e->next);
	return e;
}

void processes_end(struct processes *p, struct process_entry *e, uint64_t boot_ns)
{
	uint32_t number = number_of(p, e);

	if (e->flags & ENTRY_ENDED)
		return;
	e->flags |= ENTRY_ENDED;
	e->flags &= ~ENTRY_WANTED;
	e->seen_ns = boot_ns;
	e->ended_next = 0;
	if (p->ended_last)
		entry_at(p, p->ended_last)->ended_next = number;
	else
		p->ended_first = number;
	p->ended_last = number;
	p->stats.live--;
	p->stats.ended++;
	processes_forget(p, FORGET_STEP);
}

/* Takes an entry out of its bucket and frees it. */
static void entry_free(struct processes *p, struct process_entry *e)
{
	uint32_t number = number_of(p, e), *link = bucket_of(p, e->pid);

	while (*link != number)
		link = &entry_at(p, *link)->next;
	*link = e->next;
	strings_drop(&p->texts, e->exe);
	strings_drop(&p->texts, e->exe_before);
	*e = (struct process_entry){.next = p->free};
	p->free = number;
}

static void forget_first_ended(struct processes *p)
{
	struct process_entry *e = entry_at(p, p->ended_first);

	p->ended_first = e->ended_next;
	if (!p->ended_first)
		p->ended_last = 0;
	p->stats.ended--;
	entry_free(p, e);
}

void processes_forget(struct processes *p, uint32_t most)
{
	while (most-- && p->ended_first &&
	       entry_at(p, p->ended_first)->seen_ns + PROCESSES_GRACE_NS < p->now_ns)
		forget_first_ended(p);
}

/* The table is full: the oldest of the ended goes, else the next in turn of the living. */
static void make_room(struct processes *p)
{
	if (p->ended_first) {
		p->stats.evicted_early++;
		forget_first_ended(p);
		return;
	}
	p->stats.evicted_alive++;
	p->stats.live--;
	p->hand = (p->hand + 1) % p->max;
	entry_free(p, &p->entries[p->hand]);
}

/* A pid is in use once: whoever had it and has not ended is dead, and the older is it. */
static void end_older(struct processes *p, uint32_t pid, uint64_t start_ns)
{
	struct process_entry *e = entry_at(p, *bucket_of(p, pid));

	for (; e; e = entry_at(p, e->next)) {
		if (e->pid != pid || (e->flags & ENTRY_ENDED) || e->start_ns > start_ns)
			continue;
		p->stats.exits_missed++;
		processes_end(p, e, p->now_ns);
	}
}

struct process_entry *processes_add(struct processes *p, uint32_t pid, uint64_t start_ns)
{
	uint32_t *bucket, number;
	struct process_entry *e;

	processes_forget(p, FORGET_STEP);
	end_older(p, pid, start_ns);
	if (!p->free && p->top == p->max)
		make_room(p);
	number = p->free ? p->free : ++p->top;
	e = entry_at(p, number);
	p->free = p->free ? e->next : 0;
	*e = (struct process_entry){.pid = pid, .start_ns = start_ns, .seen_ns = p->now_ns};
	bucket = bucket_of(p, pid);
	e->next = *bucket;
	*bucket = number;
	p->stats.live++;
	return e;
}

static void snapshot_fill(struct process_snapshot *s, const struct process_entry *e,
			  struct span exe)
{
	memcpy(s->comm, e->comm, sizeof(s->comm));
	s->process = (struct process){
		.rev = e->rev,
		.start_ns = e->start_ns,
		.parent_start_ns = e->parent_start_ns,
		.exec_ns = e->exec_ns,
		.pid = e->pid,
		.ppid = e->ppid,
		.vpid = e->vpid,
		.uid = e->uid,
		.gid = e->gid,
		.loginuid = e->loginuid,
		.comm = span_make(s->comm, strnlen(s->comm, sizeof(s->comm))),
		.exe = exe,
	};
}

/* There are twice as many snapshots as calls that one must last: a snapshot of the younger half is
 * handed out again, of the older half it is written anew. */
const struct process *processes_snapshot_of(struct processes *p, const struct process_entry *e,
					    uint64_t rev)
{
	struct process_snapshot *s = &p->snapshots[p->written++ % SNAPSHOTS];
	uint32_t before = s->exe;

	s->exe = strings_hold(&p->texts, e->exe);
	strings_drop(&p->texts, before);
	snapshot_fill(s, e, strings_text(&p->texts, s->exe));
	s->process.rev = rev;
	return &s->process;
}

const struct process *processes_snapshot(struct processes *p, struct process_entry *e)
{
	if (!e->rev || (e->flags & ENTRY_DIRTY))
		e->rev = ++p->rev;
	else if (p->written - e->snapshot < PROCESSES_BATCH)
		return &p->snapshots[e->snapshot % SNAPSHOTS].process;
	e->flags &= ~ENTRY_DIRTY;
	e->snapshot = p->written;
	return processes_snapshot_of(p, e, e->rev);
}

void processes_get_stats(const struct processes *p, struct processes_stats *ret_stats)
{
	*ret_stats = p->stats;
	ret_stats->texts_refused = p->texts.refused;
}
