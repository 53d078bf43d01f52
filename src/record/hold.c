/* hold.c - see hold.h. */
#include "record/hold.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"

#define RUNTIMES_MAX 64
#define TICK_MS	     2000

static const char *const well_known[] = {
	"/usr/bin/runc",
	"/usr/sbin/runc",
	"/usr/local/bin/runc",
	"/usr/local/sbin/runc",
	"/opt/containerd/bin/runc",
	"/usr/libexec/crio/runc",
	"/usr/lib/cri-o-runc/sbin/runc",
	"/usr/libexec/docker/docker-runc-current",
	"/usr/bin/docker-runc",
	"/var/lib/rancher/k3s/data/current/bin/runc",
	"/var/lib/rancher/rke2/bin/runc",
	"/snap/docker/current/bin/runc",
	"/snap/microk8s/current/bin/runc",
	"/usr/bin/crun",
	"/usr/sbin/crun",
	"/usr/local/bin/crun",
	"/usr/libexec/crio/crun",
	"/usr/libexec/podman/crun",
	"/usr/bin/youki",
	"/usr/local/bin/youki",
};

struct runtime_file {
	dev_t dev;
	ino_t ino;
};

struct hold {
	struct hold_options options;
	struct permit *permit;
	struct keep_gaps gaps;
	pthread_mutex_t lock; /* permit (until open returns) and marked */
	struct runtime_file marked[RUNTIMES_MAX];
	_Atomic uint64_t marked_n, starts, others, unreadable;
	/* The worker's scratch: one execution at a time. */
	char argv_bytes[HOLD_ARGV_BYTES];
	uint32_t last_pid; /* the last start, with id */
	enum hold_verb last_verb;
	char id[LIMIT_CONTAINER_ID];
	char bundle[LIMIT_PATH], root[LIMIT_PATH], config[LIMIT_PATH], cwd[LIMIT_PATH];
};

static void tell_gap(struct hold *hold, const char *reason, uint32_t tid)
{
	struct keep_who who = {.pid = tid};

	if (hold->options.out)
		keep_gaps_add(&hold->gaps, &who, &(struct keep_loss){.reason = reason, .lost = 1});
}

/* The address of the new argv of a thread that waits inside execve or execveat. */
static int argv_address(uint32_t tid, uint64_t *ret_address)
{
	char path[48], text[256];
	unsigned long long words[4]; /* the number of the call, then its arguments */
	char *at = text, *end;
	AUTO(fd) int fd = -1;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%u/syscall", tid); /* cannot be cut */
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = fd_read_full(fd, text, sizeof(text) - 1);
	if (n < 0)
		return (int)n;
	text[n] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(words); i++, at = end) {
		words[i] = strtoull(at, &end, i == 0 ? 10 : 16);
		if (end == at)
			return -ENODATA; /* "running" */
	}
	if (words[0] != SYS_execve && words[0] != SYS_execveat)
		return -ENODATA;
	*ret_address = words[0] == SYS_execve ? words[2] : words[3];
	return 0;
}

/* Reads a string page by page, so that one at the end of a mapping is read as well. */
static ssize_t read_string(int mem, uint64_t address, char *p, size_t max)
{
	size_t n = 0;

	while (n < max) {
		size_t want = 4096 - (address + n) % 4096;
		char *end;
		ssize_t got;

		if (want > max - n)
			want = max - n;
		got = pread(mem, p + n, want, (off_t)(address + n));
		if (got <= 0)
			return got < 0 ? -errno : -EFAULT;
		end = memchr(p + n, '\0', (size_t)got);
		if (end)
			return end - p;
		n += (size_t)got;
	}
	return -E2BIG;
}

static int read_argv(struct hold *hold, uint32_t tid, struct span *argv, size_t *ret_argc)
{
	uint64_t address = 0, pointers[HOLD_ARGV_COUNT];
	size_t used = 0, argc = 0;
	char path[48];
	AUTO(fd) int mem = -1;
	int r = argv_address(tid, &address);

	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "/proc/%u/mem", tid); /* cannot be cut */
	mem = open(path, O_RDONLY | O_CLOEXEC);
	if (mem < 0)
		return -errno;
	for (; argc < HOLD_ARGV_COUNT; argc++) {
		ssize_t n = pread(mem, &pointers[argc], sizeof(pointers[argc]),
				  (off_t)(address + argc * sizeof(pointers[argc])));

		if (n != sizeof(pointers[argc]))
			return n < 0 ? -errno : -EFAULT;
		if (pointers[argc] == 0)
			break;
		n = read_string(mem, pointers[argc], hold->argv_bytes + used,
				sizeof(hold->argv_bytes) - used);
		if (n < 0)
			return (int)n;
		argv[argc] = span_make(hold->argv_bytes + used, (size_t)n);
		used += (size_t)n + 1;
	}
	*ret_argc = argc;
	return argc == HOLD_ARGV_COUNT ? -E2BIG : 0;
}

/* Makes `path` absolute, taken from the working directory of the runtime. */
static int absolute(struct hold *hold, struct span path, char *ret, struct err *e)
{
	if (path.n == 0)
		return path_print(ret, e, "%s", "");
	if (path.p[0] == '/')
		return path_print(ret, e, "%.*s", (int)path.n, (const char *)path.p);
	return path_print(ret, e, "%s/%.*s", hold->cwd, (int)path.n, (const char *)path.p);
}

static int read_cwd(struct hold *hold, uint32_t tid)
{
	char path[48];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%u/cwd", tid); /* cannot be cut */
	n = readlink(path, hold->cwd, sizeof(hold->cwd) - 1);
	if (n < 0)
		return -errno;
	hold->cwd[n] = '\0';
	return 0;
}

static enum hold_kind kind_of(int fd)
{
	char path[40], target[LIMIT_PATH];
	struct span base;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd); /* cannot be cut */
	n = readlink(path, target, sizeof(target));
	base = path_base(span_make(target, n > 0 ? (size_t)n : 0));
	if (span_contains(base, span_of("runc")))
		return HOLD_RUNC;
	return span_contains(base, span_of("crun")) ? HOLD_CRUN : HOLD_UNNAMED;
}

static uint32_t tgid_of(uint32_t tid)
{
	uint32_t pid = tid, ppid;

	(void)permit_who(tid, &pid, &ppid); /* gone: its own number is as good */
	return pid;
}

/* Fills the scratch with what argv says and calls on_start. */
static int start(struct hold *hold, const struct permit_event *event, const struct hold_argv *argv)
{
	struct err e = ERR_INIT;
	struct hold_start out = {.kind = kind_of(event->fd),
				 .verb = argv->verb,
				 .pid = tgid_of(event->tid),
				 .id = hold->id,
				 .bundle = hold->bundle,
				 .root = hold->root,
				 .config = hold->config};
	int r = read_cwd(hold, event->tid);

	if (r == 0 && argv->id.n >= sizeof(hold->id))
		r = -ENAMETOOLONG;
	if (r == 0)
		r = absolute(hold, argv->bundle.n ? argv->bundle : span_of(hold->cwd), hold->bundle,
			     &e);
	if (r == 0)
		r = absolute(hold, argv->root, hold->root, &e);
	if (r == 0)
		r = absolute(hold, argv->config, hold->config, &e);
	if (r < 0)
		return r;
	if (out.pid == hold->last_pid && out.verb == hold->last_verb &&
	    span_is(argv->id, hold->id)) {
		atomic_fetch_add(&hold->others, 1); /* crun executes a sealed copy of itself */
		return 0;
	}
	hold->last_pid = out.pid;
	hold->last_verb = out.verb;
	memcpy(hold->id, argv->id.p, argv->id.n);
	hold->id[argv->id.n] = '\0';
	atomic_fetch_add(&hold->starts, 1);
	hold->options.on_start(hold->options.ctx, &out);
	return 0;
}

static void on_event(void *ctx, const struct permit_event *event)
{
	struct hold *hold = ctx;
	struct span argv[HOLD_ARGV_COUNT];
	struct hold_argv parsed;
	size_t argc = 0;
	int r = read_argv(hold, event->tid, argv, &argc);

	if (r == -ENOENT || r == -ESRCH)
		return; /* it was killed while it waited: nothing starts */
	if (r == 0 && hold_argv_parse(argv, argc, &parsed) < 0) {
		atomic_fetch_add(&hold->others, 1); /* --version, --help, a wrong call */
		return;
	}
	if (r == 0 && parsed.verb == HOLD_OTHER)
		atomic_fetch_add(&hold->others, 1);
	else if (r == 0)
		r = start(hold, event, &parsed);
	if (r < 0) {
		atomic_fetch_add(&hold->unreadable, 1);
		tell_gap(hold, "hold_unreadable", event->tid);
	}
}

static void on_late(void *ctx, uint32_t tid)
{
	tell_gap(ctx, "hold_timeout", tid);
}

static void mark_path(struct hold *hold, const char *path)
{
	size_t n = hold->marked_n;
	struct stat st;

	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return;
	for (size_t i = 0; i < n; i++)
		if (hold->marked[i].dev == st.st_dev && hold->marked[i].ino == st.st_ino)
			return;
	if (n == RUNTIMES_MAX) { /* forget the oldest: a replaced file's mark went with its inode */
		memmove(hold->marked, hold->marked + 1, (n - 1) * sizeof(*hold->marked));
		n--;
	}
	if (permit_mark(hold->permit, FAN_MARK_ADD, path) < 0)
		return; /* gone since the stat; the next tick looks again */
	hold->marked[n] = (struct runtime_file){st.st_dev, st.st_ino};
	hold->marked_n = n + 1;
}

static void mark_all(struct hold *hold)
{
	pthread_mutex_lock(&hold->lock);
	for (size_t i = 0; i < ARRAY_LEN(well_known) && !hold->options.only_paths; i++)
		mark_path(hold, well_known[i]);
	for (size_t i = 0; i < hold->options.path_count; i++)
		mark_path(hold, hold->options.paths[i]);
	pthread_mutex_unlock(&hold->lock);
}

static void on_tick(void *ctx)
{
	struct hold *hold = ctx;

	mark_all(hold);
	if (hold->options.out)
		keep_gaps_say(&hold->gaps, false);
}

int hold_open(const struct hold_options *options, struct hold **ret, struct err *e)
{
	struct permit_options permit = {.deadline_ms = options->deadline_ms,
					.tick_ms = TICK_MS,
					.on_event = on_event,
					.on_tick = on_tick,
					.on_late = on_late};
	struct hold *hold = calloc(1, sizeof(*hold));
	int r = 0;

	if (!hold)
		return err_sys(e, ENOMEM, "cannot hold container starts");
	hold->options = *options;
	permit.ctx = hold;
	pthread_mutex_init(&hold->lock, NULL);
	if (options->out)
		r = keep_gaps_init(&hold->gaps, options->out, e);
	pthread_mutex_lock(&hold->lock);
	if (r == 0)
		r = permit_open(&permit, &hold->permit, e);
	pthread_mutex_unlock(&hold->lock);
	if (r < 0) {
		hold_close(hold);
		return r;
	}
	mark_all(hold);
	*ret = hold;
	return 0;
}

void hold_close(struct hold *hold)
{
	if (!hold)
		return;
	permit_close(hold->permit);
	keep_gaps_fini(&hold->gaps);
	pthread_mutex_destroy(&hold->lock);
	free(hold);
}

void hold_stats_get(struct hold *hold, struct hold_stats *ret_stats)
{
	*ret_stats = (struct hold_stats){.starts = hold->starts,
					 .others = hold->others,
					 .unreadable = hold->unreadable,
					 .marked = hold->marked_n};
	permit_stats_get(hold->permit, &ret_stats->permit);
}
