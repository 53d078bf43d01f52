/* mountinfo.c - see mountinfo.h. */
#include "runtime/mountinfo.h"

#include <fcntl.h>

#include "base/fd.h"

/* Takes the bytes up to `end` (or the end of the line) off the front. */
static struct span cut(struct span *line, uint8_t end)
{
	const uint8_t *at = line->n ? memchr(line->p, end, line->n) : NULL;
	struct span word = span_make(line->p, at ? (size_t)(at - line->p) : line->n);

	line->p += at ? word.n + 1 : word.n;
	line->n -= at ? word.n + 1 : word.n;
	return word;
}

static bool octal(uint8_t c)
{
	return c >= '0' && c <= '7';
}

/* Undoes the kernel's \040 \011 \012 \134 (seq_escape), in place. */
static struct span unescape(struct span s)
{
	uint8_t *p = (uint8_t *)(uintptr_t)s.p; /* the caller said that the text is writable */
	size_t out = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (p[i] == '\\' && s.n - i >= 4 && octal(p[i + 1]) && octal(p[i + 2]) &&
		    octal(p[i + 3])) {
			p[out++] = (uint8_t)((p[i + 1] - '0') << 6 | (p[i + 2] - '0') << 3 |
					     (p[i + 3] - '0'));
			i += 3;
		} else {
			p[out++] = p[i];
		}
	}
	return span_make(s.p, out);
}

bool mountinfo_next(struct cursor *c, struct mount_line *ret_line)
{
	struct span rest = span_make(c->p, cursor_left(c));

	while (rest.n) {
		struct span line = cut(&rest, '\n'), word;
		struct mount_line m;

		c->p = rest.p;
		for (int i = 0; i < 3; i++)
			(void)cut(&line, ' '); /* mount id, parent id, device */
		m.root = unescape(cut(&line, ' '));
		m.point = unescape(cut(&line, ' '));
		do
			word = cut(&line, ' '); /* options of the mount, optional fields */
		while (word.n && !span_is(word, "-"));
		m.type = cut(&line, ' ');
		(void)cut(&line, ' '); /* source: any text */
		m.options = line;
		if (!word.n || !m.type.n)
			continue;
		*ret_line = m;
		return true;
	}
	return false;
}

struct span mount_option(struct span options, const char *key)
{
	size_t n = strlen(key);

	while (options.n) {
		struct span word = cut(&options, ',');

		if (word.n > n && word.p[n] == '=' && memcmp(word.p, key, n) == 0)
			return span_make(word.p + n + 1, word.n - n - 1);
	}
	return span_make(NULL, 0);
}

int mountinfo_upper_dir(const char *path, struct span point, struct buf *upper, struct err *e)
{
	struct span found = span_make(NULL, 0);
	struct mount_line m;
	struct cursor c;
	AUTO(buf) struct buf text;
	int r;

	buf_init(&text, LIMIT_FILE_READ);
	r = fd_read_file(AT_FDCWD, path ? path : "/proc/self/mountinfo", &text, e);
	if (r < 0)
		return r;
	c = cursor_of(buf_span(&text));
	while (mountinfo_next(&c, &m)) {
		if (span_is(m.type, "overlay") && span_eq(m.point, point))
			found = mount_option(m.options, "upperdir");
	}
	if (!found.n)
		return err_set(e, ENOENT, "no overlay with a writable layer is mounted on '%.*s'",
			       (int)(point.n < 300 ? point.n : 300), (const char *)point.p);
	buf_add_span(upper, unescape(found));
	return buf_check(upper, "an overlay's upper directory", e);
}
