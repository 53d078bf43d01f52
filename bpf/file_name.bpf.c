// SPDX-License-Identifier: GPL-2.0
/* file_name.bpf.c - names that come, go and change: rename, link, unlink, symlink, mkdir, rmdir,
 * mknod. */
#include "file.bpf.h"

#define NR_rename    82 /* asm/unistd_64.h */
#define NR_mkdir     83
#define NR_rmdir     84
#define NR_link	     86
#define NR_unlink    87
#define NR_symlink   88
#define NR_mknod     133
#define NR_mkdirat   258
#define NR_mknodat   259
#define NR_unlinkat  263
#define NR_renameat  264
#define NR_linkat    265
#define NR_symlinkat 266

/* The two paths of rename and link, whose calls take the same arguments. */
static __always_inline int two_paths(u32 type, const struct call *c, bool at, u64 flags)
{
	struct wire_file_call *w;
	struct target from, to;
	u64 id;

	if (at) {
		from = target_flags(c->arg[0], c->arg[1], type == WIRE_FILE_LINK ? flags : 0);
		to = target_at(c->arg[2], c->arg[3]);
	} else {
		from = target_at(AT_FDCWD, c->arg[0]);
		to = target_at(AT_FDCWD, c->arg[1]);
	}
	id = mix(mix(target_identity(&from), target_identity(&to)), flags);
	w = file_begin(type, c, id);
	if (!w)
		return 0;
	w->flags = flags;
	target_put(w, WIRE_TEXT_PATH, &from);
	target_put(w, WIRE_TEXT_PATH2, &to);
	return rec_end();
}

/* rename, renameat, renameat2 */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_rename, struct pt_regs *regs, long ret)
{
	struct call c;
	u64 flags = 0;

	call_read(&c, regs, ret);
	if (c.nr != NR_rename && c.nr != NR_renameat)
		flags = (u32)c.arg[4];
	return two_paths(WIRE_FILE_RENAME, &c, c.nr != NR_rename, flags);
}

/* link, linkat */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_link, struct pt_regs *regs, long ret)
{
	struct call c;

	call_read(&c, regs, ret);
	return two_paths(WIRE_FILE_LINK, &c, c.nr == NR_linkat,
			 c.nr == NR_linkat ? (u32)c.arg[4] : 0);
}

/* unlink, rmdir, unlinkat */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_unlink, struct pt_regs *regs, long ret)
{
	u32 flags = 0, type = WIRE_FILE_UNLINK;
	struct wire_file_call *w;
	struct target t;
	struct call c;

	call_read(&c, regs, ret);
	if (c.nr == NR_unlinkat) {
		t = target_at(c.arg[0], c.arg[1]);
		flags = c.arg[2];
	} else {
		t = target_at(AT_FDCWD, c.arg[0]);
	}
	if (c.nr == NR_rmdir || (flags & AT_REMOVEDIR))
		type = WIRE_FILE_RMDIR;
	w = file_begin(type, &c, mix(target_identity(&t), flags));
	if (!w)
		return 0;
	w->flags = flags;
	target_put(w, WIRE_TEXT_PATH, &t);
	return rec_end();
}

/* symlink, symlinkat: what the link says is text and starts nowhere. */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_symlink, struct pt_regs *regs, long ret)
{
	struct wire_file_call *w;
	struct target t;
	struct call c;

	call_read(&c, regs, ret);
	if (c.nr == NR_symlinkat)
		t = target_at(c.arg[1], c.arg[2]);
	else
		t = target_at(AT_FDCWD, c.arg[1]);
	w = file_begin(WIRE_FILE_SYMLINK, &c, mix(target_identity(&t), user_hash(c.arg[0])));
	if (!w)
		return 0;
	target_put(w, WIRE_TEXT_PATH, &t);
	put_user(WIRE_TEXT_PATH2_CLAIM, c.arg[0]);
	return rec_end();
}

/* mkdir, mkdirat */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_mkdir, struct pt_regs *regs, long ret)
{
	struct wire_file_call *w;
	struct target t;
	struct call c;
	u16 mode;

	call_read(&c, regs, ret);
	if (c.nr == NR_mkdirat) {
		t = target_at(c.arg[0], c.arg[1]);
		mode = c.arg[2];
	} else {
		t = target_at(AT_FDCWD, c.arg[0]);
		mode = c.arg[1];
	}
	w = file_begin(WIRE_FILE_MKDIR, &c, mix(target_identity(&t), mode));
	if (!w)
		return 0;
	w->mode = mode;
	target_put(w, WIRE_TEXT_PATH, &t);
	return rec_end();
}

/* A device number as the call takes it: include/linux/kdev_t.h, new_decode_dev. */
static __always_inline u32 device_number(u32 dev)
{
	return ((dev & 0xfff00) >> 8) << 20 | (dev & 0xff) | ((dev >> 12) & 0xfff00);
}

/* mknod, mknodat */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_mknod, struct pt_regs *regs, long ret)
{
	struct wire_file_call *w;
	struct target t;
	struct call c;
	u32 dev;
	u16 mode;

	call_read(&c, regs, ret);
	if (c.nr == NR_mknodat) {
		t = target_at(c.arg[0], c.arg[1]);
		mode = c.arg[2];
		dev = c.arg[3];
	} else {
		t = target_at(AT_FDCWD, c.arg[0]);
		mode = c.arg[1];
		dev = c.arg[2];
	}
	w = file_begin(WIRE_FILE_MKNOD, &c, mix(mix(target_identity(&t), mode), dev));
	if (!w)
		return 0;
	w->mode = mode;
	if ((mode & S_IFMT) == S_IFCHR || (mode & S_IFMT) == S_IFBLK)
		w->rdev = device_number(dev);
	target_put(w, WIRE_TEXT_PATH, &t);
	return rec_end();
}
