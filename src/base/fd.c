/* fd.c - see fd.h. */
#include "base/fd.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

void fd_close(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd); /* gone either way, see fd.h */
	*fd = -1;
}

static ssize_t read_at(int fd, uint8_t *p, size_t n, off_t offset)
{
	return offset < 0 ? read(fd, p, n) : pread(fd, p, n, offset);
}

static ssize_t read_full(int fd, uint8_t *p, size_t n, off_t offset)
{
	size_t done = 0;

	while (done < n) {
		ssize_t got =
			read_at(fd, p + done, n - done, offset < 0 ? -1 : offset + (off_t)done);

		if (got == 0)
			break;
		if (got > 0)
			done += (size_t)got;
		else if (errno != EINTR)
			return -errno;
	}
	return (ssize_t)done;
}

ssize_t fd_read_full(int fd, void *p, size_t n)
{
	return read_full(fd, p, n, -1);
}

ssize_t fd_pread_full(int fd, void *p, size_t n, off_t offset)
{
	return read_full(fd, p, n, offset);
}

static int write_full(int fd, const uint8_t *p, size_t n, off_t offset)
{
	size_t done = 0;

	while (done < n) {
		ssize_t put = offset < 0 ? write(fd, p + done, n - done)
					 : pwrite(fd, p + done, n - done, offset + (off_t)done);

		if (put >= 0)
			done += (size_t)put;
		else if (errno != EINTR)
			return -errno;
	}
	return 0;
}

int fd_write_full(int fd, const void *p, size_t n)
{
	return write_full(fd, p, n, -1);
}

int fd_pwrite_full(int fd, const void *p, size_t n, off_t offset)
{
	return write_full(fd, p, n, offset);
}

int fd_open_in(int root_fd, const char *path, int flags)
{
	/* openat2 refuses the other two beside O_PATH, which opens nothing that could block */
	int more = flags & O_PATH ? O_CLOEXEC : O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | more),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

int fd_read_file(int dir_fd, const char *path, struct buf *b, struct err *e)
{
	AUTO(fd) int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return err_sys(e, errno, "cannot open '%s'", path);
	for (;;) {
		size_t left = b->max - b->n;
		size_t want = left < 65536 ? left + 1 : 65536;
		uint8_t chunk[4096];
		ssize_t got = fd_read_full(fd, chunk, want < sizeof(chunk) ? want : sizeof(chunk));

		if (got < 0)
			return err_sys(e, (int)-got, "cannot read '%s'", path);
		if (got == 0)
			return buf_check(b, path, e);
		buf_add(b, chunk, (size_t)got);
		if (b->failed)
			return buf_check(b, path, e);
	}
}

/* The folder that holds `path`, for fsync. */
static int open_parent(const char *path)
{
	char dir[LIMIT_PATH];
	const char *slash = strrchr(path, '/');
	int n = slash ? (int)(slash - path) : 0;

	if (!slash)
		return open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)snprintf(dir, sizeof(dir), "%.*s/", n, path); /* open fails on a cut path */
	return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int write_new(const char *path, struct span content, mode_t mode, struct err *e)
{
	AUTO(fd) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	int r;

	if (fd < 0)
		return err_sys(e, errno, "cannot create '%s'", path);
	r = fd_write_full(fd, content.p, content.n);
	if (r == 0 && fsync(fd) != 0)
		r = -errno;
	if (r < 0)
		return err_sys(e, -r, "cannot write '%s'", path);
	return 0;
}

int fd_replace_file(const char *path, struct span content, mode_t mode, struct err *e)
{
	char temp[LIMIT_PATH];
	AUTO(fd) int dir = -1;
	int r;

	if ((size_t)snprintf(temp, sizeof(temp), "%s.%d.new", path, (int)getpid()) >= sizeof(temp))
		return err_sys(e, ENAMETOOLONG, "cannot write '%s'", path);
	(void)unlink(temp); /* a leftover of a crash with the same pid, or nothing */
	r = write_new(temp, content, mode, e);
	if (r == 0 && rename(temp, path) != 0)
		r = err_sys(e, errno, "cannot replace '%s'", path);
	if (r < 0) {
		(void)unlink(temp); /* best effort: the first error is the one to tell */
		return r;
	}
	dir = open_parent(path);
	if (dir < 0 || fsync(dir) != 0)
		return err_sys(e, errno, "cannot sync the folder of '%s'", path);
	return 0;
}

int fd_make_dirs(const char *path, mode_t mode, struct err *e)
{
	char part[LIMIT_PATH];
	size_t n = strlen(path);
	struct stat st;

	if (n >= sizeof(part))
		return err_sys(e, ENAMETOOLONG, "cannot create folder '%.100s...'", path);
	for (size_t i = 1; i <= n; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, mode) != 0 && errno != EEXIST)
			return err_sys(e, errno, "cannot create folder '%s'", part);
	}
	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return err_sys(e, ENOTDIR, "cannot use '%s' as a folder", path);
	return 0;
}
