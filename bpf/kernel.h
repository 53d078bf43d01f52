/* SPDX-License-Identifier: GPL-2.0 */
/* kernel.h - the kernel's types, as far as the programs of Amber read them.
 *
 * Only the fields in use; the loader relocates each access to where the running kernel has the
 * field (CO-RE).  Constants are those of the uapi headers named beside them. */
#ifndef AMBER_BPF_KERNEL_H
#define AMBER_BPF_KERNEL_H

/* clang-format off */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
/* clang-format on */

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;

#ifndef __bool_true_false_are_defined
#define bool _Bool
#define true 1
#define false 0
#endif
#define NULL ((void *)0)

#ifndef __TARGET_ARCH_x86
#error "the registers of a system call are known for x86-64 only"
#endif

#define AT_FDCWD	  (-100)  /* fcntl.h */
#define AT_EMPTY_PATH	  0x1000  /* fcntl.h */
#define S_IFMT		  0170000 /* stat.h */
#define S_IFIFO		  0010000
#define S_IFCHR		  0020000
#define S_IFDIR		  0040000
#define S_IFBLK		  0060000
#define S_IFREG		  0100000
#define S_IFLNK		  0120000
#define S_IFSOCK	  0140000
#define OVERLAY_MAGIC	  0x794c7630 /* magic.h */
#define TMPFS_MAGIC	  0x01021994
#define PIDFS_MAGIC	  0x50494446
#define ANON_INODE_MAGIC  0x09041934
#define NSFS_MAGIC	  0x6e736673
#define FMODE_CREATED	  0x100000 /* include/linux/fs.h */
#define PROT_EXEC	  0x4	   /* asm-generic/mman-common.h */
#define TS_COMPAT	  0x2	   /* arch/x86/include/asm/thread_info.h */
#define SIGNAL_GROUP_EXIT 0x4	   /* include/linux/sched/signal.h */

#define KERNEL_TYPE __attribute__((preserve_access_index))

typedef struct {
	u32 val;
} kuid_t;
typedef struct {
	u32 val;
} kgid_t;

struct pt_regs {
	unsigned long bx, bp, r8, r9, r10, ax, cx, dx, si, di, orig_ax, ip, sp;
} KERNEL_TYPE;

struct qstr {
	u32 hash;
	u32 len;
	const unsigned char *name;
} KERNEL_TYPE;

struct super_block {
	u32 s_dev;
	unsigned long s_magic;
} KERNEL_TYPE;

struct inode {
	u16 i_mode;
	kuid_t i_uid;
	kgid_t i_gid;
	struct super_block *i_sb;
	unsigned long i_ino;
	u32 i_nlink;
	u32 i_rdev;
	s64 i_size;
	void *i_private;
} KERNEL_TYPE;

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
} KERNEL_TYPE;

struct vfsmount {
	struct dentry *mnt_root;
} KERNEL_TYPE;

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
} KERNEL_TYPE;

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
} KERNEL_TYPE;

struct file {
	u32 f_mode;
	u32 f_flags;
	struct inode *f_inode;
	struct path f_path;
	void *private_data;
	const void *f_op;
} KERNEL_TYPE;

struct fdtable {
	u32 max_fds;
	struct file **fd;
} KERNEL_TYPE;

struct files_struct {
	struct fdtable *fdt;
} KERNEL_TYPE;

struct fs_struct {
	struct path root, pwd;
} KERNEL_TYPE;

struct proc_ns_operations {
	int type;
} KERNEL_TYPE;

struct ns_common {
	const struct proc_ns_operations *ops;
	u32 inum;
} KERNEL_TYPE;

/* Since 6.18 the type is in the namespace itself. */
struct ns_common___typed {
	u32 ns_type;
} KERNEL_TYPE;

struct mnt_namespace {
	struct ns_common ns;
} KERNEL_TYPE;
struct pid_namespace {
	struct ns_common ns;
} KERNEL_TYPE;
struct user_namespace {
	struct ns_common ns;
} KERNEL_TYPE;
struct uts_namespace {
	struct ns_common ns;
} KERNEL_TYPE;
struct ipc_namespace {
	struct ns_common ns;
} KERNEL_TYPE;
struct cgroup_namespace {
	struct ns_common ns;
} KERNEL_TYPE;
struct net {
	struct ns_common ns;
} KERNEL_TYPE;

struct nsproxy {
	struct uts_namespace *uts_ns;
	struct ipc_namespace *ipc_ns;
	struct mnt_namespace *mnt_ns;
	struct net *net_ns;
	struct cgroup_namespace *cgroup_ns;
} KERNEL_TYPE;

struct upid {
	int nr;
	struct pid_namespace *ns;
} KERNEL_TYPE;

struct pid {
	u32 level;
	struct upid numbers[1];
} KERNEL_TYPE;

/* 8 bytes in every version; a struct of two u32 until 6.2, of one u64 since 6.3. */
typedef struct {
	u64 val;
} kernel_cap_t;

struct cred {
	kuid_t uid, suid, euid, fsuid;
	kgid_t gid, sgid, egid, fsgid;
	kernel_cap_t cap_inheritable, cap_permitted, cap_effective;
	struct user_namespace *user_ns;
} KERNEL_TYPE;

struct kernfs_node {
	const char *name;
	u64 id;
} KERNEL_TYPE;

struct cgroup;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
} KERNEL_TYPE;

struct cgroup_root {
	int hierarchy_id;
} KERNEL_TYPE;

struct cgroup {
	struct cgroup_subsys_state self;
	int level;
	struct kernfs_node *kn;
	struct cgroup_root *root;
} KERNEL_TYPE;

struct css_set {
	struct cgroup_subsys_state *subsys[1];
	struct cgroup *dfl_cgrp;
} KERNEL_TYPE;

enum cgroup_subsys_id {
	memory_cgrp_id = 1,
	pids_cgrp_id = 2,
};

struct tty_driver {
	int major, minor_start;
} KERNEL_TYPE;

struct tty_struct {
	struct tty_driver *driver;
	int index;
	char name[64];
} KERNEL_TYPE;

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live;
	int group_exit_code;
	u32 flags;
	struct pid *pids[4];
	struct tty_struct *tty;
} KERNEL_TYPE;

#define PIDTYPE_PID  0 /* include/linux/pid_types.h */
#define PIDTYPE_TGID 1

struct mm_struct {
	unsigned long arg_start, arg_end;
	struct file *exe_file;
} KERNEL_TYPE;

struct thread_info {
	u32 status;
} KERNEL_TYPE;

struct task_struct {
	struct thread_info thread_info;
	u32 flags;
	struct mm_struct *mm;
	int exit_code;
	int pid, tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	u64 start_boottime;
	const struct cred *cred;
	char comm[16];
	struct fs_struct *fs;
	struct files_struct *files;
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	kuid_t loginuid;
	u64 self_exec_id;
	struct css_set *cgroups;
} KERNEL_TYPE;

struct linux_binprm {
	int argc;
	const char *filename;
	const char *fdpath;
} KERNEL_TYPE;

struct kernel_siginfo {
	int si_code;
} KERNEL_TYPE;

#endif
