// SPDX-License-Identifier: GPL-2.0
/* memory.bpf.c - code that comes from no file: memfds, and memory that is made executable.
 *
 * Told are mappings with PROT_EXEC that are anonymous, writable at the same time, of a memfd, or
 * changed since they were mapped from their file.  What a process maps from libraries is not.
 * Dispatch hands over calls with PROT_EXEC only (WIRE_CALL_EXEC). */
#include "core.bpf.h"

#define PROT_WRITE    2 /* asm-generic/mman-common.h */
#define MAP_ANONYMOUS 0x20
#define SHM_EXEC      0100000 /* linux/shm.h */

struct vm_area_struct {
	unsigned long vm_start, vm_end;
	void *anon_vma;
	struct file *vm_file;
} KERNEL_TYPE;

/* Length of the kernel's prefix in the name of a memfd: "memfd:" */
#define MEMFD_PREFIX 6

/* The kernel string with the name of a memfd; 0 for another file. */
static __always_inline u64 memfd_name(u64 file)
{
	struct file *f = (void *)file;
	struct dentry_part part;
	struct dentry *dentry;
	u64 start = 0;

	if (!f || KREAD(f, f_inode, i_sb, s_magic) != TMPFS_MAGIC)
		return 0;
	dentry = KREAD(f, f_path.dentry);
	dentry_read(&part, dentry);
	if (part.word[0] != (u64)dentry)
		return 0;
	bpf_probe_read_kernel(&start, MEMFD_PREFIX, *(void **)NAME_AT(&part, name));
	return start == 0x3a64666d656dull ? *(u64 *)NAME_AT(&part, name) + MEMFD_PREFIX : 0;
}

static __always_inline struct wire_misc *misc_begin(u32 type, const struct call *c)
{
	struct wire_misc *w = rec_begin(type, sizeof(*w), c->ret);

	if (!w)
		return NULL;
	w->head.syscall = c->nr;
	w->fd = -1;
	return w;
}

/* memfd_create, memfd_secret (which has no name).  The name of a refused one is a claim. */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_memfd, struct pt_regs *regs, long ret)
{
	struct wire_misc *w;
	struct call c;
	bool named;
	u64 name;

	call_read(&c, regs, ret);
	named = c.nr != WIRE_CALL_MEMFD_SECRET;
	if (c.ret < 0 && fold_check(WIRE_MEMORY_MEMFD, mix(mix(c.nr, c.ret), c.arg[1])))
		return 0;
	w = misc_begin(WIRE_MEMORY_MEMFD, &c);
	if (!w)
		return 0;
	w->flags = (u32)(named ? c.arg[1] : c.arg[0]);
	name = c.ret < 0 ? 0 : memfd_name(fd_file(c.ret));
	if (c.ret >= 0)
		w->fd = c.ret;
	if (name)
		put_kernel(WIRE_TEXT_NAME, name);
	else if (named)
		put_user(WIRE_TEXT_NAME, c.arg[0]);
	return rec_end();
}

/* A mapping of the current process. */
struct mapping {
	u64 start, end; /* 0: not known */
	u64 file;
	u32 changed; /* has pages of its own */
};

static long mapping_look(struct task_struct *task, struct vm_area_struct *vma, void *ctx)
{
	struct mapping *m = ctx;

	m->start = vma->vm_start;
	m->end = vma->vm_end;
	m->file = (u64)KREAD(vma, vm_file);
	m->changed = vma->anon_vma != NULL;
	return 0;
}

/* What is mapped at `address`.  All zero when it is nothing, or when another thread is changing
 * the mappings at this moment: then nothing excuses the call from being told. */
static __always_inline void mapping_read(u64 address, struct mapping *m)
{
	bpf_find_vma(bpf_get_current_task_btf(), address, mapping_look, m, 0);
}

/* A just-in-time compiler does it all the time: repeats are those of one kind, wherever. */
static __always_inline struct wire_misc *exec_begin(const struct call *c, u64 prot, u64 flags,
						    u64 file)
{
	u64 id = mix(mix(c->nr, prot), mix(flags, file));
	struct wire_misc *w;

	if (fold_check(WIRE_MEMORY_EXEC, mix(id, c->ret < 0 && c->ret >= -4095 ? c->ret : 0)))
		return NULL;
	w = misc_begin(WIRE_MEMORY_EXEC, c);
	if (!w)
		return NULL;
	w->prot = prot;
	w->flags = flags;
	return w;
}

static __always_inline int exec_end(u64 file)
{
	u64 name = memfd_name(file);

	if (name)
		put_kernel(WIRE_TEXT_NAME, name);
	return rec_end();
}

/* mmap; mmap2 of 32-bit programs */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_mmap, struct pt_regs *regs, long ret)
{
	struct wire_misc *w;
	u64 prot, file = 0;
	struct call c;
	u32 flags;

	call_read(&c, regs, ret);
	prot = c.arg[2];
	flags = c.arg[3];
	if (!(flags & MAP_ANONYMOUS)) {
		file = fd_file(c.arg[4]);
		if (!(prot & PROT_WRITE) && !memfd_name(file))
			return 0;
	}
	w = exec_begin(&c, prot, flags, file);
	if (!w)
		return 0;
	w->address = c.ret < 0 && c.ret >= -4095 ? c.arg[0] : c.ret;
	w->size = c.arg[1];
	if (!(flags & MAP_ANONYMOUS))
		w->fd = c.arg[4];
	return exec_end(file);
}

/* mprotect, pkey_mprotect.  Left out is only what lies in one mapping of a file that is no memfd
 * and has not been changed. */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_mprotect, struct pt_regs *regs, long ret)
{
	struct mapping m = {};
	struct wire_misc *w;
	struct call c;
	u64 prot;

	call_read(&c, regs, ret);
	prot = c.arg[2];
	mapping_read(c.arg[0], &m);
	if (m.file && !m.changed && !(prot & PROT_WRITE) && c.arg[0] + c.arg[1] <= m.end &&
	    !memfd_name(m.file))
		return 0;
	w = exec_begin(&c, prot, 0, m.file);
	if (!w)
		return 0;
	w->address = c.arg[0];
	w->size = c.arg[1];
	return exec_end(m.file);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_shmat, struct pt_regs *regs, long ret)
{
	struct mapping m = {};
	struct wire_misc *w;
	struct call c;
	u32 flags;

	call_read(&c, regs, ret);
	flags = c.arg[2];
	if (!(flags & SHM_EXEC))
		return 0;
	if (c.ret >= 0)
		mapping_read(c.ret, &m);
	w = exec_begin(&c, PROT_EXEC, flags, m.file);
	if (!w)
		return 0;
	w->address = c.ret < 0 ? c.arg[1] : c.ret;
	w->size = m.end - m.start;
	return exec_end(0);
}
