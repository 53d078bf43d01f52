/* keeper_mounts.c - see keeper_mounts.h. */
#include "record/keeper_mounts.h"

#include <sys/sysmacros.h>

bool keeper_mount_line(struct span *text, struct span *ret_line)
{
	const uint8_t *end;

	if (text->n == 0)
		return false;
	end = memchr(text->p, '\n', text->n);
	ret_line->p = text->p;
	ret_line->n = end ? (size_t)(end - text->p) : text->n;
	text->p += ret_line->n + (end ? 1 : 0);
	text->n -= ret_line->n + (end ? 1 : 0);
	return true;
}

static bool next_word(struct span *line, struct span *ret_word)
{
	const uint8_t *blank;

	if (line->n == 0)
		return false;
	blank = memchr(line->p, ' ', line->n);
	ret_word->p = line->p;
	ret_word->n = blank ? (size_t)(blank - line->p) : line->n;
	line->p += ret_word->n + (blank ? 1 : 0);
	line->n -= ret_word->n + (blank ? 1 : 0);
	return true;
}

/* Decimal digits up to `stop` or the end; moves behind it. */
static bool take_number(struct span *word, uint8_t stop, uint64_t *ret)
{
	uint64_t value = 0;
	size_t n = 0;

	for (; n < word->n && word->p[n] >= '0' && word->p[n] <= '9'; n++) {
		if (value > UINT32_MAX)
			return false;
		value = value * 10 + (word->p[n] - '0');
	}
	if (n == 0 || (n < word->n && word->p[n] != stop))
		return false;
	n += n < word->n;
	*word = span_make(word->p + n, word->n - n);
	*ret = value;
	return true;
}

/* The kernel writes blank, tab, newline, backslash and # as three octal digits. */
static bool unescape(struct span in, char *out, size_t max, size_t *ret_n)
{
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++) {
		uint8_t byte = in.p[i];

		if (byte == '\\' && i + 3 < in.n && in.p[i + 1] <= '3') {
			byte = (uint8_t)(((in.p[i + 1] & 7) << 6) | ((in.p[i + 2] & 7) << 3) |
					 (in.p[i + 3] & 7));
			i += 3;
		}
		if (n + 1 >= max || byte == '\0')
			return false;
		out[n++] = (char)byte;
	}
	out[n] = '\0';
	*ret_n = n;
	return true;
}

bool keeper_mount_parse(struct span line, struct keeper_mount *ret)
{
	struct span word, point;
	uint64_t major, minor;
	size_t n;

	if (!next_word(&line, &word) || !take_number(&word, '\0', &ret->id))
		return false;
	if (!next_word(&line, &word) || !next_word(&line, &word)) /* parent, major:minor */
		return false;
	if (!take_number(&word, ':', &major) || !take_number(&word, '\0', &minor))
		return false;
	ret->dev = makedev((unsigned)major, (unsigned)minor);
	if (!next_word(&line, &ret->root) || !next_word(&line, &point))
		return false;
	do {
		if (!next_word(&line, &word))
			return false;
	} while (!span_is(word, "-"));
	if (!next_word(&line, &ret->type))
		return false;
	if (!unescape(point, ret->point_text, sizeof(ret->point_text), &n))
		return false;
	ret->point = span_make(ret->point_text, n);
	return true;
}

bool keeper_mount_is_in(struct span mountinfo, uint64_t dev, struct span except, struct span id)
{
	struct keeper_mount mount;
	struct span line;

	while (keeper_mount_line(&mountinfo, &line)) {
		if (!keeper_mount_parse(line, &mount) || mount.dev != dev)
			continue;
		if (span_eq(mount.point, except))
			continue;
		if (id.n < 12 || !span_contains(mount.point, id))
			return true;
	}
	return false;
}

static bool answers_by_itself(struct span type)
{
	static const char *const kinds[] = {
		"overlay", "tmpfs",	"ext4",	    "ext3",    "ext2",	  "xfs",
		"btrfs",   "proc",	"sysfs",    "devpts",  "mqueue",  "cgroup",
		"cgroup2", "ramfs",	"devtmpfs", "zfs",     "f2fs",	  "squashfs",
		"erofs",   "hugetlbfs", "bpf",	    "debugfs", "tracefs", "securityfs"};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (span_is(type, kinds[i]))
			return true;
	return false;
}

bool keeper_mount_below(struct span point, struct span above)
{
	if (above.n == 1)
		return true;
	return point.n >= above.n && memcmp(point.p, above.p, above.n) == 0 &&
	       (point.n == above.n || point.p[above.n] == '/');
}

bool keeper_mount_walkable(struct span mountinfo, struct span point)
{
	struct keeper_mount mount;
	struct span line;

	while (keeper_mount_line(&mountinfo, &line)) {
		if (!keeper_mount_parse(line, &mount))
			return false;
		if (keeper_mount_below(point, mount.point) && !answers_by_itself(mount.type))
			return false;
	}
	return true;
}
