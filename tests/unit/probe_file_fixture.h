/* probe_file_fixture.h - one system call in a tracked child, and a check of every field of its
 *record.
 *
 *	char *name = work_path("a");
 *
 *	call_run(SYS_unlink, (long)name);
 *	assert_call(&(struct want){.type = WIRE_FILE_UNLINK, .claim = name});
 *
 * The call's number, its result, and who did it are checked without being named. */
#ifndef AMBER_TESTS_UNIT_PROBE_FILE_FIXTURE_H
#define AMBER_TESTS_UNIT_PROBE_FILE_FIXTURE_H

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <time.h>

#include "probe_fixture.h"

/* What the child tells: its memory is shared with the test. */
struct told {
	long ret;	/* of the call, -errno on failure */
	int open_flags; /* of the descriptor that it returned */
	struct stat st; /* of the file behind it */
};

struct call_step {
	long nr;
	long arg[6];
	const char *cwd;      /* where the child stands, or NULL */
	void (*before)(void); /* in the child, or NULL */
	int stat_fd;	      /* whose facts are told: -1: of the result */
};

struct work {
	char dir[64];
	unsigned used;
	struct told *told;
	struct call_step step;
	uint64_t before_ns;
	bool by_worker; /* a thread of io_uring acts, not the child's own */
};

static struct work work;

static inline uint64_t work_boot_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The absolute path of a name in the test's folder; eight may be in use at once. */
static inline char *work_path(const char *name)
{
	static char names[8][PATH_MAX];
	char *path = names[work.used++ % 8];

	(void)snprintf(path, PATH_MAX, "%s/%s", work.dir, name);
	return path;
}

/* A file with these bytes. */
static inline char *work_file(const char *name, const char *bytes)
{
	char *path = work_path(name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0640);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, strlen(bytes)), (ssize_t)strlen(bytes));
	close(fd);
	return path;
}

static inline char *work_folder(const char *name)
{
	char *path = work_path(name);

	assert_int_equal(mkdir(path, 0750), 0);
	return path;
}

static inline struct stat work_stat(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st;
}

static inline int work_remove_one(const char *path, const struct stat *st, int flag,
				  struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

/* A fresh folder before each test, gone after it. */
static inline int work_open(void **state)
{
	(void)state;
	memset(&work, 0, sizeof(work));
	(void)snprintf(work.dir, sizeof(work.dir), "/tmp/amber-probe-XXXXXX");
	work.told = mmap(NULL, sizeof(*work.told), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return work.told == MAP_FAILED || !mkdtemp(work.dir) ? -1 : 0;
}

static inline int work_close(void **state)
{
	(void)state;
	(void)nftw(work.dir, work_remove_one, 64, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	return munmap(work.told, sizeof(*work.told));
}

static inline int work_probe_open(void **state)
{
	struct probe_options o = probe_defaults();

	(void)state;
	return fixture_open(&o);
}

static inline int work_probe_close(void **state)
{
	(void)state;
	fixture_close();
	return 0;
}

static inline void work_act(void *arg)
{
	const struct call_step *s = arg;
	long r;
	int fd;

	if (s->cwd && chdir(s->cwd))
		_exit(97);
	if (s->before)
		s->before();
	r = syscall(s->nr, s->arg[0], s->arg[1], s->arg[2], s->arg[3], s->arg[4], s->arg[5]);
	work.told->ret = r < 0 ? -errno : r;
	fd = s->stat_fd >= 0 ? s->stat_fd : (int)r;
	if (fd < 0)
		return;
	work.told->open_flags = fcntl(fd, F_GETFL);
	(void)fstat(fd, &work.told->st); /* all zero when it is no descriptor */
}

/* Runs work.step. */
static inline void step_run(void)
{
	memset(work.told, 0, sizeof(*work.told));
	work.before_ns = work_boot_ns();
	fixture_run(work_act, &work.step);
	assert_int_equal(fixture.status, 0);
}

/* Makes the call with up to six arguments in a child. */
#define call_run(number, ...) call_run_at(NULL, number, __VA_ARGS__)

/* The same for a child that stands in the folder `dir`. */
#define call_run_at(dir, number, ...)                                                   \
	do {                                                                            \
		work.step = (struct call_step){                                         \
			.nr = number, .arg = {__VA_ARGS__}, .cwd = dir, .stat_fd = -1}; \
		step_run();                                                             \
	} while (0)

/* The field of /proc/self/stat with that number (from 22 on they are behind the name). */
static inline uint64_t work_own_start_ticks(void)
{
	char text[1024], *p;
	int fd = open("/proc/self/stat", O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	assert_true(n > 0);
	text[n] = 0;
	p = strrchr(text, ')');
	for (int field = 2; field < 22; field++)
		p = strchr(p + 1, ' ');
	return strtoull(p + 1, NULL, 10);
}

static inline uint32_t work_loginuid(void)
{
	char text[32] = "4294967295";
	int fd = open("/proc/self/loginuid", O_RDONLY);

	if (fd >= 0) {
		(void)!read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	return (uint32_t)strtoul(text, NULL, 10);
}

/* Who did it, when, and what came of it. */
static inline void assert_head(const struct wire_head *h, unsigned type, unsigned marks)
{
	uint64_t tick_ns = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);
	char comm[WIRE_COMM] = "";

	if (work.by_worker)
		(void)snprintf(comm, sizeof(comm), "iou-wrk-%d", fixture.child);
	else
		(void)snprintf(comm, sizeof(comm), "%.15s", program_invocation_short_name);
	assert_int_equal(h->type, type);
	assert_int_equal(h->marks, marks);
	assert_in_range(h->boot_ns, work.before_ns, work_boot_ns());
	assert_int_not_equal(h->seq, 0);
	assert_int_equal(h->cgroup_id, fixture.cgroup_id);
	assert_int_equal(h->task_cgroup_id, fixture.cgroup_id);
	assert_in_range(h->start_ns, work.before_ns, h->boot_ns);
	assert_int_equal(h->parent_start_ns / tick_ns, work_own_start_ticks());
	assert_int_equal(h->ret, work.told->ret);
	assert_int_equal(h->tgid, fixture.child);
	if (work.by_worker)
		assert_in_range(h->tid, 1, INT_MAX);
	else
		assert_int_equal(h->tid, fixture.child);
	assert_int_equal(h->ppid, getpid());
	assert_int_equal(h->vpid, fixture.child);
	assert_int_equal(h->uid, getuid());
	assert_int_equal(h->gid, getgid());
	assert_int_equal(h->loginuid, work_loginuid());
	assert_int_equal(h->count, 1);
	assert_int_not_equal(h->exec_id, 0);
	assert_true(h->cpu < sysconf(_SC_NPROCESSORS_CONF));
	assert_int_equal(h->syscall, work.step.nr);
	assert_string_equal(h->comm, comm);
}

/* A text that must be there with these bytes, or must not be there when `want` is NULL. */
static inline void assert_text(const void *rec, size_t fixed, unsigned slot, const char *want,
			       unsigned flags)
{
	const char *bytes;
	const struct wire_text *text = fixture_text(rec, fixed, slot, &bytes);

	if (!want) {
		if (text)
			fail_msg("text %u is there: '%.*s'", slot, text->len, bytes);
		return;
	}
	if (!text)
		fail_msg("text %u is not there, not '%s'", slot, want);
	if (text->len != strlen(want) || memcmp(bytes, want, text->len) != 0)
		fail_msg("text %u is '%.*s', not '%s'", slot, text->len, bytes, want);
	assert_int_equal(text->flags, flags);
}

static inline void assert_kernel_path(const void *rec, size_t fixed, unsigned slot,
				      const char *want, unsigned flags)
{
	const char *path, *bytes;

	if (!want) {
		assert_text(rec, fixed, slot, NULL, 0);
		return;
	}
	path = fixture_path(rec, fixed, slot);
	if (!path)
		fail_msg("no kernel path %u, not '%s'", slot, want);
	assert_string_equal(path, want);
	assert_int_equal(fixture_text(rec, fixed, slot, &bytes)->flags,
			 WIRE_TEXT_KERNEL_PATH | flags);
}

/* What a record must say; what is not named must be 0 or absent. */
struct want {
	unsigned type;
	unsigned marks; /* WIRE_MARK_CLAIM comes by itself with claim and claim2 */
	const struct stat *st;
	unsigned file_flags;
	uint64_t flags, size;
	int64_t owner_uid, owner_gid;
	unsigned open_flags, mode, rdev;
	int has_fd, fd; /* -1 unless has_fd */
	const char *path, *claim, *path2, *claim2, *xattr;
	unsigned path_flags, claim_flags; /* further WIRE_TEXT_* */
	int relative2;			  /* claim2 is no path, so it does not make a claim */
};

/* What is added to the flags of a file where /tmp is a tmpfs. */
static inline unsigned tmpfs_flag(const struct stat *st)
{
	struct statfs fs;
	struct stat tmp;

	assert_int_equal(statfs("/tmp", &fs), 0);
	assert_int_equal(stat("/tmp", &tmp), 0);
	return fs.f_type == TMPFS_MAGIC && tmp.st_dev == st->st_dev ? WIRE_FILE_TMPFS : 0;
}

static inline void assert_file(const struct wire_file *f, const struct want *x)
{
	static const struct stat none;
	const struct stat *st = x->st ? x->st : &none;

	assert_int_equal(f->ino, st->st_ino);
	assert_int_equal(f->size, st->st_size);
	assert_int_equal(f->dev, major(st->st_dev) << 20 | minor(st->st_dev));
	assert_int_equal(f->rdev, major(st->st_rdev) << 20 | minor(st->st_rdev));
	assert_int_equal(f->mode, st->st_mode);
	assert_int_equal(f->file_flags, x->file_flags | tmpfs_flag(st));
	assert_int_equal(f->uid, st->st_uid);
	assert_int_equal(f->gid, st->st_gid);
}

static inline void assert_record(const struct wire_file_call *w, const struct want *x)
{
	size_t n = sizeof(*w);
	unsigned marks = x->marks;

	if (x->claim || (x->claim2 && !x->relative2))
		marks |= WIRE_MARK_CLAIM;
	assert_head(&w->head, x->type, marks);
	assert_file(&w->file, x);
	assert_int_equal(w->flags, x->flags);
	assert_int_equal(w->size, x->size);
	assert_int_equal(w->owner_uid, x->owner_uid);
	assert_int_equal(w->owner_gid, x->owner_gid);
	assert_int_equal(w->open_flags, x->open_flags);
	assert_int_equal(w->mode, x->mode);
	assert_int_equal(w->rdev, x->rdev);
	assert_int_equal(w->fd, x->has_fd ? x->fd : -1);
	assert_kernel_path(w, n, WIRE_TEXT_PATH, x->path, x->path_flags);
	assert_text(w, n, WIRE_TEXT_PATH_CLAIM, x->claim, WIRE_TEXT_CLAIM | x->claim_flags);
	assert_kernel_path(w, n, WIRE_TEXT_PATH2, x->path2, 0);
	assert_text(w, n, WIRE_TEXT_PATH2_CLAIM, x->claim2, WIRE_TEXT_CLAIM);
	assert_text(w, n, WIRE_TEXT_XATTR, x->xattr, WIRE_TEXT_CLAIM);
}

/* The only record of the type says this. */
static inline void assert_call(const struct want *x)
{
	assert_record(fixture_find(x->type), x);
}

/* No file and no mount record of the last run came; other containers of the host may have theirs.
 */
static inline void assert_no_call(void)
{
	for (enum wire_type type = WIRE_FILE_OPEN; type <= WIRE_MOUNT_CHROOT; type++)
		if (fixture_nth(type, 0))
			fail_msg("a record of type %d", type);
}

#endif
