/* decode.c - see decode.h: the checks, the dispatch, and the records of files, mounts and sockets.
 *
 * Each shape sets every field that its struct has; those that the event's type does not have are
 * never looked at, and asking which they are would cost more than the store. */
#include "record/decode_shape.h"

#include <sys/socket.h>

#define MARKS_OF_EVENT 0x3fu

void reading_path(struct reading *r, enum event_field field, unsigned slot)
{
	bool base = reading_has(r, slot) && !reading_flag(r, slot, WIRE_TEXT_FAULT);
	bool said = reading_has(r, slot + 1);
	struct span claim = reading_raw(r, slot + 1);

	/* a claim that could not be read names nothing, least of all the folder it starts at */
	if (said && claim.n == 0 && reading_flag(r, slot + 1, WIRE_TEXT_FAULT))
		return;
	if (said)
		r->ev->marks |= EVENT_CLAIM;
	if (base)
		set_bytes(r, field,
			  text_path(&r->arena, r->slots[slot].s, r->slots[slot].flags, claim));
	else if (said)
		set_bytes(r, field, text_claim(&r->arena, claim));
}

void reading_file(struct reading *r, const struct wire_file *file)
{
	set_u64(r, FIELD_DEV, file->dev);
	set_u64(r, FIELD_INO, file->ino);
	set_u64(r, FIELD_FILE_FLAGS, file->file_flags);
}

static void reading_name(struct reading *r)
{
	if (reading_flag(r, WIRE_TEXT_NAME, WIRE_TEXT_CLAIM))
		r->ev->marks |= EVENT_CLAIM;
	set_bytes(r, FIELD_NAME, reading_raw(r, WIRE_TEXT_NAME));
}

static void decode_file(struct reading *r)
{
	const struct wire_file_call *w = r->record;

	reading_path(r, FIELD_PATH, WIRE_TEXT_PATH);
	reading_file(r, &w->file);
	set_u64(r, FIELD_FLAGS, w->flags);
	set_u64(r, FIELD_FILE_SIZE, w->size);
	set_i64(r, FIELD_OWNER_UID, w->owner_uid);
	set_i64(r, FIELD_OWNER_GID, w->owner_gid);
	set_u64(r, FIELD_OPEN_FLAGS, w->open_flags);
	set_u64(r, FIELD_MODE, w->mode);
	set_u64(r, FIELD_RDEV, w->rdev);
	set_i64(r, FIELD_FD, w->fd);
	set_u64(r, FIELD_SYSCALL, w->head.syscall);
}

static void decode_open(struct reading *r)
{
	const struct wire_head *head = r->record;

	decode_file(r);
	set_i64(r, FIELD_FD, head->ret >= 0 ? head->ret : -1);
}

static void decode_two_files(struct reading *r)
{
	decode_file(r);
	reading_path(r, FIELD_PATH2, WIRE_TEXT_PATH2);
}

/* What a symbolic link says is no path of this moment: it is kept as it was given. */
static void decode_symlink(struct reading *r)
{
	decode_file(r);
	r->ev->marks |= EVENT_CLAIM;
	set_bytes(r, FIELD_PATH2, reading_raw(r, WIRE_TEXT_PATH2_CLAIM));
}

static void decode_setxattr(struct reading *r)
{
	decode_file(r);
	set_bytes(r, FIELD_XATTR, reading_raw(r, WIRE_TEXT_XATTR));
}

static void decode_module(struct reading *r)
{
	decode_file(r);
	reading_name(r);
}

static void decode_mount(struct reading *r)
{
	const struct wire_mount *w = r->record;

	reading_path(r, FIELD_PATH, WIRE_TEXT_PATH);
	reading_path(r, FIELD_PATH2, WIRE_TEXT_PATH2);
	set_bytes(r, FIELD_SOURCE, reading_raw(r, WIRE_TEXT_SOURCE));
	set_bytes(r, FIELD_FSTYPE, reading_raw(r, WIRE_TEXT_FSTYPE));
	set_bytes(r, FIELD_TEXT, reading_raw(r, WIRE_TEXT_DATA));
	set_u64(r, FIELD_FLAGS, w->flags);
	set_i64(r, FIELD_FD, w->fd);
	set_u64(r, FIELD_SYSCALL, w->head.syscall);
}

/* One end of a socket; neither address nor port: it has none (any address is one with a port). */
static struct span net_addr(const uint8_t addr[16], uint16_t port, uint16_t family)
{
	static const uint8_t zero[16];
	size_t n = family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;

	if (n == 0 || (port == 0 && memcmp(addr, zero, n) == 0))
		return span_make(NULL, 0);
	return span_make(addr, n);
}

/* The file that a unix socket is bound to, or else its name. */
static void net_path(struct reading *r)
{
	struct span name = reading_raw(r, WIRE_TEXT_SOCKET);
	uint8_t *begin;

	if (reading_has(r, WIRE_TEXT_PATH) || reading_has(r, WIRE_TEXT_PATH_CLAIM)) {
		reading_path(r, FIELD_PATH, WIRE_TEXT_PATH);
		return;
	}
	if (reading_flag(r, WIRE_TEXT_SOCKET, WIRE_TEXT_CLAIM))
		r->ev->marks |= EVENT_CLAIM;
	if (name.n == 0 || name.p[0] != 0) {
		set_bytes(r, FIELD_PATH, name);
		return;
	}
	begin = text_begin(&r->arena);
	text_add(&r->arena, span_make("@", 1));
	text_add(&r->arena, span_make(name.p + 1, name.n - 1));
	set_bytes(r, FIELD_PATH, text_end(&r->arena, begin));
}

static void decode_net(struct reading *r)
{
	const struct wire_net *w = r->record;

	if (w->net_flags & WIRE_NET_CLAIM)
		r->ev->marks |= EVENT_CLAIM;
	set_i64(r, FIELD_FD, w->fd);
	set_u64(r, FIELD_FAMILY, w->family);
	set_u64(r, FIELD_SOCK_TYPE, w->sock_type);
	set_u64(r, FIELD_PROTOCOL, w->protocol);
	set_bytes(r, FIELD_LOCAL_ADDR, net_addr(w->local_addr, w->local_port, w->family));
	set_u64(r, FIELD_LOCAL_PORT, w->local_port);
	set_bytes(r, FIELD_REMOTE_ADDR, net_addr(w->remote_addr, w->remote_port, w->family));
	set_u64(r, FIELD_REMOTE_PORT, w->remote_port);
	net_path(r);
	set_u64(r, FIELD_SOCK_INO, w->sock_ino);
	set_u64(r, FIELD_SYSCALL, w->head.syscall);
	set_i64(r, FIELD_TARGET_PID, w->peer_pid);
	set_i64(r, FIELD_BACKLOG, w->backlog);
	set_u64(r, FIELD_FILE_SIZE, w->size);
}

static void decode_cred(struct reading *r)
{
	const struct wire_cred *w = r->record;

	set_u64(r, FIELD_NEW_UID, w->uid);
	set_u64(r, FIELD_EUID, w->euid);
	set_u64(r, FIELD_NEW_GID, w->gid);
	set_u64(r, FIELD_EGID, w->egid);
	set_u64(r, FIELD_CAPS, w->caps);
	set_u64(r, FIELD_CAPS_PERMITTED, w->caps_permitted);
	set_u64(r, FIELD_CAPS_INHERITABLE, w->caps_inheritable);
	set_u64(r, FIELD_SYSCALL, w->head.syscall);
}

static void decode_ns(struct reading *r)
{
	const struct wire_ns *w = r->record;

	set_u64(r, FIELD_FLAGS, w->flags);
	set_u64(r, FIELD_NS_TYPE, w->ns_type);
	set_u64(r, FIELD_NS_INO, w->ns_ino);
	set_i64(r, FIELD_FD, w->fd);
}

static void decode_misc(struct reading *r)
{
	const struct wire_misc *w = r->record;

	reading_name(r);
	set_u64(r, FIELD_REQUEST, w->request);
	set_u64(r, FIELD_FLAGS, w->flags);
	set_u64(r, FIELD_ADDRESS, w->address);
	set_u64(r, FIELD_FILE_SIZE, w->size);
	set_u64(r, FIELD_PROT, w->prot);
	set_i64(r, FIELD_FD, w->fd);
	set_i64(r, FIELD_TARGET_PID, w->target_pid);
	set_u64(r, FIELD_SYSCALL, w->head.syscall);
}

static void decode_cgroup(struct reading *r)
{
	const struct wire_cgroup *w = r->record;

	set_bytes(r, FIELD_PATH, reading_raw(r, WIRE_TEXT_CGROUP));
	set_u64(r, FIELD_CGROUP_ID, w->id);
	set_i64(r, FIELD_TARGET_PID, w->target_pid);
}

static void decode_canary(struct reading *r)
{
	const struct wire_canary *w = r->record;

	set_u64(r, FIELD_REQUEST, w->request);
	set_u64(r, FIELD_LOST, w->lost);
}

struct shape {
	uint16_t bytes; /* of the type's struct; 0: no such record */
	void (*fill)(struct reading *r);
};

#define SHAPE(id, type, function) [WIRE_##id] = {sizeof(struct type), function}

static const struct shape shapes[EVENT_TYPE_MAX] = {
	SHAPE(PROCESS_FORK, wire_fork, decode_fork),
	SHAPE(PROCESS_EXEC, wire_exec, decode_exec),
	SHAPE(PROCESS_EXIT, wire_exit, decode_exit),
	SHAPE(PROCESS_SIGNAL, wire_target, decode_target),
	SHAPE(PROCESS_PTRACE, wire_target, decode_target),
	SHAPE(PROCESS_VM_WRITE, wire_target, decode_target),
	SHAPE(FILE_OPEN, wire_file_call, decode_open),
	SHAPE(FILE_RENAME, wire_file_call, decode_two_files),
	SHAPE(FILE_UNLINK, wire_file_call, decode_file),
	SHAPE(FILE_LINK, wire_file_call, decode_two_files),
	SHAPE(FILE_SYMLINK, wire_file_call, decode_symlink),
	SHAPE(FILE_MKDIR, wire_file_call, decode_file),
	SHAPE(FILE_RMDIR, wire_file_call, decode_file),
	SHAPE(FILE_CHMOD, wire_file_call, decode_file),
	SHAPE(FILE_CHOWN, wire_file_call, decode_file),
	SHAPE(FILE_MKNOD, wire_file_call, decode_file),
	SHAPE(FILE_TRUNCATE, wire_file_call, decode_file),
	SHAPE(FILE_SETXATTR, wire_file_call, decode_setxattr),
	SHAPE(MOUNT_MOUNT, wire_mount, decode_mount),
	SHAPE(MOUNT_UMOUNT, wire_mount, decode_mount),
	SHAPE(MOUNT_FSOPEN, wire_mount, decode_mount),
	SHAPE(MOUNT_FSMOUNT, wire_mount, decode_mount),
	SHAPE(MOUNT_MOVE, wire_mount, decode_mount),
	SHAPE(MOUNT_PIVOT_ROOT, wire_mount, decode_mount),
	SHAPE(MOUNT_CHROOT, wire_mount, decode_mount),
	SHAPE(NET_CONNECT, wire_net, decode_net),
	SHAPE(NET_ACCEPT, wire_net, decode_net),
	SHAPE(NET_BIND, wire_net, decode_net),
	SHAPE(NET_LISTEN, wire_net, decode_net),
	SHAPE(NET_SEND, wire_net, decode_net),
	SHAPE(NET_SOCKET, wire_net, decode_net),
	SHAPE(CRED_SETID, wire_cred, decode_cred),
	SHAPE(CRED_CAPSET, wire_cred, decode_cred),
	SHAPE(NS_UNSHARE, wire_ns, decode_ns),
	SHAPE(NS_SETNS, wire_ns, decode_ns),
	SHAPE(MEMORY_MEMFD, wire_misc, decode_misc),
	SHAPE(MEMORY_EXEC, wire_misc, decode_misc),
	SHAPE(KERNEL_MODULE, wire_file_call, decode_module),
	SHAPE(KERNEL_BPF, wire_misc, decode_misc),
	SHAPE(KERNEL_PERF, wire_misc, decode_misc),
	SHAPE(KERNEL_KEYCTL, wire_misc, decode_misc),
	SHAPE(KERNEL_KEXEC, wire_misc, decode_misc),
	SHAPE(KERNEL_IO_URING, wire_misc, decode_misc),
	SHAPE(CGROUP_MKDIR, wire_cgroup, decode_cgroup),
	SHAPE(CGROUP_RMDIR, wire_cgroup, decode_cgroup),
	SHAPE(CGROUP_ATTACH, wire_cgroup, decode_cgroup),
	SHAPE(CANARY, wire_canary, decode_canary),
};

/* The numbers of wire.h and event.h are one list in two files. */
#define SAME(id) \
	static_assert((int)WIRE_##id == (int)EVENT_##id, "wire.h and event.h disagree: " #id)
SAME(PROCESS_FORK);
SAME(PROCESS_EXEC);
SAME(PROCESS_EXIT);
SAME(PROCESS_VM_WRITE);
SAME(FILE_OPEN);
SAME(FILE_SETXATTR);
SAME(MOUNT_MOUNT);
SAME(MOUNT_CHROOT);
SAME(NET_CONNECT);
SAME(NET_SOCKET);
SAME(CRED_SETID);
SAME(NS_SETNS);
SAME(MEMORY_MEMFD);
SAME(MEMORY_EXEC);
SAME(KERNEL_MODULE);
SAME(KERNEL_IO_URING);
SAME(CGROUP_MKDIR);
SAME(CGROUP_ATTACH);
SAME(CANARY);
static_assert(WIRE_MARK_CLAIM == EVENT_CLAIM && WIRE_MARK_TRUNCATED == EVENT_TRUNCATED &&
		      WIRE_MARK_COMPAT == EVENT_COMPAT && WIRE_MARK_SETUP == EVENT_SETUP &&
		      WIRE_MARK_OWN == EVENT_OWN && WIRE_MARK_FOLDED == EVENT_FOLDED,
	      "marks of wire.h and event.h disagree");

/* Finds the texts behind the struct.  A slot that comes twice counts once, a slot that is not known
 * not at all; false when they run over the end. */
static bool reading_texts(struct reading *r, const uint8_t *p, const uint8_t *end)
{
	struct wire_text text;
	unsigned flags = 0;

	while (p < end) {
		if ((size_t)(end - p) < sizeof(text))
			return false;
		memcpy(&text, p, sizeof(text));
		p += sizeof(text);
		if ((size_t)(end - p) < text.len)
			return false;
		flags |= text.flags;
		if (text.slot && text.slot < DECODE_SLOTS && !reading_has(r, text.slot)) {
			r->present |= 1u << text.slot;
			r->slots[text.slot].s = span_make(p, text.len);
			r->slots[text.slot].flags = text.flags;
		}
		p += text.len;
	}
	if (flags & (WIRE_TEXT_TRUNCATED | WIRE_TEXT_FAULT))
		r->ev->marks |= EVENT_TRUNCATED;
	return true;
}

static void decode_common(const struct decoder *d, const struct wire_head *head, struct event *ev)
{
	event_init(ev, (enum event_type)head->type);
	ev->marks = head->marks & MARKS_OF_EVENT;
	if (head->marks & WIRE_MARK_FAULT)
		ev->marks |= EVENT_TRUNCATED;
	if (head->count > 1)
		ev->marks |= EVENT_FOLDED;
	ev->boot_ns = head->boot_ns;
	ev->real_ns = head->boot_ns + (uint64_t)d->offset_ns;
	ev->count = head->count ? head->count : 1;
	ev->ret = head->ret;
	ev->tid = head->tid;
}

static int no_record(struct err *e, const char *why)
{
	return err_set(e, EBADMSG, "record of the kernel programs is damaged: %s", why);
}

int decode_record(struct decoder *d, struct span record, struct event *ev, struct err *e)
{
	const struct wire_head *head = decode_head(record);
	const struct shape *shape;
	struct reading r;

	if (record.n < sizeof(*head) || ((uintptr_t)record.p & 7))
		return no_record(e, "no head");
	if (head->len > record.n || head->len > WIRE_REC_MAX)
		return no_record(e, "longer than its place");
	if (head->type >= EVENT_TYPE_MAX || !shapes[head->type].fill)
		return no_record(e, "unknown type");
	shape = &shapes[head->type];
	if (head->len < shape->bytes)
		return no_record(e, "shorter than its type");
	decode_common(d, head, ev);
	r.record = head;
	r.ev = ev;
	r.arena = (struct arena){d->scratch, d->scratch + sizeof(d->scratch), false};
	r.present = 0;
	if (!reading_texts(&r, record.p + shape->bytes, record.p + head->len))
		return no_record(e, "a text runs over the end");
	shape->fill(&r);
	if (r.arena.full)
		ev->marks |= EVENT_TRUNCATED;
	return 0;
}
