// SPDX-License-Identifier: GPL-2.0
/* file_open.bpf.c - opens that create, write or truncate, and opens of watched files for reading.
 *
 * Plain reads are by far the most opens, so what is not watched leaves before anything is read from
 * user memory. */
#include "file.bpf.h"

#include "uring.bpf.h"

#define NR_open		     2 /* asm/unistd_64.h */
#define NR_creat	     85
#define NR_openat	     257
#define NR_openat2	     437
#define NR_open_by_handle_at 304

/* linux/openat2.h */
struct how {
	u64 flags, mode, resolve;
};

struct open_call {
	u64 name;
	u64 flags;
	u32 mode;
	s32 dirfd;
};

static __always_inline void open_read(struct open_call *o, const struct call *c)
{
	struct how how = {};

	o->dirfd = AT_FDCWD;
	switch (c->nr) {
	case NR_open:
		o->name = c->arg[0];
		o->flags = (u32)c->arg[1];
		o->mode = c->arg[2];
		break;
	case NR_creat:
		o->name = c->arg[0];
		o->flags = O_CREAT | O_WRONLY | O_TRUNC;
		o->mode = c->arg[1];
		break;
	case NR_openat:
		o->dirfd = c->arg[0];
		o->name = c->arg[1];
		o->flags = (u32)c->arg[2];
		o->mode = c->arg[3];
		break;
	default: /* openat2 */
		bpf_probe_read_user(&how, sizeof(how), (void *)c->arg[2]);
		o->dirfd = c->arg[0];
		o->name = c->arg[1];
		o->flags = how.flags;
		o->mode = how.mode;
	}
	/* Without these the argument is not there or not looked at. */
	if (!(o->flags & (O_CREAT | O_TMPFILE)))
		o->mode = 0;
	o->mode &= 07777;
}

static __always_inline bool changes(u64 flags)
{
	return flags & (O_ACCMODE | O_CREAT | O_TRUNC);
}

/* An open file: all from the kernel. */
static __always_inline int open_done(const struct call *c, const struct open_call *o, u64 file)
{
	struct file *f = (void *)file;
	struct wire_file_call *w;
	u32 f_flags;

	/* the flags of openat2 were read from memory, which may have changed since */
	if (c->nr != NR_openat2 && !changes(o->flags) && !watch_file(file))
		return 0;
	f_flags = KREAD(f, f_flags);
	if (f_flags & O_PATH)
		return 0;
	if (c->nr == NR_openat2 && !changes(o->flags | f_flags) && !watch_file(file))
		return 0;
	w = file_begin(WIRE_FILE_OPEN, c, mix(file_identity(file), mix(o->flags, f_flags)));
	if (!w)
		return 0;
	w->fd = c->ret;
	w->flags = o->flags;
	w->open_flags = f_flags;
	w->mode = o->mode;
	file_facts(file, &w->file);
	put_file(WIRE_TEXT_PATH, file);
	return rec_end();
}

/* A refused one, or one whose descriptor is gone already: what the caller says. */
static __always_inline int open_claimed(const struct call *c, const struct open_call *o)
{
	struct wire_file_call *w;

	if ((o->flags & O_PATH) || (!changes(o->flags) && !watch_claim(o->name)))
		return 0;
	w = file_begin(WIRE_FILE_OPEN, c, mix(at_identity(o->dirfd, o->name), o->flags));
	if (!w)
		return 0;
	w->fd = c->ret < 0 ? -1 : c->ret;
	w->flags = o->flags;
	w->open_flags = o->flags;
	w->mode = o->mode;
	put_at(WIRE_TEXT_PATH, o->dirfd, o->name);
	return rec_end();
}

/* open, creat, openat, openat2 */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_open, struct pt_regs *regs, long ret)
{
	struct open_call o = {};
	struct call c;
	u64 file;

	call_read(&c, regs, ret);
	open_read(&o, &c);
	file = c.ret < 0 ? 0 : fd_file(c.ret);
	return file ? open_done(&c, &o, file) : open_claimed(&c, &o);
}

/* A handle opens a file anywhere in its file system, also outside of the container, so each is
 * recorded.  Of a refused one the path is the place that was given for the file system. */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_open_by_handle, struct pt_regs *regs, long ret)
{
	struct wire_file_call *w;
	struct file *f;
	struct call c;
	u64 file;

	call_read(&c, regs, ret);
	file = fd_file(c.ret < 0 ? (s32)c.arg[0] : c.ret);
	w = file_begin(WIRE_FILE_OPEN, &c, mix(file_identity(file), c.arg[2]));
	if (!w)
		return 0;
	w->fd = c.ret < 0 ? -1 : c.ret;
	w->flags = w->open_flags = (u32)c.arg[2];
	put_file(WIRE_TEXT_PATH, file);
	if (c.ret < 0 || !file)
		return rec_end();
	f = (void *)file;
	w->open_flags = KREAD(f, f_flags);
	file_facts(file, &w->file);
	return rec_end();
}

/* Whether the current task has the descriptors of the one that made the request: itself or a worker
 * of its ring. */
static __always_inline bool shares_files(struct io_kiocb *req)
{
	struct files_struct *own = bpf_get_current_task_btf()->files;

	struct io_kiocb___task *old = (void *)req;

	if (bpf_core_field_exists(old->task))
		return KREAD(old, task, files) == own;
	return KREAD(req, tctx, task, files) == own;
}

/* An open by io_uring.  Here its name is gone, so a refused one has no path; one into a slot of the
 * ring's own table has no descriptor and is only counted (io_uring.bpf.c). */
SEC("tp_btf/io_uring_complete")
int BPF_PROG(on_uring_open, void *ring, void *request)
{
	struct io_kiocb *req = request;
	struct io_open *open = request;
	struct wire_file_call *w;
	struct open_call o = {};
	struct call c = {};
	u32 opcode;
	u64 file;

	if (!req)
		return 0;
	opcode = KREAD(req, opcode);
	if (opcode != IORING_OP_OPENAT && opcode != IORING_OP_OPENAT2)
		return 0;
	if (!rec_for(task_cgroup(bpf_get_current_task_btf())) || KREAD(open, file_slot) ||
	    !shares_files(req))
		return 0;
	COUNT(seen);
	c.nr = NR_io_uring_enter;
	c.ret = KREAD(req, cqe.res);
	o.flags = KREAD(open, how.flags);
	o.mode = KREAD(open, how.mode);
	file = c.ret < 0 ? 0 : fd_file(c.ret);
	if (file)
		return open_done(&c, &o, file);
	if (!changes(o.flags))
		return 0;
	w = file_begin(WIRE_FILE_OPEN, &c, o.flags);
	if (!w)
		return 0;
	w->flags = w->open_flags = o.flags;
	w->mode = o.mode;
	return rec_end();
}
