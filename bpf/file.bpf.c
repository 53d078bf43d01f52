// SPDX-License-Identifier: GPL-2.0
/* file.bpf.c - what tells files and paths apart, and which names are watched.  See file.bpf.h. */
#include "file.bpf.h"

#define CLAIM_MAX    4096u /* PATH_MAX */
#define CLAIM_WORDS  (CLAIM_MAX / 8)
#define CLAIM_TAIL   100u /* bytes at the end of a claim that hold the watched names */
#define WATCH_LEVELS 3u	  /* the file and two folders */
#define WATCH_STEPS  6u	  /* names on the way, those of mounted roots included */

/* A user string, so that it can be looked at. */
struct claim {
	u8 bytes[CLAIM_MAX + 8];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct claim);
} claims SEC(".maps");

/* Set by user space at any time (probe_watch_read). */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, WIRE_WATCH_MAX);
	__type(key, struct wire_watch_name);
	__type(value, u32);
} watched SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct wire_watch_bits);
} watched_bits SEC(".maps");

/* d_name holds a hash of the name and its folder beside the length. */
struct qstr___hash {
	u32 hash;
} KERNEL_TYPE;
struct dentry___hash {
	struct qstr___hash d_name;
} KERNEL_TYPE;

static __always_inline struct claim *claim_get(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&claims, &zero);
}

u64 user_hash(u64 user_string)
{
	struct claim *claim = claim_get();
	u64 hash = 0, word;
	long n;

	if (!claim || !user_string)
		return 0;
	n = bpf_probe_read_user_str(claim->bytes, CLAIM_MAX, (void *)user_string);
	if (n < 0)
		return mix(user_string, n);
	for (u32 i = 0; i < CLAIM_WORDS; i++) {
		s64 left = n - i * 8;

		if (left <= 0)
			break;
		word = *(u64 *)(claim->bytes + i * 8);
		if (left < 8)
			word &= (1ull << (left * 8)) - 1;
		hash = mix(hash, word);
	}
	return hash;
}

u64 at_identity(s32 dirfd, u64 user_string)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct file *f;
	u64 base = 0;

	if (dirfd == AT_FDCWD) {
		base = (u64)KREAD(task, fs, pwd.dentry);
	} else {
		f = (void *)fd_file(dirfd);
		if (f)
			base = (u64)KREAD(f, f_path.dentry);
	}
	return mix(user_hash(user_string), base);
}

u64 file_identity(u64 file)
{
	struct file *f = (void *)file;
	struct dentry *dentry;
	struct inode *inode;
	u64 id;

	if (!f)
		return 0;
	dentry = KREAD(f, f_path.dentry);
	inode = KREAD(f, f_inode);
	id = mix((u64)KREAD(inode, i_sb), KREAD(inode, i_ino));
	id = mix(id, (u64)KREAD(dentry, d_parent));
	return mix(id, KREAD((struct dentry___hash *)dentry, d_name.hash));
}

/* ---- watched names ---- */

static __always_inline bool name_watched(const struct wire_watch_name *name, u32 wanted)
{
	u32 zero = 0, bit = wire_watch_bit(name);
	struct wire_watch_bits *bits = bpf_map_lookup_elem(&watched_bits, &zero);
	u32 *flags;

	if (!bits || !(bits->word[bit / 64] & (1ull << (bit % 64))))
		return false;
	flags = bpf_map_lookup_elem(&watched, name);
	return flags && (*flags & wanted);
}

static __always_inline bool dentry_watched(struct dentry *dentry, u32 wanted)
{
	struct wire_watch_name name = {};
	u32 len = KREAD(dentry, d_name.len);

	if (!len || len > WIRE_WATCH_NAME ||
	    bpf_probe_read_kernel(&name, len, KREAD(dentry, d_name.name)))
		return false;
	return name_watched(&name, wanted);
}

/* A name at this distance from the file counts as ... */
static __always_inline u32 level_wanted(u32 level)
{
	return level ? WIRE_WATCH_FOLDER : WIRE_WATCH_FILE | WIRE_WATCH_FOLDER;
}

/* The root of a mount has two names, its own and that of the place where it is mounted. */
u32 watch_file(u64 file)
{
	struct file *f = (void *)file;
	struct vfsmount *mnt;
	struct mount *m, *parent;
	struct dentry *dentry, *root;
	u32 level = 0;

	if (!f)
		return 0;
	dentry = KREAD(f, f_path.dentry);
	mnt = KREAD(f, f_path.mnt);
	root = KREAD(mnt, mnt_root);
	for (u32 i = 0; i < WATCH_STEPS && level < WATCH_LEVELS; i++) {
		if (dentry_watched(dentry, level_wanted(level)))
			return 1;
		if (dentry != root) {
			dentry = KREAD(dentry, d_parent);
			level++;
			continue;
		}
		m = (void *)mnt - bpf_core_field_offset(struct mount, mnt);
		parent = KREAD(m, mnt_parent);
		if (!parent || parent == m)
			return 0;
		dentry = KREAD(m, mnt_mountpoint);
		mnt = (void *)parent + bpf_core_field_offset(struct mount, mnt);
		root = KREAD(mnt, mnt_root);
	}
	return 0;
}

/* Looking through a claim from its end. */
struct tail {
	u32 at;	 /* the byte before this one is next */
	u32 end; /* of the name that it is in */
	u32 level;
	u32 found;
};

static __always_inline bool tail_name(struct claim *claim, struct tail *t, u32 start)
{
	struct wire_watch_name name = {};
	u32 len = t->end - start;

	if (!len)
		return false;
	t->level++;
	if (len > WIRE_WATCH_NAME || start >= CLAIM_MAX - WIRE_WATCH_NAME)
		return false;
	bpf_probe_read_kernel(&name, len, claim->bytes + start);
	return name_watched(&name, level_wanted(t->level - 1));
}

static long tail_step(u32 i, void *ctx)
{
	struct claim *claim = claim_get();
	struct tail *t = ctx;
	u32 at = t->at;

	if (!claim || at > CLAIM_MAX)
		return 1;
	if (!at || claim->bytes[at - 1] == '/') {
		if (tail_name(claim, t, at))
			t->found = 1;
		if (!at || t->found || t->level >= WATCH_LEVELS)
			return 1;
		t->end = at - 1;
	}
	t->at = at - 1;
	return 0;
}

u32 watch_claim(u64 user_string)
{
	struct claim *claim = claim_get();
	struct tail t = {};
	long n;

	if (!claim)
		return 0;
	n = bpf_probe_read_user_str(claim->bytes, CLAIM_MAX, (void *)user_string);
	if (n <= 1 || n > CLAIM_MAX)
		return 0;
	t.at = t.end = n - 1;
	bpf_loop(CLAIM_TAIL, tail_step, &t, 0);
	return t.found;
}
