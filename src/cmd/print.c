/* print.c - see print.h. */
#include "cmd/print.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/path.h"

/* {field} is replaced by the value; a part in [brackets] is left out when all its values are
 * empty or 0. */
static const char *const templates[EVENT_TYPE_MAX] = {
	[EVENT_PROCESS_FORK] = "child {child_pid}",
	[EVENT_PROCESS_EXEC] = "{argv}[  ({path})]",
	[EVENT_PROCESS_EXIT] = "status {exit_code}[, by signal {exit_signal}]",
	[EVENT_PROCESS_SIGNAL] = "signal {signal} to {target_pid}",
	[EVENT_PROCESS_PTRACE] = "request {request} on {target_pid}",
	[EVENT_PROCESS_VM_WRITE] = "{size} bytes at {address} of {target_pid}",
	[EVENT_FILE_OPEN] = "{path}  flags {open_flags}",
	[EVENT_FILE_RENAME] = "{path} -> {path2}",
	[EVENT_FILE_UNLINK] = "{path}",
	[EVENT_FILE_LINK] = "{path2} is now also {path}",
	[EVENT_FILE_SYMLINK] = "{path} -> {path2}",
	[EVENT_FILE_MKDIR] = "{path}  mode {mode}",
	[EVENT_FILE_RMDIR] = "{path}",
	[EVENT_FILE_CHMOD] = "{path}  mode {mode}",
	[EVENT_FILE_CHOWN] = "{path}  to {owner_uid}:{owner_gid}",
	[EVENT_FILE_MKNOD] = "{path}  mode {mode}[ device {rdev}]",
	[EVENT_FILE_TRUNCATE] = "{path}  to {size} bytes",
	[EVENT_FILE_SETXATTR] = "{path}  {xattr}",
	[EVENT_FILE_KEPT] = "{path}  {size} bytes, sha256 {sha256}",
	[EVENT_MOUNT_MOUNT] = "{source} on {path}[ type {fstype}][ ({text})]",
	[EVENT_MOUNT_UMOUNT] = "{path}",
	[EVENT_MOUNT_FSOPEN] = "{fstype}",
	[EVENT_MOUNT_FSMOUNT] = "{fstype}",
	[EVENT_MOUNT_MOVE] = "{path} -> {path2}",
	[EVENT_MOUNT_PIVOT_ROOT] = "{path}, old root to {path2}",
	[EVENT_MOUNT_CHROOT] = "{path}",
	[EVENT_NET_CONNECT] = "[{remote_addr}:{remote_port}][ {path}]",
	[EVENT_NET_ACCEPT] =
		"[from {remote_addr}:{remote_port}][ at {local_addr}:{local_port}][ {path}]",
	[EVENT_NET_BIND] = "[{local_addr}:{local_port}][ {path}]",
	[EVENT_NET_LISTEN] = "[{local_addr}:{local_port}][ {path}]",
	[EVENT_NET_SEND] = "{size} bytes[ to {remote_addr}:{remote_port}][ {path}]",
	[EVENT_NET_SOCKET] = "family {family} type {sock_type} protocol {protocol}",
	[EVENT_CRED_SETID] = "uid {new_uid} (effective {euid}), gid {new_gid} (effective {egid})",
	[EVENT_CRED_CAPSET] = "effective {caps} permitted {caps_permitted}",
	[EVENT_NS_UNSHARE] = "flags {flags}",
	[EVENT_NS_SETNS] = "namespace {ns_ino} type {ns_type}",
	[EVENT_MEMORY_MEMFD] = "{name}",
	[EVENT_MEMORY_EXEC] = "{size} bytes at {address} protection {prot}",
	[EVENT_KERNEL_MODULE] = "{name}[ {path}]",
	[EVENT_KERNEL_BPF] = "command {request}[ {name}]",
	[EVENT_KERNEL_PERF] = "type {request} on {target_pid}",
	[EVENT_KERNEL_KEYCTL] = "operation {request}[ {name}]",
	[EVENT_KERNEL_KEXEC] = "flags {flags}",
	[EVENT_KERNEL_IO_URING] = "{request} entries",
	[EVENT_CGROUP_MKDIR] = "{path}",
	[EVENT_CGROUP_RMDIR] = "{path}",
	[EVENT_CGROUP_ATTACH] = "{target_pid} to {path}",
	[EVENT_CONTAINER_STATE] = "{reason}",
	[EVENT_CONTAINER_LOG] = "{stream}: {text}",
	[EVENT_GAP] = "{reason}[, {lost} lost][: {text}][ {path}]",
	[EVENT_AMBER] = "{reason}[: {text}]",
	[EVENT_CANARY] = "number {request}[, {lost} missing before it]",
};

static bool is_empty(enum value_kind kind, const union value *value)
{
	return value_kind_is_bytes(kind) ? value->bytes.n == 0 : value->u == 0;
}

/* Appends one {field}; true when it had something to say. */
static bool fill(struct buf *b, const struct event *ev, struct span name)
{
	enum event_field field = event_field_find(name);
	AUTO(buf) struct buf text = {0};
	bool full;

	if (field == FIELD_COUNT || !event_type_has(ev->type, field))
		return false;
	buf_init(&text, LIMIT_BLOCK_BYTES);
	event_print_value(&text, event_fields[field].kind, &ev->value[field]);
	full = !is_empty(event_fields[field].kind, &ev->value[field]);
	path_escape(b, buf_span(&text));
	return full;
}

/* Appends the template up to `end` or a closing bracket; returns where it stopped. */
static const char *expand(struct buf *b, const struct event *ev, const char *t, bool *ret_full)
{
	bool full = false;

	while (*t && *t != ']') {
		if (*t == '{') {
			const char *close = strchr(t, '}');

			full |= fill(b, ev, span_make(t + 1, (size_t)(close - t) - 1));
			t = close + 1;
		} else if (*t == '[') {
			size_t before = b->n;
			bool part = false;

			t = expand(b, ev, t + 1, &part) + 1; /* templates nest once: constants */
			if (!part)
				b->n = before;
		} else {
			buf_add_u8(b, (uint8_t)*t++);
		}
	}
	*ret_full = full;
	return t;
}

void print_summary(struct buf *b, const struct event *ev)
{
	bool full;

	if (templates[ev->type])
		(void)expand(b, ev, templates[ev->type], &full); /* ends at the NUL */
	if (ev->ret < 0)
		buf_addf(b, "  failed: %s", err_words((int)-ev->ret));
	if (ev->count > 1)
		buf_addf(b, "  (%" PRIu64 " times)", ev->count);
	if (ev->marks & EVENT_TRUNCATED)
		buf_add_text(b, "  [cut]");
}

struct span print_short_id(struct span id)
{
	if (id.n == 64)
		return span_make(id.p, 12);
	return span_make(id.p, id.n < 40 ? id.n : 40);
}

struct span print_container_name(const struct container *c)
{
	if (!c)
		return span_of("host");
	if (c->name.n)
		return c->name;
	return print_short_id(c->id);
}

static const char *colour_of(enum event_type type)
{
	switch (type) {
	case EVENT_PROCESS_EXEC:
		return "\033[1m";
	case EVENT_GAP:
		return "\033[1;31m";
	case EVENT_FILE_KEPT:
		return "\033[32m";
	case EVENT_NET_CONNECT:
	case EVENT_NET_ACCEPT:
	case EVENT_NET_SEND:
		return "\033[36m";
	default:
		return "";
	}
}

static void padded(struct buf *b, struct span text, unsigned width)
{
	size_t before = b->n;

	path_escape(b, text);
	while (b->n - before < width)
		buf_add_u8(b, ' ');
	buf_add_text(b, "  ");
}

static void print_process(struct buf *b, const struct process *p)
{
	char who[64];
	int n = 0;

	if (p)
		n = snprintf(who, sizeof(who), "%u:%.*s", p->pid,
			     (int)(p->comm.n < 32 ? p->comm.n : 32), (const char *)p->comm.p);
	padded(b, span_make(who, n > 0 ? (size_t)n : 0), 22);
}

void print_line(struct buf *b, const struct event *ev, bool colour)
{
	char time[CLOCK_TEXT];

	clock_print(ev->real_ns, time);
	/* Microseconds are enough to read; the JSON has all digits. */
	buf_addf(b, "%.10s %.15s  ", time, time + 11);
	padded(b, print_container_name(ev->container), 16);
	print_process(b, ev->process);
	padded(b, span_of(event_types[ev->type].name), 15);
	if (colour)
		buf_add_text(b, colour_of(ev->type));
	print_summary(b, ev);
	if (colour)
		buf_add_text(b, "\033[0m");
}

static void json_value(struct json *j, const char *name, enum value_kind kind,
		       const union value *value)
{
	AUTO(buf) struct buf text = {0};

	if (kind == VALUE_TEXT) {
		json_bytes(j, name, value->bytes);
	} else if (kind == VALUE_I64) {
		json_i64(j, name, value->i);
	} else if (value_kind_is_bytes(kind) || kind == VALUE_TIME) {
		buf_init(&text, 256);
		event_print_value(&text, kind, value);
		json_bytes(j, name, buf_span(&text));
	} else {
		json_u64(j, name, value->u);
	}
}

static void json_who(struct json *j, const struct event *ev)
{
	const struct container *c = ev->container;
	const struct process *p = ev->process;

	if (c) {
		json_bytes(j, "container", c->id);
		json_bytes(j, "container_name", c->name);
		json_bytes(j, "image", c->image);
	}
	if (!p)
		return;
	json_u64(j, "pid", p->pid);
	json_u64(j, "start_ns", p->start_ns);
	json_u64(j, "ppid", p->ppid);
	json_u64(j, "parent_start_ns", p->parent_start_ns);
	json_u64(j, "vpid", p->vpid);
	json_u64(j, "uid", p->uid);
	json_u64(j, "gid", p->gid);
	if (p->loginuid == UINT32_MAX)
		json_null(j, "loginuid");
	else
		json_u64(j, "loginuid", p->loginuid);
	json_bytes(j, "comm", p->comm);
	json_bytes(j, "exe", p->exe);
}

void print_json(struct json *j, const struct event *ev)
{
	const struct event_type_info *info = &event_types[ev->type];
	char time[CLOCK_TEXT];

	clock_print(ev->real_ns, time);
	json_object(j, NULL);
	json_text(j, "time", time);
	json_u64(j, "time_ns", ev->real_ns);
	json_u64(j, "boot_ns", ev->boot_ns);
	json_text(j, "type", info->name);
	json_who(j, ev);
	if (ev->tid)
		json_u64(j, "tid", ev->tid);
	json_i64(j, "ret", ev->ret);
	json_u64(j, "count", ev->count);
	json_u64(j, "marks", ev->marks);
	for (unsigned i = 0; i < info->field_count; i++) {
		enum event_field field = (enum event_field)info->fields[i];

		json_value(j, event_fields[field].name, event_fields[field].kind,
			   &ev->value[field]);
	}
	json_object_end(j);
}
