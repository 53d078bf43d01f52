/* cgroup.c - see cgroup.h. */
#include "runtime/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "runtime/mountinfo.h"

#define FILEID_KERNFS 0xfe /* include/linux/exportfs.h */

const char *cgroup_mode_name(enum cgroup_mode mode)
{
	return mode == CGROUP_UNIFIED ? "unified" : mode == CGROUP_HYBRID ? "hybrid" : "legacy";
}

static bool copy_span(char *to, size_t size, struct span s)
{
	if (s.n >= size)
		return false;
	memcpy(to, s.p, s.n);
	to[s.n] = '\0';
	return true;
}

/* The words of the file system's options that are no flags: "rw,cpu,cpuacct" gives "cpu,cpuacct",
 * "rw,xattr,name=systemd" gives "name=systemd". */
static void controllers_of(struct span options, char *ret, size_t size)
{
	static const char *const flags[] = {"rw", "ro", "xattr", "noprefix", "clone_children"};
	size_t n = 0;

	ret[0] = '\0';
	while (options.n) {
		const uint8_t *comma = memchr(options.p, ',', options.n);
		size_t len = comma ? (size_t)(comma - options.p) : options.n;
		struct span word = span_make(options.p, len);
		bool flag = span_starts(word, "release_agent=");

		for (size_t i = 0; i < ARRAY_LEN(flags); i++)
			flag = flag || span_is(word, flags[i]);
		if (!flag && n + len + 2 < size) {
			if (n)
				ret[n++] = ',';
			memcpy(ret + n, word.p, len);
			n += len;
			ret[n] = '\0';
		}
		options.p += comma ? len + 1 : len;
		options.n -= comma ? len + 1 : len;
	}
}

static void add_v1(struct cgroup_host *h, const struct mount_line *m)
{
	struct cgroup_v1 *v = &h->v1[h->v1_count];

	if (h->v1_count == CGROUP_CONTROLLERS || !copy_span(v->mount, sizeof(v->mount), m->point))
		return;
	controllers_of(m->options, v->controllers, sizeof(v->controllers));
	h->v1_count++;
}

static bool has_controller(const char *controllers, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = controllers; (at = strstr(at, name)); at += n) {
		if ((at == controllers || at[-1] == ',') && (at[n] == '\0' || at[n] == ','))
			return true;
	}
	return false;
}

/* Without version 2, the version 1 hierarchy in which every runtime makes groups. */
static bool choose_v1(struct cgroup_host *h)
{
	static const char *const order[] = {"name=systemd", "memory", "pids", "cpu"};

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		for (size_t k = 0; k < h->v1_count; k++) {
			if (!has_controller(h->v1[k].controllers, order[i]))
				continue;
			memcpy(h->mount, h->v1[k].mount, sizeof(h->mount));
			memcpy(h->controllers, h->v1[k].controllers, sizeof(h->controllers));
			return true;
		}
	}
	return false;
}

int cgroup_open(struct cgroup_host *h, const char *mountinfo, struct err *e)
{
	struct cgroup_host found = {.root_fd = -1};
	struct mount_line m;
	struct cursor c;
	AUTO(buf) struct buf text = {.max = LIMIT_FILE_READ};
	int r;

	r = fd_read_file(AT_FDCWD, mountinfo ? mountinfo : "/proc/self/mountinfo", &text, e);
	if (r < 0)
		return r;
	c = cursor_of(buf_span(&text));
	while (mountinfo_next(&c, &m)) {
		if (span_is(m.type, "cgroup2") && !found.mount[0] && span_is(m.root, "/"))
			(void)copy_span(found.mount, sizeof(found.mount), m.point);
		else if (span_is(m.type, "cgroup") && span_is(m.root, "/"))
			add_v1(&found, &m);
	}
	found.mode = !found.mount[0]  ? CGROUP_LEGACY
		     : found.v1_count ? CGROUP_HYBRID
				      : CGROUP_UNIFIED;
	if (!found.mount[0] && !choose_v1(&found))
		return err_set(e, ENOENT,
			       "no control groups are mounted; mount cgroup2 on "
			       "/sys/fs/cgroup");
	found.root_fd = open(found.mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (found.root_fd < 0)
		return err_sys(e, errno, "cannot open '%s'", found.mount);
	*h = found;
	return 0;
}

void cgroup_close(struct cgroup_host *h)
{
	fd_close(&h->root_fd);
}

int cgroup_id(const struct cgroup_host *h, const char *path, uint64_t *ret_id, struct err *e)
{
	AUTO(fd) int fd = fd_open_in(h->root_fd, path, O_PATH | O_DIRECTORY);
	struct stat st;

	if (fd < 0)
		return err_sys(e, -fd, "cannot open control group '%s'", path);
	if (fstat(fd, &st) != 0)
		return err_sys(e, errno, "cannot look at control group '%s'", path);
	*ret_id = st.st_ino;
	return 0;
}

int cgroup_path(const struct cgroup_host *h, uint64_t id, char *ret_path, struct err *e)
{
	union {
		struct file_handle handle;
		uint8_t room[sizeof(struct file_handle) + sizeof(uint64_t)];
	} u = {.handle = {.handle_bytes = sizeof(id), .handle_type = FILEID_KERNFS}};
	char link[64], path[LIMIT_PATH];
	size_t skip = strlen(h->mount);
	ssize_t n;

	memcpy(u.handle.f_handle, &id, sizeof(id));
	AUTO(fd) int fd = open_by_handle_at(h->root_fd, &u.handle, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, errno, "cannot open control group %llu", (unsigned long long)id);
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0 || (size_t)n < skip || memcmp(path, h->mount, skip) != 0)
		return err_set(e, ENOENT, "control group %llu is outside '%s'",
			       (unsigned long long)id, h->mount);
	path[n] = '\0';
	if (path[skip] == '\0')
		(void)snprintf(ret_path, LIMIT_PATH, "/");
	else
		memcpy(ret_path, path + skip, (size_t)n - skip + 1);
	return 0;
}

bool cgroup_parse_proc(struct span text, const char *controllers, struct span *ret_path)
{
	const char *wanted = controllers ? controllers : "";

	while (text.n) {
		const uint8_t *end = memchr(text.p, '\n', text.n);
		size_t len = end ? (size_t)(end - text.p) : text.n;
		const uint8_t *first = memchr(text.p, ':', len);
		const uint8_t *second =
			first ? memchr(first + 1, ':', len - (size_t)(first + 1 - text.p)) : NULL;

		if (second && second + 1 < text.p + len && second[1] == '/') {
			struct span names = span_make(first + 1, (size_t)(second - first - 1));
			struct span path =
				span_make(second + 1, len - (size_t)(second + 1 - text.p));

			if (span_is(names, wanted)) {
				*ret_path = path;
				return true;
			}
		}
		text.p += end ? len + 1 : len;
		text.n -= end ? len + 1 : len;
	}
	return false;
}

int cgroup_of_pid(const struct cgroup_host *h, uint32_t pid, char *ret_path, struct err *e)
{
	char file[64];
	struct span path;
	AUTO(buf) struct buf text = {.max = (size_t)LIMIT_PATH * (CGROUP_CONTROLLERS + 1)};
	int r;

	(void)snprintf(file, sizeof(file), "/proc/%u/cgroup", pid);
	r = fd_read_file(AT_FDCWD, file, &text, e);
	if (r < 0)
		return r;
	if (!cgroup_parse_proc(buf_span(&text), h->controllers, &path) || path.n >= LIMIT_PATH)
		return err_set(e, ENOENT, "'%s' does not name the hierarchy on '%s'", file,
			       h->mount);
	memcpy(ret_path, path.p, path.n);
	ret_path[path.n] = '\0';
	return 0;
}

int cgroup_procs(const struct cgroup_host *h, const char *path, uint32_t *pids, size_t max,
		 size_t *ret_n, struct err *e)
{
	AUTO(fd) int dir = fd_open_in(h->root_fd, path, O_PATH | O_DIRECTORY);
	size_t n = 0;
	AUTO(buf) struct buf text = {.max = LIMIT_FILE_READ};
	int r;

	if (dir < 0)
		return err_sys(e, -dir, "cannot open control group '%s'", path);
	r = fd_read_file(dir, "cgroup.procs", &text, e);
	if (r < 0)
		return r;
	for (const char *at = buf_text(&text); at && *at; at = strchr(at, '\n'), at += at != NULL) {
		unsigned long pid = strtoul(at, NULL, 10);

		if (!pid)
			continue; /* 0: not in our pid namespace */
		if (n < max)
			pids[n] = (uint32_t)pid;
		n++;
	}
	*ret_n = n;
	return 0;
}

/* The folders that a walk has yet to look at: one text of NUL-terminated paths. */
struct walk {
	struct buf queue;
	size_t at;
	size_t seen;
};

static int walk_one(const struct cgroup_host *h, struct walk *w, const char *path,
		    int (*fn)(void *ctx, const char *path, uint64_t id), void *ctx, struct err *e)
{
	int fd = fd_open_in(h->root_fd, path, O_RDONLY | O_DIRECTORY);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	int r = 0;

	if (!dir) { /* gone since it was listed */
		fd_close(&fd);
		return 0;
	}
	while (r == 0 && (entry = readdir(dir))) {
		size_t start = w->queue.n;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		if (++w->seen > LIMIT_CGROUP_WALK) {
			r = err_set(e, E2BIG, "more than %u control groups", LIMIT_CGROUP_WALK);
			break;
		}
		buf_addf(&w->queue, "%s/%s", path[1] ? path : "", entry->d_name);
		buf_add_u8(&w->queue, 0);
		r = buf_check(&w->queue, "a list of control groups", e);
		if (r == 0)
			r = fn(ctx, (const char *)w->queue.p + start, entry->d_ino);
	}
	(void)closedir(dir); /* read only */
	return r;
}

int cgroup_walk(const struct cgroup_host *h, int (*fn)(void *ctx, const char *path, uint64_t id),
		void *ctx, struct err *e)
{
	struct walk w = {.at = 0};
	AUTO(free) char *path = NULL;
	int r = 0;

	buf_init(&w.queue, (size_t)LIMIT_CGROUP_WALK * 1024);
	buf_add(&w.queue, "/", 2);
	while (r == 0 && w.at < w.queue.n) {
		/* a copy, because the queue moves when it grows */
		path = strdup((const char *)w.queue.p + w.at);
		if (!path)
			r = err_sys(e, ENOMEM, "cannot walk the control groups");
		else
			r = walk_one(h, &w, path, fn, ctx, e);
		w.at += path ? strlen(path) + 1 : 0;
		free(path);
		path = NULL;
	}
	buf_fini(&w.queue);
	return r;
}
