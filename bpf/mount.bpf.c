// SPDX-License-Identifier: GPL-2.0
/* mount.bpf.c - what changes the tree of file systems: mount and its successors, umount,
 * pivot_root, chroot.
 *
 * The kinds of records are those of the older calls: fspick opens a context as fsopen does,
 * fsconfig tells one of its options, open_tree with OPEN_TREE_CLONE makes a detached mount as
 * fsmount does, mount_setattr changes a mount as mount(2) with MS_REMOUNT does.  wire_head.syscall
 * tells which. */
#include "file.bpf.h"

#define NR32_umount 22 /* asm/unistd_32.h: has no flags */

#define OPEN_TREE_CLONE		1 /* linux/mount.h */
#define FSCONFIG_SET_STRING	1
#define FSCONFIG_SET_PATH	3
#define FSCONFIG_SET_PATH_EMPTY 4
#define FSCONFIG_SET_FD		5
#define ANON_INODE_MAGIC	0x09041934 /* linux/magic.h */
#define OPTION_MAX		256u /* bytes of a name or value of fsconfig(2), with the NUL */

struct file_system_type {
	const char *name;
} KERNEL_TYPE;

struct fs_context {
	struct file_system_type *fs_type;
	const char *source;
} KERNEL_TYPE;

struct super_block___type {
	struct file_system_type *s_type;
} KERNEL_TYPE;

struct vfsmount___super {
	struct super_block___type *mnt_sb;
} KERNEL_TYPE;

struct mount___source {
	const char *mnt_devname;
} KERNEL_TYPE;

static __always_inline struct wire_mount *mount_begin(u32 type, const struct call *c, u64 identity)
{
	struct wire_mount *w = call_begin(type, sizeof(*w), c, identity);

	if (w)
		w->fd = w->fd2 = -1;
	return w;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_mount, struct pt_regs *regs, long ret)
{
	struct wire_mount *w;
	struct call c;
	u64 id;

	call_read(&c, regs, ret);
	id = mix(mix(at_identity(AT_FDCWD, c.arg[1]), user_hash(c.arg[0])), c.arg[3]);
	id = mix(mix(id, user_hash(c.arg[2])), user_hash(c.arg[4]));
	w = mount_begin(WIRE_MOUNT_MOUNT, &c, id);
	if (!w)
		return 0;
	w->flags = c.arg[3];
	put_at(WIRE_TEXT_PATH, AT_FDCWD, c.arg[1]);
	put_optional(WIRE_TEXT_SOURCE, c.arg[0]);
	put_optional(WIRE_TEXT_FSTYPE, c.arg[2]);
	put_optional(WIRE_TEXT_DATA, c.arg[4]);
	return rec_end();
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_umount, struct pt_regs *regs, long ret)
{
	struct wire_mount *w;
	struct call c;
	u32 flags;

	call_read(&c, regs, ret);
	flags = c.compat && regs->orig_ax == NR32_umount ? 0 : c.arg[1];
	w = mount_begin(WIRE_MOUNT_UMOUNT, &c, mix(at_identity(AT_FDCWD, c.arg[0]), flags));
	if (!w)
		return 0;
	w->flags = flags;
	put_at(WIRE_TEXT_PATH, AT_FDCWD, c.arg[0]);
	return rec_end();
}

/* Whether a descriptor is a file system context: an anonymous inode named [fscontext]. */
static __always_inline bool is_context(struct file *f)
{
	u64 name = 0;

	if (!f || KREAD(f, f_inode, i_sb, s_magic) != ANON_INODE_MAGIC)
		return false;
	bpf_probe_read_kernel(&name, sizeof(name), KREAD(f, f_path.dentry, d_name.name));
	return name == 0x65746e6f6373665bull; /* "[fsconte" */
}

/* The kernel's name for the file system of a context. */
static __always_inline bool put_context(u64 file)
{
	struct file *f = (void *)file;
	struct fs_context *fc;

	if (!is_context(f))
		return false;
	fc = KREAD(f, private_data);
	put_kernel(WIRE_TEXT_FSTYPE, (u64)KREAD(fc, fs_type, name));
	return true;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_fsopen, struct pt_regs *regs, long ret)
{
	struct wire_mount *w;
	struct call c;

	call_read(&c, regs, ret);
	w = mount_begin(WIRE_MOUNT_FSOPEN, &c, mix(user_hash(c.arg[0]), c.arg[1]));
	if (!w)
		return 0;
	w->flags = (u32)c.arg[1];
	if (c.ret >= 0)
		w->fd = c.ret;
	if (c.ret < 0 || !put_context(fd_file(c.ret)))
		put_optional(WIRE_TEXT_FSTYPE, c.arg[0]);
	return rec_end();
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_fspick, struct pt_regs *regs, long ret)
{
	struct wire_mount *w;
	struct call c;

	call_read(&c, regs, ret);
	w = mount_begin(WIRE_MOUNT_FSOPEN, &c, mix(at_identity(c.arg[0], c.arg[1]), c.arg[2]));
	if (!w)
		return 0;
	w->flags = (u32)c.arg[2];
	put_at(WIRE_TEXT_PATH, c.arg[0], c.arg[1]);
	if (c.ret >= 0) {
		w->fd = c.ret;
		put_context(fd_file(c.ret));
	}
	return rec_end();
}

/* NAME=VALUE as one text. */
static __always_inline void put_option(u64 name, u64 value)
{
	struct scratch *s = scratch_get();
	struct wire_text *t;
	u32 start, off;
	long n;

	if (!s)
		return;
	start = s->off;
	put_user(WIRE_TEXT_DATA, name);
	off = s->off;
	if (!value || start > WIRE_REC_MAX - 4096 || off > WIRE_REC_MAX - 4096 ||
	    off - start > OPTION_MAX + sizeof(*t))
		return;
	n = bpf_probe_read_user_str(s->data + off + 1, OPTION_MAX, (void *)value);
	if (n < 1 || n > OPTION_MAX)
		return;
	s->data[off] = '=';
	t = (struct wire_text *)(s->data + start);
	t->len += n;
	s->off = off + n;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_fsconfig, struct pt_regs *regs, long ret)
{
	u64 command, name, value = 0, id;
	struct wire_mount *w;
	struct call c;

	call_read(&c, regs, ret);
	command = (u32)c.arg[1];
	name = c.arg[2];
	if (command == FSCONFIG_SET_STRING || command == FSCONFIG_SET_PATH ||
	    command == FSCONFIG_SET_PATH_EMPTY)
		value = c.arg[3];
	id = mix(mix(user_hash(name), user_hash(value)), mix(command, c.arg[0]));
	w = mount_begin(WIRE_MOUNT_FSOPEN, &c, id);
	if (!w)
		return 0;
	w->flags = command;
	w->fd = c.arg[0];
	if (command == FSCONFIG_SET_FD)
		w->fd2 = c.arg[4];
	if (name)
		put_option(name, value);
	put_context(fd_file(c.arg[0]));
	return rec_end();
}

/* The file system and the source of the mount that a descriptor is on: both from the kernel. */
static __always_inline void put_mounted(u64 file)
{
	struct file *f = (void *)file;
	struct vfsmount *mnt;
	struct mount *m;

	if (!f)
		return;
	mnt = KREAD(f, f_path.mnt);
	m = (void *)mnt - bpf_core_field_offset(struct mount, mnt);
	put_kernel(WIRE_TEXT_FSTYPE,
		   (u64)KREAD((struct vfsmount___super *)mnt, mnt_sb, s_type, name));
	put_kernel(WIRE_TEXT_SOURCE, (u64)KREAD((struct mount___source *)m, mnt_devname));
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_fsmount, struct pt_regs *regs, long ret)
{
	struct wire_mount *w;
	struct call c;

	call_read(&c, regs, ret);
	w = mount_begin(WIRE_MOUNT_FSMOUNT, &c, mix(fd_file(c.arg[0]), c.arg[2]));
	if (!w)
		return 0;
	w->flags = (u32)c.arg[2];
	w->fd2 = c.arg[0];
	if (c.ret >= 0) {
		w->fd = c.ret;
		put_mounted(fd_file(c.ret));
	} else {
		put_context(fd_file(c.arg[0]));
	}
	return rec_end();
}

/* Without OPEN_TREE_CLONE it changes nothing: an open with O_PATH. */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_open_tree, struct pt_regs *regs, long ret)
{
	struct wire_mount *w;
	struct call c;
	u32 flags;

	call_read(&c, regs, ret);
	flags = c.arg[2];
	if (!(flags & OPEN_TREE_CLONE))
		return 0;
	w = mount_begin(WIRE_MOUNT_FSMOUNT, &c, mix(at_identity(c.arg[0], c.arg[1]), flags));
	if (!w)
		return 0;
	w->flags = flags;
	put_at(WIRE_TEXT_PATH, c.arg[0], c.arg[1]);
	if (c.ret >= 0) {
		w->fd = c.ret;
		put_mounted(fd_file(c.ret));
	}
	return rec_end();
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_mount_setattr, struct pt_regs *regs, long ret)
{
	struct wire_mount *w;
	u64 set = 0;
	struct call c;

	call_read(&c, regs, ret);
	bpf_probe_read_user(&set, sizeof(set), (void *)c.arg[3]); /* struct mount_attr, attr_set */
	w = mount_begin(WIRE_MOUNT_MOUNT, &c, mix(at_identity(c.arg[0], c.arg[1]), set));
	if (!w)
		return 0;
	w->flags = set;
	put_at(WIRE_TEXT_PATH, c.arg[0], c.arg[1]);
	return rec_end();
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_move_mount, struct pt_regs *regs, long ret)
{
	struct wire_mount *w;
	struct call c;
	u64 id;

	call_read(&c, regs, ret);
	id = mix(at_identity(c.arg[0], c.arg[1]), at_identity(c.arg[2], c.arg[3]));
	w = mount_begin(WIRE_MOUNT_MOVE, &c, mix(id, c.arg[4]));
	if (!w)
		return 0;
	w->flags = (u32)c.arg[4];
	w->fd = (s32)c.arg[0] == AT_FDCWD ? -1 : (s32)c.arg[0];
	w->fd2 = (s32)c.arg[2] == AT_FDCWD ? -1 : (s32)c.arg[2];
	put_at(WIRE_TEXT_PATH, c.arg[0], c.arg[1]);
	put_at(WIRE_TEXT_PATH2, c.arg[2], c.arg[3]);
	return rec_end();
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_pivot_root, struct pt_regs *regs, long ret)
{
	struct wire_mount *w;
	struct call c;
	u64 id;

	call_read(&c, regs, ret);
	id = mix(at_identity(AT_FDCWD, c.arg[0]), at_identity(AT_FDCWD, c.arg[1]));
	w = mount_begin(WIRE_MOUNT_PIVOT_ROOT, &c, id);
	if (!w)
		return 0;
	put_at(WIRE_TEXT_PATH, AT_FDCWD, c.arg[0]);
	put_at(WIRE_TEXT_PATH2, AT_FDCWD, c.arg[1]);
	return rec_end();
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_chroot, struct pt_regs *regs, long ret)
{
	struct wire_mount *w;
	struct call c;

	call_read(&c, regs, ret);
	w = mount_begin(WIRE_MOUNT_CHROOT, &c, at_identity(AT_FDCWD, c.arg[0]));
	if (!w)
		return 0;
	put_at(WIRE_TEXT_PATH, AT_FDCWD, c.arg[0]);
	return rec_end();
}
