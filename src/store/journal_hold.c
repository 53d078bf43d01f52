/* journal_hold.c - legal holds: signed files that keep segments from being deleted. */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "store/journal_impl.h"

#define HOLD_FILE_BYTES 16384u

static bool name_is_good(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > 64 || name[0] == '.' || name[n - 1] == '.')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("-_.", name[i]))
			return false;
	return true;
}

/* The file but for its last line, which signs these bytes. */
static void print_message(struct buf *b, const struct journal_hold *h)
{
	buf_addf(b, "amber-hold 1\nname: %s\nby: %s\nreason: %s\n", h->name, h->by, h->reason);
	buf_addf(b, "from_ns: %" PRIu64 "\nto_ns: %" PRIu64 "\ncreated_ns: %" PRIu64 "\n",
		 h->from_ns, h->to_ns, h->created_ns);
}

static int print_hold(struct buf *b, const struct journal_hold *h, const struct key *key,
		      struct err *e)
{
	uint8_t signature[SIGNATURE_BYTES];
	char digits[2 * SIGNATURE_BYTES + 1];
	int r;

	print_message(b, h);
	r = buf_check(b, "a legal hold", e);
	if (r == 0)
		r = key_sign(key, HOLD_DOMAIN, buf_span(b), signature, e);
	if (r < 0)
		return r;
	hex_print(span_make(signature, sizeof(signature)), digits);
	buf_addf(b, "signature: %s\n", digits);
	return buf_check(b, "a legal hold", e);
}

int journal_hold_add(const char *state_dir, const struct key *key, const struct journal_hold *hold,
		     struct err *e)
{
	struct journal_hold h = *hold;
	char path[LIMIT_PATH];
	AUTO(buf) struct buf b;
	int r;

	buf_init(&b, HOLD_FILE_BYTES);
	if (!name_is_good(h.name))
		return err_set(e, EINVAL,
			       "'%s' is no name for a legal hold; use letters, digits, '-' and '_'",
			       h.name);
	if (h.from_ns > h.to_ns)
		return err_set(e, EINVAL, "legal hold '%s' ends before it begins", h.name);
	if (strpbrk(h.by, "\r\n") || strpbrk(h.reason, "\r\n"))
		return err_set(e, EINVAL, "legal hold '%s' has a text of more than one line",
			       h.name);
	r = path_print(path, e, "%s/journal/holds", state_dir);
	if (r == 0)
		r = fd_make_dirs(path, 0750, e);
	if (r == 0)
		r = path_print(path, e, "%s/journal/holds/%s.hold", state_dir, h.name);
	if (r < 0)
		return r;
	if (access(path, F_OK) == 0)
		return err_set(e, EEXIST, "there is a legal hold '%s' already", h.name);
	h.created_ns = clock_real_ns();
	r = print_hold(&b, &h, key, e);
	return r < 0 ? r : fd_replace_file(path, buf_span(&b), 0640, e);
}

/* The rest of the next line when it begins with `label`. */
static bool take_text(struct span *text, const char *label, char *ret_text, size_t max)
{
	const uint8_t *end = text->n ? memchr(text->p, '\n', text->n) : NULL;
	size_t skip = strlen(label), n = end ? (size_t)(end - text->p) : 0;

	if (n < skip || n - skip >= max || !span_starts(*text, label) || memchr(text->p, '\0', n))
		return false;
	memcpy(ret_text, text->p + skip, n - skip);
	ret_text[n - skip] = '\0';
	*text = span_make(end + 1, text->n - n - 1);
	return true;
}

static bool take_number(struct span *text, const char *label, uint64_t *ret_number)
{
	char digits[24], *end;

	if (!take_text(text, label, digits, sizeof(digits)) || !isdigit((unsigned char)digits[0]))
		return false;
	errno = 0;
	*ret_number = strtoull(digits, &end, 10);
	return errno == 0 && *end == '\0';
}

static bool parse_hold(struct span text, const char *name, const struct key *key,
		       struct journal_hold *h)
{
	char digits[2 * SIGNATURE_BYTES + 1], magic[2];
	uint8_t signature[SIGNATURE_BYTES];
	struct err ignored = ERR_INIT;
	struct span left = text;

	if (!take_text(&left, "amber-hold 1", magic, 1) ||
	    !take_text(&left, "name: ", h->name, sizeof(h->name)) || strcmp(h->name, name) != 0 ||
	    !take_text(&left, "by: ", h->by, sizeof(h->by)) ||
	    !take_text(&left, "reason: ", h->reason, sizeof(h->reason)) ||
	    !take_number(&left, "from_ns: ", &h->from_ns) ||
	    !take_number(&left, "to_ns: ", &h->to_ns) ||
	    !take_number(&left, "created_ns: ", &h->created_ns))
		return false;
	text.n -= left.n; /* what was signed */
	if (!take_text(&left, "signature: ", digits, sizeof(digits)) || left.n ||
	    hex_parse(span_of(digits), signature, sizeof(signature)) < 0)
		return false;
	h->trusted = key_verify(key, HOLD_DOMAIN, text, signature, &ignored) == 0;
	return true;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir); /* it was only read */
}
DEFINE_AUTO(dir, DIR *, close_dir);

/* The file's name without ".hold", or false when it is none of ours. */
static bool hold_name(const char *file, char *ret_name)
{
	size_t n = strlen(file);

	if (n < 6 || n > 64 + 5 || strcmp(file + n - 5, ".hold") != 0)
		return false;
	memcpy(ret_name, file, n - 5);
	ret_name[n - 5] = '\0';
	return name_is_good(ret_name);
}

static int add_hold(struct hold_set *set, int dir_fd, const char *file, const char *name,
		    const struct key *key, struct err *e)
{
	struct journal_hold *more, *h;
	AUTO(buf) struct buf text;
	struct err unreadable = ERR_INIT;

	buf_init(&text, HOLD_FILE_BYTES);
	if (set->n == LIMIT_HOLDS)
		return err_set(e, E2BIG, "more than %u legal holds", LIMIT_HOLDS);
	more = realloc(set->holds, (set->n + 1) * sizeof(*more));
	if (!more)
		return err_set(e, ENOMEM, "no memory for legal holds");
	set->holds = more;
	h = &more[set->n];
	*h = (struct journal_hold){0};
	if (fd_read_file(dir_fd, file, &text, &unreadable) < 0 ||
	    !parse_hold(buf_span(&text), name, key, h)) {
		*h = (struct journal_hold){.to_ns = UINT64_MAX};
		(void)snprintf(h->name, sizeof(h->name), "%.64s", name); /* it is that short */
	}
	set->all |= !h->trusted;
	set->n++;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct journal_hold *)a)->name,
		      ((const struct journal_hold *)b)->name);
}

int hold_set_read(struct hold_set *set, const char *state_dir, const struct key *key, struct err *e)
{
	char path[LIMIT_PATH], name[65];
	AUTO(dir) DIR *dir = NULL;
	struct dirent *entry;
	int r = path_print(path, e, "%s/journal/holds", state_dir);

	if (r < 0)
		return r;
	dir = opendir(path);
	if (!dir && errno == ENOENT)
		return 0;
	if (!dir)
		return err_sys(e, errno, "cannot list '%s'", path);
	while (r == 0 && (entry = readdir(dir)))
		if (hold_name(entry->d_name, name))
			r = add_hold(set, dirfd(dir), entry->d_name, name, key, e);
	if (set->n)
		qsort(set->holds, set->n, sizeof(*set->holds), by_name);
	return r;
}

void hold_set_fini(struct hold_set *set)
{
	free(set->holds);
	*set = (struct hold_set){0};
}

bool hold_set_covers(const struct hold_set *set, uint64_t from_ns, uint64_t to_ns)
{
	bool covered = set->all;

	for (size_t i = 0; i < set->n; i++)
		covered |= set->holds[i].from_ns <= to_ns && set->holds[i].to_ns >= from_ns;
	return covered;
}

int journal_hold_list(const char *state_dir, const struct key *key,
		      int (*each)(void *ctx, const struct journal_hold *hold), void *ctx,
		      struct err *e)
{
	AUTO(hold_set) struct hold_set set = {0};
	int r = hold_set_read(&set, state_dir, key, e);

	for (size_t i = 0; i < set.n && r == 0; i++)
		r = each(ctx, &set.holds[i]);
	return r;
}

int journal_hold_remove(const char *state_dir, const char *name, struct err *e)
{
	char path[LIMIT_PATH];
	int r;

	if (!name_is_good(name))
		return err_set(e, EINVAL, "'%s' is no name for a legal hold", name);
	r = path_print(path, e, "%s/journal/holds/%s.hold", state_dir, name);
	if (r == 0 && unlink(path) != 0)
		r = err_sys(e, errno, "cannot remove legal hold '%s'", name);
	return r;
}
