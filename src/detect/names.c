/* names.c - the tables of names.h. */
#include "detect/names.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/fs.h>
#include <linux/memfd.h>
#include <linux/sched.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Newer than the C library's header. */
#define CALL_FCHMODAT2	  452
#define CALL_SETXATTRAT	  463
#define CALL_MEMFD_SECRET 447

struct call {
	uint16_t number;
	uint16_t type; /* enum event_type */
	const char *name;
};

/* clang-format off */
#define CALL(type, name) {SYS_##name, EVENT_##type, #name}
static const struct call calls[] = {
	CALL(PROCESS_FORK, clone), CALL(PROCESS_FORK, fork), CALL(PROCESS_FORK, vfork),
	CALL(PROCESS_FORK, clone3), CALL(PROCESS_EXEC, execve), CALL(PROCESS_EXEC, execveat),
	CALL(PROCESS_SIGNAL, kill), CALL(PROCESS_SIGNAL, tkill), CALL(PROCESS_SIGNAL, tgkill),
	CALL(PROCESS_SIGNAL, rt_sigqueueinfo), CALL(PROCESS_SIGNAL, rt_tgsigqueueinfo),
	CALL(PROCESS_SIGNAL, pidfd_send_signal), CALL(PROCESS_PTRACE, ptrace),
	CALL(PROCESS_VM_WRITE, process_vm_writev),
	CALL(FILE_OPEN, open), CALL(FILE_OPEN, creat), CALL(FILE_OPEN, openat),
	CALL(FILE_OPEN, openat2), CALL(FILE_OPEN, open_by_handle_at),
	CALL(FILE_RENAME, rename), CALL(FILE_RENAME, renameat), CALL(FILE_RENAME, renameat2),
	CALL(FILE_UNLINK, unlink), CALL(FILE_UNLINK, unlinkat),
	CALL(FILE_RMDIR, rmdir), {SYS_unlinkat, EVENT_FILE_RMDIR, "unlinkat"},
	CALL(FILE_LINK, link), CALL(FILE_LINK, linkat),
	CALL(FILE_SYMLINK, symlink), CALL(FILE_SYMLINK, symlinkat),
	CALL(FILE_MKDIR, mkdir), CALL(FILE_MKDIR, mkdirat),
	CALL(FILE_MKNOD, mknod), CALL(FILE_MKNOD, mknodat),
	CALL(FILE_CHMOD, chmod), CALL(FILE_CHMOD, fchmod), CALL(FILE_CHMOD, fchmodat),
	{CALL_FCHMODAT2, EVENT_FILE_CHMOD, "fchmodat"},
	CALL(FILE_CHOWN, chown), CALL(FILE_CHOWN, lchown), CALL(FILE_CHOWN, fchown),
	CALL(FILE_CHOWN, fchownat),
	CALL(FILE_TRUNCATE, truncate), CALL(FILE_TRUNCATE, ftruncate),
	CALL(FILE_SETXATTR, setxattr), CALL(FILE_SETXATTR, lsetxattr),
	CALL(FILE_SETXATTR, fsetxattr), {CALL_SETXATTRAT, EVENT_FILE_SETXATTR, "setxattrat"},
	CALL(MOUNT_MOUNT, mount), CALL(MOUNT_MOUNT, mount_setattr), CALL(MOUNT_UMOUNT, umount2),
	CALL(MOUNT_FSOPEN, fsopen), CALL(MOUNT_FSOPEN, fspick), CALL(MOUNT_FSOPEN, fsconfig),
	CALL(MOUNT_FSMOUNT, fsmount), CALL(MOUNT_FSMOUNT, open_tree),
	CALL(MOUNT_MOVE, move_mount), CALL(MOUNT_PIVOT_ROOT, pivot_root), CALL(MOUNT_CHROOT, chroot),
	CALL(NET_CONNECT, connect), CALL(NET_ACCEPT, accept), CALL(NET_ACCEPT, accept4),
	CALL(NET_BIND, bind), CALL(NET_LISTEN, listen), CALL(NET_SOCKET, socket),
	CALL(NET_SEND, sendto), CALL(NET_SEND, sendmsg), CALL(NET_SEND, sendmmsg),
	CALL(CRED_SETID, setuid), CALL(CRED_SETID, setgid), CALL(CRED_SETID, setreuid),
	CALL(CRED_SETID, setregid), CALL(CRED_SETID, setresuid), CALL(CRED_SETID, setresgid),
	CALL(CRED_SETID, setgroups), CALL(CRED_SETID, setfsuid), CALL(CRED_SETID, setfsgid),
	CALL(CRED_CAPSET, capset), CALL(NS_UNSHARE, unshare), CALL(NS_SETNS, setns),
	CALL(MEMORY_MEMFD, memfd_create), {CALL_MEMFD_SECRET, EVENT_MEMORY_MEMFD, "memfd_secret"},
	CALL(MEMORY_EXEC, mprotect), CALL(MEMORY_EXEC, mmap), CALL(MEMORY_EXEC, pkey_mprotect),
	CALL(MEMORY_EXEC, shmat),
	CALL(KERNEL_MODULE, finit_module), CALL(KERNEL_MODULE, init_module),
	CALL(KERNEL_MODULE, delete_module), CALL(KERNEL_BPF, bpf),
	CALL(KERNEL_PERF, perf_event_open), CALL(KERNEL_KEYCTL, keyctl),
	CALL(KERNEL_KEYCTL, add_key), CALL(KERNEL_KEYCTL, request_key),
	CALL(KERNEL_KEXEC, kexec_load), CALL(KERNEL_KEXEC, kexec_file_load),
	CALL(KERNEL_IO_URING, io_uring_setup), CALL(KERNEL_IO_URING, io_uring_enter),
};
/* clang-format on */

/* What a type is called when its call is not known. */
static const struct {
	uint16_t type;
	const char *name;
} usual[] = {
	{EVENT_PROCESS_EXIT, "procexit"},  {EVENT_FILE_OPEN, "openat"},
	{EVENT_FILE_RENAME, "renameat2"},  {EVENT_FILE_UNLINK, "unlinkat"},
	{EVENT_FILE_MKDIR, "mkdirat"},	   {EVENT_FILE_LINK, "linkat"},
	{EVENT_FILE_SYMLINK, "symlinkat"}, {EVENT_FILE_CHMOD, "fchmodat"},
	{EVENT_FILE_CHOWN, "fchownat"},	   {EVENT_NET_ACCEPT, "accept4"},
};

const char *detect_call_name(const struct event *ev)
{
	uint64_t number =
		event_type_has(ev->type, FIELD_SYSCALL) ? ev->value[FIELD_SYSCALL].u : UINT64_MAX;
	const char *first = NULL;

	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		if (calls[i].type != ev->type)
			continue;
		if (calls[i].number == number)
			return calls[i].name;
		if (!first)
			first = calls[i].name;
	}
	for (size_t i = 0; i < ARRAY_LEN(usual); i++)
		if (usual[i].type == ev->type)
			return usual[i].name;
	if (first)
		return first;
	first = (unsigned)ev->type < EVENT_TYPE_MAX ? event_types[ev->type].name : NULL;
	return first ? first : "unknown";
}

static void add_type(enum event_type type, enum event_type types[4], size_t *n)
{
	for (size_t i = 0; i < *n; i++)
		if (types[i] == type)
			return;
	if (*n < 4)
		types[(*n)++] = type;
}

size_t detect_call_types(struct span name, enum event_type ret_types[4])
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		if (span_is(name, calls[i].name))
			add_type((enum event_type)calls[i].type, ret_types, &n);
	for (size_t i = 0; i < ARRAY_LEN(usual); i++)
		if (span_is(name, usual[i].name))
			add_type((enum event_type)usual[i].type, ret_types, &n);
	if (n == 0 && event_type_find(name) >= EVENT_CGROUP_MKDIR)
		add_type(event_type_find(name), ret_types, &n);
	if (n == 0 && event_type_find(name) == EVENT_FILE_KEPT)
		add_type(EVENT_FILE_KEPT, ret_types, &n);
	return n;
}

const char *detect_category(enum event_type type)
{
	if (type >= EVENT_PROCESS_FORK && type <= EVENT_PROCESS_EXIT)
		return "process";
	if (type == EVENT_PROCESS_SIGNAL)
		return "signal";
	if (type == EVENT_PROCESS_PTRACE || type == EVENT_PROCESS_VM_WRITE)
		return "ipc";
	if (type >= EVENT_FILE_OPEN && type <= EVENT_FILE_KEPT)
		return "file";
	if (type >= EVENT_NET_CONNECT && type <= EVENT_NET_SOCKET)
		return "net";
	if (type == EVENT_CRED_SETID)
		return "user";
	if (type == EVENT_MEMORY_MEMFD || type == EVENT_MEMORY_EXEC)
		return "memory";
	if (type >= EVENT_CGROUP_MKDIR)
		return "internal";
	return "system";
}

#define BIT(name)                 \
	{                         \
		name, name, #name \
	}
#define BITS(mask, value)           \
	{                           \
		mask, value, #value \
	}
#define END                \
	{                  \
		0, 0, NULL \
	}

/* clang-format off */
const struct detect_flag detect_open_flags[] = {
	BITS(O_ACCMODE, O_RDONLY), BITS(O_ACCMODE, O_WRONLY), BITS(O_ACCMODE, O_RDWR),
	BIT(O_CREAT), BIT(O_APPEND), {O_SYNC, O_DSYNC, "O_DSYNC"}, BIT(O_EXCL), BIT(O_NONBLOCK),
	BIT(O_SYNC), BIT(O_TRUNC), BIT(O_DIRECT), BIT(O_DIRECTORY), {0100000, 0100000, "O_LARGEFILE"},
	BIT(O_CLOEXEC), BIT(O_NOFOLLOW), BIT(O_NOATIME), BIT(O_PATH), BIT(O_TMPFILE), END};
const struct detect_flag detect_clone_flags[] = {
	BIT(CLONE_NEWNS), BIT(CLONE_NEWCGROUP), BIT(CLONE_NEWUTS), BIT(CLONE_NEWIPC),
	BIT(CLONE_NEWUSER), BIT(CLONE_NEWPID), BIT(CLONE_NEWNET), {0x80, 0x80, "CLONE_NEWTIME"},
	BIT(CLONE_VM), BIT(CLONE_FS), BIT(CLONE_FILES), BIT(CLONE_SIGHAND), BIT(CLONE_PIDFD),
	BIT(CLONE_PTRACE), BIT(CLONE_VFORK), BIT(CLONE_PARENT), BIT(CLONE_THREAD),
	BIT(CLONE_SYSVSEM), BIT(CLONE_SETTLS), BIT(CLONE_UNTRACED), BIT(CLONE_IO), END};
const struct detect_flag detect_mode_flags[] = {
	BIT(S_ISUID), BIT(S_ISGID), BIT(S_ISVTX), BIT(S_IRUSR), BIT(S_IWUSR), BIT(S_IXUSR),
	BIT(S_IRGRP), BIT(S_IWGRP), BIT(S_IXGRP), BIT(S_IROTH), BIT(S_IWOTH), BIT(S_IXOTH), END};
const struct detect_flag detect_mount_flags[] = {
	{1, 1, "RDONLY"}, {2, 2, "NOSUID"}, {4, 4, "NODEV"}, {8, 8, "NOEXEC"},
	{16, 16, "SYNCHRONOUS"}, {32, 32, "REMOUNT"}, {64, 64, "MANDLOCK"}, {128, 128, "DIRSYNC"},
	{1024, 1024, "NOATIME"}, {2048, 2048, "NODIRATIME"}, {4096, 4096, "BIND"},
	{8192, 8192, "MOVE"}, {16384, 16384, "REC"}, {32768, 32768, "SILENT"},
	{1 << 16, 1 << 16, "POSIXACL"}, {1 << 17, 1 << 17, "UNBINDABLE"},
	{1 << 18, 1 << 18, "PRIVATE"}, {1 << 19, 1 << 19, "SLAVE"}, {1 << 20, 1 << 20, "SHARED"},
	{1 << 21, 1 << 21, "RELATIME"}, {1 << 24, 1 << 24, "STRICTATIME"}, END};
const struct detect_flag detect_umount_flags[] = {
	{1, 1, "FORCE"}, {2, 2, "DETACH"}, {4, 4, "EXPIRE"}, {8, 8, "NOFOLLOW"}, END};
const struct detect_flag detect_unlink_flags[] = {BIT(AT_REMOVEDIR), END};
const struct detect_flag detect_rename_flags[] = {
	BIT(RENAME_NOREPLACE), BIT(RENAME_EXCHANGE), BIT(RENAME_WHITEOUT), END};
const struct detect_flag detect_link_flags[] = {BIT(AT_SYMLINK_FOLLOW), BIT(AT_EMPTY_PATH), END};
const struct detect_flag detect_memfd_flags[] = {
	BIT(MFD_CLOEXEC), BIT(MFD_ALLOW_SEALING), BIT(MFD_HUGETLB), END};

static const char *const cap_names[] = {
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID",
	"CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE",
	"CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW",
	"CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE",
	"CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE",
	"CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN",
	"CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON",
	"CAP_BPF", "CAP_CHECKPOINT_RESTORE"};

static const struct detect_flag ptrace_names[] = {
	{0, 0, "PTRACE_TRACEME"}, {0, 1, "PTRACE_PEEKTEXT"}, {0, 2, "PTRACE_PEEKDATA"},
	{0, 3, "PTRACE_PEEKUSR"}, {0, 4, "PTRACE_POKETEXT"}, {0, 5, "PTRACE_POKEDATA"},
	{0, 6, "PTRACE_POKEUSR"}, {0, 7, "PTRACE_CONT"}, {0, 8, "PTRACE_KILL"},
	{0, 9, "PTRACE_SINGLESTEP"}, {0, 12, "PTRACE_GETREGS"}, {0, 13, "PTRACE_SETREGS"},
	{0, 14, "PTRACE_GETFPREGS"}, {0, 15, "PTRACE_SETFPREGS"}, {0, 16, "PTRACE_ATTACH"},
	{0, 17, "PTRACE_DETACH"}, {0, 24, "PTRACE_SYSCALL"}, {0, 31, "PTRACE_SYSEMU"},
	{0, 32, "PTRACE_SYSEMU_SINGLESTEP"}, {0, 0x4200, "PTRACE_SETOPTIONS"},
	{0, 0x4201, "PTRACE_GETEVENTMSG"}, {0, 0x4202, "PTRACE_GETSIGINFO"},
	{0, 0x4203, "PTRACE_SETSIGINFO"}, {0, 0x4204, "PTRACE_GETREGSET"},
	{0, 0x4205, "PTRACE_SETREGSET"}, {0, 0x4206, "PTRACE_SEIZE"},
	{0, 0x4207, "PTRACE_INTERRUPT"}, {0, 0x4208, "PTRACE_LISTEN"}, END};

static const char *const bpf_names[] = {
	"BPF_MAP_CREATE", "BPF_MAP_LOOKUP_ELEM", "BPF_MAP_UPDATE_ELEM", "BPF_MAP_DELETE_ELEM",
	"BPF_MAP_GET_NEXT_KEY", "BPF_PROG_LOAD", "BPF_OBJ_PIN", "BPF_OBJ_GET", "BPF_PROG_ATTACH",
	"BPF_PROG_DETACH", "BPF_PROG_TEST_RUN", "BPF_PROG_GET_NEXT_ID", "BPF_MAP_GET_NEXT_ID",
	"BPF_PROG_GET_FD_BY_ID", "BPF_MAP_GET_FD_BY_ID", "BPF_OBJ_GET_INFO_BY_FD",
	"BPF_PROG_QUERY", "BPF_RAW_TRACEPOINT_OPEN", "BPF_BTF_LOAD", "BPF_BTF_GET_FD_BY_ID",
	"BPF_TASK_FD_QUERY", "BPF_MAP_LOOKUP_AND_DELETE_ELEM", "BPF_MAP_FREEZE",
	"BPF_BTF_GET_NEXT_ID", "BPF_MAP_LOOKUP_BATCH", "BPF_MAP_LOOKUP_AND_DELETE_BATCH",
	"BPF_MAP_UPDATE_BATCH", "BPF_MAP_DELETE_BATCH", "BPF_LINK_CREATE", "BPF_LINK_UPDATE",
	"BPF_LINK_GET_FD_BY_ID", "BPF_LINK_GET_NEXT_ID", "BPF_ENABLE_STATS", "BPF_ITER_CREATE",
	"BPF_LINK_DETACH", "BPF_PROG_BIND_MAP"};

static const struct detect_flag family_names[] = {
	{0, AF_UNSPEC, "AF_UNSPEC"}, {0, AF_UNIX, "AF_UNIX"}, {0, AF_INET, "AF_INET"},
	{0, AF_INET6, "AF_INET6"}, {0, AF_NETLINK, "AF_NETLINK"}, {0, AF_PACKET, "AF_PACKET"},
	{0, AF_KEY, "AF_KEY"}, {0, AF_BLUETOOTH, "AF_BLUETOOTH"}, {0, AF_ALG, "AF_ALG"},
	{0, AF_CAN, "AF_CAN"}, {0, AF_VSOCK, "AF_VSOCK"}, {0, AF_RDS, "AF_RDS"},
	{0, AF_TIPC, "AF_TIPC"}, {0, 44, "AF_XDP"}, END};
/* clang-format on */

#define NAMES_MAX 64

struct detect_value detect_flag_names(const struct detect_flag *flags, uint64_t value,
				      const char *between, struct detect_scratch *s)
{
	struct span parts[NAMES_MAX];
	size_t n = 0;

	for (; flags->name && n < NAMES_MAX; flags++)
		if ((value & flags->mask) == flags->value)
			parts[n++] = span_of(flags->name);
	if (n == 0)
		return detect_text(span_of("0"));
	return detect_joined(s, parts, n, between);
}

struct detect_value detect_cap_names(uint64_t caps, struct detect_scratch *s)
{
	struct span parts[NAMES_MAX];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(cap_names); i++)
		if (caps >> i & 1)
			parts[n++] = span_of(cap_names[i]);
	return detect_joined(s, parts, n, " ");
}

static const char *find_name(const struct detect_flag *names, uint64_t value)
{
	for (; names->name; names++)
		if (names->value == value)
			return names->name;
	return NULL;
}

const char *detect_ptrace_name(uint64_t request)
{
	return find_name(ptrace_names, request);
}

const char *detect_bpf_name(uint64_t cmd)
{
	return cmd < ARRAY_LEN(bpf_names) ? bpf_names[cmd] : NULL;
}

const char *detect_family_name(uint64_t family)
{
	return find_name(family_names, family);
}

const char *detect_errno_name(int code)
{
	const char *name = strerrorname_np(code);

	return name ? name : "EUNKNOWN";
}
