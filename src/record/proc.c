/* proc.c - see proc.h. */
#include "record/proc.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

#define STATUS_BYTES 4096u
#define DELETED	     " (deleted)"
#define MEMFD	     "/memfd:"

int proc_open(int proc_fd, uint32_t pid)
{
	char name[16];
	int fd;

	(void)snprintf(name, sizeof(name), "%u", pid); /* ten digits fit */
	fd = openat(proc_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int proc_read(int dir_fd, const char *name, char *ret_text, size_t n)
{
	AUTO(fd) int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return -errno;
	got = fd_read_full(fd, ret_text, n - 1);
	if (got < 0)
		return (int)got;
	ret_text[got] = 0;
	return (int)got;
}

/* The number behind `at`, which moves behind it; blanks in front are skipped. */
static uint64_t take_number(const char **at)
{
	char *end;
	uint64_t value = strtoull(*at, &end, 10);

	*at = end;
	return value;
}

/* proc(5): pid (comm) state ppid ..., start time is field 22.  comm may hold any byte, so its end
 * is the last parenthesis. */
int proc_read_stat(int pid_fd, struct proc_info *ret_info)
{
	char text[1024], *open, *close;
	const char *at = text;
	struct proc_info info = {0};
	int n = proc_read(pid_fd, "stat", text, sizeof(text));

	if (n < 0)
		return n;
	open = memchr(text, '(', (size_t)n);
	close = memrchr(text, ')', (size_t)n);
	if (!open || !close || close < open || text + n - close < 5)
		return -EIO;
	info.pid = (uint32_t)take_number(&at);
	n = (int)(close - open - 1);
	memcpy(info.comm, open + 1, n < 15 ? (size_t)n : 15);
	at = close + 4; /* ") S " */
	info.ppid = (uint32_t)take_number(&at);
	for (int field = 5; field < 22; field++)
		(void)take_number(&at); /* only the place behind them is wanted */
	info.start_tick = take_number(&at);
	*ret_info = info;
	return 0;
}

/* The first number of the line that `key` begins, or the last of them. */
static uint32_t status_number(const char *text, const char *key, bool last)
{
	const char *at = strstr(text, key);
	uint32_t value;

	if (!at)
		return 0;
	at += strlen(key);
	do
		value = (uint32_t)take_number(&at);
	while (last && *at == '\t');
	return value;
}

/* In `status` the name's newlines are escaped, so each key is found only where the kernel put it.
 */
int proc_read_ids(int pid_fd, struct proc_info *info)
{
	char text[STATUS_BYTES];
	const char *at = text;
	int n = proc_read(pid_fd, "status", text, sizeof(text));

	if (n < 0)
		return n;
	info->uid = status_number(text, "\nUid:\t", false);
	info->gid = status_number(text, "\nGid:\t", false);
	info->vpid = status_number(text, "\nNSpid:\t", true);
	info->loginuid = UINT32_MAX;
	if (proc_read(pid_fd, "loginuid", text, sizeof(text)) > 0)
		info->loginuid = (uint32_t)take_number(&at);
	return 0;
}

int proc_read_exe(int pid_fd, char ret_path[LIMIT_PATH])
{
	ssize_t n = readlinkat(pid_fd, "exe", ret_path, LIMIT_PATH);
	size_t tail = sizeof(DELETED) - 1, memfd = sizeof(MEMFD) - 1;
	struct stat st;

	if (n < 0)
		return -errno;
	/* a file may be named so; only one without a name has the words from the kernel */
	if ((size_t)n <= tail || memcmp(ret_path + n - tail, DELETED, tail) != 0 ||
	    fstatat(pid_fd, "exe", &st, 0) < 0 || st.st_nlink)
		return (int)n;
	n -= (ssize_t)tail;
	if ((size_t)n >= memfd && memcmp(ret_path, MEMFD, memfd) == 0)
		memmove(ret_path, ret_path + 1, (size_t)--n);
	return (int)n;
}
