/* proc.h - what /proc says about one process. */
#ifndef AMBER_RECORD_PROC_H
#define AMBER_RECORD_PROC_H

#include "base/err.h"
#include "base/limits.h"
#include "base/span.h"

/* /proc counts the start of a process in hundredths of a second (proc(5), USER_HZ). */
#define PROC_TICK_NS 10000000ull

struct proc_info {
	uint64_t start_tick; /* start_ns / PROC_TICK_NS */
	uint32_t pid, ppid, vpid, uid, gid, loginuid;
	char comm[16]; /* zero padded */
};

/* Opens /proc/PID; what is read below it is of this process even when the pid is used again
 * (everything is -ESRCH then).  Returns a descriptor or -errno. */
int proc_open(int proc_fd, uint32_t pid);

/* start_tick, pid, ppid and comm from `stat`.  0 or -errno. */
int proc_read_stat(int pid_fd, struct proc_info *ret_info);

/* Sets the ids, from `status` and `loginuid`.  0 or -errno. */
int proc_read_ids(int pid_fd, struct proc_info *info);

/* The executable's path into `ret_path`, as the kernel programs have it: from the root of the
 * process's mounts, without " (deleted)", a memfd as "memfd:NAME".  Returns its bytes or -errno;
 * -ENOENT for a kernel thread and a process that is ending. */
int proc_read_exe(int pid_fd, char ret_path[LIMIT_PATH]);

/* Reads the file `name` below `dir_fd` into `ret_text`, at most n - 1 bytes, and a NUL.  Returns
 * the bytes or -errno. */
int proc_read(int dir_fd, const char *name, char *ret_text, size_t n);

#endif
