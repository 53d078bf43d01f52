/* extract_arg.c - evt.arg: what Falco calls the arguments of each call. */
#include "detect/extract_impl.h"

#include <inttypes.h>

#include "base/limits.h"
#include "detect/names.h"

typedef struct detect_value arg_reader(const struct detect_event *event);

struct arg {
	uint16_t type; /* enum event_type */
	const char *name;
	arg_reader *read;
};

#define ARG(function) static struct detect_value function(const struct detect_event *event)

uint64_t extract_open_flags(const struct detect_event *event, bool *ret_whole)
{
	uint64_t flags = event_u64(event, FIELD_OPEN_FLAGS);

	/* Nothing is missing when the call failed, or with the call's own argument.  Journals of
	 * before that was kept have 0 there, which shows where the file was not opened to read. */
	*ret_whole = event->ev->ret < 0;
	if (event_has(event, FIELD_FLAGS)) {
		uint64_t asked = event_u64(event, FIELD_FLAGS);

		*ret_whole = *ret_whole || ((asked ^ flags) & 3) == 0;
		flags |= asked;
	}
	if (event_u64(event, FIELD_FILE_FLAGS) & FILE_FLAG_CREATED)
		flags |= 0100; /* O_CREAT */
	return flags;
}

/* One candidate that may lack a word makes `contains` unknown, not false. */
ARG(open_flags)
{
	bool whole;
	uint64_t flags = extract_open_flags(event, &whole);
	struct detect_value made, *item, text;

	text = detect_flag_names(detect_open_flags, flags, "|", event->scratch);
	if (whole || text.kind != DETECT_TEXT)
		return text;
	item = detect_room_items(event->scratch, 1);
	if (!item)
		return detect_absent();
	*item = text;
	made = detect_several(DETECT_ANY, item, 1);
	made.open = true;
	return made;
}

static struct detect_value flags_as(const struct detect_event *event,
				    const struct detect_flag *names)
{
	return detect_flag_names(names, event_u64(event, FIELD_FLAGS), "|", event->scratch);
}

ARG(clone_flags)
{
	return flags_as(event, detect_clone_flags);
}

ARG(rename_flags)
{
	return flags_as(event, detect_rename_flags);
}

ARG(unlink_flags)
{
	return flags_as(event, detect_unlink_flags);
}

ARG(link_flags)
{
	return flags_as(event, detect_link_flags);
}

ARG(mount_flags)
{
	return flags_as(event, detect_mount_flags);
}

ARG(umount_flags)
{
	return flags_as(event, detect_umount_flags);
}

ARG(memfd_flags)
{
	return flags_as(event, detect_memfd_flags);
}

ARG(plain_flags)
{
	return detect_print(event->scratch, "%" PRIu64, event_u64(event, FIELD_FLAGS));
}

ARG(path)
{
	return event_text(event, FIELD_PATH);
}

ARG(path2)
{
	return event_text(event, FIELD_PATH2);
}

ARG(source)
{
	return event_text(event, FIELD_SOURCE);
}

ARG(file_system)
{
	return event_text(event, FIELD_FSTYPE);
}

ARG(filename)
{
	return event_text(event, FIELD_FILENAME);
}

ARG(object_name)
{
	return event_text(event, FIELD_NAME);
}

ARG(xattr)
{
	return event_text(event, FIELD_XATTR);
}

ARG(octal_mode)
{
	return detect_print(event->scratch, "0%" PRIo64, event_u64(event, FIELD_MODE));
}

ARG(named_mode)
{
	return detect_flag_names(detect_mode_flags, event_u64(event, FIELD_MODE), "|",
				 event->scratch);
}

static struct detect_value number(const struct detect_event *event, enum event_field field)
{
	return detect_print(event->scratch, "%" PRId64, event_i64(event, field));
}

ARG(descriptor)
{
	return number(event, FIELD_FD);
}

ARG(result)
{
	return detect_print(event->scratch, "%" PRId64, event->ev->ret);
}

ARG(size)
{
	return number(event, FIELD_FILE_SIZE);
}

ARG(inode)
{
	return event_u64(event, FIELD_INO) ? number(event, FIELD_INO) : detect_absent();
}

ARG(device)
{
	return event_u64(event, FIELD_INO) ? number(event, FIELD_DEV) : detect_absent();
}

ARG(owner)
{
	return number(event, FIELD_OWNER_UID);
}

ARG(owner_group)
{
	return number(event, FIELD_OWNER_GID);
}

ARG(backlog)
{
	return number(event, FIELD_BACKLOG);
}

ARG(signal_number)
{
	return number(event, FIELD_SIGNAL);
}

ARG(target)
{
	return event_i64(event, FIELD_TARGET_PID) ? number(event, FIELD_TARGET_PID)
						  : detect_absent();
}

ARG(child)
{
	return number(event, FIELD_CHILD_PID);
}

ARG(exit_status)
{
	return number(event, FIELD_EXIT_CODE);
}

ARG(exit_signal)
{
	return number(event, FIELD_EXIT_SIGNAL);
}

ARG(protocol)
{
	return number(event, FIELD_PROTOCOL);
}

ARG(socket_type)
{
	return number(event, FIELD_SOCK_TYPE);
}

/* What a number is called, or the number. */
static struct detect_value named(const struct detect_event *event, const char *name, uint64_t value)
{
	return name ? detect_text(span_of(name)) : detect_print(event->scratch, "%" PRIu64, value);
}

ARG(domain)
{
	uint64_t family = event_u64(event, FIELD_FAMILY);

	return named(event, detect_family_name(family), family);
}

ARG(ptrace_request)
{
	uint64_t request = event_u64(event, FIELD_REQUEST);

	return named(event, detect_ptrace_name(request), request);
}

ARG(bpf_command)
{
	uint64_t cmd = event_u64(event, FIELD_REQUEST);

	return named(event, detect_bpf_name(cmd), cmd);
}

ARG(request)
{
	return number(event, FIELD_REQUEST);
}

ARG(address)
{
	return detect_print(event->scratch, "%" PRIX64, event_u64(event, FIELD_ADDRESS));
}

ARG(namespace_type)
{
	return detect_flag_names(detect_clone_flags, event_u64(event, FIELD_NS_TYPE), "|",
				 event->scratch);
}

/* What a set*id call asked for stands in the credentials after it, when it succeeded and is the
 * call whose argument has that name. */
static struct detect_value new_id(const struct detect_event *event, const char *const calls[],
				  enum event_field field)
{
	const char *call = detect_call_name(event->ev);

	for (; *calls; calls++)
		if (strcmp(*calls, call) == 0)
			return event->ev->ret < 0 ? detect_absent() : number(event, field);
	return detect_none();
}

ARG(uid)
{
	static const char *const calls[] = {"setuid", NULL};

	return new_id(event, calls, FIELD_EUID);
}

ARG(gid)
{
	static const char *const calls[] = {"setgid", NULL};

	return new_id(event, calls, FIELD_EGID);
}

ARG(real_uid)
{
	static const char *const calls[] = {"setresuid", "setreuid", NULL};

	return new_id(event, calls, FIELD_NEW_UID);
}

ARG(effective_uid)
{
	static const char *const calls[] = {"setresuid", "setreuid", NULL};

	return new_id(event, calls, FIELD_EUID);
}

ARG(real_gid)
{
	static const char *const calls[] = {"setresgid", "setregid", NULL};

	return new_id(event, calls, FIELD_NEW_GID);
}

ARG(effective_gid)
{
	static const char *const calls[] = {"setresgid", "setregid", NULL};

	return new_id(event, calls, FIELD_EGID);
}

static struct detect_value capabilities(const struct detect_event *event, enum event_field field)
{
	if (event->ev->ret < 0)
		return detect_absent();
	return detect_cap_names(event_u64(event, field), event->scratch);
}

ARG(effective)
{
	return capabilities(event, FIELD_CAPS);
}

ARG(permitted)
{
	return capabilities(event, FIELD_CAPS_PERMITTED);
}

ARG(inheritable)
{
	return capabilities(event, FIELD_CAPS_INHERITABLE);
}

/* A field of its own has the value already. */
static struct detect_value field_value(const struct detect_event *event, const char *name)
{
	struct extract_field field;
	struct detect_value value;
	struct err e = ERR_INIT;

	if (extract_prepare(span_of(name), span_make(NULL, 0), &field, &e) < 0)
		return detect_absent();
	extract(&field, event, &value);
	return value;
}

ARG(exe)
{
	return field_value(event, "proc.exe");
}

ARG(args)
{
	return field_value(event, "proc.args");
}

ARG(cwd)
{
	return field_value(event, "proc.cwd");
}

ARG(comm)
{
	return field_value(event, "proc.name");
}

ARG(pid)
{
	return event->ev->process ? detect_print(event->scratch, "%u", event->ev->process->pid)
				  : detect_none();
}

ARG(parent)
{
	return event->ev->process ? detect_print(event->scratch, "%u", event->ev->process->ppid)
				  : detect_none();
}

ARG(tuple)
{
	return field_value(event, "fd.name");
}

/* In the order in which Falco has them, as far as the events know them. */
/* clang-format off */
static const struct arg args_table[] = {
#define A(id, text, function) {EVENT_##id, text, function}
	A(PROCESS_FORK, "res", child), A(PROCESS_FORK, "exe", exe), A(PROCESS_FORK, "args", args),
	A(PROCESS_FORK, "pid", pid), A(PROCESS_FORK, "ptid", parent), A(PROCESS_FORK, "cwd", cwd),
	A(PROCESS_FORK, "comm", comm), A(PROCESS_FORK, "flags", clone_flags),
	A(PROCESS_EXEC, "res", result), A(PROCESS_EXEC, "exe", exe), A(PROCESS_EXEC, "args", args),
	A(PROCESS_EXEC, "pid", pid), A(PROCESS_EXEC, "ptid", parent), A(PROCESS_EXEC, "cwd", cwd),
	A(PROCESS_EXEC, "comm", comm), A(PROCESS_EXEC, "filename", filename),
	A(PROCESS_EXEC, "exepath", path), A(PROCESS_EXEC, "exe_ino", inode),
	A(PROCESS_EXEC, "cap_effective", effective), A(PROCESS_EXEC, "cap_permitted", permitted),
	A(PROCESS_EXEC, "cap_inheritable", inheritable),
	A(PROCESS_EXIT, "status", exit_status), A(PROCESS_EXIT, "sig", exit_signal),
	A(PROCESS_SIGNAL, "res", result), A(PROCESS_SIGNAL, "pid", target), A(PROCESS_SIGNAL, "sig", signal_number),
	A(PROCESS_PTRACE, "res", result), A(PROCESS_PTRACE, "request", ptrace_request),
	A(PROCESS_PTRACE, "pid", target), A(PROCESS_PTRACE, "addr", address),
	A(PROCESS_VM_WRITE, "res", result), A(PROCESS_VM_WRITE, "pid", target),
	A(FILE_OPEN, "fd", descriptor), A(FILE_OPEN, "name", path), A(FILE_OPEN, "flags", open_flags),
	A(FILE_OPEN, "mode", octal_mode), A(FILE_OPEN, "dev", device), A(FILE_OPEN, "ino", inode),
	A(FILE_RENAME, "res", result), A(FILE_RENAME, "oldpath", path), A(FILE_RENAME, "newpath", path2),
	A(FILE_RENAME, "flags", rename_flags),
	A(FILE_UNLINK, "res", result), A(FILE_UNLINK, "path", path), A(FILE_UNLINK, "name", path),
	A(FILE_UNLINK, "flags", unlink_flags),
	A(FILE_LINK, "res", result), A(FILE_LINK, "oldpath", path), A(FILE_LINK, "newpath", path2),
	A(FILE_LINK, "flags", link_flags),
	A(FILE_SYMLINK, "res", result), A(FILE_SYMLINK, "target", path2), A(FILE_SYMLINK, "linkpath", path),
	A(FILE_MKDIR, "res", result), A(FILE_MKDIR, "path", path), A(FILE_MKDIR, "mode", octal_mode),
	A(FILE_RMDIR, "res", result), A(FILE_RMDIR, "path", path), A(FILE_RMDIR, "name", path),
	A(FILE_CHMOD, "res", result), A(FILE_CHMOD, "filename", path), A(FILE_CHMOD, "fd", descriptor),
	A(FILE_CHMOD, "mode", named_mode),
	A(FILE_CHOWN, "res", result), A(FILE_CHOWN, "path", path), A(FILE_CHOWN, "pathname", path),
	A(FILE_CHOWN, "fd", descriptor), A(FILE_CHOWN, "uid", owner), A(FILE_CHOWN, "gid", owner_group),
	A(FILE_MKNOD, "res", result), A(FILE_MKNOD, "path", path), A(FILE_MKNOD, "mode", octal_mode),
	A(FILE_TRUNCATE, "res", result), A(FILE_TRUNCATE, "path", path), A(FILE_TRUNCATE, "length", size),
	A(FILE_SETXATTR, "res", result), A(FILE_SETXATTR, "path", path), A(FILE_SETXATTR, "name", xattr),
	A(FILE_SETXATTR, "size", size),
	A(MOUNT_MOUNT, "res", result), A(MOUNT_MOUNT, "dev", source), A(MOUNT_MOUNT, "dir", path),
	A(MOUNT_MOUNT, "type", file_system), A(MOUNT_MOUNT, "flags", mount_flags),
	A(MOUNT_UMOUNT, "res", result), A(MOUNT_UMOUNT, "name", path), A(MOUNT_UMOUNT, "flags", umount_flags),
	A(MOUNT_MOVE, "res", result), A(MOUNT_MOVE, "from", path), A(MOUNT_MOVE, "to", path2),
	A(MOUNT_PIVOT_ROOT, "res", result), A(MOUNT_PIVOT_ROOT, "path", path),
	A(MOUNT_CHROOT, "res", result), A(MOUNT_CHROOT, "path", path),
	A(NET_CONNECT, "res", result), A(NET_CONNECT, "tuple", tuple), A(NET_CONNECT, "fd", descriptor),
	A(NET_ACCEPT, "fd", result), A(NET_ACCEPT, "tuple", tuple),
	A(NET_BIND, "res", result), A(NET_BIND, "addr", tuple), A(NET_BIND, "fd", descriptor),
	A(NET_LISTEN, "res", result), A(NET_LISTEN, "fd", descriptor), A(NET_LISTEN, "backlog", backlog),
	A(NET_SEND, "res", result), A(NET_SEND, "fd", descriptor), A(NET_SEND, "size", size),
	A(NET_SEND, "tuple", tuple),
	A(NET_SOCKET, "fd", result), A(NET_SOCKET, "domain", domain), A(NET_SOCKET, "type", socket_type),
	A(NET_SOCKET, "proto", protocol),
	A(CRED_SETID, "res", result), A(CRED_SETID, "uid", uid), A(CRED_SETID, "gid", gid),
	A(CRED_SETID, "ruid", real_uid), A(CRED_SETID, "euid", effective_uid),
	A(CRED_SETID, "rgid", real_gid), A(CRED_SETID, "egid", effective_gid),
	A(CRED_CAPSET, "res", result), A(CRED_CAPSET, "cap_inheritable", inheritable),
	A(CRED_CAPSET, "cap_permitted", permitted), A(CRED_CAPSET, "cap_effective", effective),
	A(NS_UNSHARE, "res", result), A(NS_UNSHARE, "flags", clone_flags),
	A(NS_SETNS, "res", result), A(NS_SETNS, "fd", descriptor), A(NS_SETNS, "nstype", namespace_type),
	A(MEMORY_MEMFD, "fd", descriptor), A(MEMORY_MEMFD, "name", object_name),
	A(MEMORY_MEMFD, "flags", memfd_flags),
	A(MEMORY_EXEC, "res", result), A(MEMORY_EXEC, "addr", address), A(MEMORY_EXEC, "length", size),
	A(KERNEL_MODULE, "res", result), A(KERNEL_MODULE, "name", object_name),
	A(KERNEL_MODULE, "path", path), A(KERNEL_MODULE, "flags", plain_flags),
	A(KERNEL_BPF, "fd", descriptor), A(KERNEL_BPF, "cmd", bpf_command),
	A(KERNEL_PERF, "res", result), A(KERNEL_KEYCTL, "res", result), A(KERNEL_KEYCTL, "cmd", request),
	A(KERNEL_IO_URING, "res", result), A(KERNEL_IO_URING, "opcode", request),
#undef A
};
/* clang-format on */

bool extract_arg_known(struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(args_table); i++)
		if (span_is(name, args_table[i].name))
			return true;
	return false;
}

struct detect_value extract_arg_named(const struct detect_event *event, struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(args_table); i++)
		if (args_table[i].type == event->ev->type && span_is(name, args_table[i].name))
			return args_table[i].read(event);
	return detect_none();
}

struct detect_value extract_args(const struct detect_event *event)
{
	struct detect_value made = detect_text(span_make(NULL, 0));
	struct span parts[5];
	size_t n;

	for (size_t i = 0; i < ARRAY_LEN(args_table); i++) {
		struct detect_value value;

		if (args_table[i].type != event->ev->type)
			continue;
		value = args_table[i].read(event);
		if (value.kind == DETECT_ANY)
			value = value.list.items[0];
		if (value.kind != DETECT_TEXT)
			continue;
		n = 0;
		if (made.bytes.n) {
			parts[n++] = made.bytes;
			parts[n++] = span_of(" ");
		}
		parts[n++] = span_of(args_table[i].name);
		parts[n++] = span_of("=");
		parts[n++] = value.bytes;
		made = detect_joined(event->scratch, parts, n, "");
		if (made.kind != DETECT_TEXT)
			return made;
	}
	return made;
}
