// SPDX-License-Identifier: GPL-2.0
/* cgroup.bpf.c - the life of control groups, and which of them are containers.
 *
 * A new cgroup becomes a container here, before any process is in it, so that the first instruction
 * has its identity: its name holds a container id (64 hexadecimal digits, as Docker, containerd,
 * CRI-O and Podman name theirs), or user space announced the name, or its parent belongs to one. */
#include "core.bpf.h"

#define ID_DIGITS 64u

/* Names that user space expects (probe_expect), zero padded. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, char[WIRE_NAME_MAX]);
	__type(value, u64);
} expected SEC(".maps");

/* The scan of a name.  In a map and not on the stack: before 6.7 the verifier takes one round of
 * bpf_loop for all, and would believe that a run of 64 digits never comes. */
struct name_scan {
	char name[WIRE_NAME_MAX];
	u32 run;     /* hexadecimal digits up to here */
	u32 found;   /* a run of exactly ID_DIGITS */
	u32 monitor; /* of a container, and none itself */
	u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct name_scan);
} names SEC(".maps");

static __always_inline struct name_scan *scan_get(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&names, &zero);
}

static __always_inline bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* Podman and CRI-O put a container's monitor, which is no container, into a cgroup named after it:
 * libpod-conmon-ID.scope. */
static __always_inline bool is_monitor(const char *name, u32 i)
{
	return i + 6 < WIRE_NAME_MAX && name[i] == 'c' && name[i + 1] == 'o' &&
	       name[i + 2] == 'n' && name[i + 3] == 'm' && name[i + 4] == 'o' && name[i + 5] == 'n';
}

static long scan_step(u32 i, void *ctx)
{
	struct name_scan *scan = scan_get();

	if (!scan || i >= WIRE_NAME_MAX)
		return 1;
	if (is_hex(scan->name[i])) {
		scan->run++;
		return 0;
	}
	if (scan->run == ID_DIGITS)
		scan->found = 1;
	scan->run = 0;
	if (i < WIRE_NAME_MAX - 7 && scan->name[i] == '-' && is_monitor(scan->name, i + 1))
		scan->monitor = 1;
	return !scan->name[i];
}

/* The flags that say why a cgroup of this name is a container; 0 when it is none. */
static __always_inline u32 name_flags(struct cgroup *cgrp)
{
	struct name_scan *scan = scan_get();

	if (!scan)
		return 0;
	__builtin_memset(scan, 0, sizeof(*scan));
	bpf_probe_read_kernel_str(scan->name, WIRE_NAME_MAX, cgrp->kn->name);
	if (bpf_map_lookup_elem(&expected, scan->name))
		return WIRE_SLOT_EXPECT;
	bpf_loop(WIRE_NAME_MAX, scan_step, NULL, 0);
	return scan->found && !scan->monitor ? WIRE_SLOT_NAME : 0;
}

static __always_inline bool is_ours(struct cgroup *cgrp)
{
	return (u32)cgrp->root->hierarchy_id == config.hierarchy_id;
}

static __always_inline u64 parent_id(struct cgroup *cgrp)
{
	struct cgroup_subsys_state *parent = cgrp->self.parent;

	return parent ? KREAD(parent, cgroup, kn, id) : 0;
}

/* Makes the cgroup a container, or part of its parent's. */
static __always_inline void slot_make(struct cgroup *cgrp)
{
	u64 id = cgroup_id(cgrp), root = slot_root(parent_id(cgrp));
	struct wire_slot slot = {};

	if (root) {
		slot.flags = WIRE_SLOT_NESTED;
		slot.root = root;
	} else {
		slot.flags = name_flags(cgrp);
		slot.root = id;
	}
	if (!slot.flags)
		return;
	slot.made_ns = bpf_ktime_get_boot_ns();
	slot_hint[WIRE_SLOT_HINT(id)] = 1;
	if (bpf_map_update_elem(&slots, &id, &slot, BPF_ANY))
		COUNT_LOST(WIRE_LOST_ERROR);
}

static __always_inline void cgroup_record(u32 type, struct cgroup *cgrp, const char *path,
					  struct task_struct *target)
{
	u64 id = cgroup_id(cgrp), own = task_cgroup(bpf_get_current_task_btf());
	struct wire_cgroup *w;

	COUNT(seen);
	if (!rec_for(id) && !rec_for_host())
		return;
	rec_task(own);
	w = rec_begin(type, sizeof(*w), 0);
	if (!w)
		return;
	w->id = id;
	w->parent_id = parent_id(cgrp);
	w->level = cgrp->level;
	if (target) {
		w->target_pid = target->tgid;
		w->target_start_ns = target->group_leader->start_boottime;
	}
	put_kernel(WIRE_TEXT_CGROUP, (u64)path);
	rec_end();
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(on_cgroup_mkdir, struct cgroup *cgrp, const char *path)
{
	if (!is_ours(cgrp))
		return 0;
	slot_make(cgrp);
	cgroup_record(WIRE_CGROUP_MKDIR, cgrp, path, NULL);
	return 0;
}

/* A nested cgroup goes at once, its counters are the container's.  The container's own stays until
 * user space has read them (probe_sweep). */
SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(on_cgroup_rmdir, struct cgroup *cgrp, const char *path)
{
	struct wire_slot *slot;
	u64 id;

	if (!is_ours(cgrp))
		return 0;
	cgroup_record(WIRE_CGROUP_RMDIR, cgrp, path, NULL);
	id = cgroup_id(cgrp);
	slot = slot_find(id);
	if (!slot)
		return 0;
	if (slot->flags & WIRE_SLOT_NESTED) {
		bpf_map_delete_elem(&slots, &id);
		return 0;
	}
	slot->dead_ns = bpf_ktime_get_boot_ns();
	__sync_fetch_and_or(&slot->flags, WIRE_SLOT_DEAD);
	return 0;
}

/* The kernel tells it once for each process or thread that was moved, after the move.  A process
 * that somebody outside moves into the container is the runtime's, until it runs the container's
 * program. */
SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(on_cgroup_attach, struct cgroup *cgrp, const char *path, struct task_struct *task,
	     bool threadgroup)
{
	u64 root;

	if (!is_ours(cgrp) || task->pid != task->tgid)
		return 0;
	root = slot_root(cgroup_id(cgrp));
	if (!root)
		return 0;
	if (slot_root(task_cgroup(bpf_get_current_task_btf())) != root)
		setup_begin(task->tgid, root);
	cgroup_record(WIRE_CGROUP_ATTACH, cgrp, path, task);
	return 0;
}
