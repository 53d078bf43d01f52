/* processes_proc.c - the process table asks /proc: at start, at first sight, and now and then. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "record/proc.h"
#include "record/processes_table.h"

#define CGROUP_BYTES 8192u

/* Whether one more look-up is within this second's share. */
static bool spend(struct processes *p)
{
	uint64_t second = p->now_ns / NSEC_PER_SEC;

	if (second != p->lookup_second) {
		p->lookup_second = second;
		p->lookups_left = p->lookups_max;
	}
	if (p->lookups_left == 0)
		return false;
	p->lookups_left--;
	p->stats.lookups++;
	return true;
}

/* /proc/PID of exactly this process, or -errno. */
static int open_entry(const struct processes *p, const struct process_entry *e)
{
	AUTO(fd) int fd = proc_open(p->proc_fd, e->pid);
	struct proc_info info;
	int r;

	if (fd < 0)
		return fd;
	r = proc_read_stat(fd, &info);
	if (r < 0)
		return r;
	return info.start_tick == e->start_ns / PROC_TICK_NS ? fd_take(&fd) : -ESRCH;
}

static uint32_t read_exe(struct processes *p, int pid_fd)
{
	char path[LIMIT_PATH];
	int n = proc_read_exe(pid_fd, path);

	return n > 0 ? strings_get(&p->texts, span_make(path, (size_t)n)) : 0;
}

void processes_ask(struct processes *p, struct process_entry *e)
{
	AUTO(fd) int fd = -1;
	uint32_t exe;

	if (p->proc_fd < 0)
		return;
	if (!spend(p)) {
		p->stats.deferred++;
		return;
	}
	e->flags &= ~ENTRY_WANTED;
	fd = open_entry(p, e);
	exe = fd < 0 ? 0 : read_exe(p, fd);
	if (!exe) {
		p->stats.gone++;
		return;
	}
	strings_drop(&p->texts, e->exe);
	e->exe = exe;
	e->flags |= ENTRY_DIRTY;
}

void processes_sweep(struct processes *p, uint64_t boot_ns, uint32_t budget)
{
	if (boot_ns > p->now_ns)
		p->now_ns = boot_ns;
	processes_forget(p, p->max);
	for (uint32_t i = 0; i < p->top && budget && p->proc_fd >= 0; i++) {
		struct process_entry *e = &p->entries[p->hand % p->top];
		AUTO(fd) int fd = -1;

		p->hand = (p->hand + 1) % p->max;
		if (!e->pid || (e->flags & ENTRY_ENDED) ||
		    e->seen_ns + PROCESSES_QUIET_NS > p->now_ns)
			continue;
		budget--;
		fd = open_entry(p, e);
		e->seen_ns = p->now_ns;
		if (fd >= 0)
			continue;
		p->stats.exits_missed++;
		processes_end(p, e, p->now_ns);
	}
}

static void take_in(struct processes *p, const struct proc_info *info, int pid_fd)
{
	struct process_entry *e = processes_add(p, info->pid, info->start_tick * PROC_TICK_NS);

	e->ppid = info->ppid;
	e->vpid = info->vpid;
	e->uid = info->uid;
	e->gid = info->gid;
	e->loginuid = info->loginuid;
	memcpy(e->comm, info->comm, sizeof(e->comm));
	e->exe = read_exe(p, pid_fd);
	e->flags = ENTRY_APPROX | ENTRY_LEADER;
}

/* Whether the process was taken in; one that ends meanwhile is not. */
static bool scan_one(struct processes *p, uint32_t pid,
		     bool (*wanted)(void *ctx, uint32_t pid, struct span cgroups), void *ctx)
{
	AUTO(fd) int fd = proc_open(p->proc_fd, pid);
	char cgroups[CGROUP_BYTES];
	struct proc_info info;
	int n;

	if (fd < 0)
		return false;
	if (wanted) {
		n = proc_read(fd, "cgroup", cgroups, sizeof(cgroups));
		if (n < 0 || !wanted(ctx, pid, span_make(cgroups, (size_t)n)))
			return false;
	}
	if (proc_read_stat(fd, &info) < 0 || proc_read_ids(fd, &info) < 0 ||
	    processes_knows_tick(p, info.pid, info.start_tick))
		return false;
	take_in(p, &info, fd);
	return true;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}
DEFINE_AUTO(dir, DIR *, close_dir);

int processes_scan_proc(struct processes *p,
			bool (*wanted)(void *ctx, uint32_t pid, struct span cgroups), void *ctx,
			struct err *e)
{
	int fd = p->proc_fd < 0 ? -1 : openat(p->proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO(dir) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int taken = 0;

	if (!dir) {
		int code = p->proc_fd < 0 ? EBADF : errno;

		fd_close(&fd);
		return err_sys(e, code, "cannot read /proc");
	}
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			taken += scan_one(p, (uint32_t)strtoul(entry->d_name, NULL, 10), wanted,
					  ctx);
	return taken;
}
