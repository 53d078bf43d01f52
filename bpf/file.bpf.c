// SPDX-License-Identifier: GPL-2.0
/* file.bpf.c - what tells files and paths apart, and which names are watched.  See file.bpf.h. */
#include "file.bpf.h"

#define CLAIM_MAX    4096u /* PATH_MAX */
#define CLAIM_WORDS  (CLAIM_MAX / 8)
#define CLAIM_LEAD   8u
#define CLAIM_TAIL   100u /* bytes at the end of a claim that hold the watched names */
#define WATCH_LEVELS 3u	  /* the file and two folders */
#define WATCH_STEPS  6u	  /* names on the way, those of mounted roots included */

/* Looking through a claim from its end.  It stands in a map and not on the stack, where the
 * verifiers go through the loop once for each value that it can have. */
struct tail {
	u32 at;	 /* the byte before this one is next */
	u32 end; /* of the name that it is in */
	u32 level;
	u32 found;
};

/* A user string, so that it can be looked at. */
struct claim {
	struct tail tail;
	u8 lead[CLAIM_LEAD]; /* to the verifier of 6.1 the byte before the first one is read, too */
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
	struct dentry_part dentry = {};
	struct inode_part inode = {};
	struct file_part part = {};
	struct inode *ip;
	u64 id;

	if (!f)
		return 0;
	bpf_probe_read_kernel(&part, sizeof(part), f);
	ip = FIELD(part, f, struct file, f_inode);
	bpf_probe_read_kernel(&inode, sizeof(inode), ip);
	dentry_read(&dentry, FIELD(part, f, struct file, f_path.dentry));
	id = mix((u64)FIELD(inode, ip, struct inode, i_sb), FIELD(inode, ip, struct inode, i_ino));
	id = mix(id, (u64)FIELD(part, f, struct file, f_path.mnt));
	/* the folder, and the hash and the length of the name */
	return mix(mix(id, dentry.word[0]), *(u64 *)NAME_AT(&dentry, hash));
}

/* ---- watched names ---- */

static __always_inline struct wire_watch_bits *watch_bits(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&watched_bits, &zero);
}

static __always_inline bool name_watched(const struct wire_watch_bits *bits,
					 const struct wire_watch_name *name, u32 wanted)
{
	u32 *flags, bit = wire_watch_bit(name);

	if (!(bits->word[bit / 64] & (1ull << (bit % 64))))
		return false;
	flags = bpf_map_lookup_elem(&watched, name);
	return flags && (*flags & wanted);
}

static __always_inline bool dentry_watched(const struct wire_watch_bits *bits,
					   struct dentry_part *part, u32 wanted)
{
	struct wire_watch_name name = {};
	u32 len = *(u32 *)NAME_AT(part, len);

	if (!len || len > WIRE_WATCH_NAME || !(bits->lengths & (1ull << len)))
		return false;
	if (bpf_probe_read_kernel(&name, len, *(void **)NAME_AT(part, name)))
		return false;
	return name_watched(bits, &name, wanted);
}

/* A name at this distance from the file counts as ... */
static __always_inline u32 level_wanted(u32 level)
{
	return level ? WIRE_WATCH_FOLDER : WIRE_WATCH_FILE | WIRE_WATCH_FOLDER;
}

/* The root of a mount has two names, its own and that of the place where it is mounted. */
u32 watch_file(u64 file)
{
	struct wire_watch_bits *bits = watch_bits();
	struct file *f = (void *)file;
	struct dentry_part part = {};
	struct path path = {};
	struct dentry *root;
	u32 level = 0;

	if (!f || !bits || !bits->lengths)
		return 0;
	bpf_core_read(&path, sizeof(path), &f->f_path);
	root = KREAD(path.mnt, mnt_root);
	for (u32 i = 0; i < WATCH_STEPS && level < WATCH_LEVELS; i++) {
		struct mount *m, *parent;

		dentry_read(&part, path.dentry);
		if (dentry_watched(bits, &part, level_wanted(level)))
			return 1;
		if (path.dentry != root) {
			path.dentry = (void *)part.word[0];
			level++;
			continue;
		}
		m = (void *)path.mnt - bpf_core_field_offset(struct mount, mnt);
		parent = KREAD(m, mnt_parent);
		if (!parent || parent == m)
			return 0;
		path.dentry = KREAD(m, mnt_mountpoint);
		path.mnt = (void *)parent + bpf_core_field_offset(struct mount, mnt);
		root = KREAD(path.mnt, mnt_root);
	}
	return 0;
}

static __always_inline bool tail_name(struct claim *claim, struct tail *t, u32 start)
{
	struct wire_watch_bits *bits = watch_bits();
	struct wire_watch_name name = {};
	u32 len = t->end - start;

	if (!len || !bits)
		return false;
	t->level++;
	if (len > WIRE_WATCH_NAME || start >= CLAIM_MAX - WIRE_WATCH_NAME)
		return false;
	bpf_probe_read_kernel(&name, len, claim->bytes + start);
	return name_watched(bits, &name, level_wanted(t->level - 1));
}

static long tail_step(u32 i, void *ctx)
{
	struct claim *claim = claim_get();
	struct tail *t;
	u32 at;

	if (!claim)
		return 1;
	t = &claim->tail;
	at = t->at;
	if (at > CLAIM_MAX)
		return 1;
	if (!at || *(claim->lead + CLAIM_LEAD - 1 + (u64)at) == '/') {
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
	struct wire_watch_bits *bits = watch_bits();
	struct claim *claim = claim_get();
	long n;

	if (!claim || !bits || !bits->lengths)
		return 0;
	n = bpf_probe_read_user_str(claim->bytes, CLAIM_MAX, (void *)user_string);
	if (n <= 1 || n > CLAIM_MAX)
		return 0;
	claim->tail = (struct tail){.at = n - 1, .end = n - 1};
	bpf_loop(CLAIM_TAIL, tail_step, NULL, 0);
	return claim->tail.found;
}
