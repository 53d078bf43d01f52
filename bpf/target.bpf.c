// SPDX-License-Identifier: GPL-2.0
/* target.bpf.c - one process gets at another one's memory or registers: ptrace,
 * process_vm_writev. */
#include "core.bpf.h"

#define PTRACE_TRACEME	0 /* linux/ptrace.h */
#define PTRACE_POKETEXT 4
#define PTRACE_POKEDATA 5

#define PIECES_MAX 1024u /* linux/uio.h, UIO_MAXIOV */

/* Since 6.14; before, a pid of another namespace than the initial one leads to no process here. */
extern struct task_struct *bpf_task_from_vpid(s32 vpid) __ksym __weak;
extern void bpf_task_release(struct task_struct *task) __ksym __weak;

struct target {
	u64 start_ns, cgroup;
	u32 pid;
};

static __always_inline void target_task(struct target *t, struct task_struct *task)
{
	t->pid = task->tgid;
	t->start_ns = task->group_leader->start_boottime;
	t->cgroup = task_cgroup(task);
}

/* The process with a pid as the current one calls it. */
static __always_inline void target_find(struct target *t, s32 vpid)
{
	struct task_struct *task;
	struct pid *own;

	if (bpf_task_from_vpid) {
		task = bpf_task_from_vpid(vpid);
		if (!task)
			return;
		target_task(t, task);
		bpf_task_release(task);
		return;
	}
	own = bpf_get_current_task_btf()->thread_pid;
	if (!own->level && vpid > 0)
		t->pid = vpid;
}

static __always_inline struct wire_target *target_begin(u32 type, const struct call *c,
							const struct target *t)
{
	struct wire_target *w = rec_begin(type, sizeof(*w), c->ret);

	if (!w)
		return NULL;
	w->head.syscall = c->nr;
	w->target_start_ns = t->start_ns;
	w->target_cgroup_id = t->cgroup;
	w->target_pid = t->pid;
	return w;
}

/* Every request; repeats are those of one kind on one process, of writes also in one page. */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_ptrace, struct pt_regs *regs, long ret)
{
	struct target t = {};
	struct wire_target *w;
	u64 request, page = 0;
	struct call c;
	s32 vpid;

	call_read(&c, regs, ret);
	request = c.arg[0];
	vpid = c.arg[1];
	if (request == PTRACE_POKETEXT || request == PTRACE_POKEDATA)
		page = c.arg[2] >> 12;
	if (fold_check(WIRE_PROCESS_PTRACE,
		       mix(mix(request, vpid), mix(page, c.ret < 0 ? c.ret : 0))))
		return 0;
	if (request == PTRACE_TRACEME)
		target_task(&t, bpf_get_current_task_btf());
	else
		target_find(&t, vpid);
	w = target_begin(WIRE_PROCESS_PTRACE, &c, &t);
	if (!w)
		return 0;
	w->request = request;
	w->address = c.arg[2];
	w->target_vpid = vpid;
	return rec_end();
}

/* The remote pieces of process_vm_writev, as the caller has them now. */
struct pieces {
	u64 user, first, size;
	bool compat;
};

static long pieces_step(u32 i, void *ctx)
{
	struct pieces *p = ctx;
	u32 piece32[2] = {};
	u64 piece[2] = {};

	if (p->compat) {
		bpf_probe_read_user(piece32, sizeof(piece32), (void *)(p->user + i * 8ull));
		piece[0] = piece32[0];
		piece[1] = piece32[1];
	} else {
		bpf_probe_read_user(piece, sizeof(piece), (void *)(p->user + i * 16ull));
	}
	if (!i)
		p->first = piece[0];
	p->size += piece[1];
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_vm_write, struct pt_regs *regs, long ret)
{
	struct pieces p = {};
	struct target t = {};
	struct wire_target *w;
	struct call c;
	u64 count;
	s32 vpid;

	call_read(&c, regs, ret);
	vpid = c.arg[0];
	p.user = c.arg[3];
	p.compat = c.compat;
	count = c.arg[4];
	bpf_loop(count < PIECES_MAX ? count : PIECES_MAX, pieces_step, &p, 0);
	if (fold_check(WIRE_PROCESS_VM_WRITE, mix(mix(vpid, p.first >> 12), c.ret < 0 ? c.ret : 0)))
		return 0;
	target_find(&t, vpid);
	w = target_begin(WIRE_PROCESS_VM_WRITE, &c, &t);
	if (!w)
		return 0;
	w->address = p.first;
	w->size = p.size;
	w->target_vpid = vpid;
	return rec_end();
}
