/* processes.c - see processes.h: what each record tells about its process. */
#include "record/processes.h"

#include "record/proc.h"
#include "record/processes_table.h"

#define CLONE_PARENT_BIT 0x8000ull /* linux/sched.h: the child's parent is the caller's parent */
#define CLONE_THREAD_BIT 0x10000ull

#define SAME_PLACE(first, member)                                                               \
	static_assert(offsetof(struct wire_head, member) - offsetof(struct wire_head, first) == \
			      offsetof(struct process_entry, member) -                          \
				      offsetof(struct process_entry, first),                    \
		      "process_entry and wire_head differ: " #member)
SAME_PLACE(start_ns, parent_start_ns);
SAME_PLACE(ppid, vpid);
SAME_PLACE(ppid, loginuid);
#define IDS_BYTES 20u /* ppid ... loginuid */

/* The image that a record is of, against the one that the entry knows. */
static int32_t image_age(const struct process_entry *e, const struct wire_head *head)
{
	return e->flags & ENTRY_APPROX ? 0 : (int32_t)(head->exec_id - e->exec_id);
}

/* Another executable; takes over the hold on `exe`. */
static void set_exe(struct processes *p, struct process_entry *e, uint32_t exe)
{
	if (e->exe != exe)
		e->flags |= ENTRY_DIRTY;
	strings_drop(&p->texts, e->exe);
	e->exe = exe;
	e->flags &= ~ENTRY_WANTED;
}

/* The process runs another program, which is not known yet. */
static void begin_image(struct processes *p, struct process_entry *e, uint32_t exec_id)
{
	bool next = exec_id - e->exec_id == 1;

	strings_drop(&p->texts, e->exe_before);
	e->exe_before = next ? e->exe : 0;
	if (!next)
		strings_drop(&p->texts, e->exe);
	e->exe = 0;
	e->exec_ns = 0;
	e->exec_id = exec_id;
	e->flags |= ENTRY_DIRTY | ENTRY_WANTED;
}

static void learn_comm(struct process_entry *e, const struct wire_head *head)
{
	bool leader = head->tid == head->tgid;

	if (!leader && (e->flags & ENTRY_LEADER))
		return;
	if (memcmp(e->comm, head->comm, WIRE_COMM) != 0) {
		if (!leader && e->comm[0])
			return;
		memcpy(e->comm, head->comm, WIRE_COMM);
		e->flags |= ENTRY_DIRTY;
	}
	if (leader)
		e->flags |= ENTRY_LEADER;
}

/* Takes what the head says into the entry. */
static void learn_head(struct process_entry *e, const struct wire_head *head)
{
	if (e->start_ns != head->start_ns || e->parent_start_ns != head->parent_start_ns) {
		e->start_ns = head->start_ns;
		e->parent_start_ns = head->parent_start_ns;
		e->flags |= ENTRY_DIRTY;
	}
	if (e->flags & ENTRY_APPROX) {
		e->flags &= ~ENTRY_APPROX;
		e->exec_id = head->exec_id;
	}
	if (memcmp(&e->ppid, &head->ppid, IDS_BYTES) != 0) {
		memcpy(&e->ppid, &head->ppid, IDS_BYTES);
		e->flags |= ENTRY_DIRTY;
	}
	learn_comm(e, head);
	if (!(e->flags & ENTRY_ENDED))
		e->seen_ns = head->boot_ns;
}

/* A record of an image that is no more: a snapshot of that one, with a rev of its own. */
static const struct process *see_former(struct processes *p, const struct process_entry *e,
					const struct wire_head *head, uint32_t exe)
{
	struct process_entry former = *e;

	former.exe = exe;
	former.exec_ns = 0;
	former.flags &= ~ENTRY_LEADER;
	former.comm[0] = 0;
	learn_head(&former, head);
	return processes_snapshot_of(p, &former, ++p->rev);
}

/* The executable at the time of the record.  Of an image before the last two nothing is known. */
static uint32_t exe_at(const struct process_entry *e, const struct wire_head *head)
{
	int32_t age = image_age(e, head);

	return age == 0 ? e->exe : age == -1 ? e->exe_before : 0;
}

/* The entry of the acting process, a new one when it was never seen. */
static struct process_entry *actor(struct processes *p, const struct wire_head *head)
{
	struct process_entry *e;

	if (head->boot_ns > p->now_ns)
		p->now_ns = head->boot_ns;
	e = processes_lookup(p, head->tgid, head->start_ns);
	if (e)
		return e;
	e = processes_add(p, head->tgid, head->start_ns);
	e->exec_id = head->exec_id;
	e->flags |= ENTRY_WANTED;
	return e;
}

const struct process *processes_see(struct processes *p, const struct wire_head *head)
{
	struct process_entry *e;
	int32_t age;

	if (!head->tgid)
		return NULL;
	e = actor(p, head);
	age = image_age(e, head);
	if (age < 0)
		return see_former(p, e, head, exe_at(e, head));
	if (age > 0)
		begin_image(p, e, head->exec_id);
	learn_head(e, head);
	if (e->flags & ENTRY_WANTED)
		processes_ask(p, e);
	return processes_snapshot(p, e);
}

/* An exec record that comes after one of the image after it: a snapshot of the image in between,
 * which is remembered when it is the last but one. */
static const struct process *exec_former(struct processes *p, struct process_entry *e,
					 const struct wire_head *head, uint32_t exe)
{
	const struct process *process = see_former(p, e, head, exe);

	if (image_age(e, head) == -1) {
		strings_drop(&p->texts, e->exe_before);
		e->exe_before = exe;
	} else {
		strings_drop(&p->texts, exe);
	}
	return process;
}

const struct process *processes_exec(struct processes *p, const struct wire_head *head,
				     struct span exe)
{
	struct process_entry *e;
	uint32_t number;
	int32_t age;

	if (!head->tgid)
		return NULL;
	e = actor(p, head);
	number = strings_get(&p->texts, exe);
	age = image_age(e, head);
	if (age < 0)
		return exec_former(p, e, head, number);
	if (age > 0 || e->exec_ns != head->boot_ns)
		e->flags |= ENTRY_DIRTY;
	if (age > 0)
		begin_image(p, e, head->exec_id);
	e->exec_ns = head->boot_ns;
	learn_head(e, head);
	if (number)
		set_exe(p, e, number);
	else if (e->flags & ENTRY_WANTED)
		processes_ask(p, e);
	return processes_snapshot(p, e);
}

/* What a child is before its own first record: its parent. */
static void inherit(struct processes *p, struct process_entry *child, const struct wire_fork *fork,
		    uint32_t exe)
{
	const struct wire_head *head = &fork->head;
	bool sibling = fork->flags & CLONE_PARENT_BIT;

	child->parent_start_ns = sibling ? head->parent_start_ns : head->start_ns;
	child->ppid = sibling ? head->ppid : head->tgid;
	child->vpid = fork->child_vpid;
	child->uid = head->uid;
	child->gid = head->gid;
	child->loginuid = head->loginuid;
	child->exec_id = head->exec_id;
	memcpy(child->comm, head->comm, WIRE_COMM);
	child->exe = strings_hold(&p->texts, exe);
	child->flags = exe ? 0 : ENTRY_WANTED;
}

const struct process *processes_fork(struct processes *p, const struct wire_fork *fork)
{
	const struct process *parent = processes_see(p, &fork->head);
	struct process_entry *e, *child;
	uint32_t exe;

	if (!parent || !fork->child_pid || (fork->flags & CLONE_THREAD_BIT))
		return parent;
	child = processes_lookup(p, fork->child_pid, fork->child_start_ns);
	e = processes_lookup(p, fork->head.tgid, fork->head.start_ns);
	exe = e ? exe_at(e, &fork->head) : 0;
	if (child) {
		if ((child->flags & ENTRY_WANTED) && exe && child->exec_id == fork->head.exec_id)
			set_exe(p, child, strings_hold(&p->texts, exe));
		return parent;
	}
	strings_hold(&p->texts, exe); /* making room may forget the parent */
	child = processes_add(p, fork->child_pid, fork->child_start_ns);
	inherit(p, child, fork, exe);
	strings_drop(&p->texts, exe);
	return parent;
}

const struct process *processes_exit(struct processes *p, const struct wire_head *head)
{
	const struct process *process;
	struct process_entry *e;

	if (!head->tgid)
		return NULL;
	e = actor(p, head);
	e->flags &= ~ENTRY_WANTED; /* its executable is gone already */
	process = processes_see(p, head);
	processes_end(p, e, head->boot_ns);
	return process;
}

void processes_event(struct processes *p, const struct wire_head *head, struct event *ev)
{
	if (head->type == WIRE_PROCESS_EXEC && head->ret == 0)
		ev->process = processes_exec(p, head, ev->value[FIELD_PATH].bytes);
	else if (head->type == WIRE_PROCESS_FORK)
		ev->process = processes_fork(p, (const struct wire_fork *)(const void *)head);
	else if (head->type == WIRE_PROCESS_EXIT)
		ev->process = processes_exit(p, head);
	else
		ev->process = processes_see(p, head);
}

const struct process *processes_find(struct processes *p, uint32_t pid, uint64_t start_ns)
{
	struct process_entry *e =
		start_ns ? processes_lookup(p, pid, start_ns) : processes_youngest(p, pid);

	return e ? processes_snapshot(p, e) : NULL;
}
