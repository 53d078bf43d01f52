// SPDX-License-Identifier: GPL-2.0
/* cred.bpf.c - credentials and namespaces: set*id, capset, unshare, setns. */
#include "core.bpf.h"

static __always_inline void cred_fill(struct wire_cred *w, const struct call *c)
{
	const struct cred *cred = bpf_get_current_task_btf()->cred;

	w->head.syscall = c->nr;
	w->caps = cap_bits(&cred->cap_effective);
	w->caps_permitted = cap_bits(&cred->cap_permitted);
	w->caps_inheritable = cap_bits(&cred->cap_inheritable);
	w->arg[0] = c->arg[0];
	w->arg[1] = c->arg[1];
	w->arg[2] = c->arg[2];
	w->uid = cred->uid.val;
	w->euid = cred->euid.val;
	w->suid = cred->suid.val;
	w->fsuid = cred->fsuid.val;
	w->gid = cred->gid.val;
	w->egid = cred->egid.val;
	w->sgid = cred->sgid.val;
	w->fsgid = cred->fsgid.val;
}

/* The same call with the same result is a repeat. */
static __always_inline u64 call_identity(const struct call *c)
{
	u64 id = mix(mix(mix(c->nr, c->ret), c->arg[0]), c->arg[1]);

	return mix(id, c->arg[2]);
}

/* setuid, setgid, setreuid, setregid, setresuid, setresgid, setgroups, setfsuid, setfsgid */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_setid, struct pt_regs *regs, long ret)
{
	struct wire_cred *w;
	struct call c;

	call_read(&c, regs, ret);
	if (fold_check(WIRE_CRED_SETID, call_identity(&c)))
		return 0;
	w = rec_begin(WIRE_CRED_SETID, sizeof(*w), c.ret);
	if (!w)
		return 0;
	cred_fill(w, &c);
	return rec_end();
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_capset, struct pt_regs *regs, long ret)
{
	struct wire_cred *w;
	struct call c;
	u64 id;

	call_read(&c, regs, ret);
	id = mix(mix(c.nr, c.ret), cap_bits(&bpf_get_current_task_btf()->cred->cap_effective));
	id = mix(id, cap_bits(&bpf_get_current_task_btf()->cred->cap_permitted));
	if (fold_check(WIRE_CRED_CAPSET, id))
		return 0;
	w = rec_begin(WIRE_CRED_CAPSET, sizeof(*w), c.ret);
	if (!w)
		return 0;
	cred_fill(w, &c);
	return rec_end();
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_unshare, struct pt_regs *regs, long ret)
{
	struct wire_ns *w;
	struct call c;

	call_read(&c, regs, ret);
	if (fold_check(WIRE_NS_UNSHARE, mix(c.ret, c.arg[0])))
		return 0;
	w = rec_begin(WIRE_NS_UNSHARE, sizeof(*w), c.ret);
	if (!w)
		return 0;
	w->head.syscall = c.nr;
	w->flags = c.arg[0];
	w->fd = -1;
	return rec_end();
}

/* CLONE_NEW* of the namespace behind an nsfs inode. */
static __always_inline u32 ns_type(struct inode *inode)
{
	struct ns_common *ns = (void *)KREAD(inode, i_private);
	struct ns_common___typed *typed = (void *)ns;

	if (bpf_core_field_exists(typed->ns_type))
		return KREAD(typed, ns_type);
	return KREAD(ns, ops, type);
}

static __always_inline bool is_pidfd_name(struct file *f)
{
	char name[8] = {};

	bpf_probe_read_kernel(name, sizeof(name), KREAD(f, f_path.dentry, d_name.name));
	return *(u64 *)name == 0x005d64666469705bull; /* "[pidfd]" */
}

/* The process behind a pidfd: private_data of an anonymous file until 6.8, the inode's of a pidfs
 * file since; both have the name pidfd or the file system tells.  0 for another file. */
static __always_inline u32 pidfd_tgid(struct file *f)
{
	u64 magic = KREAD(f, f_inode, i_sb, s_magic);
	struct pid *pid = NULL;

	if (magic == PIDFS_MAGIC)
		pid = KREAD(f, f_inode, i_private);
	else if (magic == ANON_INODE_MAGIC && is_pidfd_name(f))
		pid = KREAD(f, private_data);
	return pid ? pid_number(pid, 0) : 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_setns, struct pt_regs *regs, long ret)
{
	struct inode *inode = NULL;
	struct wire_ns *w;
	struct file *f;
	struct call c;

	call_read(&c, regs, ret);
	f = (void *)fd_file(c.arg[0]);
	if (f)
		inode = KREAD(f, f_inode);
	if (fold_check(WIRE_NS_SETNS, mix(mix(c.ret, (u64)inode), c.arg[1])))
		return 0;
	w = rec_begin(WIRE_NS_SETNS, sizeof(*w), c.ret);
	if (!w)
		return 0;
	w->head.syscall = c.nr;
	w->fd = c.arg[0];
	w->flags = c.arg[1];
	w->ns_type = c.arg[1];
	if (inode && KREAD(inode, i_sb, s_magic) == NSFS_MAGIC) {
		w->ns_ino = KREAD(inode, i_ino);
		w->ns_type = ns_type(inode);
	} else if (f) {
		w->target_pid = pidfd_tgid(f);
	}
	return rec_end();
}
