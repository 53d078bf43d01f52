/* SPDX-License-Identifier: GPL-2.0 */
/* core.bpf.h - what every kernel program of Amber builds its records with.
 *
 * The way of a system call: `dispatch` (core.bpf.c), the one program on sys_exit, drops what is not
 * interesting or not in a container and tail-calls the handler of the call.  A handler
 *
 *	SEC("tp_btf/sys_exit")
 *	int BPF_PROG(on_chroot, struct pt_regs *regs, long ret)
 *	{
 *		struct call c;
 *		struct wire_mount *w;
 *
 *		call_read(&c, regs, ret);
 *		w = rec_begin(WIRE_MOUNT_CHROOT, sizeof(*w), c.ret);
 *		if (!w)
 *			return 0;
 *		w->fd = w->fd2 = -1;
 *		put_at(WIRE_TEXT_PATH, AT_FDCWD, c.arg[0]);
 *		return rec_end();
 *	}
 *
 * gets a zeroed record with its head filled (rec_begin; NULL: over the quota, already counted),
 * sets fields, adds texts, ends it.  Sys_exit programs run with preemption off and one after the
 * other on a CPU, so they share one scratch record a CPU; programs that can run in an interrupt
 * (signal_generate) must not use it.  Which handler serves which call is a table of the loader
 * (src/record/probe_calls.c).
 *
 * Kernel pointers go into the global functions below as u64, and a pointer that the verifier still
 * knows as typed is refused there: get them with (u64)KREAD(...). */
#ifndef AMBER_BPF_CORE_H
#define AMBER_BPF_CORE_H

#include "kernel.h"

#include "amber/wire.h"

#define FOLD_SLOTS 2048u
#define SLOTS_MAX  65536u
#define SETUPS_MAX 16384u

/* Set by the loader before the programs are loaded. */
extern const volatile struct wire_config config;

/* Repeats: the first sight of a key is handed over, repeats within the window are counted.  The
 * cache is direct-mapped and per CPU, so a collision or a move to another CPU costs one more record
 * and never a lost count.  The first repeat is built and kept in fold_saved, which counts further
 * ones until the next record of the key takes the count along, or user space sweeps it. */
struct fold_seen {
	struct wire_fold_key key;
	u64 first_ns;
	u64 repeated;
};

enum fold_mode {
	FOLD_OFF = 0,
	FOLD_SAVE = 1,
};

/* The record that is being made, one for each CPU. */
struct scratch {
	u64 cgroup, task_cgroup; /* of the acting task */
	u64 now;		 /* boot clock; 0 when it has not been read yet */
	u64 count;
	struct wire_fold_key fold;
	u32 fold_mode;
	u32 off; /* bytes of data in use */
	/* these two and the start of data are one struct wire_fold */
	u64 saved_count, saved_last_ns;
	u8 data[WIRE_REC_MAX + 64];
};

/* One definition in each object; the linker makes them one. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* possible CPUs */
	__type(key, u32);
	__type(value, struct scratch);
} scratches __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct wire_counters);
} counters __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SLOTS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u64);
	__type(value, struct wire_slot);
} slots __weak SEC(".maps");

/* Processes that do the runtime's work inside a container: attached to it or born into it by a
 * process outside, and not yet running the container's program. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SETUPS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u32);   /* tgid */
	__type(value, u64); /* cgroup id of the container */
} setups __weak SEC(".maps");

struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 16);
	__type(key, u32);
	__array(values, struct ring);
} rings __weak SEC(".maps");

/* ---- global functions, in core.bpf.c; verified once.  Each returns 0. ---- */

/* Fills everything of the head but len, type, marks, seq, count and ret: the current task. */
extern int head_fill(struct wire_head *h, u64 now);

/* Begins the record in the scratch memory; 0 when the quota of the container is used up. */
extern int rec_start(u32 type, u32 size, s64 ret);

/* Hands the record over, or keeps it when it is a first repeat. */
extern int rec_end(void);

/* Whether an event of `type` by this process with this identity is a repeat that has been counted:
 * 1, and nothing further is to be done.  To be called before rec_begin. */
extern int fold_check(u32 type, u64 identity);

/* Texts.  `slot` is an enum wire_slot_name. */
extern int put_path(u32 slot, u64 dentry, u64 mnt); /* kernel path of struct path's two halves */
extern int put_file(u32 slot, u64 file);	/* kernel path of a struct file; 0 adds nothing */
extern int put_user(u32 slot, u64 user_string); /* string in user memory: a claim */
extern int put_kernel(u32 slot, u64 kernel_string);
/* `len` bytes of user memory, at most WIRE_TEXT_MAX, read page by page. */
extern int put_user_bytes(u32 slot, u64 user_bytes, u64 len);
extern int put_argv(u64 start, u64 len); /* at most WIRE_ARGV_MAX */
/* A path as *at() calls give it: the claim goes to slot + 1 and, when it is relative, the kernel
 * path of dirfd (or the working directory) to `slot`.  An empty or NULL one is dirfd itself. */
extern int put_at(u32 slot, s32 dirfd, u64 user_string);

/* The struct file behind a descriptor of the current task; 0 when there is none. */
extern u64 fd_file(s32 fd);

/* Everything of struct wire_file; zeros for no file. */
extern int file_facts(u64 file, struct wire_file *w);

/* ---- inline ---- */

/* Reads along a chain of pointers without the verifier's types: the result is a plain number, as
 * the global functions want it. */
#define KREAD(src, ...)                            \
	({                                         \
		__typeof__(src) from_ = (src);     \
		BPF_CORE_READ(from_, __VA_ARGS__); \
	})

/* A struct is read in one piece from its start as far as the fields in use go, and FIELD picks one
 * out. Offsets are constants when the programs are loaded, so a kernel that has a field further
 * behind costs a read of its own and no check at run time. */
#define FIELD(part, pointer, type, field)                                                  \
	(bpf_core_field_offset(type, field) + sizeof(((type *)0)->field) <= sizeof(part)   \
		 ? *(__typeof__(((type *)0)->field) *)((void *)&(part) +                   \
						       bpf_core_field_offset(type, field)) \
		 : KREAD(pointer, field))

struct inode_part {
	u64 word[12];
};

struct file_part {
	u64 word[14];
};

/* The part of a dentry that names it, in one read: d_parent and the d_name behind it. */
struct dentry_part {
	u64 word[5];
};

static __always_inline void dentry_read(struct dentry_part *part, struct dentry *dentry)
{
	bpf_probe_read_kernel(part, sizeof(*part),
			      (void *)dentry + bpf_core_field_offset(struct dentry, d_parent));
}

/* Where a field of d_name stands in the part.  The barrier keeps the compiler from subtracting from
 * the pointer, which the verifier forbids. */
#define NAME_AT(part, field)                                                           \
	({                                                                             \
		u64 from_start_ = bpf_core_field_offset(struct dentry, d_name.field) - \
				  bpf_core_field_offset(struct dentry, d_parent);      \
		barrier_var(from_start_);                                              \
		(void *)(part) + from_start_;                                          \
	})

static __always_inline struct scratch *scratch_get(void)
{
	u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&scratches, &cpu);
}

static __always_inline struct wire_counters *counters_get(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&counters, &zero);
}

/* The 8 bytes of a set of capabilities, whatever the version of the kernel calls them. */
static __always_inline u64 cap_bits(const void *set)
{
	u64 bits = 0;

	bpf_probe_read_kernel(&bits, sizeof(bits), set);
	return bits;
}

/* A statistic of this CPU; a program in an interrupt may cost it a count now and then.  Losses are
 * counted with COUNT_LOST, exactly. */
#define COUNT(field)                                              \
	do {                                                      \
		struct wire_counters *counters_ = counters_get(); \
		if (counters_)                                    \
			counters_->field++;                       \
	} while (0)

#define COUNT_LOST(reason)                                                 \
	do {                                                               \
		struct wire_counters *counters_ = counters_get();          \
		if (counters_)                                             \
			__sync_fetch_and_add(&counters_->lost[reason], 1); \
	} while (0)

/* Adds a value to an identity for fold_check. */
static __always_inline u64 mix(u64 hash, u64 value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ull;
	return hash ^ (hash >> 29);
}

/* A 32-bit call by int 0x80 or sysenter. */
static __always_inline bool task_is_compat(struct task_struct *task)
{
	return task->thread_info.status & TS_COMPAT;
}

struct call {
	u64 arg[6];
	s64 ret;
	u32 nr; /* native number */
	bool compat;
};

extern const volatile __u16 compat_call[WIRE_CALL_MAX];

/* The call's number, result and arguments, which survive in the registers until sys_exit; of a
 * 32-bit call too (there the fd-like arguments want a cast to s32, as everywhere). */
static __always_inline void call_read(struct call *c, struct pt_regs *regs, long ret)
{
	u64 nr = regs->orig_ax;

	c->ret = ret;
	c->compat = task_is_compat(bpf_get_current_task_btf());
	if (c->compat) {
		c->nr = nr < WIRE_CALL_MAX ? compat_call[nr] : WIRE_CALL_NONE;
		c->arg[0] = (u32)regs->bx;
		c->arg[1] = (u32)regs->cx;
		c->arg[2] = (u32)regs->dx;
		c->arg[3] = (u32)regs->si;
		c->arg[4] = (u32)regs->di;
		c->arg[5] = (u32)regs->bp;
		return;
	}
	c->nr = nr;
	c->arg[0] = regs->di;
	c->arg[1] = regs->si;
	c->arg[2] = regs->dx;
	c->arg[3] = regs->r10;
	c->arg[4] = regs->r8;
	c->arg[5] = regs->r9;
}

static __always_inline u64 cgroup_id(struct cgroup *cgrp)
{
	return cgrp->kn->id;
}

/* The id of the task's cgroup in the hierarchy that names containers. */
static __always_inline u64 task_cgroup(struct task_struct *task)
{
	struct cgroup_subsys_state *css = NULL;
	u32 index;

	if (!config.hierarchy_v1)
		return task->cgroups->dfl_cgrp->kn->id;
	if (config.hierarchy_v1 == 1)
		index = bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id);
	else
		index = bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);
	bpf_probe_read_kernel(&css, sizeof(css),
			      (void *)task->cgroups +
				      bpf_core_field_offset(struct css_set, subsys) +
				      index * sizeof(css));
	return KREAD(css, cgroup, kn, id);
}

extern __u8 slot_hint[WIRE_SLOT_HINTS];

static __always_inline struct wire_slot *slot_find(u64 cgroup)
{
	if (!slot_hint[WIRE_SLOT_HINT(cgroup)])
		return NULL;
	return bpf_map_lookup_elem(&slots, &cgroup);
}

/* The container of a task's cgroup, 0 for none. */
static __always_inline u64 slot_root(u64 cgroup)
{
	struct wire_slot *slot = slot_find(cgroup);

	return slot ? slot->root : 0;
}

static __always_inline void slot_lost(struct wire_slot *slot, enum wire_lost reason, u64 now)
{
	if (slot->flags & WIRE_SLOT_NESTED) {
		slot = slot_find(slot->root);
		if (!slot)
			return;
	}
	__sync_fetch_and_add(&slot->lost[reason], 1);
	if (!slot->first_lost_ns)
		slot->first_lost_ns = now;
	slot->last_lost_ns = now;
}

/* One record costs one unit; the life of processes and cgroups may borrow a second burst, so that
 * what explains the rest goes last. */
static __always_inline bool quota_take(struct wire_slot *slot, u32 type, u64 now)
{
	u64 limit = now, floor = now - config.quota_burst_ns;

	if (!config.quota_cost_ns)
		return true;
	if (type <= WIRE_PROCESS_EXIT || (type >= WIRE_CGROUP_MKDIR && type <= WIRE_CGROUP_ATTACH))
		limit += config.quota_burst_ns;
	if ((s64)(slot->quota_ns - floor) < 0)
		slot->quota_ns = floor;
	if ((s64)(slot->quota_ns + config.quota_cost_ns - limit) > 0)
		return false;
	__sync_fetch_and_add(&slot->quota_ns, config.quota_cost_ns);
	return true;
}

/* Takes one record from the quota of a container; false is counted. */
static __always_inline bool slot_take(struct wire_slot *slot, u32 type, u64 now)
{
	if (quota_take(slot, type, now))
		return true;
	slot_lost(slot, WIRE_LOST_QUOTA, now);
	COUNT_LOST(WIRE_LOST_QUOTA);
	return false;
}

/* Where the number of a level stands, as a plain number.  The mask is for the verifier of 6.1,
 * which does not follow a product. */
static __always_inline u64 upid_at(struct pid *pid, u32 level)
{
	u64 offset = (u64)level * bpf_core_type_size(struct upid);

	offset &= 1023;
	return (u64)((void *)pid + bpf_core_field_offset(struct pid, numbers) + offset);
}

/* The process id in its own pid namespace (level < 0), or in the one of that level. */
static __always_inline u32 pid_number(struct pid *pid, s32 level)
{
	u32 nr = 0;

	bpf_probe_read_kernel(&nr, sizeof(nr),
			      (void *)upid_at(pid, level < 0 ? pid->level : level));
	return nr;
}

/* The process begins to do the runtime's work in the container `root`. */
static __always_inline void setup_begin(u32 tgid, u64 root)
{
	struct wire_slot *slot = slot_find(root);

	if (slot && !bpf_map_update_elem(&setups, &tgid, &root, BPF_NOEXIST))
		__sync_fetch_and_add(&slot->setup, 1);
}

static __always_inline void setup_end(u32 tgid)
{
	u64 *root = bpf_map_lookup_elem(&setups, &tgid);
	struct wire_slot *slot;

	if (!root)
		return;
	slot = slot_find(*root);
	if (!bpf_map_delete_elem(&setups, &tgid) && slot)
		__sync_fetch_and_add(&slot->setup, -1);
}

/* Says on whose behalf the next record of this CPU is: for programs other than handlers, which get
 * it from dispatch.  False when `cgroup` belongs to no container. */
static __always_inline bool rec_for(u64 cgroup)
{
	struct scratch *s = scratch_get();
	struct wire_slot *slot = slot_find(cgroup);

	if (!s || !slot)
		return false;
	s->cgroup = slot->root;
	s->task_cgroup = cgroup;
	s->now = 0;
	s->count = 1;
	s->fold_mode = FOLD_OFF;
	return true;
}

/* The next record belongs to no container. */
static __always_inline bool rec_for_host(void)
{
	struct scratch *s = scratch_get();

	if (!s)
		return false;
	s->cgroup = 0;
	s->task_cgroup = 0;
	s->now = 0;
	s->count = 1;
	s->fold_mode = FOLD_OFF;
	return true;
}

/* After rec_for: the acting task is in another cgroup than the container's. */
static __always_inline void rec_task(u64 cgroup)
{
	struct scratch *s = scratch_get();

	if (s)
		s->task_cgroup = cgroup;
}

/* A zeroed record of `size` bytes (a constant, at most 1024) with a filled head.  Valid until
 * rec_end; texts go behind it. */
static __always_inline void *rec_begin(u32 type, const u32 size, s64 ret)
{
	struct scratch *s;

	if (!rec_start(type, size, ret))
		return NULL;
	s = scratch_get();
	if (!s)
		return NULL;
	__builtin_memset(s->data + sizeof(struct wire_head), 0, size - sizeof(struct wire_head));
	return s->data;
}

static __always_inline struct wire_head *rec_head(struct scratch *s)
{
	return (struct wire_head *)s->data;
}

#define WAKE_BAND 4096u

/* User space looks at the rings at its own pace.  It is woken only while a ring passes the mark;
 * the band is for CPUs that share the ring and pass it at the same time. */
static __always_inline u64 wake_flags(void *ring)
{
	u64 above = bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) - config.ring_wake;

	return above < WAKE_BAND ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}

/* Puts a whole record into the ring of this CPU.  `head` is its first part. */
static __always_inline bool rec_output(struct wire_head *head, u32 len, u64 now)
{
	struct wire_counters *c = counters_get();
	u32 index = bpf_get_smp_processor_id() >> config.ring_shift;
	struct wire_slot *slot;
	void *ring;

	if (!c)
		return false;
	head->len = len;
	head->cpu = bpf_get_smp_processor_id();
	head->seq = __sync_fetch_and_add(&c->seq, 1) + 1;
	ring = bpf_map_lookup_elem(&rings, &index);
	if (ring && !bpf_ringbuf_output(ring, head, len, wake_flags(ring))) {
		c->emitted++;
		return true;
	}
	__sync_fetch_and_add(&c->lost[WIRE_LOST_RING], 1);
	slot = slot_find(head->cgroup_id);
	if (slot)
		slot_lost(slot, WIRE_LOST_RING, now);
	return false;
}

#endif
