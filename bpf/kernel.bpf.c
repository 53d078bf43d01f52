// SPDX-License-Identifier: GPL-2.0
/* kernel.bpf.c - calls that reach into the kernel itself: modules, bpf, perf, keys, kexec,
 * io_uring. */
#include "file.bpf.h"

#define NR_init_module	   175 /* asm/unistd_64.h */
#define NR_delete_module   176
#define NR_add_key	   248
#define NR_request_key	   249
#define NR_finit_module	   313
#define NR_kexec_file_load 320

#define BPF_NAME	16 /* BPF_OBJ_NAME_LEN, linux/bpf.h */
#define KEYCTL_JOIN	1  /* KEYCTL_JOIN_SESSION_KEYRING, linux/keyctl.h */
#define KEYCTL_DESCRIBE 6
#define KEYCTL_SEARCH	10

static __always_inline struct wire_misc *misc_begin(u32 type, const struct call *c, u64 identity)
{
	struct wire_misc *w = call_begin(type, sizeof(*w), c, identity);

	if (w)
		w->fd = -1;
	return w;
}

/* init_module, finit_module, delete_module.  The name of a module that is loaded is in its image;
 * NAME is what delete_module was given. */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_module, struct pt_regs *regs, long ret)
{
	struct wire_file_call *w;
	struct call c;
	u64 file = 0;

	call_read(&c, regs, ret);
	if (c.nr == NR_finit_module)
		file = fd_file(c.arg[0]);
	w = file_begin(WIRE_KERNEL_MODULE, &c,
		       mix(file ? file_identity(file) : user_hash(c.arg[0]), c.arg[1]));
	if (!w)
		return 0;
	switch (c.nr) {
	case NR_init_module:
		w->size = c.arg[1];
		put_optional(WIRE_TEXT_DATA, c.arg[2]);
		break;
	case NR_delete_module:
		w->flags = (u32)c.arg[1];
		put_optional(WIRE_TEXT_NAME, c.arg[0]);
		break;
	default:
		w->fd = c.arg[0];
		w->flags = (u32)c.arg[2];
		file_facts(file, &w->file);
		put_file(WIRE_TEXT_PATH, file);
		put_optional(WIRE_TEXT_DATA, c.arg[1]);
	}
	return rec_end();
}

/* The parts of union bpf_attr (linux/bpf.h) that are told. */
struct bpf_said {
	u32 kind; /* type of the program or map */
	s32 fd;	  /* given; -1 for none */
	u64 name; /* user address of BPF_NAME bytes; 0: none */
};

static __always_inline struct bpf_said bpf_said(u32 command, u64 attr, u32 size)
{
	struct bpf_said b = {.fd = -1};
	u32 word = 0;

	if (size < 4 || bpf_probe_read_user(&word, sizeof(word), (void *)attr))
		return b;
	switch (command) {
	case BPF_MAP_CREATE:
		b.kind = word;
		b.name = size >= 28 + BPF_NAME ? attr + 28 : 0;
		break;
	case BPF_PROG_LOAD:
		b.kind = word;
		b.name = size >= 48 + BPF_NAME ? attr + 48 : 0;
		break;
	case BPF_MAP_LOOKUP_ELEM:
	case BPF_MAP_UPDATE_ELEM:
	case BPF_MAP_DELETE_ELEM:
	case BPF_MAP_GET_NEXT_KEY:
	case BPF_MAP_LOOKUP_AND_DELETE_ELEM:
	case BPF_MAP_FREEZE:
	case BPF_OBJ_GET_INFO_BY_FD:
	case BPF_LINK_CREATE:
	case BPF_LINK_UPDATE:
	case BPF_LINK_DETACH:
	case BPF_ITER_CREATE:
		b.fd = word;
		break;
	}
	return b;
}

/* Commands that give a descriptor. */
static __always_inline bool bpf_gives_fd(u32 command)
{
	switch (command) {
	case BPF_MAP_CREATE:
	case BPF_PROG_LOAD:
	case BPF_OBJ_GET:
	case BPF_PROG_GET_FD_BY_ID:
	case BPF_MAP_GET_FD_BY_ID:
	case BPF_RAW_TRACEPOINT_OPEN:
	case BPF_BTF_LOAD:
	case BPF_BTF_GET_FD_BY_ID:
	case BPF_LINK_CREATE:
	case BPF_LINK_GET_FD_BY_ID:
	case BPF_ENABLE_STATS:
	case BPF_ITER_CREATE:
		return true;
	}
	return false;
}

static __always_inline void put_bpf_name(u64 user)
{
	u8 name[BPF_NAME] = {};

	if (bpf_probe_read_user(name, sizeof(name), (void *)user) || !name[0])
		return;
	put_user(WIRE_TEXT_NAME, user); /* at most BPF_NAME - 1 bytes: the kernel takes no other */
}

/* All commands.  Those on the elements of maps are repeats when they are the same command on the
 * same descriptor; a program or map that was made is never a repeat of another. */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_bpf, struct pt_regs *regs, long ret)
{
	struct wire_misc *w;
	struct bpf_said b;
	u32 command;
	struct call c;
	u64 id;

	call_read(&c, regs, ret);
	command = c.arg[0];
	b = bpf_said(command, c.arg[1], c.arg[2]);
	id = mix(mix(command, b.kind), mix(b.fd, b.name ? user_hash(b.name) : 0));
	if (c.ret >= 0 && (command == BPF_PROG_LOAD || command == BPF_LINK_CREATE))
		id = mix(id, bpf_ktime_get_boot_ns());
	w = misc_begin(WIRE_KERNEL_BPF, &c, id);
	if (!w)
		return 0;
	w->request = command;
	w->flags = b.kind;
	w->fd = c.ret >= 0 && bpf_gives_fd(command) ? c.ret : b.fd;
	if (b.name)
		put_bpf_name(b.name);
	return rec_end();
}

/* linux/perf_event.h, struct perf_event_attr: what is in every version */
struct perf_said {
	u32 type, size;
	u64 config;
};

SEC("tp_btf/sys_exit")
int BPF_PROG(on_perf, struct pt_regs *regs, long ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct perf_said p = {};
	struct wire_misc *w;
	struct call c;
	s32 pid;
	u64 id;

	call_read(&c, regs, ret);
	bpf_probe_read_user(&p, sizeof(p), (void *)c.arg[0]);
	pid = c.arg[1];
	id = mix(mix(p.type, p.config), mix(pid, c.arg[4]));
	w = misc_begin(WIRE_KERNEL_PERF, &c, id);
	if (!w)
		return 0;
	w->request = p.type;
	w->address = p.config;
	w->flags = c.arg[4];
	w->target_pid = pid == -1 ? -1 : 0;
	if (!pid)
		w->target_pid = task->tgid;
	else if (pid > 0 && !task->thread_pid->level)
		w->target_pid = pid;
	w->fd = c.ret < 0 ? -1 : c.ret;
	return rec_end();
}

/* add_key, request_key: the ring in flags, the kind of key in DATA */
static __always_inline int key_made(const struct call *c)
{
	u64 ring = c->nr == NR_add_key ? c->arg[4] : c->arg[3];
	struct wire_misc *w;
	u64 id;

	id = mix(mix(user_hash(c->arg[0]), user_hash(c->arg[1])), ring);
	w = misc_begin(WIRE_KERNEL_KEYCTL, c, id);
	if (!w)
		return 0;
	w->flags = (u32)ring;
	w->size = c->nr == NR_add_key ? c->arg[3] : 0;
	put_optional(WIRE_TEXT_NAME, c->arg[1]);
	put_optional(WIRE_TEXT_DATA, c->arg[0]);
	return rec_end();
}

/* keyctl, add_key, request_key */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_key, struct pt_regs *regs, long ret)
{
	struct wire_misc *w;
	u64 name = 0, id;
	u32 operation;
	struct call c;

	call_read(&c, regs, ret);
	if (c.nr == NR_add_key || c.nr == NR_request_key)
		return key_made(&c);
	operation = c.arg[0];
	if (operation == KEYCTL_JOIN)
		name = c.arg[1];
	else if (operation == KEYCTL_SEARCH)
		name = c.arg[3];
	id = mix(operation, name ? user_hash(name) : (u32)c.arg[1]);
	w = misc_begin(WIRE_KERNEL_KEYCTL, &c, id);
	if (!w)
		return 0;
	w->request = operation;
	if (operation != KEYCTL_JOIN)
		w->flags = (u32)c.arg[1];
	put_optional(WIRE_TEXT_NAME, name);
	return rec_end();
}

/* kexec_load, kexec_file_load */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_kexec, struct pt_regs *regs, long ret)
{
	struct wire_misc *w;
	struct call c;

	call_read(&c, regs, ret);
	w = misc_begin(WIRE_KERNEL_KEXEC, &c, mix(c.arg[0], c.arg[1]));
	if (!w)
		return 0;
	if (c.nr == NR_kexec_file_load) {
		w->fd = c.arg[0];
		w->flags = c.arg[4];
		put_file(WIRE_TEXT_PATH, fd_file(c.arg[0]));
		put_optional(WIRE_TEXT_DATA, c.arg[3]);
		return rec_end();
	}
	w->address = c.arg[0];
	w->size = c.arg[1];
	w->flags = c.arg[3];
	return rec_end();
}

/* linux/io_uring.h, struct io_uring_params */
struct ring_said {
	u32 sq_entries, cq_entries, flags;
};

SEC("tp_btf/sys_exit")
int BPF_PROG(on_io_uring, struct pt_regs *regs, long ret)
{
	struct ring_said r = {};
	struct wire_misc *w;
	struct call c;

	call_read(&c, regs, ret);
	bpf_probe_read_user(&r, sizeof(r), (void *)c.arg[1]);
	w = misc_begin(WIRE_KERNEL_IO_URING, &c, mix(c.arg[0], r.flags));
	if (!w)
		return 0;
	w->request = (u32)c.arg[0];
	w->flags = r.flags;
	w->fd = c.ret < 0 ? -1 : c.ret;
	return rec_end();
}
