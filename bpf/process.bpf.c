// SPDX-License-Identifier: GPL-2.0
/* process.bpf.c - the life of processes: fork, exec, exit, and forks and execs that failed. */
#include "core.bpf.h"

#define NR_clone    56 /* asm/unistd_64.h */
#define NR_fork	    57
#define NR_vfork    58
#define NR_execve   59
#define NR_execveat 322
#define NR_clone3   435

#define CLONE_VM     0x100 /* linux/sched.h */
#define CLONE_VFORK  0x4000
#define CLONE_THREAD 0x10000

/* The registers that the current task entered the kernel with. */
static __always_inline struct pt_regs *task_regs(void)
{
	return (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
}

/* The number and the CLONE_* flags of the call that makes a process. */
static __always_inline u64 clone_flags(struct call *c)
{
	u64 flags = 0;

	switch (c->nr) {
	case NR_clone:
		return c->arg[0];
	case NR_vfork:
		return CLONE_VFORK | CLONE_VM;
	case NR_clone3:
		bpf_probe_read_user(&flags, sizeof(flags), (void *)c->arg[0]);
		return flags;
	}
	return 0;
}

static __always_inline void call_now(struct call *c)
{
	struct pt_regs *regs = task_regs();

	c->compat = task_is_compat(bpf_get_current_task_btf());
	c->nr = KREAD(regs, orig_ax);
	c->arg[0] = c->compat ? (u32)KREAD(regs, bx) : KREAD(regs, di);
	if (c->compat)
		c->nr = c->nr < WIRE_CALL_MAX ? compat_call[c->nr] : WIRE_CALL_NONE;
}

/* A child of a process that sets up the container does so too, and one that is born into the
 * container by a process outside of it (CLONE_INTO_CGROUP). */
static __always_inline void setup_fork(u32 child, u64 own, u64 theirs)
{
	u32 self = bpf_get_current_pid_tgid() >> 32;

	if (theirs && (own != theirs || bpf_map_lookup_elem(&setups, &self)))
		setup_begin(child, theirs);
}

/* The runtime's work ends with an exec in another mount namespace than the host's; before that the
 * runtime executes itself. */
static __always_inline void setup_exec(struct task_struct *self)
{
	struct wire_slot *slot;
	struct scratch *s = scratch_get();

	if (!s || self->nsproxy->mnt_ns->ns.inum == config.own_mnt_ns)
		return;
	setup_end(self->tgid);
	slot = slot_find(s->cgroup);
	if (slot && !(slot->flags & WIRE_SLOT_STARTED))
		__sync_fetch_and_or(&slot->flags, WIRE_SLOT_STARTED);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	struct task_struct *self = bpf_get_current_task_btf();
	u64 own = task_cgroup(self), theirs = task_cgroup(child);
	struct pid *pid = child->thread_pid;
	struct wire_fork *w;
	struct call c = {};
	u32 level;

	if (child->pid != child->tgid)
		return 0;
	if (!rec_for(theirs) && !rec_for(own))
		return 0;
	COUNT(seen);
	setup_fork(child->tgid, slot_root(own), slot_root(theirs));
	level = self->thread_pid->level;
	w = rec_begin(WIRE_PROCESS_FORK, sizeof(*w), pid_number(pid, level));
	if (!w)
		return 0;
	call_now(&c);
	w->child_start_ns = child->start_boottime;
	w->child_cgroup_id = theirs;
	w->flags = clone_flags(&c);
	w->child_pid = child->tgid;
	w->child_vpid = pid_number(pid, -1);
	w->head.task_cgroup_id = own;
	w->head.syscall = c.nr;
	return rec_end();
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_fork_failed, struct pt_regs *regs, long ret)
{
	struct wire_fork *w;
	struct call c;

	call_read(&c, regs, ret);
	if (c.ret >= 0 || fold_check(WIRE_PROCESS_FORK, mix(c.nr, c.ret)))
		return 0;
	w = rec_begin(WIRE_PROCESS_FORK, sizeof(*w), c.ret);
	if (!w)
		return 0;
	w->flags = clone_flags(&c);
	w->head.syscall = c.nr;
	return rec_end();
}

static __always_inline void exec_namespaces(struct wire_exec *w, struct task_struct *task)
{
	struct nsproxy *ns = task->nsproxy;
	struct pid *pid = task->thread_pid;
	struct pid_namespace *pid_ns = NULL;

	w->mnt_ns = ns->mnt_ns->ns.inum;
	w->net_ns = ns->net_ns->ns.inum;
	w->uts_ns = ns->uts_ns->ns.inum;
	w->ipc_ns = ns->ipc_ns->ns.inum;
	w->cgroup_ns = ns->cgroup_ns->ns.inum;
	w->user_ns = task->cred->user_ns->ns.inum;
	bpf_probe_read_kernel(&pid_ns, sizeof(pid_ns),
			      (void *)upid_at(pid, pid->level) +
				      bpf_core_field_offset(struct upid, ns));
	w->pid_ns = KREAD(pid_ns, ns.inum);
}

static __always_inline void exec_ancestors(struct wire_exec *w, struct task_struct *task)
{
	struct task_struct *up = task->real_parent;
	u32 n = 0;

#pragma unroll
	for (u32 i = 0; i < WIRE_ANCESTORS; i++) {
		struct task_struct *leader = KREAD(up, group_leader);
		u32 tgid = KREAD(leader, tgid);

		if (!tgid)
			break;
		w->ancestors[i].tgid = tgid;
		w->ancestors[i].start_ns = KREAD(leader, start_boottime);
		bpf_probe_read_kernel(w->ancestors[i].comm, WIRE_COMM, &leader->comm);
		n = i + 1;
		up = KREAD(leader, real_parent);
	}
	w->ancestor_count = n;
}

static __always_inline void exec_stdio(struct wire_stdio *io, u32 fd, u32 slot)
{
	struct file *f = (void *)fd_file(fd);
	struct inode *inode;
	u32 mode;

	if (!f)
		return;
	inode = KREAD(f, f_inode);
	mode = KREAD(inode, i_mode);
	io->flags = WIRE_STDIO_OPEN;
	io->kind = mode >> 12;
	io->ino = KREAD(inode, i_ino);
	io->dev = KREAD(inode, i_sb, s_dev);
	io->rdev = KREAD(inode, i_rdev);
	mode &= S_IFMT;
	if (mode == S_IFREG || mode == S_IFCHR || mode == S_IFDIR || mode == S_IFBLK)
		put_file(slot, (u64)f);
}

/* What an exec that failed has as well. */
static __always_inline void exec_common(struct wire_exec *w, struct task_struct *task)
{
	const struct cred *cred = task->cred;
	struct tty_struct *tty = task->signal->tty;

	w->euid = cred->euid.val;
	w->egid = cred->egid.val;
	w->caps = cap_bits(&cred->cap_effective);
	w->caps_permitted = cap_bits(&cred->cap_permitted);
	w->caps_inheritable = cap_bits(&cred->cap_inheritable);
	exec_namespaces(w, task);
	exec_ancestors(w, task);
	if (tty) {
		w->tty_dev = (KREAD(tty, driver, major) << 20) |
			     (KREAD(tty, driver, minor_start) + KREAD(tty, index));
		put_kernel(WIRE_TEXT_TTY, (u64)KREAD(task, signal, tty) +
						  bpf_core_field_offset(struct tty_struct, name));
	}
	put_path(WIRE_TEXT_CWD, (u64)KREAD(task, fs, pwd.dentry), (u64)KREAD(task, fs, pwd.mnt));
	exec_stdio(&w->stdio[0], 0, WIRE_TEXT_STDIN);
	exec_stdio(&w->stdio[1], 1, WIRE_TEXT_STDOUT);
	exec_stdio(&w->stdio[2], 2, WIRE_TEXT_STDERR);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	struct task_struct *self = bpf_get_current_task_btf();
	u64 start, end, exe;
	struct wire_exec *w;

	if (!rec_for(task_cgroup(self)))
		return 0;
	COUNT(seen);
	setup_exec(self);
	w = rec_begin(WIRE_PROCESS_EXEC, sizeof(*w), 0);
	if (!w)
		return 0;
	/* The number in the registers is execve by now, whatever it was (set_personality_64bit);
	 * fdpath is there when execveat was given a descriptor. */
	w->head.syscall = KREAD(bprm, fdpath) ? NR_execveat : NR_execve;
	exe = (u64)KREAD(self, mm, exe_file);
	file_facts(exe, &w->exe);
	put_file(WIRE_TEXT_PATH, exe);
	put_kernel(WIRE_TEXT_FILENAME, (u64)KREAD(bprm, filename));
	start = KREAD(self, mm, arg_start);
	end = KREAD(self, mm, arg_end);
	w->argc = bprm->argc;
	w->argv_bytes = end - start;
	put_argv(start, end - start);
	exec_common(w, self);
	return rec_end();
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_exec_failed, struct pt_regs *regs, long ret)
{
	struct task_struct *self = bpf_get_current_task_btf();
	u64 filename, at = 0;
	s32 dirfd = AT_FDCWD;
	struct wire_exec *w;
	struct call c;

	call_read(&c, regs, ret);
	if (c.ret >= 0)
		return 0;
	filename = c.arg[0];
	if (c.nr == NR_execveat) {
		dirfd = c.arg[0];
		filename = c.arg[1];
	}
	bpf_probe_read_user(&at, sizeof(at), (void *)filename);
	if (fold_check(WIRE_PROCESS_EXEC, mix(mix(mix(c.nr, c.ret), filename), at)))
		return 0;
	w = rec_begin(WIRE_PROCESS_EXEC, sizeof(*w), c.ret);
	if (!w)
		return 0;
	w->head.syscall = c.nr;
	put_at(WIRE_TEXT_PATH, dirfd, filename);
	put_user(WIRE_TEXT_FILENAME, filename);
	exec_common(w, self);
	return rec_end();
}

/* Processes that have been told to be at their end. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, u32);
} ended SEC(".maps");

/* Two threads that end together may both come here when none is left alive: the first one tells. */
static __always_inline bool exit_is_told(struct task_struct *self)
{
	u64 key = self->group_leader->start_boottime ^ ((u64)self->tgid << 40);
	u32 value = 1;

	return bpf_map_update_elem(&ended, &key, &value, BPF_NOEXIST) != 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	struct task_struct *self = bpf_get_current_task_btf();
	struct signal_struct *sig = self->signal;
	struct wire_exit *w;
	u32 code;

	if (sig->live.counter || exit_is_told(self))
		return 0;
	if (!rec_for(task_cgroup(self))) {
		setup_end(self->tgid);
		return 0;
	}
	COUNT(seen);
	code = sig->flags & SIGNAL_GROUP_EXIT ? sig->group_exit_code
					      : self->group_leader->exit_code;
	w = rec_begin(WIRE_PROCESS_EXIT, sizeof(*w), 0);
	if (w) {
		w->code = (code >> 8) & 0xff;
		w->signal = code & 0xff;
		rec_end();
	}
	setup_end(self->tgid);
	return 0;
}
