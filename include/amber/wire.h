/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* wire.h - the records that the kernel programs hand to user space.
 *
 * Shared by bpf/ (GPL-2.0) and src/record/ (Apache-2.0); nothing else crosses.  A record is
 *
 *	struct wire_head | the rest of the type's struct | texts
 *
 * where a text is a struct wire_text and then `len` bytes, without padding: the next text follows
 * at once and is not aligned.  A text says by its slot what it is, so texts come in any order and
 * an absent one takes no space.  Both ends run on one host: integers are in the host's byte order.
 * Internet addresses are in network order.  Every struct is a multiple of 8 bytes, without holes.
 *
 * Loss shows in three ways: `seq` counts every record that a CPU tried to hand over, so a missing
 * number is a lost record; struct wire_counters counts per CPU and reason; struct wire_slot counts
 * per container and reason. */
#ifndef AMBER_WIRE_H
#define AMBER_WIRE_H

#ifndef __bpf__
#include <assert.h>
#include <linux/types.h>
#else
#define static_assert _Static_assert
#endif

/* libbpf's offsetof is no constant expression. */
#define WIRE_AT(type, member) __builtin_offsetof(type, member)

#define WIRE_COMM      16u
#define WIRE_TEXT_MAX  4096u  /* bytes of one text, other than argv */
#define WIRE_ARGV_MAX  8192u  /* bytes of argv that are kept */
#define WIRE_PATH_MAX  4096u  /* bytes of one kernel path, one NUL per component included */
#define WIRE_DEPTH_MAX 256u   /* components and mount crossings of one kernel path */
#define WIRE_REC_MAX   32768u /* bytes of one record */
#define WIRE_ANCESTORS 8u
#define WIRE_NAME_MAX  128u /* bytes of an announced cgroup name, zero padded */

/* Types of records: the numbers of enum event_type in src/model/event.h. */
enum wire_type {
	WIRE_NONE = 0,
	WIRE_PROCESS_FORK = 1,
	WIRE_PROCESS_EXEC = 2,
	WIRE_PROCESS_EXIT = 3,
	WIRE_PROCESS_SIGNAL = 4,
	WIRE_PROCESS_PTRACE = 5,
	WIRE_PROCESS_VM_WRITE = 6,

	WIRE_FILE_OPEN = 16,
	WIRE_FILE_RENAME = 17,
	WIRE_FILE_UNLINK = 18,
	WIRE_FILE_LINK = 19,
	WIRE_FILE_SYMLINK = 20,
	WIRE_FILE_MKDIR = 21,
	WIRE_FILE_RMDIR = 22,
	WIRE_FILE_CHMOD = 23,
	WIRE_FILE_CHOWN = 24,
	WIRE_FILE_MKNOD = 25,
	WIRE_FILE_TRUNCATE = 26,
	WIRE_FILE_SETXATTR = 27,

	WIRE_MOUNT_MOUNT = 32,
	WIRE_MOUNT_UMOUNT = 33,
	WIRE_MOUNT_FSOPEN = 34,
	WIRE_MOUNT_FSMOUNT = 35,
	WIRE_MOUNT_MOVE = 36,
	WIRE_MOUNT_PIVOT_ROOT = 37,
	WIRE_MOUNT_CHROOT = 38,

	WIRE_NET_CONNECT = 48,
	WIRE_NET_ACCEPT = 49,
	WIRE_NET_BIND = 50,
	WIRE_NET_LISTEN = 51,
	WIRE_NET_SEND = 52,
	WIRE_NET_SOCKET = 53,

	WIRE_CRED_SETID = 64,
	WIRE_CRED_CAPSET = 65,
	WIRE_NS_UNSHARE = 66,
	WIRE_NS_SETNS = 67,

	WIRE_MEMORY_MEMFD = 80,
	WIRE_MEMORY_EXEC = 81,

	WIRE_KERNEL_MODULE = 96,
	WIRE_KERNEL_BPF = 97,
	WIRE_KERNEL_PERF = 98,
	WIRE_KERNEL_KEYCTL = 99,
	WIRE_KERNEL_KEXEC = 100,
	WIRE_KERNEL_IO_URING = 101,

	WIRE_CGROUP_MKDIR = 112,
	WIRE_CGROUP_RMDIR = 113,
	WIRE_CGROUP_ATTACH = 114,

	WIRE_CANARY = 146,
};

/* wire_head.marks; the first six are those of struct event. */
#define WIRE_MARK_CLAIM	    0x01u  /* a path of the record is a claim */
#define WIRE_MARK_TRUNCATED 0x02u  /* a text is shorter than it was */
#define WIRE_MARK_COMPAT    0x04u  /* a 32-bit system call */
#define WIRE_MARK_SETUP	    0x08u  /* the runtime's own work, before the container's program runs */
#define WIRE_MARK_OWN	    0x10u  /* caused by Amber itself */
#define WIRE_MARK_FOLDED    0x20u  /* count > 1 */
#define WIRE_MARK_FAULT	    0x100u /* a text could not be read: the page was not there */

/* Who did it, when, and what came of it. */
struct wire_head {
	__u32 len;  /* bytes of the whole record */
	__u16 type; /* enum wire_type */
	__u16 marks;
	__u64 boot_ns;	       /* CLOCK_BOOTTIME; of a folded record the last of the repeats */
	__u64 seq;	       /* counts per cpu from 1; 0 in a record made by probe_sweep */
	__u64 cgroup_id;       /* the container that the record belongs to, 0 for none */
	__u64 task_cgroup_id;  /* where the acting task is: the container or a cgroup below it */
	__u64 start_ns;	       /* of the process, CLOCK_BOOTTIME: (tgid, start_ns) is its key */
	__u64 parent_start_ns; /* of the parent process at this moment */
	__s64 ret;	       /* what the call returned, -errno on failure */
	__u32 tgid, tid, ppid; /* initial pid namespace */
	__u32 vpid;	       /* tgid in the process's own pid namespace */
	__u32 uid, gid;	       /* real ids, initial user namespace */
	__u32 loginuid;	       /* UINT32_MAX when unset */
	__u32 count;	       /* how often, 1 and more */
	__u32 exec_id;	       /* grows with each exec of the thread: tells a stale snapshot */
	__u16 cpu;
	__u16 syscall;	      /* number of the native call, also for a 32-bit one */
	char comm[WIRE_COMM]; /* of the thread: a claim */
};
static_assert(sizeof(struct wire_head) == 120, "wire_head");
static_assert(WIRE_AT(struct wire_head, ret) == 56, "wire_head.ret");
static_assert(WIRE_AT(struct wire_head, tgid) == 64, "wire_head.tgid");
static_assert(WIRE_AT(struct wire_head, exec_id) == 96, "wire_head.exec_id");
static_assert(WIRE_AT(struct wire_head, comm) == 104, "wire_head.comm");

/* What a text is.  A path takes two slots: what the kernel knows and what the caller said.
 *   only the kernel's      a kernel path
 *   only the claim	    absolute (starts with '/'), or relative to an unknown place
 *   both		    the claim, relative to the kernel's path
 * A kernel path is the names of its components from the leaf to the root of the task, each with a
 * NUL behind it: "passwd\0etc\0" is /etc/passwd, and no byte at all is "/". */
enum wire_slot_name {
	WIRE_TEXT_PATH = 1, /* kernel */
	WIRE_TEXT_PATH_CLAIM = 2,
	WIRE_TEXT_PATH2 = 3, /* kernel */
	WIRE_TEXT_PATH2_CLAIM = 4,
	WIRE_TEXT_FILENAME = 5, /* what exec was given: a claim */
	WIRE_TEXT_CWD = 6,	/* kernel */
	WIRE_TEXT_ARGV = 7,	/* each argument with its NUL: a claim */
	WIRE_TEXT_TTY = 8,	/* name of the controlling terminal, such as pts0 */
	WIRE_TEXT_STDIN = 9,	/* kernel paths of descriptors 0, 1, 2 when they have one */
	WIRE_TEXT_STDOUT = 10,
	WIRE_TEXT_STDERR = 11,
	WIRE_TEXT_SOURCE = 12, /* of a mount: a claim */
	WIRE_TEXT_FSTYPE = 13, /* a claim of mount(2), the kernel's of fsopen(2) */
	WIRE_TEXT_XATTR = 14,  /* a claim */
	WIRE_TEXT_NAME = 15,   /* of a memfd, module, bpf program, key */
	WIRE_TEXT_DATA = 16,   /* FIELD_TEXT: options of mount(2) */
	WIRE_TEXT_CGROUP =
		17, /* path of the cgroup in its hierarchy, with slashes, as it is read */
	WIRE_TEXT_SOCKET = 18, /* name of a unix socket; an abstract one starts with NUL */
};

#define WIRE_TEXT_CLAIM	      0x01u /* from user memory */
#define WIRE_TEXT_KERNEL_PATH 0x02u /* leaf first, NUL behind each component */
#define WIRE_TEXT_TRUNCATED   0x04u /* the root end of a kernel path, the tail of any other */
#define WIRE_TEXT_OUTSIDE     0x08u /* the path ends at a root that is not the task's */
#define WIRE_TEXT_DETACHED    0x10u /* no path: memfd:NAME, pipe, socket; or an unmounted tree */
#define WIRE_TEXT_FAULT	      0x20u /* could not be read */

struct wire_text {
	__u16 len;
	__u8 slot;  /* enum wire_slot_name */
	__u8 flags; /* WIRE_TEXT_* */
};
static_assert(sizeof(struct wire_text) == 4, "wire_text");

/* wire_file.file_flags, those of FIELD_FILE_FLAGS. */
#define WIRE_FILE_MEMFD	  1u
#define WIRE_FILE_DELETED 2u
#define WIRE_FILE_UPPER	  4u
#define WIRE_FILE_OVERLAY 8u
#define WIRE_FILE_TMPFS	  16u
#define WIRE_FILE_CREATED 32u

/* One file as the kernel has it.  All zero when there was none. */
struct wire_file {
	__u64 ino;
	__u64 size;
	__u32 dev;	  /* major << 20 | minor */
	__u32 rdev;	  /* of a device file */
	__u32 mode;	  /* i_mode: type and permissions */
	__u32 file_flags; /* WIRE_FILE_* */
	__u32 uid, gid;	  /* owner */
};
static_assert(sizeof(struct wire_file) == 40, "wire_file");

/* WIRE_PROCESS_FORK.  ret is the pid that the parent was told, or -errno. */
struct wire_fork {
	struct wire_head head; /* the parent */
	__u64 child_start_ns;
	__u64 child_cgroup_id; /* its own cgroup; head.cgroup_id is that one's container */
	__u64 flags;	       /* CLONE_*: of clone3 a claim */
	__u32 child_pid;       /* initial pid namespace */
	__u32 child_vpid;      /* in its own pid namespace */
};
static_assert(sizeof(struct wire_fork) == 152, "wire_fork");

/* What a descriptor leads to: kinds from i_mode, S_IFMT bits shifted down by 12; 0 is closed. */
struct wire_stdio {
	__u64 ino;
	__u32 dev, rdev;
	__u32 kind;  /* i_mode >> 12: 1 pipe, 2 character device, 8 file, 12 socket ... */
	__u32 flags; /* WIRE_STDIO_OPEN */
};
static_assert(sizeof(struct wire_stdio) == 24, "wire_stdio");

#define WIRE_STDIO_OPEN 1u /* there is a file; kind 0 then is an anonymous inode */

struct wire_ancestor {
	__u64 start_ns;
	__u32 tgid;
	__u32 pad;
	char comm[WIRE_COMM];
};
static_assert(sizeof(struct wire_ancestor) == 32, "wire_ancestor");

/* WIRE_PROCESS_EXEC.  Texts: PATH (the executable), FILENAME, CWD, ARGV, TTY, STDIN, STDOUT,
 * STDERR. A failed one (ret < 0) has PATH and PATH_CLAIM of what should have run and no ARGV; exe
 * is zero. */
struct wire_exec {
	struct wire_head head;
	struct wire_file exe;
	__u64 caps, caps_permitted, caps_inheritable;
	__u64 argv_bytes; /* of all arguments, their NULs included */
	__u32 argc;
	__u32 euid, egid;
	__u32 tty_dev; /* major << 20 | minor, 0 when there is none */
	__u32 mnt_ns, pid_ns, net_ns, user_ns, uts_ns, ipc_ns, cgroup_ns;
	__u32 ancestor_count;
	struct wire_stdio stdio[3];
	struct wire_ancestor ancestors[WIRE_ANCESTORS]; /* nearest first */
};
static_assert(WIRE_AT(struct wire_exec, caps) == 160, "wire_exec.caps");
static_assert(WIRE_AT(struct wire_exec, mnt_ns) == 208, "wire_exec.mnt_ns");
static_assert(WIRE_AT(struct wire_exec, stdio) == 240, "wire_exec.stdio");
static_assert(sizeof(struct wire_exec) == 568, "wire_exec");

/* WIRE_PROCESS_EXIT: when the last thread is gone. */
struct wire_exit {
	struct wire_head head;
	__u32 code;   /* given to exit(2), 0-255 */
	__u32 signal; /* that ended it, 0 when it exited by itself; 0x80 is added for a core dump */
};
static_assert(sizeof(struct wire_exit) == 128, "wire_exit");

/* WIRE_PROCESS_SIGNAL, _PTRACE, _VM_WRITE: one process acts on another. */
struct wire_target {
	struct wire_head head;
	__u64 target_start_ns;	/* 0 when the process is not known */
	__u64 target_cgroup_id; /* its own cgroup, 0 when not known */
	__u64 request;		/* signal number; ptrace request */
	__u64 address;		/* ptrace, vm_write: of the first piece, a claim */
	__u64 size;		/* vm_write: bytes asked for */
	__s32 target_pid;	/* initial pid namespace, 0 when not known */
	__s32 target_vpid;	/* what the call was given */
};
static_assert(sizeof(struct wire_target) == 168, "wire_target");

/* WIRE_FILE_*: every file call fills this; what a type has no use for is 0.
 * Texts: PATH, PATH_CLAIM, PATH2, PATH2_CLAIM, XATTR.  Also WIRE_KERNEL_MODULE (file, flags, fd,
 * size of an image in memory; texts NAME of delete_module, DATA: parameters). */
struct wire_file_call {
	struct wire_head head;
	struct wire_file file;
	__u64 flags;	 /* flags argument */
	__u64 size;	 /* truncate: new length; setxattr: bytes of the value */
	__s64 owner_uid; /* chown: -1 unchanged */
	__s64 owner_gid;
	__u32 open_flags; /* f_flags of the open file; the argument when the open failed */
	__u32 mode;	  /* mode asked for */
	__u32 rdev;	  /* mknod: as the kernel keeps it, major << 20 | minor */
	__s32 fd;	  /* given or returned, -1 when there is none */
};
static_assert(WIRE_AT(struct wire_file_call, flags) == 160, "wire_file_call.flags");
static_assert(sizeof(struct wire_file_call) == 208, "wire_file_call");

/* WIRE_MOUNT_*.  Texts: PATH(_CLAIM), PATH2(_CLAIM), SOURCE, FSTYPE, DATA.  wire_head.syscall tells
 * fspick and fsconfig (its command in flags, NAME=VALUE in DATA) from fsopen, open_tree from
 * fsmount (MOUNT_ATTR_* in flags, the context in fd2), mount_setattr (the attributes to set in
 * flags) from mount. */
struct wire_mount {
	struct wire_head head;
	__u64 flags;
	__s32 fd, fd2; /* given or returned, -1 when there is none; move_mount: from, to */
};
static_assert(sizeof(struct wire_mount) == 136, "wire_mount");

/* WIRE_NET_*.  An address takes its first 4 or 16 bytes by `family`; an IPv4 address of an IPv6
 * socket is mapped (::ffff:1.2.3.4).  A raw socket has no ports.  AF_PACKET: the first 4 bytes are
 * the number of the interface as the host has integers, then comes the hardware address.  AF_VSOCK:
 * 4 bytes number of the machine, 4 bytes port.  Texts: SOCKET (the far end of a unix socket or,
 * when that has no name, the own), PATH (kernel path of a bound one). */
struct wire_net {
	struct wire_head head;
	__u64 sock_ino;
	__u64 size;	     /* send: bytes */
	__u8 local_addr[16]; /* network order */
	__u8 remote_addr[16];
	__u16 local_port;  /* host order */
	__u16 remote_port; /* host order */
	__u16 family;	   /* AF_* */
	__u16 sock_type;   /* SOCK_* without flags */
	__u16 protocol;	   /* IPPROTO_*; of a packet socket the ETH_P_* number, host order */
	__u16 net_flags;   /* WIRE_NET_* */
	__s32 fd;
	__s32 backlog;
	__u32 peer_pid; /* unix sockets: the other end in the initial pid namespace, or 0 */
};
static_assert(WIRE_AT(struct wire_net, local_addr) == 136, "wire_net.local_addr");
static_assert(WIRE_AT(struct wire_net, local_port) == 168, "wire_net.local_port");
static_assert(WIRE_AT(struct wire_net, fd) == 180, "wire_net.fd");
static_assert(sizeof(struct wire_net) == 192, "wire_net");

#define WIRE_NET_CLAIM                                                              \
	1u /* an end is what the caller gave, not what the kernel has: of a refused \
	    * bind the own, of other calls the far one */

/* WIRE_CRED_SETID, _CAPSET: the credentials after the call. */
struct wire_cred {
	struct wire_head head;
	__u64 caps, caps_permitted, caps_inheritable;
	__u64 arg[3]; /* of the call, each (u32) -1 for unchanged; setgroups: arg[0] is how many */
	__u32 uid, euid, suid, fsuid;
	__u32 gid, egid, sgid, fsgid;
};
static_assert(sizeof(struct wire_cred) == 200, "wire_cred");

/* WIRE_NS_UNSHARE, _SETNS. */
struct wire_ns {
	struct wire_head head;
	__u64 flags;   /* unshare: CLONE_NEW*; setns: the nstype argument */
	__u32 ns_type; /* setns: CLONE_NEW* of the descriptor's namespace; of a pidfd the argument
			*/
	__u32 ns_ino;  /* setns: 0 for a pidfd */
	__s32 fd;
	__u32 target_pid; /* setns with a pidfd: whose namespaces, initial pid namespace */
};
static_assert(sizeof(struct wire_ns) == 144, "wire_ns");

/* WIRE_MEMORY_*, WIRE_KERNEL_* other than _MODULE.  Texts: NAME; DATA (kind of a key, command line
 * of kexec_file_load); PATH (its kernel).  A request of io_uring has the number of io_uring_enter
 * in wire_head.syscall and its opcode in `request`. */
struct wire_misc {
	struct wire_head head;
	__u64 request;	  /* bpf: command; perf: type; keyctl: operation; io_uring: entries */
	__u64 flags;	  /* bpf: type of the program or map; keys: the key or ring, as u32 */
	__u64 address;	  /* memory.exec; perf: config; kexec_load: entry */
	__u64 size;	  /* memory.exec; add_key: bytes of the payload; kexec_load: segments */
	__u64 prot;	  /* memory.exec */
	__s32 fd;	  /* returned or given, -1 when there is none */
	__s32 target_pid; /* perf: initial pid namespace; -1 all processes, 0 not known */
};
static_assert(sizeof(struct wire_misc) == 168, "wire_misc");

/* WIRE_CGROUP_*.  Text: CGROUP.  head.cgroup_id is the container that the cgroup belongs to, 0 when
 * it is nobody's; the head is who did it. */
struct wire_cgroup {
	struct wire_head head;
	__u64 id;
	__u64 parent_id;
	__u64 target_start_ns; /* attach: the moved process */
	__u32 target_pid;
	__u32 level; /* depth below the root of the hierarchy */
};
static_assert(sizeof(struct wire_cgroup) == 152, "wire_cgroup");

/* WIRE_CANARY: Amber's process called prctl(WIRE_CANARY_OPTION, request, lost), which the kernel
 * refuses with -EINVAL. */
struct wire_canary {
	struct wire_head head;
	__u64 request;
	__u64 lost;
};
static_assert(sizeof(struct wire_canary) == 136, "wire_canary");

#define WIRE_CANARY_OPTION 0x416d6272 /* "Ambr" */

/* Reasons of loss, per container and per CPU. */
enum wire_lost {
	WIRE_LOST_RING = 0,   /* the ring was full: user space was too slow */
	WIRE_LOST_QUOTA = 1,  /* the container was over its quota */
	WIRE_LOST_COMPAT = 2, /* a 32-bit call that is not decoded */
	WIRE_LOST_ERROR = 3,  /* a map was full or a read failed where it should not */
	WIRE_LOST_COUNT = 4,
};

/* Per CPU, read by probe_stats. */
struct wire_counters {
	__u64 seq;	 /* records tried */
	__u64 seen;	 /* calls and events that reached a handler */
	__u64 emitted;	 /* records handed over */
	__u64 folded;	 /* repeats that were only counted */
	__u64 truncated; /* texts cut short */
	__u64 faults;	 /* texts that could not be read */
	__u64 lost[WIRE_LOST_COUNT];
};

#define WIRE_SLOT_NESTED  1u  /* a cgroup below the container's: counters are at `root` */
#define WIRE_SLOT_USER	  2u  /* user space asked for it */
#define WIRE_SLOT_NAME	  4u  /* its name holds a container id */
#define WIRE_SLOT_EXPECT  8u  /* its name was announced */
#define WIRE_SLOT_DEAD	  16u /* the cgroup was removed */
#define WIRE_SLOT_STARTED 32u /* the container's program runs */

/* Value of the map of tracked cgroups; the key is the cgroup id. */
struct wire_slot {
	__u64 root;	/* cgroup id of the container */
	__u32 flags;	/* WIRE_SLOT_* */
	__u32 setup;	/* processes that still do the runtime's work */
	__u64 quota_ns; /* theoretical arrival time of the next record (GCRA) */
	__u64 pad;
	__u64 lost[WIRE_LOST_COUNT];
	__u64 first_lost_ns, last_lost_ns;
	__u64 made_ns, dead_ns; /* boot clock */
};
static_assert(sizeof(struct wire_slot) == 96, "wire_slot");

/* slot_hint[]: a byte for each value of the low bits of a cgroup id, set before a slot of such an
 * id is made and never cleared.  Zero means no slot, so that processes outside containers pay no
 * look-up. */
#define WIRE_SLOT_HINTS		  65536u
#define WIRE_SLOT_HINT(cgroup_id) ((cgroup_id) & (WIRE_SLOT_HINTS - 1))

#define WIRE_CALL_MAX	  512u	  /* numbers of system calls */
#define WIRE_CALL_NONE	  0xffffu /* compat_call[]: of no interest */
#define WIRE_CALL_GAP	  0xfffeu /* compat_call[]: of interest and not decoded, so counted */
#define WIRE_CALL_HANDLED 1u	  /* call_kind[]: has a handler */
#define WIRE_CALL_CANARY  2u	  /* call_kind[]: also when Amber calls it, outside containers */
#define WIRE_CALL_EXEC	  4u	  /* call_kind[]: only when its third argument has PROT_EXEC */

/* Stands for socketcall(2), which 64-bit programs do not have. */
#define WIRE_CALL_SOCKETCALL   511u
#define WIRE_CALL_MEMFD_SECRET 447u

/* Constants of the programs, set before they are loaded. */
struct wire_config {
	__u64 fold_ns;	      /* window of folding; 0: none */
	__u64 quota_cost_ns;  /* of one record; 0: no quota */
	__u64 quota_burst_ns; /* how much may be spent at once */
	__u32 own_tgid;	      /* Amber */
	__u32 own_mnt_ns;     /* mount namespace of the host */
	__u32 hierarchy_id;   /* of the cgroups that name containers */
	__u32 hierarchy_v1;   /* 0: the unified one; 1: pids; 2: memory */
	__u32 ring_shift;     /* cpu >> ring_shift is the ring */
	__u32 ring_wake;      /* bytes in a ring at which user space is woken */
};
static_assert(sizeof(struct wire_config) == 48, "wire_config");

#define WIRE_FOLDS_MAX 4096u
#define WIRE_FOLD_DATA 1000u

/* A repeated event: `count` repeats that no record has told yet, `data` the record of them. */
struct wire_fold_key {
	__u64 cgroup, identity;
	__u32 tgid, type;
};
static_assert(sizeof(struct wire_fold_key) == 24, "wire_fold_key");

struct wire_fold {
	__u64 count, last_ns;
	__u8 data[WIRE_FOLD_DATA];
};
static_assert(sizeof(struct wire_fold) == 1016, "wire_fold");

/* Names whose opening for reading is recorded: of the file itself or of one of the two folders
 * above it.  A name is looked up only when its bit is set, which keeps other reads cheap. */
#define WIRE_WATCH_NAME	  32u	/* bytes of a name, zero padded */
#define WIRE_WATCH_MAX	  1024u /* names */
#define WIRE_WATCH_BITS	  16384u
#define WIRE_WATCH_FILE	  1u /* of the file itself */
#define WIRE_WATCH_FOLDER 2u /* of a folder that is opened, or that the file is in */

struct wire_watch_name {
	__u64 word[WIRE_WATCH_NAME / 8];
};
static_assert(sizeof(struct wire_watch_name) == 32, "wire_watch_name");

struct wire_watch_bits {
	__u64 lengths; /* bit n: there is a name of n bytes */
	__u64 word[WIRE_WATCH_BITS / 64];
};

/* The number of the name's bit in struct wire_watch_bits. */
static inline __attribute__((always_inline)) __u32
wire_watch_bit(const struct wire_watch_name *name)
{
	__u64 hash = name->word[0] ^ (name->word[1] * 0x9e3779b97f4a7c15ull);

	hash ^= (name->word[2] + 1) * 0xc2b2ae3d27d4eb4full;
	hash ^= (name->word[3] + 1) * 0x165667b19e3779f9ull;
	hash *= 0x9e3779b97f4a7c15ull;
	return (hash >> 40) % WIRE_WATCH_BITS;
}

#endif
