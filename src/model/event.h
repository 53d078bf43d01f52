/* event.h - one thing that happened, and the table of everything that can.
 *
 * An event is a common head, who did it (container, process), and the values of the fields that
 * its type has.  The two tables (fields and types) are the schema: journal columns, SQL columns,
 * JSON members, man pages and rule fields are all printed from them.  Numbers are on disk: never
 * reuse or renumber one. */
#ifndef AMBER_MODEL_EVENT_H
#define AMBER_MODEL_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "model/container.h"
#include "model/process.h"

enum value_kind {
	VALUE_U64,
	VALUE_I64,
	VALUE_HEX,    /* u64, printed 0x...: masks and addresses */
	VALUE_OCTAL,  /* u64, printed 0644: modes */
	VALUE_TIME,   /* u64 real_ns */
	VALUE_TEXT,   /* bytes, not NUL-terminated, hostile */
	VALUE_ADDR,   /* 4 bytes (IPv4) or 16 (IPv6) in network order, or none */
	VALUE_DIGEST, /* 32 bytes of SHA-256, or none */
};

static inline bool value_kind_is_bytes(enum value_kind kind)
{
	return kind >= VALUE_TEXT;
}

/* clang-format off */
/*        id               name               kind          what */
#define EVENT_FIELDS(X) \
	X(PATH,            "path",            VALUE_TEXT,   "file that was acted on; from the kernel unless the event is marked claim") \
	X(PATH2,           "path2",           VALUE_TEXT,   "second file: new name, link target, mount point, put_old") \
	X(DEV,             "dev",             VALUE_U64,    "device of the file, (major << 20) | minor as the kernel has it") \
	X(INO,             "ino",             VALUE_U64,    "inode number of the file") \
	X(FILE_FLAGS,      "file_flags",      VALUE_HEX,    "1 memfd, 2 deleted, 4 overlay upper layer, 8 overlay, 16 tmpfs, 32 created by this call") \
	X(OPEN_FLAGS,      "open_flags",      VALUE_HEX,    "flags of open(2) as the kernel keeps them") \
	X(MODE,            "mode",            VALUE_OCTAL,  "mode bits asked for") \
	X(FILE_SIZE,       "size",            VALUE_U64,    "bytes: of the file, the message, or the mapping") \
	X(OWNER_UID,       "owner_uid",       VALUE_I64,    "new owner; -1 unchanged") \
	X(OWNER_GID,       "owner_gid",       VALUE_I64,    "new group; -1 unchanged") \
	X(RDEV,            "rdev",            VALUE_U64,    "device number of mknod(2)") \
	X(XATTR,           "xattr",           VALUE_TEXT,   "name of the extended attribute") \
	X(FD,              "fd",              VALUE_I64,    "file descriptor that the call was given or gave") \
	X(SOURCE,          "source",          VALUE_TEXT,   "source of a mount: a claim") \
	X(FSTYPE,          "fstype",          VALUE_TEXT,   "file system type: a claim of mount(2)") \
	X(FLAGS,           "flags",           VALUE_HEX,    "flags argument of the call") \
	X(ARGV,            "argv",            VALUE_TEXT,   "arguments joined by spaces, those with blanks or quotes in single quotes: a claim") \
	X(ARGC,            "argc",            VALUE_U64,    "number of arguments that argv holds") \
	X(ARGV_BYTES,      "argv_bytes",      VALUE_U64,    "bytes of all arguments; more than argv holds when truncated") \
	X(FILENAME,        "filename",        VALUE_TEXT,   "path as the caller of exec gave it: a claim") \
	X(CWD,             "cwd",             VALUE_TEXT,   "working directory") \
	X(EUID,            "euid",            VALUE_U64,    "effective user id") \
	X(EGID,            "egid",            VALUE_U64,    "effective group id") \
	X(CAPS,            "caps",            VALUE_HEX,    "effective capabilities, bit n is capability n") \
	X(CAPS_PERMITTED,  "caps_permitted",  VALUE_HEX,    "permitted capabilities") \
	X(CAPS_INHERITABLE,"caps_inheritable",VALUE_HEX,    "inheritable capabilities") \
	X(TTY,             "tty",             VALUE_TEXT,   "controlling terminal; empty when none") \
	X(STDIN,           "stdin",           VALUE_TEXT,   "what descriptor 0 is: file:PATH, pipe:[INO], socket:[INO], tty:NAME, null, closed, other:[INO]") \
	X(STDOUT,          "stdout",          VALUE_TEXT,   "what descriptor 1 is") \
	X(STDERR,          "stderr",          VALUE_TEXT,   "what descriptor 2 is") \
	X(MNT_NS,          "mnt_ns",          VALUE_U64,    "inode number of the mount namespace") \
	X(PID_NS,          "pid_ns",          VALUE_U64,    "inode number of the pid namespace") \
	X(NET_NS,          "net_ns",          VALUE_U64,    "inode number of the network namespace") \
	X(USER_NS,         "user_ns",         VALUE_U64,    "inode number of the user namespace") \
	X(UTS_NS,          "uts_ns",          VALUE_U64,    "inode number of the UTS namespace") \
	X(IPC_NS,          "ipc_ns",          VALUE_U64,    "inode number of the IPC namespace") \
	X(CGROUP_NS,       "cgroup_ns",       VALUE_U64,    "inode number of the cgroup namespace") \
	X(ANCESTORS,       "ancestors",       VALUE_TEXT,   "parents, nearest first: PID:COMM PID:COMM ...") \
	X(CHILD_PID,       "child_pid",       VALUE_U64,    "pid of the new process") \
	X(CHILD_VPID,      "child_vpid",      VALUE_U64,    "its pid inside its own pid namespace") \
	X(CHILD_START,     "child_start_ns",  VALUE_U64,    "boot_ns of its start") \
	X(EXIT_CODE,       "exit_code",       VALUE_U64,    "status given to exit(2)") \
	X(EXIT_SIGNAL,     "exit_signal",     VALUE_U64,    "signal that ended it; 0 when it exited by itself") \
	X(FAMILY,          "family",          VALUE_U64,    "address family: 1 unix, 2 IPv4, 10 IPv6, 16 netlink, 17 packet") \
	X(SOCK_TYPE,       "sock_type",       VALUE_U64,    "1 stream, 2 datagram, 3 raw, 5 seqpacket") \
	X(PROTOCOL,        "protocol",        VALUE_U64,    "IP protocol: 6 TCP, 17 UDP, 1 ICMP") \
	X(LOCAL_ADDR,      "local_addr",      VALUE_ADDR,   "own end") \
	X(LOCAL_PORT,      "local_port",      VALUE_U64,    "own port") \
	X(REMOTE_ADDR,     "remote_addr",     VALUE_ADDR,   "far end") \
	X(REMOTE_PORT,     "remote_port",     VALUE_U64,    "far port") \
	X(SOCK_INO,        "sock_ino",        VALUE_U64,    "inode of the socket: socket:[INO] in /proc/PID/fd") \
	X(BACKLOG,         "backlog",         VALUE_I64,    "queue length of listen(2)") \
	X(SYSCALL,         "syscall",         VALUE_U64,    "number of the system call") \
	X(NEW_UID,         "new_uid",         VALUE_U64,    "real user id after the call") \
	X(NEW_GID,         "new_gid",         VALUE_U64,    "real group id after the call") \
	X(NS_TYPE,         "ns_type",         VALUE_HEX,    "CLONE_NEW* bits of the namespace") \
	X(NS_INO,          "ns_ino",          VALUE_U64,    "inode number of the namespace that was joined") \
	X(REQUEST,         "request",         VALUE_U64,    "request, command or operation argument of the call") \
	X(TARGET_PID,      "target_pid",      VALUE_I64,    "process that was acted on, or the far end of a unix socket, in the initial pid namespace; 0 unknown") \
	X(TARGET_CGROUP,   "target_cgroup",   VALUE_U64,    "cgroup id of that process") \
	X(ADDRESS,         "address",         VALUE_HEX,    "address in memory") \
	X(PROT,            "prot",            VALUE_HEX,    "PROT_* bits of the mapping") \
	X(SIGNAL,          "signal",          VALUE_U64,    "signal number") \
	X(NAME,            "name",            VALUE_TEXT,   "name: of a memfd, module, bpf program, key or control group") \
	X(CGROUP_ID,       "cgroup_id",       VALUE_U64,    "inode of the control group") \
	X(SHA256,          "sha256",          VALUE_DIGEST, "SHA-256 of the content; `amber vault get` gives it back") \
	X(STREAM,          "stream",          VALUE_TEXT,   "stdout or stderr") \
	X(TEXT,            "text",            VALUE_TEXT,   "the line, the reason, or the details as JSON") \
	X(REASON,          "reason",          VALUE_TEXT,   "why, as a word that does not change: see docs/formats/journal.md") \
	X(LOST,            "lost",            VALUE_U64,    "how many were lost or skipped; 0 when that cannot be known") \
	X(FROM_TIME,       "from_time",       VALUE_TIME,   "start of the window") \
	X(TO_TIME,         "to_time",         VALUE_TIME,   "end of the window")
/* clang-format on */

enum event_field {
#define X(id, name, kind, what) FIELD_##id,
	EVENT_FIELDS(X)
#undef X
	FIELD_COUNT
};

enum event_type {
	EVENT_NONE = 0,
	EVENT_PROCESS_FORK = 1,
	EVENT_PROCESS_EXEC = 2, /* also a failed one: ret < 0 */
	EVENT_PROCESS_EXIT = 3,
	EVENT_PROCESS_SIGNAL = 4, /* kill family, when it fails or crosses containers */
	EVENT_PROCESS_PTRACE = 5,
	EVENT_PROCESS_VM_WRITE = 6,

	EVENT_FILE_OPEN = 16,
	EVENT_FILE_RENAME = 17,
	EVENT_FILE_UNLINK = 18,
	EVENT_FILE_LINK = 19,
	EVENT_FILE_SYMLINK = 20,
	EVENT_FILE_MKDIR = 21,
	EVENT_FILE_RMDIR = 22,
	EVENT_FILE_CHMOD = 23,
	EVENT_FILE_CHOWN = 24,
	EVENT_FILE_MKNOD = 25,
	EVENT_FILE_TRUNCATE = 26,
	EVENT_FILE_SETXATTR = 27,
	EVENT_FILE_KEPT = 28, /* content went into the vault */

	EVENT_MOUNT_MOUNT = 32,
	EVENT_MOUNT_UMOUNT = 33,
	EVENT_MOUNT_FSOPEN = 34,
	EVENT_MOUNT_FSMOUNT = 35,
	EVENT_MOUNT_MOVE = 36,
	EVENT_MOUNT_PIVOT_ROOT = 37,
	EVENT_MOUNT_CHROOT = 38,

	EVENT_NET_CONNECT = 48,
	EVENT_NET_ACCEPT = 49,
	EVENT_NET_BIND = 50,
	EVENT_NET_LISTEN = 51,
	EVENT_NET_SEND = 52,
	EVENT_NET_SOCKET = 53, /* raw and packet sockets */

	EVENT_CRED_SETID = 64,
	EVENT_CRED_CAPSET = 65,
	EVENT_NS_UNSHARE = 66,
	EVENT_NS_SETNS = 67,

	EVENT_MEMORY_MEMFD = 80,
	EVENT_MEMORY_EXEC = 81, /* anonymous memory made executable */

	EVENT_KERNEL_MODULE = 96,
	EVENT_KERNEL_BPF = 97,
	EVENT_KERNEL_PERF = 98,
	EVENT_KERNEL_KEYCTL = 99,
	EVENT_KERNEL_KEXEC = 100,
	EVENT_KERNEL_IO_URING = 101,

	EVENT_CGROUP_MKDIR = 112,
	EVENT_CGROUP_RMDIR = 113,
	EVENT_CGROUP_ATTACH = 114,

	EVENT_CONTAINER_STATE = 128, /* identity learned or changed: TEXT is the identity as JSON */
	EVENT_CONTAINER_LOG = 129,

	EVENT_GAP = 144,
	EVENT_AMBER = 145,  /* Amber started, stopped, reloaded, was asked for something */
	EVENT_CANARY = 146, /* went through the whole pipeline */

	EVENT_TYPE_MAX = 160, /* one above the largest number that a table may need */
};

/* Marks of an event, OR-ed. */
#define EVENT_CLAIM	0x01u /* a path or name was read from user memory */
#define EVENT_TRUNCATED 0x02u /* a text is shorter than it was */
#define EVENT_COMPAT	0x04u /* a 32-bit system call */
#define EVENT_SETUP	0x08u /* the runtime's own work inside the container, before its first exec */
#define EVENT_OWN	0x10u /* caused by Amber itself */
#define EVENT_FOLDED	0x20u /* count > 1: repeats within the window stand in one record */
#define EVENT_TAINTED	0x40u /* a gap overlaps */

union value {
	uint64_t u;
	int64_t i;
	struct span bytes;
};

/* Everything is borrowed for the length of the call that the event is given to. */
struct event {
	enum event_type type;
	uint32_t marks;
	uint64_t boot_ns;		   /* when the kernel saw it; order within a boot */
	uint64_t real_ns;		   /* the same moment on the real clock */
	uint64_t count;			   /* 1, or how often within the fold window */
	int64_t ret;			   /* return value of the call: -errno on failure */
	uint32_t tid;			   /* thread; 0 when there is none */
	const struct process *process;	   /* NULL when no process did it */
	const struct container *container; /* NULL for the host */
	union value value[FIELD_COUNT];	   /* only the fields of the type are set */
};

/* Where events go: the journal, a test, a printer.  emit borrows the event for the call only and
 * may be called from several threads at once. */
struct event_sink {
	int (*emit)(void *ctx, const struct event *ev, struct err *e);
	void *ctx;
};

struct event_field_info {
	const char *name;
	enum value_kind kind;
	const char *what;
};

#define EVENT_TYPE_FIELDS 40 /* most fields that one type has */

struct event_type_info {
	const char *name; /* "process.exec"; NULL when the number is not in use */
	const char *what; /* one line for people */
	uint8_t field_count;
	uint8_t fields[EVENT_TYPE_FIELDS]; /* enum event_field */
};

extern const struct event_field_info event_fields[FIELD_COUNT];
extern const struct event_type_info event_types[EVENT_TYPE_MAX];

/* Makes `ev` an event of `type` with every field of it empty or 0, count 1 and nobody's. */
void event_init(struct event *ev, enum event_type type);

/* The type with that name, EVENT_NONE when there is none. */
enum event_type event_type_find(struct span name);

/* The field with that name, FIELD_COUNT when there is none. */
enum event_field event_field_find(struct span name);

/* Whether events of `type` have the field. */
bool event_type_has(enum event_type type, enum event_field field);

/* Appends the value as plain text, bytes unescaped: 0x1f, 0644, 10.0.0.1, a digest's digits, RFC
 * 3339.  An absent address or digest prints nothing. */
void event_print_value(struct buf *b, enum value_kind kind, const union value *value);

#endif
