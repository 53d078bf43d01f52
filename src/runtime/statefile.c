/* statefile.c - see statefile.h. */
#include "runtime/statefile.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"

int statefile_open_dir(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? err_sys(e, errno, "cannot open '%s'", path) : fd;
}

int statefile_read(int dir_fd, const char *path, struct buf *b, struct err *e)
{
	AUTO(fd) int fd = fd_open_in(dir_fd, path, O_RDONLY);
	struct stat st;

	if (fd < 0)
		return err_sys(e, -fd, "cannot open '%s'", path);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return err_set(e, ELOOP, "'%s' is no regular file", path);
	if ((uint64_t)st.st_size > b->max - b->n)
		return err_set(e, E2BIG, "'%s' is larger than %zu bytes", path, b->max);
	for (;;) {
		size_t left = b->max - b->n;
		size_t want = left < 65536 ? left : 65536;
		uint8_t *room = want ? buf_room(b, want) : NULL;
		ssize_t got = room ? fd_read_full(fd, room, want) : 0;

		if (got < 0)
			return err_sys(e, (int)-got, "cannot read '%s'", path);
		if (got == 0)
			return buf_check(b, path, e);
		b->n += (size_t)got;
	}
}

int statefile_parse(int dir_fd, const char *path, struct jtree *t, struct err *e)
{
	struct buf text;
	int r;

	buf_init(&text, LIMIT_FILE_READ);
	r = statefile_read(dir_fd, path, &text, e);
	if (r == 0)
		r = jtree_parse(t, &text, path, e);
	buf_fini(&text);
	return r;
}

int statefile_each(int dir_fd, bool files, int (*fn)(void *ctx, const char *name), void *ctx,
		   struct err *e)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	size_t seen = 0;
	int r = 0;

	if (!dir) {
		r = err_sys(e, errno, "cannot list a state folder");
		fd_close(&fd);
		return r;
	}
	while (r == 0 && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || entry->d_type != (files ? DT_REG : DT_DIR))
			continue;
		if (++seen > LIMIT_CONTAINERS)
			r = err_set(e, E2BIG, "more than %u names in a state folder",
				    LIMIT_CONTAINERS);
		else
			r = fn(ctx, entry->d_name);
	}
	(void)closedir(dir); /* read only */
	return r;
}

static bool number(struct cursor *c, size_t digits, int *ret_value)
{
	struct span s;
	int value = 0;

	if (!cursor_bytes(c, digits, &s))
		return false;
	for (size_t i = 0; i < digits; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		value = value * 10 + (s.p[i] - '0');
	}
	*ret_value = value;
	return true;
}

static bool sign(struct cursor *c, const char *any, char *ret_sign)
{
	uint8_t byte;

	if (!cursor_u8(c, &byte) || !byte || !strchr(any, byte))
		return false;
	*ret_sign = (char)byte;
	return true;
}

/* ".123456" in nanoseconds, 0 when there is none. */
static uint64_t fraction(struct cursor *c)
{
	uint64_t ns = 0, unit = NSEC_PER_SEC / 10;

	if (!cursor_left(c) || *c->p != '.')
		return 0;
	for (c->p++; cursor_left(c) && *c->p >= '0' && *c->p <= '9'; c->p++, unit /= 10)
		ns += (uint64_t)(*c->p - '0') * unit;
	return ns;
}

uint64_t statefile_time(struct span text)
{
	struct cursor c = cursor_of(text);
	int hours = 0, minutes = 0, east;
	struct tm tm = {0};
	uint64_t ns;
	time_t s;
	char mark, zone;

	if (!number(&c, 4, &tm.tm_year) || !sign(&c, "-", &mark) || !number(&c, 2, &tm.tm_mon) ||
	    !sign(&c, "-", &mark) || !number(&c, 2, &tm.tm_mday) || !sign(&c, "Tt ", &mark) ||
	    !number(&c, 2, &tm.tm_hour) || !sign(&c, ":", &mark) || !number(&c, 2, &tm.tm_min) ||
	    !sign(&c, ":", &mark) || !number(&c, 2, &tm.tm_sec))
		return 0;
	ns = fraction(&c);
	if (!sign(&c, "Zz+-", &zone))
		return 0;
	if ((zone == '+' || zone == '-') &&
	    (!number(&c, 2, &hours) || !sign(&c, ":", &mark) || !number(&c, 2, &minutes)))
		return 0;
	east = (hours * 60 + minutes) * (zone == '-' ? -60 : 60);
	tm.tm_year -= 1900;
	tm.tm_mon--;
	s = timegm(&tm) - east;
	return s <= 0 || s > 9000000000 ? 0 : (uint64_t)s * NSEC_PER_SEC + ns;
}
