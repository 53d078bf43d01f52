/* fd.h - file descriptors: ownership, whole reads and writes, and opening inside a root. */
#ifndef AMBER_BASE_FD_H
#define AMBER_BASE_FD_H

#include <sys/types.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"

/* Closes *fd when it is not negative and makes it -1.  EINTR and EIO of close are ignored: the
 * descriptor is gone either way on Linux (close(2)). */
void fd_close(int *fd);
DEFINE_AUTO(fd, int, fd_close);

/* Moves a descriptor out of an AUTO(fd) variable. */
static inline int fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Reads until `n` bytes or the end of the file; EINTR is retried.  Returns the bytes read or
 * -errno.  With fd_pread_full the file offset does not move. */
ssize_t fd_read_full(int fd, void *p, size_t n);
ssize_t fd_pread_full(int fd, void *p, size_t n, off_t offset);

/* Writes all `n` bytes or fails.  Returns 0 or -errno; after a failure some bytes may be there. */
int fd_write_full(int fd, const void *p, size_t n);
int fd_pwrite_full(int fd, const void *p, size_t n, off_t offset);

/* Opens `path` (absolute or relative, both taken inside) below `root_fd`, where nothing leads out:
 * openat2 with RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS, flags plus O_CLOEXEC | O_NONBLOCK |
 * O_NOCTTY.  For every path that a container names.  Returns a descriptor or -errno. */
int fd_open_in(int root_fd, const char *path, int flags);

/* Appends a whole regular file, at most b->max bytes.  For files of the host (configuration,
 * /proc).  `path` is taken from `dir_fd` (AT_FDCWD allowed). */
int fd_read_file(int dir_fd, const char *path, struct buf *b, struct err *e);

/* Replaces `path` by `content` so that a reader sees the old or the new, also after a crash:
 * temporary file in the same folder, fsync, rename, fsync of the folder. */
int fd_replace_file(const char *path, struct span content, mode_t mode, struct err *e);

/* Creates every missing folder of `path` with `mode`. */
int fd_make_dirs(const char *path, mode_t mode, struct err *e);

#endif
