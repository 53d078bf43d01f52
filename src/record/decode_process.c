/* decode_process.c - records of processes: fork, exec, exit, and one that acts on another. */
#include "record/decode_shape.h"

#define CORE_DUMPED 0x80u

void decode_fork(struct reading *r)
{
	const struct wire_fork *w = r->record;

	set_u64(r, FIELD_CHILD_PID, w->child_pid);
	set_u64(r, FIELD_CHILD_VPID, w->child_vpid);
	set_u64(r, FIELD_CHILD_START, w->child_start_ns);
	set_u64(r, FIELD_FLAGS, w->flags);
}

void decode_exit(struct reading *r)
{
	const struct wire_exit *w = r->record;

	set_u64(r, FIELD_EXIT_CODE, w->code);
	set_u64(r, FIELD_EXIT_SIGNAL, w->signal & ~CORE_DUMPED);
}

void decode_target(struct reading *r)
{
	const struct wire_target *w = r->record;

	set_u64(r, FIELD_SIGNAL, w->request);
	set_u64(r, FIELD_REQUEST, w->request);
	set_i64(r, FIELD_TARGET_PID, w->target_pid);
	set_u64(r, FIELD_TARGET_CGROUP, w->target_cgroup_id);
	set_u64(r, FIELD_ADDRESS, w->address);
	set_u64(r, FIELD_FILE_SIZE, w->size);
	set_u64(r, FIELD_SYSCALL, w->head.syscall);
}

/* i_mode >> 12 of what a descriptor leads to (inode(7)). */
enum stdio_kind {
	KIND_FIFO = 1,
	KIND_CHARACTER = 2,
	KIND_SOCKET = 12,
};

#define RDEV_NULL ((1u << 20) | 3u)

static struct span stdio_numbered(struct arena *a, const char *kind, uint64_t ino)
{
	uint8_t *begin = text_begin(a);

	text_add(a, span_of(kind));
	text_add(a, span_of(":["));
	text_add_u64(a, ino);
	text_add(a, span_of("]"));
	return text_end(a, begin);
}

/* "WORD:" and then a text; the text is built behind the word. */
static struct span stdio_file(struct reading *r, unsigned slot)
{
	const struct decode_slot *text = &r->slots[slot];
	struct span path = text_path(&r->arena, text->s, text->flags, span_make(NULL, 0));
	uint8_t *begin = text_begin(&r->arena);

	text_add(&r->arena, span_of("file:"));
	text_add(&r->arena, path);
	return text_end(&r->arena, begin);
}

/* Terminals of one kind share a number, so the device is asked before the path: a container's
 * /dev/console is a pts. */
static struct span stdio_tty(struct arena *a, uint32_t rdev)
{
	struct span name = text_tty(a, rdev, span_make(NULL, 0));
	uint8_t *begin = text_begin(a);

	text_add(a, span_of("tty:"));
	text_add(a, name);
	return text_end(a, begin);
}

static struct span stdio_text(struct reading *r, const struct wire_stdio *io, unsigned slot)
{
	bool path = reading_has(r, slot) && r->slots[slot].s.n &&
		    !reading_flag(r, slot, WIRE_TEXT_FAULT);

	if (!(io->flags & WIRE_STDIO_OPEN))
		return span_of("closed");
	if (io->kind == KIND_SOCKET)
		return stdio_numbered(&r->arena, "socket", io->ino);
	if (io->kind == KIND_CHARACTER && io->rdev == RDEV_NULL)
		return span_of("null");
	if (io->kind == KIND_CHARACTER && text_is_tty(io->rdev))
		return stdio_tty(&r->arena, io->rdev);
	if (io->kind == KIND_FIFO && (!path || reading_flag(r, slot, WIRE_TEXT_DETACHED)))
		return stdio_numbered(&r->arena, "pipe", io->ino);
	if (io->kind == 0 || !path)
		return stdio_numbered(&r->arena, "other", io->ino);
	return stdio_file(r, slot);
}

static struct span comm_of(const char comm[WIRE_COMM])
{
	return span_make(comm, strnlen(comm, WIRE_COMM));
}

/* "PID:COMM PID:COMM"; a name with blanks stands in quotes, or it could pretend to be two. */
static struct span exec_ancestors(struct reading *r, const struct wire_exec *w)
{
	uint32_t n = w->ancestor_count < WIRE_ANCESTORS ? w->ancestor_count : WIRE_ANCESTORS;
	struct arena *a = &r->arena;
	uint8_t *begin = text_begin(a);

	for (uint32_t i = 0; i < n; i++) {
		if (i)
			text_add(a, span_make(" ", 1));
		text_add_u64(a, w->ancestors[i].tgid);
		text_add(a, span_make(":", 1));
		text_add_quoted(a, comm_of(w->ancestors[i].comm));
	}
	return text_end(a, begin);
}

static void exec_numbers(struct reading *r, const struct wire_exec *w)
{
	set_u64(r, FIELD_ARGV_BYTES, w->argv_bytes);
	set_u64(r, FIELD_EUID, w->euid);
	set_u64(r, FIELD_EGID, w->egid);
	set_u64(r, FIELD_CAPS, w->caps);
	set_u64(r, FIELD_CAPS_PERMITTED, w->caps_permitted);
	set_u64(r, FIELD_CAPS_INHERITABLE, w->caps_inheritable);
	set_u64(r, FIELD_MNT_NS, w->mnt_ns);
	set_u64(r, FIELD_PID_NS, w->pid_ns);
	set_u64(r, FIELD_NET_NS, w->net_ns);
	set_u64(r, FIELD_USER_NS, w->user_ns);
	set_u64(r, FIELD_UTS_NS, w->uts_ns);
	set_u64(r, FIELD_IPC_NS, w->ipc_ns);
	set_u64(r, FIELD_CGROUP_NS, w->cgroup_ns);
	set_u64(r, FIELD_SYSCALL, w->head.syscall);
}

void decode_exec(struct reading *r)
{
	const struct wire_exec *w = r->record;
	uint64_t argc;

	reading_path(r, FIELD_PATH, WIRE_TEXT_PATH);
	reading_file(r, &w->exe);
	exec_numbers(r, w);
	set_bytes(r, FIELD_ARGV, text_argv(&r->arena, reading_raw(r, WIRE_TEXT_ARGV), &argc));
	set_u64(r, FIELD_ARGC, argc);
	set_bytes(r, FIELD_FILENAME, reading_raw(r, WIRE_TEXT_FILENAME));
	if (reading_has(r, WIRE_TEXT_CWD) && !reading_flag(r, WIRE_TEXT_CWD, WIRE_TEXT_FAULT))
		set_bytes(r, FIELD_CWD,
			  text_path(&r->arena, r->slots[WIRE_TEXT_CWD].s,
				    r->slots[WIRE_TEXT_CWD].flags, span_make(NULL, 0)));
	set_bytes(r, FIELD_TTY, text_tty(&r->arena, w->tty_dev, reading_raw(r, WIRE_TEXT_TTY)));
	set_bytes(r, FIELD_STDIN, stdio_text(r, &w->stdio[0], WIRE_TEXT_STDIN));
	set_bytes(r, FIELD_STDOUT, stdio_text(r, &w->stdio[1], WIRE_TEXT_STDOUT));
	set_bytes(r, FIELD_STDERR, stdio_text(r, &w->stdio[2], WIRE_TEXT_STDERR));
	set_bytes(r, FIELD_ANCESTORS, exec_ancestors(r, w));
}
