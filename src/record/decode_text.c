/* decode_text.c - see decode_text.h. */
#include "record/decode_text.h"

#include "amber/wire.h"

#define UNREACHABLE	  "(unreachable)"
#define UNREACHABLE_BYTES (sizeof(UNREACHABLE) - 1)
#define U64_DIGITS	  20

/* Room for n bytes at a->p, which does not move; NULL sets `full`. */
static uint8_t *room(struct arena *a, size_t n)
{
	if ((size_t)(a->end - a->p) >= n)
		return a->p;
	a->full = true;
	return NULL;
}

void text_add(struct arena *a, struct span s)
{
	if (s.n && room(a, s.n)) {
		memcpy(a->p, s.p, s.n);
		a->p += s.n;
	}
}

void text_add_u64(struct arena *a, uint64_t value)
{
	uint8_t digits[U64_DIGITS];
	size_t at = U64_DIGITS;

	do {
		digits[--at] = (uint8_t)('0' + value % 10);
		value /= 10;
	} while (value);
	text_add(a, span_make(digits + at, U64_DIGITS - at));
}

/* Behind the last byte; of an empty span NULL may be the place. */
static const uint8_t *end_of(struct span s)
{
	return s.n ? s.p + s.n : s.p;
}

/* A path that is being built.  Rooted: floor is where its first slash is or will be. */
struct joint {
	uint8_t *floor, *w;
	bool rooted;
};

/* Takes the last component off; false when there is none that could go. */
static bool joint_up(struct joint *j)
{
	uint8_t *slash = memrchr(j->floor, '/', (size_t)(j->w - j->floor));
	uint8_t *name = slash ? slash + 1 : j->floor;

	if (j->w == j->floor || (!j->rooted && j->w - name == 2 && memcmp(name, "..", 2) == 0))
		return j->rooted;
	j->w = slash ? slash : j->floor;
	return true;
}

static void joint_add(struct joint *j, const uint8_t *name, size_t n)
{
	if (n == 0 || (n == 1 && name[0] == '.'))
		return;
	if (n == 2 && name[0] == '.' && name[1] == '.' && joint_up(j))
		return;
	if (j->rooted || j->w != j->floor)
		*j->w++ = '/';
	memcpy(j->w, name, n);
	j->w += n;
}

static void joint_add_claim(struct joint *j, struct span claim)
{
	const uint8_t *p = claim.p, *end = end_of(claim);

	while (p < end) {
		const uint8_t *slash = memchr(p, '/', (size_t)(end - p));
		const uint8_t *stop = slash ? slash : end;

		joint_add(j, p, (size_t)(stop - p));
		p = stop + 1;
	}
	if (j->w == j->floor && (j->rooted || claim.n))
		*j->w++ = j->rooted ? '/' : '.';
}

struct span text_claim(struct arena *a, struct span claim)
{
	uint8_t *begin = room(a, claim.n + 2);
	struct joint j = {begin, begin, claim.n && claim.p[0] == '/'};

	if (!begin || claim.n == 0)
		return span_make(NULL, 0);
	joint_add_claim(&j, claim);
	a->p = j.w;
	return text_end(a, begin);
}

/* Writes the components of `base` backwards from `stop`, a slash before each, and returns where the
 * first slash went.  Needs base.n + 1 bytes before `stop`. */
static uint8_t *put_components(uint8_t *stop, struct span base)
{
	const uint8_t *p = base.p, *end = end_of(base);

	while (p < end) {
		const uint8_t *nul = memchr(p, 0, (size_t)(end - p));
		size_t n = (size_t)((nul ? nul : end) - p);

		if (n) {
			stop -= n;
			memcpy(stop, p, n);
			*--stop = '/';
		}
		p += n + 1;
	}
	return stop;
}

struct span text_path(struct arena *a, struct span base, unsigned flags, struct span claim)
{
	bool rooted = !(flags & (WIRE_TEXT_TRUNCATED | WIRE_TEXT_DETACHED));
	uint8_t *stop, *begin = room(a, UNREACHABLE_BYTES + base.n + claim.n + 4);
	struct joint j;

	if (claim.n && claim.p[0] == '/')
		return text_claim(a, claim);
	if (!begin)
		return span_make(NULL, 0);
	stop = begin + UNREACHABLE_BYTES + base.n + 1;
	j = (struct joint){put_components(stop, base), stop, rooted};
	if (!rooted && j.floor < stop)
		j.floor++;
	begin = j.floor;
	if (rooted && (flags & WIRE_TEXT_OUTSIDE)) {
		begin -= UNREACHABLE_BYTES;
		memcpy(begin, UNREACHABLE, UNREACHABLE_BYTES);
	}
	joint_add_claim(&j, claim);
	a->p = j.w;
	return text_end(a, begin);
}

/* Bytes that an argument in the clear must not have. */
static const uint8_t needs_quotes[256] = {
	[0 ... 31] = 1, [' '] = 1, ['\''] = 1, ['"'] = 1, ['\\'] = 1, [127] = 1,
};

static bool is_plain(struct span s)
{
	uint8_t any = 0;

	for (size_t i = 0; i < s.n; i++)
		any |= needs_quotes[s.p[i]];
	return s.n && !any;
}

void text_add_quoted(struct arena *a, struct span s)
{
	uint8_t *w;

	if (is_plain(s)) {
		text_add(a, s);
		return;
	}
	w = room(a, 4 * s.n + 2);
	if (!w)
		return;
	*w++ = '\'';
	for (size_t i = 0; i < s.n; i++) {
		*w++ = s.p[i];
		if (s.p[i] == '\'') {
			memcpy(w, "\\''", 3);
			w += 3;
		}
	}
	*w++ = '\'';
	a->p = w;
}

struct span text_argv(struct arena *a, struct span argv, uint64_t *ret_count)
{
	const uint8_t *p = argv.p, *end = end_of(argv);
	uint8_t *begin = text_begin(a);
	uint64_t count = 0;

	while (p < end) {
		const uint8_t *nul = memchr(p, 0, (size_t)(end - p));
		size_t n = (size_t)((nul ? nul : end) - p);

		if (count++)
			text_add(a, span_make(" ", 1));
		text_add_quoted(a, span_make(p, n));
		p += n + 1;
	}
	*ret_count = count;
	return text_end(a, begin);
}

#define RDEV_MAJOR(rdev) ((rdev) >> 20)
#define RDEV_MINOR(rdev) ((rdev)&0xfffff)
#define MAJOR_TTY	 4u
#define MAJOR_TTYAUX	 5u
#define MAJOR_PTS_FIRST	 136u
#define MAJOR_PTS_LAST	 143u
#define MINOR_SERIAL	 64u
#define PTS_PER_MAJOR	 256u

bool text_is_tty(uint32_t rdev)
{
	uint32_t major = RDEV_MAJOR(rdev);

	switch (major) {
	case MAJOR_TTY:
	case MAJOR_TTYAUX:
	case 188: /* ttyUSB */
	case 204: /* ttyAMA and other low-density serial ports */
	case 229: /* hvc */
		return true;
	}
	return major >= MAJOR_PTS_FIRST && major <= MAJOR_PTS_LAST;
}

static struct span tty_numbered(struct arena *a, const char *stem, uint32_t number)
{
	uint8_t *begin = text_begin(a);

	text_add(a, span_of(stem));
	text_add_u64(a, number);
	return text_end(a, begin);
}

static struct span tty_of_major_5(uint32_t minor)
{
	static const char *const names[] = {"tty", "console", "ptmx"};

	return minor < sizeof(names) / sizeof(names[0]) ? span_of(names[minor]) : span_of("tty");
}

struct span text_tty(struct arena *a, uint32_t rdev, struct span name)
{
	uint32_t major = RDEV_MAJOR(rdev), minor = RDEV_MINOR(rdev);

	if (major >= MAJOR_PTS_FIRST && major <= MAJOR_PTS_LAST)
		return tty_numbered(a, "pts/", (major - MAJOR_PTS_FIRST) * PTS_PER_MAJOR + minor);
	if (name.n || rdev == 0)
		return name;
	if (major == MAJOR_TTYAUX)
		return tty_of_major_5(minor);
	if (major == MAJOR_TTY)
		return tty_numbered(a, minor < MINOR_SERIAL ? "tty" : "ttyS",
				    minor < MINOR_SERIAL ? minor : minor - MINOR_SERIAL);
	return tty_numbered(a, "tty:", rdev);
}
