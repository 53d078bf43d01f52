/* clock.c - see clock.h. */
#include "base/clock.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/fd.h"

static uint64_t now_ns(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts); /* cannot fail for these clocks on Linux */
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

uint64_t clock_boot_ns(void)
{
	return now_ns(CLOCK_BOOTTIME);
}

uint64_t clock_real_ns(void)
{
	return now_ns(CLOCK_REALTIME);
}

int64_t clock_offset_ns(void)
{
	uint64_t best = UINT64_MAX;
	int64_t offset = 0;

	/* The narrowest of a few brackets: being preempted inside one makes it wide. */
	for (int i = 0; i < 5; i++) {
		uint64_t before = clock_boot_ns();
		uint64_t real = clock_real_ns();
		uint64_t after = clock_boot_ns();

		if (after - before < best) {
			best = after - before;
			offset = (int64_t)(real - (before + (after - before) / 2));
		}
	}
	return offset;
}

int clock_boot_id(char ret_id[37], struct err *e)
{
	static const char path[] = "/proc/sys/kernel/random/boot_id";
	AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	char id[37];
	ssize_t n;

	if (fd < 0)
		return err_sys(e, errno, "cannot open '%s'", path);
	n = fd_read_full(fd, id, 36);
	if (n != 36)
		return err_sys(e, n < 0 ? (int)-n : EIO, "cannot read '%s'", path);
	id[36] = '\0';
	memcpy(ret_id, id, sizeof(id));
	return 0;
}

void clock_print(uint64_t real_ns, char ret_text[CLOCK_TEXT])
{
	time_t sec = (time_t)(real_ns / NSEC_PER_SEC);
	struct tm tm;
	size_t n;

	(void)gmtime_r(&sec, &tm); /* cannot fail: 64 bits of ns end in the year 2554 */
	n = strftime(ret_text, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(ret_text + n, CLOCK_TEXT - n, ".%09uZ", (unsigned)(real_ns % NSEC_PER_SEC));
}

static int parse_number(const char **text, uint64_t *ret_value)
{
	char *end;

	if (**text < '0' || **text > '9')
		return -EINVAL;
	errno = 0;
	*ret_value = strtoull(*text, &end, 10);
	if (errno)
		return -EINVAL;
	*text = end;
	return 0;
}

int clock_parse_span(const char *text, uint64_t *ret_ns, struct err *e)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{"", NSEC_PER_SEC},
		{"ns", 1},
		{"us", 1000},
		{"ms", 1000000},
		{"s", NSEC_PER_SEC},
		{"m", 60 * NSEC_PER_SEC},
		{"h", 3600 * NSEC_PER_SEC},
		{"d", 86400 * NSEC_PER_SEC},
	};
	const char *rest = text;
	uint64_t value;

	if (parse_number(&rest, &value) == 0)
		for (size_t i = 0; i < ARRAY_LEN(units); i++)
			if (strcmp(rest, units[i].name) == 0 && value <= UINT64_MAX / units[i].ns) {
				*ret_ns = value * units[i].ns;
				return 0;
			}
	return err_set(e, EINVAL, "cannot read '%s' as a length of time; write 30s, 15m, 4h or 2d",
		       text);
}

/* The fraction behind the seconds, and a closing Z or nothing. */
static int parse_fraction(const char *text, uint64_t *ret_ns)
{
	uint64_t scale = NSEC_PER_SEC / 10, ns = 0;

	if (*text == '.') {
		for (text++; *text >= '0' && *text <= '9' && scale; text++, scale /= 10)
			ns += (uint64_t)(*text - '0') * scale;
	}
	if (strcmp(text, "") != 0 && strcmp(text, "Z") != 0)
		return -EINVAL;
	*ret_ns = ns;
	return 0;
}

static int parse_date(const char *text, uint64_t *ret_real_ns)
{
	static const char *const formats[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S",
					      "%Y-%m-%dT%H:%M", "%Y-%m-%d"};
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		struct tm tm = {0};
		const char *rest = strptime(text, formats[i], &tm);
		uint64_t ns;
		time_t sec;

		if (!rest || parse_fraction(rest, &ns) != 0)
			continue;
		sec = timegm(&tm);
		if (sec < 0)
			return -EINVAL;
		*ret_real_ns = (uint64_t)sec * NSEC_PER_SEC + ns;
		return 0;
	}
	return -EINVAL;
}

int clock_parse(const char *text, uint64_t *ret_real_ns, struct err *e)
{
	struct err ignored = ERR_INIT;
	uint64_t now = clock_real_ns(), age;

	if (strcmp(text, "now") == 0) {
		*ret_real_ns = now;
		return 0;
	}
	if (parse_date(text, ret_real_ns) == 0)
		return 0;
	if (clock_parse_span(text, &age, &ignored) == 0 && age <= now) {
		*ret_real_ns = now - age;
		return 0;
	}
	return err_set(
		e, EINVAL,
		"cannot read '%s' as a time; write 2026-11-24T07:43:00Z, 2026-11-24, or an age "
		"such as 15m or 2d",
		text);
}
