// SPDX-License-Identifier: GPL-2.0
/* file_attr.bpf.c - changes of a file itself: chmod, chown, truncate, setxattr. */
#include "file.bpf.h"

#define NR_truncate   76 /* asm/unistd_64.h */
#define NR_ftruncate  77
#define NR_chmod      90
#define NR_fchmod     91
#define NR_chown      92
#define NR_fchown     93
#define NR_lchown     94
#define NR_fsetxattr  190
#define NR_fchownat   260
#define NR_fchmodat   268
#define NR_fchmodat2  452
#define NR_setxattrat 463

#define NR32_lchown16	 16 /* asm/unistd_32.h */
#define NR32_fchown16	 95
#define NR32_chown16	 182
#define NR32_truncate64	 193
#define NR32_ftruncate64 194

/* chmod, fchmod, fchmodat, fchmodat2 */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_chmod, struct pt_regs *regs, long ret)
{
	struct wire_file_call *w;
	struct target t;
	struct call c;
	u32 flags = 0;
	u16 mode;

	call_read(&c, regs, ret);
	if (c.nr == NR_chmod || c.nr == NR_fchmod) {
		t = c.nr == NR_fchmod ? target_fd(c.arg[0]) : target_at(AT_FDCWD, c.arg[0]);
		mode = c.arg[1];
	} else {
		if (c.nr == NR_fchmodat2)
			flags = c.arg[3];
		t = target_flags(c.arg[0], c.arg[1], flags);
		mode = c.arg[2];
	}
	w = file_begin(WIRE_FILE_CHMOD, &c, mix(target_identity(&t), mix(mode, flags)));
	if (!w)
		return 0;
	w->mode = mode;
	w->flags = flags;
	target_put(w, WIRE_TEXT_PATH, &t);
	return rec_end();
}

/* An id as chown takes it; the old 32-bit calls have 16 bits. */
static __always_inline s64 owner_id(u32 id, bool is16)
{
	if (is16)
		return (u16)id == 0xffff ? -1 : (u16)id;
	return id == 0xffffffffu ? -1 : (s64)id;
}

/* chown, lchown, fchown, fchownat */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_chown, struct pt_regs *regs, long ret)
{
	u64 raw = regs->orig_ax;
	struct wire_file_call *w;
	u32 flags = 0, uid, gid;
	struct target t;
	struct call c;
	bool is16;

	call_read(&c, regs, ret);
	is16 = c.compat && (raw == NR32_lchown16 || raw == NR32_fchown16 || raw == NR32_chown16);
	if (c.nr == NR_fchownat) {
		flags = c.arg[4];
		t = target_flags(c.arg[0], c.arg[1], flags);
		uid = c.arg[2];
		gid = c.arg[3];
	} else {
		t = c.nr == NR_fchown ? target_fd(c.arg[0]) : target_at(AT_FDCWD, c.arg[0]);
		uid = c.arg[1];
		gid = c.arg[2];
	}
	w = file_begin(WIRE_FILE_CHOWN, &c, mix(mix(target_identity(&t), uid), mix(gid, flags)));
	if (!w)
		return 0;
	w->flags = flags;
	w->owner_uid = owner_id(uid, is16);
	w->owner_gid = owner_id(gid, is16);
	target_put(w, WIRE_TEXT_PATH, &t);
	return rec_end();
}

/* truncate, ftruncate */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_truncate, struct pt_regs *regs, long ret)
{
	u64 raw = regs->orig_ax, size;
	struct wire_file_call *w;
	struct target t;
	struct call c;

	call_read(&c, regs, ret);
	size = c.arg[1];
	if (c.compat && (raw == NR32_truncate64 || raw == NR32_ftruncate64))
		size |= c.arg[2] << 32;
	t = c.nr == NR_ftruncate ? target_fd(c.arg[0]) : target_at(AT_FDCWD, c.arg[0]);
	w = file_begin(WIRE_FILE_TRUNCATE, &c, mix(target_identity(&t), size));
	if (!w)
		return 0;
	w->size = size;
	target_put(w, WIRE_TEXT_PATH, &t);
	return rec_end();
}

/* linux/xattr.h, struct xattr_args */
struct xattr_args {
	u64 value;
	u32 size, flags;
};

struct xattr_call {
	struct target target;
	u64 name, size;
	u32 flags;
};

static __always_inline void xattr_read(struct xattr_call *x, const struct call *c)
{
	struct xattr_args args = {};

	if (c->nr == NR_setxattrat) {
		bpf_probe_read_user(&args, sizeof(args), (void *)c->arg[4]);
		x->target = target_flags(c->arg[0], c->arg[1], c->arg[2]);
		x->name = c->arg[3];
		x->size = args.size;
		x->flags = args.flags;
		return;
	}
	x->target = c->nr == NR_fsetxattr ? target_fd(c->arg[0]) : target_at(AT_FDCWD, c->arg[0]);
	x->name = c->arg[1];
	x->size = c->arg[3];
	x->flags = c->arg[4];
}

/* setxattr, lsetxattr, fsetxattr, setxattrat */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_setxattr, struct pt_regs *regs, long ret)
{
	struct wire_file_call *w;
	struct xattr_call x = {};
	struct call c;
	u64 id;

	call_read(&c, regs, ret);
	xattr_read(&x, &c);
	id = mix(mix(target_identity(&x.target), user_hash(x.name)), mix(x.size, x.flags));
	w = file_begin(WIRE_FILE_SETXATTR, &c, id);
	if (!w)
		return 0;
	w->size = x.size;
	w->flags = x.flags;
	target_put(w, WIRE_TEXT_PATH, &x.target);
	put_user(WIRE_TEXT_XATTR, x.name);
	return rec_end();
}
