/* keeper_arm.c - marking the file systems of a container. */
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/fanotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "record/keeper_internal.h"
#include "record/keeper_mounts.h"

#define EVENTS		(FAN_CLOSE_WRITE | FAN_OPEN_EXEC)
#define MOUNTINFO_BYTES (1u << 20) /* of a container: about 8,000 mounts */
#define GRAVE_NS	(60 * NSEC_PER_SEC)

static void fd_path(int fd, char ret_path[40])
{
	(void)snprintf(ret_path, 40, "/proc/self/fd/%d", fd); /* cannot be cut */
}

static int mark_fd(struct keeper *k, unsigned flags, int fd)
{
	char path[40];

	fd_path(fd, path);
	return fanotify_mark(k->group, flags, EVENTS, AT_FDCWD, path) == 0 ? 0 : -errno;
}

/* What is mounted on the host: as Amber sees it and as process 1 does. */
static int read_host_mounts(struct buf *b, struct err *e)
{
	struct err ignored = ERR_INIT;
	int r = fd_read_file(AT_FDCWD, "/proc/self/mountinfo", b, e);

	if (r < 0)
		return r;
	/* Without it (hidepid, another pid namespace) Amber's own view has to do. */
	(void)fd_read_file(AT_FDCWD, "/proc/1/mountinfo", b, &ignored);
	return buf_check(b, "mountinfo of the host", e);
}

struct root {
	int fd;
	uint64_t dev;
	bool overlay;
	size_t path_n;
	char path[LIMIT_PATH]; /* canonical */
};

static int open_root(struct span rootfs, struct root *ret, struct err *e)
{
	char path[LIMIT_PATH], link[40];
	struct statfs fs;
	struct stat st;
	ssize_t n;

	if (rootfs.n == 0 || rootfs.n >= sizeof(path) || memchr(rootfs.p, 0, rootfs.n))
		return err_set(e, EINVAL, "container has no root directory");
	memcpy(path, rootfs.p, rootfs.n);
	path[rootfs.n] = '\0';
	ret->fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (ret->fd < 0)
		return err_sys(e, errno, "cannot open '%s'", path);
	fd_path(ret->fd, link);
	n = readlink(link, ret->path, sizeof(ret->path) - 1);
	if (n < 0 || fstat(ret->fd, &st) != 0 || fstatfs(ret->fd, &fs) != 0)
		return err_sys(e, errno, "cannot look at '%s'", path);
	ret->path[n] = '\0';
	ret->path_n = (size_t)n;
	ret->dev = st.st_dev;
	ret->overlay = fs.f_type == OVERLAYFS_SUPER_MAGIC;
	return 0;
}

/* The device and the age of overlay's writable layer. */
static void learn_upper(struct keeper_subject *s, struct span upper_dir)
{
	char path[LIMIT_PATH];
	struct statx stx;
	struct stat st;

	if (upper_dir.n == 0 || upper_dir.n >= sizeof(path))
		return;
	memcpy(path, upper_dir.p, upper_dir.n);
	path[upper_dir.n] = '\0';
	if (stat(path, &st) != 0 || statx(AT_FDCWD, path, 0, STATX_BTIME, &stx) != 0 ||
	    !(stx.stx_mask & STATX_BTIME))
		return;
	s->upper_dev = st.st_dev;
	s->born_ns = (uint64_t)stx.stx_btime.tv_sec * NSEC_PER_SEC + stx.stx_btime.tv_nsec;
}

static int learn(struct keeper *k, struct keeper_subject *s, const struct container *container,
		 const struct root *root)
{
	char *rootfs = strdup(root->path);
	char *old;

	if (!rootfs)
		return -ENOMEM;
	if (s->dead_ns) /* the same container again: its old file systems are gone */
		keeper_places_drop(k, s);
	pthread_rwlock_wrlock(&k->places.lock);
	s->dead_ns = 0;
	if (container->cgroup_id)
		s->who.cgroup_id = container->cgroup_id;
	old = s->rootfs;
	s->rootfs = rootfs;
	learn_upper(s, container->upper_dir);
	pthread_rwlock_unlock(&k->places.lock);
	free(old);
	return 0;
}

static int mark_place(struct keeper *k, const struct keeper_place *place, int fd)
{
	unsigned kind = place->by_mount ? FAN_MARK_MOUNT : FAN_MARK_FILESYSTEM;
	int r = keeper_place_add(k, place); /* first, so that no event is nobody's */

	if (r < 0)
		return r;
	r = mark_fd(k, FAN_MARK_ADD | kind, fd);
	if (r < 0)
		keeper_place_remove(k, place);
	return r;
}

/* An overlay whose layers lie on several file systems gives its files devices of their own
 * (overlayfs.rst, "Inode properties"): those are known by the mount that they came through. */
static void add_alias(struct keeper *k, const struct keeper_place *overlay, uint64_t mount_id)
{
	struct keeper_place alias = *overlay;

	alias.by_mount = true;
	alias.key = mount_id;
	if (mount_id && (overlay->flags & KEPT_OVERLAY))
		(void)keeper_place_add(k, &alias); /* there already, or no room: the slow way */
}

static void guard(struct keeper *k, struct keeper_subject *s, int fd)
{
	char path[40];

	if (!k->guard || s->guard_ns)
		return;
	fd_path(fd, path);
	s->guard_ns = clock_boot_ns() + (uint64_t)k->options.guard_ms * 1000000;
	if (permit_mark(k->guard, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, path) < 0)
		s->guard_ns = 0;
}

static int arm_root(struct keeper *k, struct keeper_subject *s, const struct root *root,
		    struct err *e)
{
	struct keeper_place place = {
		.key = root->dev, .flags = KEPT_OVERLAY, .subject = s, .point = "/"};
	AUTO(buf) struct buf host;
	int r;

	buf_init(&host, LIMIT_FILE_READ);
	r = read_host_mounts(&host, e);
	if (r < 0)
		return r;
	/* A tmpfs at that very place could be /dev/shm, an overlay at / Amber's own container. */
	if (!root->overlay || root->path_n == 1 ||
	    keeper_mount_is_in(buf_span(&host), root->dev, span_make(root->path, root->path_n),
			       span_of(s->who.id)))
		return err_set(e, EOPNOTSUPP, "'%s' is a folder of the host's file system",
			       root->path);
	r = mark_place(k, &place, root->fd);
	if (r < 0 && r != -EEXIST)
		return err_sys(e, -r, "cannot watch '%s'", root->path);
	s->root_dev = root->dev;
	add_alias(k, &place, keeper_mount_id(root->fd));
	if (r == 0)
		guard(k, s, root->fd);
	return 0;
}

int keeper_arm(struct keeper *k, const struct container *container, struct err *e)
{
	struct keeper_subject *s;
	struct root root = {.fd = -1};
	int r;

	if (container->id.n == 0)
		return err_set(e, EINVAL, "container has no id");
	r = open_root(container->rootfs, &root, e);
	if (r < 0) {
		fd_close(&root.fd);
		return r;
	}
	s = keeper_subject_find(k, container->id, true);
	r = s ? learn(k, s, container, &root) : -ENOMEM;
	if (r < 0)
		(void)err_sys(e, -r, "cannot keep the files of '%s'", root.path);
	else
		r = arm_root(k, s, &root, e);
	keeper_subject_release(s);
	fd_close(&root.fd);
	return r;
}

/* --- what the container has mounted itself --- */

struct scan {
	struct keeper *k;
	struct keeper_subject *subject;
	int root_fd; /* the process's root */
	struct span mountinfo, host;
	unsigned found;
	char rootfs[LIMIT_PATH]; /* on the host, as it was when the scan began */
};

static void gap(struct scan *scan, const char *reason, struct span point)
{
	struct keep_loss loss = {.reason = reason, .lost = 1, .path = point};

	keep_gaps_add(&scan->k->gaps, &scan->subject->who, &loss);
}

/* Kinds whose files are read without the help of a process that could let the keeper wait. */
static bool is_readable(struct span type)
{
	static const char *const kinds[] = {"overlay", "tmpfs", "ext4", "ext3", "ext2",
					    "xfs",     "btrfs", "zfs",	"f2fs"};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (span_is(type, kinds[i]))
			return true;
	return false;
}

/* Whether the mount is to be marked, and how. */
static bool choose(struct scan *scan, const struct keeper_mount *mount, struct keeper_place *ret)
{
	bool overlay = span_is(mount->type, "overlay"), tmpfs = span_is(mount->type, "tmpfs");
	bool is_root = mount->point.n == 1, host;

	*ret = (struct keeper_place){.subject = scan->subject,
				     .flags = overlay ? KEPT_OVERLAY
					      : tmpfs ? KEPT_TMPFS
						      : 0};
	if (mount->point.n >= sizeof(ret->point))
		return false;
	memcpy(ret->point, mount->point.p, mount->point.n);
	if (overlay && mount->dev == scan->subject->root_dev) {
		add_alias(scan->k, ret, mount->id);
		return false;
	}
	host = !(overlay || tmpfs) ||
	       keeper_mount_is_in(scan->host, mount->dev, span_of(scan->rootfs),
				  span_of(scan->subject->who.id));
	ret->by_mount = host;
	ret->key = host ? mount->id : mount->dev;
	if (!host)
		return true;
	if (!is_readable(mount->type)) {
		if (is_root)
			gap(scan, "root_unsupported", mount->point);
		return false;
	}
	return is_root ? scan->subject->root_dev == 0 : scan->k->options.volumes;
}

static bool is_known(struct keeper *k, const struct keeper_place *place)
{
	bool known = false;

	pthread_rwlock_rdlock(&k->places.lock);
	for (size_t i = 0; i < k->places.n && !known; i++) {
		const struct keeper_place *p = &k->places.p[i];

		known = p->subject == place->subject && p->key == place->key &&
			p->by_mount == place->by_mount;
	}
	pthread_rwlock_unlock(&k->places.lock);
	return known;
}

static void mark_mount(struct scan *scan, const struct keeper_mount *mount,
		       const struct keeper_place *place)
{
	AUTO(fd) int fd = -1;
	struct stat st;
	int r;

	if (is_known(scan->k, place))
		return;
	if (!keeper_mount_walkable(scan->mountinfo, mount->point)) {
		gap(scan, "mount_unreachable", mount->point);
		return;
	}
	fd = fd_open_in(scan->root_fd, mount->point_text, O_RDONLY | O_DIRECTORY);
	if (fd == -ENOTDIR)
		return; /* a single file of the host, as /etc/hosts */
	if (fd < 0 || fstat(fd, &st) != 0) {
		gap(scan, "mount_unreachable", mount->point);
		return;
	}
	/* What stands there now may be another mount than the line told of. */
	if (place->by_mount ? keeper_mount_id(fd) != mount->id : st.st_dev != mount->dev) {
		gap(scan, "mount_hidden", mount->point);
		return;
	}
	r = mark_place(scan->k, place, fd);
	if (r == 0)
		scan->found++;
	if (r == 0 && !place->by_mount)
		add_alias(scan->k, place, mount->id);
	if (r < 0 && r != -EEXIST)
		gap(scan, r == -ENOSPC ? "mount_limit" : "mount_unmarked", mount->point);
}

static int scan_mounts(struct scan *scan, uint32_t pid, struct err *e)
{
	AUTO(fd) int proc = -1;
	AUTO(fd) int root = -1;
	AUTO(buf) struct buf own;
	AUTO(buf) struct buf host;
	struct keeper_mount mount;
	struct keeper_place place;
	struct span text, line;
	char path[32];
	int r;

	buf_init(&own, MOUNTINFO_BYTES);
	buf_init(&host, LIMIT_FILE_READ);
	(void)snprintf(path, sizeof(path), "/proc/%u", pid); /* cannot be cut */
	proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc >= 0)
		root = openat(proc, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_sys(e, errno == ENOENT ? ESRCH : errno, "cannot open '%s/root'", path);
	r = fd_read_file(proc, "mountinfo", &own, e);
	if (r == -E2BIG)
		gap(scan, "mount_limit", span_of("/")); /* what was read is looked at */
	else if (r < 0)
		return r;
	r = read_host_mounts(&host, e);
	if (r < 0)
		return r;
	pthread_rwlock_rdlock(&scan->k->places.lock);		 /* keeper_arm may replace it */
	(void)snprintf(scan->rootfs, sizeof(scan->rootfs), "%s", /* it was shorter than that */
		       scan->subject->rootfs ? scan->subject->rootfs : "");
	pthread_rwlock_unlock(&scan->k->places.lock);
	scan->root_fd = root;
	scan->mountinfo = text = buf_span(&own);
	scan->host = buf_span(&host);
	while (keeper_mount_line(&text, &line))
		if (keeper_mount_parse(line, &mount) && choose(scan, &mount, &place))
			mark_mount(scan, &mount, &place);
	return 0;
}

int keeper_arm_mounts(struct keeper *k, struct span id, uint32_t pid, unsigned *ret_new,
		      struct err *e)
{
	struct scan scan = {.k = k, .subject = keeper_subject_find(k, id, false)};
	int r;

	if (!scan.subject)
		return err_set(e, ENOENT, "container is not known to the file keeper");
	r = scan_mounts(&scan, pid, e);
	if (r == 0 && ret_new)
		*ret_new = scan.found;
	keeper_subject_release(scan.subject);
	return r;
}

void keeper_guard_event(void *ctx, const struct permit_event *event)
{
	struct keeper *k = ctx;
	struct scan scan = {.k = k, .subject = keeper_subject_of(k, event->fd, event->tid)};
	struct err e = ERR_INIT;
	char path[40];

	fd_path(event->fd, path);
	(void)permit_mark(k->guard, FAN_MARK_REMOVE | FAN_MARK_FILESYSTEM, path); /* gone: fine */
	if (!scan.subject)
		return;
	if (scan_mounts(&scan, event->tid, &e) < 0)
		gap(&scan, "mount_unreachable", span_of("/"));
	scan.subject->guard_ns = 0;
	atomic_fetch_add(&k->guarded, 1);
	keeper_subject_release(scan.subject);
}

void keeper_guard_late(void *ctx, uint32_t tid)
{
	struct keeper *k = ctx;
	struct keep_who who = {.pid = tid};
	struct keep_loss loss = {.reason = "guard_timeout", .lost = 1};

	atomic_fetch_add(&k->guard_late, 1);
	keep_gaps_add(&k->gaps, &who, &loss);
}

void keeper_disarm(struct keeper *k, struct span id)
{
	struct keeper_subject *s = keeper_subject_find(k, id, false);

	if (!s)
		return;
	s->dead_ns = clock_boot_ns();
	keeper_subject_release(s);
}

/* Takes a mark away from a root that is still mounted: when its guard or its grave time is over. */
static void unmark_root(struct keeper *k, struct keeper_subject *s, bool only_guard)
{
	struct stat st;

	if (!s->rootfs || s->root_dev == 0 || stat(s->rootfs, &st) != 0 || st.st_dev != s->root_dev)
		return; /* gone with its file system */
	if (k->guard)
		(void)permit_mark(k->guard, FAN_MARK_REMOVE | FAN_MARK_FILESYSTEM, s->rootfs);
	if (!only_guard) /* not there: fine */
		(void)fanotify_mark(k->group, FAN_MARK_REMOVE | FAN_MARK_FILESYSTEM, EVENTS,
				    AT_FDCWD, s->rootfs);
}

void keeper_sweep(struct keeper *k)
{
	uint64_t now = clock_boot_ns();

	pthread_rwlock_rdlock(&k->places.lock);
	for (size_t i = 0; i < k->places.subject_n; i++) {
		struct keeper_subject *s = k->places.subjects[i];

		if (s->dead_ns && s->dead_ns + GRAVE_NS < now) {
			unmark_root(k, s, false);
		} else if (s->guard_ns && s->guard_ns < now) {
			s->guard_ns = 0;
			unmark_root(k, s, true);
		}
	}
	pthread_rwlock_unlock(&k->places.lock);
	if (now > GRAVE_NS)
		keeper_places_bury(k, now - GRAVE_NS);
}
