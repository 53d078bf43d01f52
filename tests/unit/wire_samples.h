/* wire_samples.h - one record of each type, every member of its struct and every text in use. */
#ifndef AMBER_TESTS_UNIT_WIRE_SAMPLES_H
#define AMBER_TESTS_UNIT_WIRE_SAMPLES_H

#include "wire_build.h"

struct wire_sample {
	const char *name;
	uint16_t type;
	uint16_t bytes;
};

#define WIRE_SAMPLE(id, type)                              \
	{                                                  \
#id, WIRE_##id, sizeof(struct wire_##type) \
	}

static const struct wire_sample wire_samples[] = {
	WIRE_SAMPLE(PROCESS_FORK, fork),
	WIRE_SAMPLE(PROCESS_EXEC, exec),
	WIRE_SAMPLE(PROCESS_EXIT, exit),
	WIRE_SAMPLE(PROCESS_SIGNAL, target),
	WIRE_SAMPLE(PROCESS_PTRACE, target),
	WIRE_SAMPLE(PROCESS_VM_WRITE, target),
	WIRE_SAMPLE(FILE_OPEN, file_call),
	WIRE_SAMPLE(FILE_RENAME, file_call),
	WIRE_SAMPLE(FILE_UNLINK, file_call),
	WIRE_SAMPLE(FILE_LINK, file_call),
	WIRE_SAMPLE(FILE_SYMLINK, file_call),
	WIRE_SAMPLE(FILE_MKDIR, file_call),
	WIRE_SAMPLE(FILE_RMDIR, file_call),
	WIRE_SAMPLE(FILE_CHMOD, file_call),
	WIRE_SAMPLE(FILE_CHOWN, file_call),
	WIRE_SAMPLE(FILE_MKNOD, file_call),
	WIRE_SAMPLE(FILE_TRUNCATE, file_call),
	WIRE_SAMPLE(FILE_SETXATTR, file_call),
	WIRE_SAMPLE(MOUNT_MOUNT, mount),
	WIRE_SAMPLE(MOUNT_UMOUNT, mount),
	WIRE_SAMPLE(MOUNT_FSOPEN, mount),
	WIRE_SAMPLE(MOUNT_FSMOUNT, mount),
	WIRE_SAMPLE(MOUNT_MOVE, mount),
	WIRE_SAMPLE(MOUNT_PIVOT_ROOT, mount),
	WIRE_SAMPLE(MOUNT_CHROOT, mount),
	WIRE_SAMPLE(NET_CONNECT, net),
	WIRE_SAMPLE(NET_ACCEPT, net),
	WIRE_SAMPLE(NET_BIND, net),
	WIRE_SAMPLE(NET_LISTEN, net),
	WIRE_SAMPLE(NET_SEND, net),
	WIRE_SAMPLE(NET_SOCKET, net),
	WIRE_SAMPLE(CRED_SETID, cred),
	WIRE_SAMPLE(CRED_CAPSET, cred),
	WIRE_SAMPLE(NS_UNSHARE, ns),
	WIRE_SAMPLE(NS_SETNS, ns),
	WIRE_SAMPLE(MEMORY_MEMFD, misc),
	WIRE_SAMPLE(MEMORY_EXEC, misc),
	WIRE_SAMPLE(KERNEL_MODULE, file_call),
	WIRE_SAMPLE(KERNEL_BPF, misc),
	WIRE_SAMPLE(KERNEL_PERF, misc),
	WIRE_SAMPLE(KERNEL_KEYCTL, misc),
	WIRE_SAMPLE(KERNEL_KEXEC, misc),
	WIRE_SAMPLE(KERNEL_IO_URING, misc),
	WIRE_SAMPLE(CGROUP_MKDIR, cgroup),
	WIRE_SAMPLE(CGROUP_RMDIR, cgroup),
	WIRE_SAMPLE(CGROUP_ATTACH, cgroup),
	WIRE_SAMPLE(CANARY, canary),
};

#define WIRE_SAMPLES (sizeof(wire_samples) / sizeof(wire_samples[0]))

/* Every byte behind the head is 1, so that no member is 0 and none is negative; then what has to
 * make sense for a field to be filled is put right. */
static inline struct span wire_sample(struct wire_build *b, size_t i)
{
	const struct wire_sample *sample = &wire_samples[i];
	struct wire_head *head = wire_begin(b, sample->type, sample->bytes);

	memset(b->bytes + sizeof(*head), 1, sample->bytes - sizeof(*head));
	head->ret = sample->type == WIRE_PROCESS_EXEC ? 0 : 3;
	if (sample->bytes == sizeof(struct wire_net) && sample->type / 16 == 3)
		((struct wire_net *)(void *)b->bytes)->family = 2;
	if (sample->type == WIRE_PROCESS_EXEC)
		((struct wire_exec *)(void *)b->bytes)->ancestor_count = WIRE_ANCESTORS;
	wire_kernel_path(b, WIRE_TEXT_PATH, 0, "/usr/bin/id");
	wire_kernel_path(b, WIRE_TEXT_PATH2, 0, "/tmp");
	wire_claim(b, WIRE_TEXT_PATH2_CLAIM, "./x//y");
	wire_claim(b, WIRE_TEXT_FILENAME, "id");
	wire_kernel_path(b, WIRE_TEXT_CWD, 0, "/home/a b");
	wire_text(b, WIRE_TEXT_ARGV, WIRE_TEXT_CLAIM, "id\0-u\0it's me", 14);
	wire_text(b, WIRE_TEXT_TTY, 0, "pts1", 4);
	wire_kernel_path(b, WIRE_TEXT_STDIN, 0, "/dev/null");
	wire_kernel_path(b, WIRE_TEXT_STDOUT, WIRE_TEXT_OUTSIDE, "/var/log/out");
	wire_kernel_path(b, WIRE_TEXT_STDERR, WIRE_TEXT_DETACHED, "memfd:x");
	wire_claim(b, WIRE_TEXT_SOURCE, "overlay");
	wire_claim(b, WIRE_TEXT_FSTYPE, "overlay");
	wire_claim(b, WIRE_TEXT_XATTR, "user.x");
	wire_text(b, WIRE_TEXT_NAME, WIRE_TEXT_TRUNCATED, "a name", 6);
	wire_claim(b, WIRE_TEXT_DATA, "lowerdir=/l,upperdir=/u");
	wire_text(b, WIRE_TEXT_CGROUP, 0, "/docker/abc", 11);
	wire_text(b, WIRE_TEXT_SOCKET, 0, "\0abstract", 9);
	return wire_end(b);
}

#endif
