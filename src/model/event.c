/* event.c - the tables of event.h, and printing one value. */
#include "model/event.h"

#include <arpa/inet.h>
#include <inttypes.h>

#include "base/clock.h"
#include "base/hash.h"

const struct event_field_info event_fields[FIELD_COUNT] = {
#define X(id, field_name, field_kind, field_what) \
	[FIELD_##id] = {.name = field_name, .kind = field_kind, .what = field_what},
	EVENT_FIELDS(X)
#undef X
};

/* TYPE(number, name, what, fields...) */
#define F(id) FIELD_##id
#define TYPE(id, type_name, type_what, ...)                              \
	[EVENT_##id] = {.name = type_name,                               \
			.what = type_what,                               \
			.field_count = sizeof((uint8_t[]){__VA_ARGS__}), \
			.fields = {__VA_ARGS__}}
#define FILE_AT	   F(PATH), F(DEV), F(INO), F(FILE_FLAGS)
#define NAMESPACES F(MNT_NS), F(PID_NS), F(NET_NS), F(USER_NS), F(UTS_NS), F(IPC_NS), F(CGROUP_NS)
#define SOCKET                                                                                     \
	F(FD), F(FAMILY), F(SOCK_TYPE), F(PROTOCOL), F(LOCAL_ADDR), F(LOCAL_PORT), F(REMOTE_ADDR), \
		F(REMOTE_PORT), F(PATH), F(SOCK_INO), F(SYSCALL), F(TARGET_PID)

/* clang-format off */
const struct event_type_info event_types[EVENT_TYPE_MAX] = {
	TYPE(PROCESS_FORK, "process.fork", "a process was made (fork, vfork, clone, clone3)",
	     F(CHILD_PID), F(CHILD_VPID), F(CHILD_START), F(FLAGS)),
	TYPE(PROCESS_EXEC, "process.exec", "a program was run (execve, execveat)",
	     FILE_AT, F(ARGV), F(ARGC), F(ARGV_BYTES), F(FILENAME), F(CWD), F(EUID), F(EGID), F(CAPS),
	     F(CAPS_PERMITTED), F(CAPS_INHERITABLE), F(TTY), F(STDIN), F(STDOUT), F(STDERR),
	     NAMESPACES, F(ANCESTORS), F(SYSCALL)),
	TYPE(PROCESS_EXIT, "process.exit", "a process ended", F(EXIT_CODE), F(EXIT_SIGNAL)),
	TYPE(PROCESS_SIGNAL, "process.signal", "a signal was sent across containers, or refused",
	     F(SIGNAL), F(TARGET_PID), F(TARGET_CGROUP), F(SYSCALL)),
	TYPE(PROCESS_PTRACE, "process.ptrace", "a process was traced",
	     F(REQUEST), F(TARGET_PID), F(ADDRESS)),
	TYPE(PROCESS_VM_WRITE, "process.vm_write", "another process's memory was written",
	     F(TARGET_PID), F(FILE_SIZE), F(ADDRESS)),

	TYPE(FILE_OPEN, "file.open", "a file was opened to create, write or truncate, or a watched one to read",
	     FILE_AT, F(OPEN_FLAGS), F(FLAGS), F(MODE), F(FD), F(SYSCALL)),
	TYPE(FILE_RENAME, "file.rename", "a file was renamed, perhaps over another",
	     F(PATH), F(PATH2), F(FLAGS), F(SYSCALL)),
	TYPE(FILE_UNLINK, "file.unlink", "a file was deleted", F(PATH), F(FLAGS), F(SYSCALL)),
	TYPE(FILE_LINK, "file.link", "a hard link was made", F(PATH), F(PATH2), F(FLAGS), F(SYSCALL)),
	TYPE(FILE_SYMLINK, "file.symlink", "a symbolic link was made (path2 is what it says)",
	     F(PATH), F(PATH2), F(SYSCALL)),
	TYPE(FILE_MKDIR, "file.mkdir", "a folder was made", F(PATH), F(MODE), F(SYSCALL)),
	TYPE(FILE_RMDIR, "file.rmdir", "a folder was removed", F(PATH), F(SYSCALL)),
	TYPE(FILE_CHMOD, "file.chmod", "mode bits were changed", FILE_AT, F(MODE), F(FD), F(SYSCALL)),
	TYPE(FILE_CHOWN, "file.chown", "the owner was changed",
	     FILE_AT, F(OWNER_UID), F(OWNER_GID), F(FD), F(SYSCALL)),
	TYPE(FILE_MKNOD, "file.mknod", "a device, pipe or socket file was made",
	     F(PATH), F(MODE), F(RDEV), F(SYSCALL)),
	TYPE(FILE_TRUNCATE, "file.truncate", "a file was cut or extended",
	     FILE_AT, F(FILE_SIZE), F(FD), F(SYSCALL)),
	TYPE(FILE_SETXATTR, "file.setxattr", "an extended attribute was set",
	     FILE_AT, F(XATTR), F(FILE_SIZE), F(FLAGS), F(FD), F(SYSCALL)),
	TYPE(FILE_KEPT, "file.kept", "the content of a file went into the vault",
	     FILE_AT, F(SHA256), F(FILE_SIZE), F(MODE), F(REASON)),

	TYPE(MOUNT_MOUNT, "mount.mount", "a file system was mounted",
	     F(SOURCE), F(PATH), F(FSTYPE), F(FLAGS), F(TEXT), F(SYSCALL)),
	TYPE(MOUNT_UMOUNT, "mount.umount", "a file system was unmounted", F(PATH), F(FLAGS), F(SYSCALL)),
	TYPE(MOUNT_FSOPEN, "mount.fsopen", "a file system context was opened, or told an option (text)",
	     F(FSTYPE), F(FLAGS), F(FD), F(PATH), F(TEXT), F(SYSCALL)),
	TYPE(MOUNT_FSMOUNT, "mount.fsmount", "a detached mount was made, new or of a tree (path)",
	     F(FSTYPE), F(FLAGS), F(FD), F(SOURCE), F(PATH), F(SYSCALL)),
	TYPE(MOUNT_MOVE, "mount.move_mount", "a mount was attached or moved", F(PATH), F(PATH2), F(FLAGS), F(SYSCALL)),
	TYPE(MOUNT_PIVOT_ROOT, "mount.pivot_root", "the root mount was changed", F(PATH), F(PATH2), F(SYSCALL)),
	TYPE(MOUNT_CHROOT, "mount.chroot", "the root directory was changed", F(PATH), F(SYSCALL)),

	TYPE(NET_CONNECT, "net.connect", "a socket was connected", SOCKET),
	TYPE(NET_ACCEPT, "net.accept", "a connection was accepted", SOCKET),
	TYPE(NET_BIND, "net.bind", "a socket was given an address", SOCKET),
	TYPE(NET_LISTEN, "net.listen", "a socket began to listen", SOCKET, F(BACKLOG)),
	TYPE(NET_SEND, "net.send", "a datagram was sent", SOCKET, F(FILE_SIZE)),
	TYPE(NET_SOCKET, "net.socket", "a raw or packet socket was made", SOCKET),

	TYPE(CRED_SETID, "cred.setid", "user or group ids were changed",
	     F(NEW_UID), F(EUID), F(NEW_GID), F(EGID), F(SYSCALL)),
	TYPE(CRED_CAPSET, "cred.capset", "capabilities were changed",
	     F(CAPS), F(CAPS_PERMITTED), F(CAPS_INHERITABLE)),
	TYPE(NS_UNSHARE, "ns.unshare", "namespaces were left for new ones", F(FLAGS)),
	TYPE(NS_SETNS, "ns.setns", "a namespace was joined", F(NS_TYPE), F(NS_INO), F(FD)),

	TYPE(MEMORY_MEMFD, "memory.memfd", "an anonymous file in memory was made",
	     F(NAME), F(FLAGS), F(FD)),
	TYPE(MEMORY_EXEC, "memory.exec", "anonymous memory was made executable",
	     F(ADDRESS), F(FILE_SIZE), F(PROT), F(FLAGS), F(SYSCALL)),

	TYPE(KERNEL_MODULE, "kernel.module", "a kernel module was loaded or removed",
	     FILE_AT, F(NAME), F(FLAGS), F(SYSCALL)),
	TYPE(KERNEL_BPF, "kernel.bpf", "bpf(2) was called", F(REQUEST), F(NAME), F(FLAGS), F(FD)),
	TYPE(KERNEL_PERF, "kernel.perf", "perf_event_open(2) was called",
	     F(REQUEST), F(TARGET_PID), F(FLAGS), F(FD)),
	TYPE(KERNEL_KEYCTL, "kernel.keyctl", "the kernel's key rings were used (keyctl, add_key, request_key)",
	     F(REQUEST), F(NAME), F(SYSCALL)),
	TYPE(KERNEL_KEXEC, "kernel.kexec", "another kernel was loaded", F(FLAGS), F(SYSCALL)),
	TYPE(KERNEL_IO_URING, "kernel.io_uring",
	     "an io_uring was set up, or (syscall 426) asked to do opcode `request`, which is no system call",
	     F(REQUEST), F(FLAGS), F(FD), F(SYSCALL)),

	TYPE(CGROUP_MKDIR, "cgroup.mkdir", "a control group was made", F(PATH), F(CGROUP_ID)),
	TYPE(CGROUP_RMDIR, "cgroup.rmdir", "a control group was removed", F(PATH), F(CGROUP_ID)),
	TYPE(CGROUP_ATTACH, "cgroup.attach", "a process was moved into a control group",
	     F(PATH), F(CGROUP_ID), F(TARGET_PID)),

	TYPE(CONTAINER_STATE, "container.state", "a container's identity or state was learned",
	     F(REASON), F(TEXT)),
	TYPE(CONTAINER_LOG, "container.log", "a line that the container printed", F(STREAM), F(TEXT)),

	TYPE(GAP, "gap", "something was lost, skipped or cut: what, why, how many and when",
	     F(REASON), F(LOST), F(FROM_TIME), F(TO_TIME), F(PATH), F(TEXT)),
	TYPE(AMBER, "amber", "Amber itself did something", F(REASON), F(TEXT)),
	TYPE(CANARY, "canary", "a sign of life that went through the whole pipeline", F(REQUEST), F(LOST)),
};
/* clang-format on */

void event_init(struct event *ev, enum event_type type)
{
	const struct event_type_info *info = &event_types[type];

	ev->type = type;
	ev->marks = 0;
	ev->boot_ns = ev->real_ns = 0;
	ev->count = 1;
	ev->ret = 0;
	ev->tid = 0;
	ev->process = NULL;
	ev->container = NULL;
	for (unsigned i = 0; i < info->field_count; i++)
		ev->value[info->fields[i]] = (union value){.bytes = {NULL, 0}};
}

enum event_type event_type_find(struct span name)
{
	for (unsigned i = 0; i < EVENT_TYPE_MAX; i++)
		if (event_types[i].name && span_is(name, event_types[i].name))
			return (enum event_type)i;
	return EVENT_NONE;
}

enum event_field event_field_find(struct span name)
{
	unsigned i;

	for (i = 0; i < FIELD_COUNT; i++)
		if (span_is(name, event_fields[i].name))
			break;
	return (enum event_field)i;
}

bool event_type_has(enum event_type type, enum event_field field)
{
	const struct event_type_info *info = &event_types[type];

	return info->field_count && memchr(info->fields, (int)field, info->field_count);
}

static void print_addr(struct buf *b, struct span addr)
{
	char text[INET6_ADDRSTRLEN];

	if (addr.n == 4 || addr.n == 16)
		buf_add_text(
			b, inet_ntop(addr.n == 4 ? AF_INET : AF_INET6, addr.p, text, sizeof(text)));
}

void event_print_value(struct buf *b, enum value_kind kind, const union value *value)
{
	char text[SHA256_TEXT];

	switch (kind) {
	case VALUE_U64:
		buf_addf(b, "%" PRIu64, value->u);
		break;
	case VALUE_I64:
		buf_addf(b, "%" PRId64, value->i);
		break;
	case VALUE_HEX:
		buf_addf(b, "0x%" PRIx64, value->u);
		break;
	case VALUE_OCTAL:
		buf_addf(b, "0%" PRIo64, value->u);
		break;
	case VALUE_TIME:
		clock_print(value->u, text);
		buf_add_text(b, text);
		break;
	case VALUE_TEXT:
		buf_add_span(b, value->bytes);
		break;
	case VALUE_ADDR:
		print_addr(b, value->bytes);
		break;
	case VALUE_DIGEST:
		if (value->bytes.n == SHA256_BYTES) {
			hex_print(value->bytes, text);
			buf_add_text(b, text);
		}
		break;
	}
}
