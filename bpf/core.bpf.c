// SPDX-License-Identifier: GPL-2.0
/* core.bpf.c - dispatch of system calls, and the building of records.  See core.bpf.h. */
#include "core.bpf.h"

char LICENSE[] SEC("license") = "GPL";

const volatile struct wire_config config = {};
const volatile __u8 call_kind[WIRE_CALL_MAX] = {};
const volatile __u16 compat_call[WIRE_CALL_MAX] = {};
__u8 slot_hint[WIRE_SLOT_HINTS] = {};

/* The handlers of system calls, by native number. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, WIRE_CALL_MAX);
	__type(key, u32);
	__type(value, u32);
} handlers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, WIRE_FOLDS_MAX);
	__type(key, struct wire_fold_key);
	__type(value, struct wire_fold);
} fold_saved SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FOLD_SLOTS);
	__type(key, u32);
	__type(value, struct fold_seen);
} fold_seen SEC(".maps");

SEC("tp_btf/sys_exit")
int BPF_PROG(dispatch, struct pt_regs *regs, long ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	bool compat = task_is_compat(task);
	u64 nr = regs->orig_ax;
	struct wire_slot *slot;
	struct scratch *s;
	u64 cgroup;
	u8 kind;

	if (nr >= WIRE_CALL_MAX)
		return 0;
	if (compat) {
		nr = compat_call[nr];
		if (nr == WIRE_CALL_NONE)
			return 0;
	}
	kind = nr < WIRE_CALL_MAX ? call_kind[nr] : WIRE_CALL_HANDLED;
	if (!kind || ((kind & WIRE_CALL_EXEC) && !(regs->dx & PROT_EXEC)))
		return 0;
	cgroup = task_cgroup(task);
	slot = slot_find(cgroup);
	if (!slot && (!(kind & WIRE_CALL_CANARY) || task->tgid != config.own_tgid))
		return 0;
	s = scratch_get();
	if (!s)
		return 0;
	s->cgroup = slot ? slot->root : 0;
	s->task_cgroup = cgroup;
	s->now = 0;
	s->count = 1;
	s->fold_mode = FOLD_OFF;
	COUNT(seen);
	if (nr == WIRE_CALL_GAP) {
		COUNT_LOST(WIRE_LOST_COMPAT);
		if (slot)
			slot_lost(slot, WIRE_LOST_COMPAT, bpf_ktime_get_boot_ns());
		return 0;
	}
	bpf_tail_call(ctx, &handlers, nr);
	COUNT_LOST(WIRE_LOST_ERROR); /* the table of the loader and the programs differ */
	return 0;
}

/* Amber's sign of life. */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_prctl, struct pt_regs *regs, long ret)
{
	struct wire_canary *w;
	struct call c;

	call_read(&c, regs, ret);
	if (c.arg[0] != WIRE_CANARY_OPTION || bpf_get_current_pid_tgid() >> 32 != config.own_tgid)
		return 0;
	w = rec_begin(WIRE_CANARY, sizeof(*w), c.ret);
	if (!w)
		return 0;
	w->request = c.arg[1];
	w->lost = c.arg[2];
	w->head.syscall = c.nr;
	return rec_end();
}

int head_fill(struct wire_head *h, u64 now)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct task_struct *parent;
	u32 tgid;

	if (!h)
		return 0;
	parent = task->real_parent;
	tgid = task->tgid;
	h->boot_ns = now;
	h->start_ns = task->group_leader->start_boottime;
	h->parent_start_ns = parent->group_leader->start_boottime;
	h->tgid = tgid;
	h->tid = task->pid;
	h->ppid = parent->tgid;
	h->vpid = pid_number(task->signal->pids[PIDTYPE_TGID], -1);
	h->uid = task->cred->uid.val;
	h->gid = task->cred->gid.val;
	h->loginuid = bpf_core_field_exists(task->loginuid) ? task->loginuid.val : ~0u;
	h->exec_id = task->self_exec_id;
	h->count = 1;
	h->syscall = 0;
	h->marks = 0;
	if (task_is_compat(task))
		h->marks |= WIRE_MARK_COMPAT;
	if (tgid == config.own_tgid)
		h->marks |= WIRE_MARK_OWN;
	bpf_get_current_comm(h->comm, sizeof(h->comm));
	return 0;
}

/* Whether the current process still does the runtime's work in the container. */
static __always_inline bool is_setup(struct wire_slot *slot)
{
	u32 tgid;

	if (!slot->setup)
		return false;
	tgid = bpf_get_current_pid_tgid() >> 32;
	return bpf_map_lookup_elem(&setups, &tgid) != NULL;
}

int rec_start(u32 type, u32 size, s64 ret)
{
	struct scratch *s = scratch_get();
	struct wire_slot *slot;
	struct wire_head *h;

	if (!s || size > WIRE_REC_MAX)
		return 0;
	if (!s->now)
		s->now = bpf_ktime_get_boot_ns();
	slot = s->cgroup ? slot_find(s->cgroup) : NULL;
	if (slot && !slot_take(slot, type, s->now))
		return 0;
	h = rec_head(s);
	h->cgroup_id = s->cgroup;
	h->task_cgroup_id = s->task_cgroup;
	head_fill(h, s->now);
	h->type = type;
	h->ret = ret;
	h->count = s->count;
	if (s->count > 1)
		h->marks |= WIRE_MARK_FOLDED;
	if (slot && is_setup(slot))
		h->marks |= WIRE_MARK_SETUP;
	s->off = size;
	return 1;
}

/* Keeps a first repeat; false when it has to be handed over after all. */
static __always_inline bool fold_keep(struct scratch *s, u32 len)
{
	struct wire_fold *other;

	if (len > WIRE_FOLD_DATA)
		return false;
	rec_head(s)->len = len;
	s->saved_count = 1;
	s->saved_last_ns = s->now;
	if (!bpf_map_update_elem(&fold_saved, &s->fold, &s->saved_count, BPF_NOEXIST))
		return true;
	other = bpf_map_lookup_elem(&fold_saved, &s->fold);
	if (!other)
		return false;
	__sync_fetch_and_add(&other->count, 1);
	other->last_ns = s->now;
	return true;
}

int rec_end(void)
{
	struct scratch *s = scratch_get();
	u32 len;

	if (!s)
		return 0;
	len = s->off;
	if (len > WIRE_REC_MAX || len < sizeof(struct wire_head)) {
		COUNT_LOST(WIRE_LOST_ERROR);
		return 0;
	}
	if (s->fold_mode == FOLD_SAVE && fold_keep(s, len)) {
		COUNT(folded);
		return 0;
	}
	barrier_var(len); /* the verifier of 6.1 wants the bound on this very register */
	if (len > WIRE_REC_MAX)
		return 0;
	rec_output(rec_head(s), len, s->now);
	return 0;
}

static __always_inline bool fold_same(const struct wire_fold_key *a, const struct wire_fold_key *b)
{
	return a->cgroup == b->cgroup && a->identity == b->identity && a->tgid == b->tgid &&
	       a->type == b->type;
}

/* A key that was not seen in this window: its record is built, with what was counted before. */
static __always_inline int fold_first(struct scratch *s, struct fold_seen *seen, bool same)
{
	struct wire_fold *saved;

	if (same && seen->repeated) {
		saved = bpf_map_lookup_elem(&fold_saved, &s->fold);
		if (saved)
			s->count += __sync_lock_test_and_set(&saved->count, 0);
	}
	seen->key = s->fold;
	seen->first_ns = s->now;
	seen->repeated = 0;
	return 0;
}

int fold_check(u32 type, u64 identity)
{
	struct scratch *s = scratch_get();
	struct wire_fold *saved;
	struct fold_seen *seen;
	u32 index;
	bool same;

	if (!s)
		return 0;
	s->now = bpf_ktime_get_boot_ns();
	if (!config.fold_ns)
		return 0;
	s->fold.cgroup = s->cgroup;
	s->fold.identity = identity;
	s->fold.tgid = bpf_get_current_pid_tgid() >> 32;
	s->fold.type = type;
	index = mix(mix(identity, s->fold.tgid), type) & (FOLD_SLOTS - 1);
	seen = bpf_map_lookup_elem(&fold_seen, &index);
	if (!seen)
		return 0;
	same = fold_same(&seen->key, &s->fold);
	if (!same || s->now - seen->first_ns >= config.fold_ns)
		return fold_first(s, seen, same);
	seen->repeated = 1;
	saved = bpf_map_lookup_elem(&fold_saved, &s->fold);
	if (!saved) {
		s->fold_mode = FOLD_SAVE;
		return 0;
	}
	__sync_fetch_and_add(&saved->count, 1);
	saved->last_ns = s->now;
	COUNT(folded);
	return 1;
}

/* ---- texts ---- */

/* Writes the header of a text whose bytes stand behind it, and counts what is wrong with it. */
static __always_inline void text_close(struct scratch *s, u32 off, u32 len, u32 slot, u32 flags)
{
	struct wire_head *h = rec_head(s);
	struct wire_text *t;

	if (off > WIRE_REC_MAX - sizeof(*t))
		return;
	t = (struct wire_text *)(s->data + off);
	t->len = len;
	t->slot = slot;
	t->flags = flags;
	s->off = off + sizeof(*t) + len;
	if (flags & WIRE_TEXT_TRUNCATED) {
		h->marks |= WIRE_MARK_TRUNCATED;
		COUNT(truncated);
	}
	if (flags & WIRE_TEXT_FAULT) {
		h->marks |= WIRE_MARK_FAULT;
		COUNT(faults);
	}
}

/* A text for which there is no room: its header alone. */
static __always_inline void text_none(struct scratch *s, u32 slot)
{
	u32 off = s->off;

	if (off <= WIRE_REC_MAX - sizeof(struct wire_text))
		text_close(s, off, 0, slot, WIRE_TEXT_TRUNCATED);
}

/* Room for a whole text with its header and a NUL. */
#define TEXT_OFF_MAX (WIRE_REC_MAX - WIRE_TEXT_MAX - 8u)

static __always_inline void text_string_end(struct scratch *s, u32 off, long n, u32 slot, u32 flags)
{
	if (n < 0 || n > WIRE_TEXT_MAX + 1)
		text_close(s, off, 0, slot, flags | WIRE_TEXT_FAULT);
	else if (n > WIRE_TEXT_MAX)
		text_close(s, off, n - 1, slot, flags | WIRE_TEXT_TRUNCATED);
	else
		text_close(s, off, n ? n - 1 : 0, slot, flags);
}

int put_user(u32 slot, u64 user_string)
{
	struct scratch *s = scratch_get();
	u32 off;
	long n;

	if (!s)
		return 0;
	off = s->off;
	if (off > TEXT_OFF_MAX) {
		text_none(s, slot);
		return 0;
	}
	n = bpf_probe_read_user_str(s->data + off + sizeof(struct wire_text), WIRE_TEXT_MAX + 1,
				    (void *)user_string);
	text_string_end(s, off, n, slot, WIRE_TEXT_CLAIM);
	return 0;
}

int put_kernel(u32 slot, u64 kernel_string)
{
	struct scratch *s = scratch_get();
	u32 off;
	long n;

	if (!s)
		return 0;
	off = s->off;
	if (off > TEXT_OFF_MAX) {
		text_none(s, slot);
		return 0;
	}
	n = bpf_probe_read_kernel_str(s->data + off + sizeof(struct wire_text), WIRE_TEXT_MAX + 1,
				      (void *)kernel_string);
	text_string_end(s, off, n, slot, 0);
	return 0;
}

/* Copying user memory page by page, so that one page that is not there costs only itself. */
struct piece {
	u64 from, left;
	u32 off, failed;
};

static long piece_step(u32 i, void *ctx)
{
	struct scratch *s = scratch_get();
	struct piece *p = ctx;
	u32 off = p->off;
	u64 n = 4096 - (p->from & 4095);

	if (n > p->left)
		n = p->left;
	if (!s || !n || off > WIRE_REC_MAX - 4096)
		return 1;
	if (n > 4096 || bpf_probe_read_user(s->data + off, n, (void *)p->from)) {
		p->failed = 1;
		return 1;
	}
	p->from += n;
	p->left -= n;
	p->off = off + n;
	return 0;
}

static __always_inline int put_pieces(u32 slot, u64 from, u64 len, u32 max)
{
	struct scratch *s = scratch_get();
	struct piece p = {};
	u32 start, flags = WIRE_TEXT_CLAIM;

	if (!s)
		return 0;
	start = s->off;
	if (start > WIRE_REC_MAX - sizeof(struct wire_text))
		return 0;
	if (start > WIRE_REC_MAX - sizeof(struct wire_text) - 4096 - max) {
		text_none(s, slot);
		return 0;
	}
	p.from = from;
	p.left = len > max ? max : len;
	p.off = start + sizeof(struct wire_text);
	bpf_loop(max / 4096 + 1, piece_step, &p, 0);
	if (p.failed)
		flags |= WIRE_TEXT_FAULT;
	else if (len > max)
		flags |= WIRE_TEXT_TRUNCATED;
	text_close(s, start, p.off - start - sizeof(struct wire_text), slot, flags);
	return 0;
}

int put_user_bytes(u32 slot, u64 user_bytes, u64 len)
{
	return put_pieces(slot, user_bytes, len, WIRE_TEXT_MAX);
}

int put_argv(u64 start, u64 len)
{
	return put_pieces(WIRE_TEXT_ARGV, start, len, WIRE_ARGV_MAX);
}

/* The walk from a dentry up to the root of the task, through mounts. */
struct walk {
	struct dentry *dentry;
	struct vfsmount *mnt;
	struct dentry *mnt_root;
	struct path root; /* of the task */
	u32 off, start;
	u32 flags;
	u32 done;
};

static __always_inline long walk_stop(struct walk *w, u32 flags)
{
	w->flags |= flags;
	w->done = 1;
	return 1;
}

/* Appends the name of a dentry. */
static __always_inline bool walk_name(struct scratch *s, struct walk *w, struct dentry_part *part)
{
	u32 off = w->off, len = *(u32 *)NAME_AT(part, len) & 0xff;

	if (off > WIRE_REC_MAX - 256 || off - w->start + len + 1 > WIRE_PATH_MAX)
		return false;
	bpf_probe_read_kernel(s->data + off, len, *(void **)NAME_AT(part, name));
	off += len;
	s->data[off] = 0;
	w->off = off + 1;
	return true;
}

/* From the root of a mount to the place where it is mounted; false at the root of all. */
static __always_inline bool walk_up_mount(struct walk *w)
{
	struct mount *m = (void *)w->mnt - bpf_core_field_offset(struct mount, mnt);
	struct mount *parent = KREAD(m, mnt_parent);

	if (!parent || parent == m)
		return false;
	w->dentry = KREAD(m, mnt_mountpoint);
	w->mnt = (void *)parent + bpf_core_field_offset(struct mount, mnt);
	w->mnt_root = KREAD(w->mnt, mnt_root);
	return true;
}

static long walk_step(u32 i, void *ctx)
{
	struct scratch *s = scratch_get();
	struct dentry_part part;
	struct walk *w = ctx;
	struct dentry *parent;

	if (!s)
		return 1;
	if (w->dentry == w->root.dentry && w->mnt == w->root.mnt)
		return walk_stop(w, 0);
	if (w->dentry == w->mnt_root)
		return walk_up_mount(w) ? 0 : walk_stop(w, WIRE_TEXT_OUTSIDE);
	dentry_read(&part, w->dentry);
	parent = (void *)part.word[0];
	if (!walk_name(s, w, &part))
		return 1;
	if (parent == w->dentry || !parent)
		return walk_stop(w, WIRE_TEXT_DETACHED);
	w->dentry = parent;
	return 0;
}

int put_path(u32 slot, u64 dentry, u64 mnt)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct scratch *s = scratch_get();
	struct walk w = {};

	if (!s || !dentry)
		return 0;
	if (s->off > TEXT_OFF_MAX) {
		text_none(s, slot);
		return 0;
	}
	w.dentry = (void *)dentry;
	w.mnt = (void *)mnt;
	w.mnt_root = KREAD(w.mnt, mnt_root);
	bpf_probe_read_kernel(&w.root.dentry, 8, &task->fs->root.dentry);
	bpf_probe_read_kernel(&w.root.mnt, 8, &task->fs->root.mnt);
	w.flags = WIRE_TEXT_KERNEL_PATH;
	w.start = w.off = s->off + sizeof(struct wire_text);
	bpf_loop(WIRE_DEPTH_MAX, walk_step, &w, 0);
	if (!w.done)
		w.flags |= WIRE_TEXT_TRUNCATED;
	text_close(s, w.start - sizeof(struct wire_text), w.off - w.start, slot, w.flags);
	return 0;
}

int put_file(u32 slot, u64 file)
{
	struct file *f = (void *)file;

	if (!f)
		return 0;
	return put_path(slot, (u64)KREAD(f, f_path.dentry), (u64)KREAD(f, f_path.mnt));
}

u64 fd_file(s32 fd)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct fdtable *fdt = task->files->fdt;
	u64 file = 0;

	if ((u32)fd >= fdt->max_fds)
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file), (void *)fdt->fd + (u64)(u32)fd * sizeof(file));
	return file;
}

/* The place where a relative path of an *at() call starts. */
static __always_inline void put_base(u32 slot, s32 dirfd)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (dirfd == AT_FDCWD)
		put_path(slot, (u64)KREAD(task, fs, pwd.dentry), (u64)KREAD(task, fs, pwd.mnt));
	else
		put_file(slot, fd_file(dirfd));
}

int put_at(u32 slot, s32 dirfd, u64 user_string)
{
	struct scratch *s = scratch_get();
	u32 off;

	if (!s)
		return 0;
	off = s->off;
	if (!user_string) {
		put_base(slot, dirfd);
		return 0;
	}
	put_user(slot + 1, user_string);
	rec_head(s)->marks |= WIRE_MARK_CLAIM;
	if (off < TEXT_OFF_MAX && s->data[off + sizeof(struct wire_text)] == '/' &&
	    s->off > off + sizeof(struct wire_text))
		return 0;
	put_base(slot, dirfd);
	return 0;
}

/* ---- facts ---- */

static __always_inline u32 overlay_flags(struct inode *inode)
{
	u64 upper = 0;

	/* fs/overlayfs/ovl_entry.h: __upperdentry stands right behind the vfs inode */
	bpf_probe_read_kernel(&upper, sizeof(upper),
			      (void *)inode + bpf_core_type_size(struct inode));
	return WIRE_FILE_OVERLAY | (upper ? WIRE_FILE_UPPER : 0);
}

/* A memfd is a tmpfs file of the kernel's own mount: a root of its own, named memfd:NAME. */
static __always_inline bool is_memfd(struct dentry *dentry)
{
	struct dentry_part part;
	u64 name = 0;

	dentry_read(&part, dentry);
	if (part.word[0] != (u64)dentry)
		return false;
	bpf_probe_read_kernel(&name, 6, *(void **)NAME_AT(&part, name));
	return name == 0x3a64666d656dull; /* "memfd:" */
}

/* What the file system says about the file. */
static __always_inline u32 fs_flags(struct super_block *sb, struct inode *inode,
				    struct dentry *dentry)
{
	u64 magic = KREAD(sb, s_magic);

	if (magic == OVERLAY_MAGIC)
		return overlay_flags(inode);
	if (magic == TMPFS_MAGIC)
		return WIRE_FILE_TMPFS | (is_memfd(dentry) ? WIRE_FILE_MEMFD : 0);
	return 0;
}

int file_facts(u64 file, struct wire_file *w)
{
	struct file *f = (void *)file;
	struct inode_part ip = {};
	struct file_part fp = {};
	struct super_block *sb;
	struct inode *inode;

	if (!w || !f)
		return 0;
	bpf_probe_read_kernel(&fp, sizeof(fp), f);
	inode = FIELD(fp, f, struct file, f_inode);
	bpf_probe_read_kernel(&ip, sizeof(ip), inode);
	sb = FIELD(ip, inode, struct inode, i_sb);
	w->ino = FIELD(ip, inode, struct inode, i_ino);
	w->size = FIELD(ip, inode, struct inode, i_size);
	w->dev = KREAD(sb, s_dev);
	w->rdev = FIELD(ip, inode, struct inode, i_rdev);
	w->mode = FIELD(ip, inode, struct inode, i_mode);
	w->uid = FIELD(ip, inode, struct inode, i_uid.val);
	w->gid = FIELD(ip, inode, struct inode, i_gid.val);
	w->file_flags = fs_flags(sb, inode, FIELD(fp, f, struct file, f_path.dentry));
	if (!FIELD(ip, inode, struct inode, i_nlink))
		w->file_flags |= WIRE_FILE_DELETED;
	if (FIELD(fp, f, struct file, f_mode) & FMODE_CREATED)
		w->file_flags |= WIRE_FILE_CREATED;
	return 0;
}
