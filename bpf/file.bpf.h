/* SPDX-License-Identifier: GPL-2.0 */
/* file.bpf.h - what the programs for files and mounts share.
 *
 * Facts come from the struct file behind a descriptor, at the end of the call: another thread can
 * have put another file there in between, and then it is that file that is told.  A path argument
 * is read from user memory at the end of the call and is a claim; the folder that it starts from is
 * the kernel's. */
#ifndef AMBER_BPF_FILE_H
#define AMBER_BPF_FILE_H

#include "core.bpf.h"

#define O_ACCMODE 00000003 /* asm-generic/fcntl.h */
#define O_WRONLY  00000001
#define O_CREAT	  00000100
#define O_TRUNC	  00001000
#define O_PATH	  010000000
#define O_TMPFILE 020000000 /* without O_DIRECTORY */

#define AT_REMOVEDIR 0x200 /* fcntl.h */

/* A number that tells one user string from others: it is what repeats are recognised by. */
extern u64 user_hash(u64 user_string);

/* The same for a path as *at() calls give it, with the folder that it starts from. */
extern u64 at_identity(s32 dirfd, u64 user_string);

/* The same for an open file: its inode and the name that it was opened by.  0 for none. */
extern u64 file_identity(u64 file);

/* Whether an open file, or a path that could not be opened, has a name that is watched. */
extern u32 watch_file(u64 file);
extern u32 watch_claim(u64 user_string);

/* What a call acts on: an open file, or a path that starts at a folder. */
struct target {
	u64 name; /* user string; 0 when the descriptor itself is meant */
	s32 fd;
	bool by_fd;
};

static __always_inline struct target target_at(s32 dirfd, u64 name)
{
	return (struct target){.name = name, .fd = dirfd};
}

static __always_inline struct target target_fd(s32 fd)
{
	return (struct target){.fd = fd, .by_fd = true};
}

/* An *at() call with AT_EMPTY_PATH and "" acts on its descriptor. */
static __always_inline struct target target_flags(s32 dirfd, u64 name, u32 at_flags)
{
	u8 first = 0;

	if (!(at_flags & AT_EMPTY_PATH) || dirfd == AT_FDCWD)
		return target_at(dirfd, name);
	if (name && (bpf_probe_read_user(&first, 1, (void *)name) || first))
		return target_at(dirfd, name);
	return target_fd(dirfd);
}

static __always_inline u64 target_identity(const struct target *t)
{
	return t->by_fd ? file_identity(fd_file(t->fd)) : at_identity(t->fd, t->name);
}

/* Adds the path to `slot` and, for an open file, the facts. */
static __always_inline void target_put(struct wire_file_call *w, u32 slot, const struct target *t)
{
	u64 file;

	if (!t->by_fd) {
		put_at(slot, t->fd, t->name);
		return;
	}
	w->fd = t->fd;
	file = fd_file(t->fd);
	file_facts(file, &w->file);
	put_file(slot, file);
}

/* The result as far as it tells repeats apart: each descriptor is another number. */
static __always_inline u64 call_result(const struct call *c)
{
	return mix(c->nr, c->ret < 0 ? c->ret : 0);
}

/* Begins the record of a call unless it is a repeat. */
static __always_inline void *call_begin(u32 type, const u32 size, const struct call *c,
					u64 identity)
{
	struct wire_head *head;

	if (fold_check(type, mix(identity, call_result(c))))
		return NULL;
	head = rec_begin(type, size, c->ret);
	if (head)
		head->syscall = c->nr;
	return head;
}

static __always_inline void put_optional(u32 slot, u64 user_string)
{
	if (user_string)
		put_user(slot, user_string);
}

static __always_inline struct wire_file_call *file_begin(u32 type, const struct call *c,
							 u64 identity)
{
	struct wire_file_call *w = call_begin(type, sizeof(*w), c, identity);

	if (w)
		w->fd = -1;
	return w;
}

#endif
