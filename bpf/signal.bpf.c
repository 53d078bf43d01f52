// SPDX-License-Identifier: GPL-2.0
/* signal.bpf.c - signals that cross the border of a container, and those that were refused. */
#include "core.bpf.h"

#define NR_kill		     62 /* asm/unistd_64.h */
#define NR_tkill	     200
#define NR_tgkill	     234
#define NR_pidfd_send_signal 424
#define NR_rt_sigqueueinfo   129
#define NR_rt_tgsigqueueinfo 297
#define SIGCHLD		     17
#define SI_USER		     0 /* asm-generic/siginfo.h */
#define SI_QUEUE	     (-1)
#define SI_TKILL	     (-6)

/* Whether a process asked for the signal.  SEND_SIG_NOINFO is 0 (kill of a cgroup), SEND_SIG_PRIV
 * is 1 (the kernel's own). */
static __always_inline bool from_process(u64 info)
{
	struct kernel_siginfo *si = (void *)info;
	s32 code;

	if (info <= 1)
		return !info;
	code = KREAD(si, si_code);
	return code == SI_USER || code == SI_QUEUE || code == SI_TKILL;
}

/* The number of the call that the current task is in; nonsense in an interrupt, which from_process
 * has ruled out. */
static __always_inline u32 current_call(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	u64 nr = KREAD(regs, orig_ax);

	if (nr >= WIRE_CALL_MAX)
		return 0;
	return task_is_compat(task) ? compat_call[nr] : nr;
}

/* May run in an interrupt: everything is on the stack, nothing in the scratch memory. */
SEC("tp_btf/signal_generate")
int BPF_PROG(on_signal, int sig, struct kernel_siginfo *info, struct task_struct *target, int group,
	     int result)
{
	u64 now, own, theirs, own_root, their_root;
	struct wire_target w = {};
	struct wire_slot *slot;

	if (sig == SIGCHLD)
		return 0;
	own = task_cgroup(bpf_get_current_task_btf());
	theirs = task_cgroup(target);
	if (own == theirs || !from_process(ctx[1]))
		return 0;
	own_root = slot_root(own);
	their_root = slot_root(theirs);
	if (own_root == their_root)
		return 0;
	COUNT(seen);
	now = bpf_ktime_get_boot_ns();
	w.head.cgroup_id = own_root ? own_root : their_root;
	slot = slot_find(w.head.cgroup_id);
	if (slot && !slot_take(slot, WIRE_PROCESS_SIGNAL, now))
		return 0;
	w.head.task_cgroup_id = own;
	head_fill(&w.head, now);
	w.head.syscall = current_call();
	w.head.type = WIRE_PROCESS_SIGNAL;
	w.head.ret = 0;
	w.request = sig;
	w.target_pid = target->tgid;
	w.target_start_ns = target->group_leader->start_boottime;
	w.target_cgroup_id = theirs;
	rec_output(&w.head, sizeof(w), now);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_kill_failed, struct pt_regs *regs, long ret)
{
	struct wire_target *w;
	struct call c;
	u32 sig, pid;

	call_read(&c, regs, ret);
	if (c.ret >= 0)
		return 0;
	pid = c.arg[0];
	sig = c.arg[1];
	if (c.nr == NR_tgkill || c.nr == NR_rt_tgsigqueueinfo) {
		pid = c.arg[1];
		sig = c.arg[2];
	}
	if (fold_check(WIRE_PROCESS_SIGNAL, mix(mix(mix(c.nr, c.ret), pid), sig)))
		return 0;
	w = rec_begin(WIRE_PROCESS_SIGNAL, sizeof(*w), c.ret);
	if (!w)
		return 0;
	w->head.syscall = c.nr;
	w->request = sig;
	if (c.nr != NR_pidfd_send_signal)
		w->target_vpid = pid;
	return rec_end();
}
