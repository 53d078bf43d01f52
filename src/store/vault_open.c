/* vault_open.c - what a writer finds: sealed packs, tombstones, and the tail after a crash. */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "store/vault_internal.h"
#include "store/vault_pack.h"

void vault_gap(struct vault *v, uint64_t bytes, const char *reason, const char *format, ...)
{
	char text[LIMIT_ERR_TEXT];
	va_list args;

	if (!v->options.gap)
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args); /* a cut text is still one */
	va_end(args);
	v->options.gap(v->options.ctx, reason, text, bytes);
}

struct vault_pack_info *vault_pack_note(struct vault *v, uint64_t number)
{
	size_t at = v->n;

	while (at > 0 && v->packs[at - 1].number > number)
		at--;
	if (at > 0 && v->packs[at - 1].number == number)
		return &v->packs[at - 1];
	if (v->n == v->cap) {
		size_t cap = v->cap ? v->cap * 2 : 64;
		struct vault_pack_info *packs = reallocarray(v->packs, cap, sizeof(*packs));

		if (!packs)
			return NULL;
		v->packs = packs;
		v->cap = cap;
	}
	memmove(&v->packs[at + 1], &v->packs[at], (v->n - at) * sizeof(*v->packs));
	memset(&v->packs[at], 0, sizeof(*v->packs));
	v->packs[at].number = number;
	v->n++;
	return &v->packs[at];
}

/* A pack whose header cannot be read keeps its bytes for an expert and its number for nobody. */
static void set_aside(struct vault *v, uint64_t number, const struct err *why)
{
	char name[32], bad[32];

	snprintf(name, sizeof(name), "%08" PRIu64 ".pack", number);
	snprintf(bad, sizeof(bad), "%08" PRIu64 ".bad", number);
	vault_gap(v, 0, "vault_bad_pack", "%s", why->text);
	(void)renameat(v->dir_fd, name, v->dir_fd, bad); /* stays where it is if not; told above */
}

static int add_rows(struct vault *v, const struct pack_file *pack, const struct pack_row *rows,
		    size_t n, struct err *e)
{
	struct vault_pack_info *info = vault_pack_note(v, pack->number);

	if (!info)
		return err_set(e, ENOMEM, "no memory for the list of packs");
	info->bytes = pack->bytes;
	info->sealed = pack->sealed;
	info->foot = pack->foot;
	info->prev_number = pack->head.prev_number;
	memcpy(info->prev_end, pack->head.prev_end, SHA256_BYTES);
	v->stats.bytes += pack->bytes;
	for (size_t i = 0; i < n; i++) {
		int r = vault_table_add(&v->table, rows[i].sha256, pack->number, NULL, e);

		if (r < 0)
			return r;
	}
	return 0;
}

/* The last whole entries may have reached the disk without their content: check each one. */
static size_t whole_rows(const struct pack_file *pack, const struct pack_row *rows, size_t n)
{
	struct err ignored = ERR_INIT; /* the first damaged one is where the pack is cut */

	for (size_t i = 0; i < n; i++) {
		if (pack_read(pack, rows[i].offset, rows[i].sha256, NULL, NULL, &ignored) < 0)
			return i;
	}
	return n;
}

struct tail {
	struct vault_lane *lane;
	size_t keep, seen;
};

static int tail_entry(void *ctx, const struct pack_entry *entry, uint64_t offset)
{
	struct tail *tail = ctx;

	if (tail->seen++ >= tail->keep)
		return 0;
	memcpy(tail->lane->chain, entry->chain, SHA256_BYTES);
	tail->lane->written = offset + sizeof(*entry) + entry->stored_size;
	tail->lane->raw_bytes += entry->raw_size;
	if (entry->kept_ns < tail->lane->first_ns)
		tail->lane->first_ns = entry->kept_ns;
	if (entry->kept_ns > tail->lane->last_ns)
		tail->lane->last_ns = entry->kept_ns;
	return 0;
}

/* Goes on where the last writer stopped. */
static int resume_pack(struct vault *v, struct vault_lane *lane, struct pack_file *pack,
		       struct err *e)
{
	AUTO(free) struct pack_row *rows = NULL;
	struct tail tail = {.lane = lane};
	struct pack_end end;
	uint64_t cut;
	size_t n = 0;
	int r = pack_rows(pack, &rows, &n, e);

	if (r < 0)
		return r;
	tail.keep = whole_rows(pack, rows, n);
	lane->head = pack->head;
	lane->written = sizeof(pack->head);
	lane->raw_bytes = lane->last_ns = 0;
	lane->first_ns = UINT64_MAX;
	memcpy(lane->chain, pack->head.digest, SHA256_BYTES);
	r = pack_walk(pack, tail_entry, &tail, &end, e);
	if (r < 0)
		return r;
	cut = pack->bytes - lane->written;
	if (cut && ftruncate(pack->fd, (off_t)lane->written) < 0)
		return err_sys(e, errno, "cannot cut the torn tail of pack %08" PRIu64,
			       pack->number);
	if (cut) {
		v->stats.torn_bytes += cut;
		vault_gap(v, cut, "vault_torn_tail",
			  "pack %08" PRIu64 " ended in %" PRIu64 " bytes of an unfinished object",
			  pack->number, cut);
	}
	pack->bytes = lane->written;
	r = add_rows(v, pack, rows, tail.keep, e);
	if (r < 0)
		return r;
	lane->n = tail.keep;
	lane->cap = n;
	lane->rows = TAKE(rows);
	lane->fd = fd_take(&pack->fd);
	return 0;
}

/* `last` is the largest number of any pack in its lane. */
static int load_pack(struct vault *v, uint64_t number, const uint64_t last[VAULT_LANES],
		     struct err *e)
{
	AUTO(pack_file) struct pack_file pack;
	AUTO(free) struct pack_row *rows = NULL;
	struct err why = ERR_INIT;
	size_t n = 0;
	int r;

	pack_file_init(&pack);
	r = pack_file_open(v->dir_fd, number, O_RDONLY, &pack, &why);
	if (r == 0 && pack.head.lane >= VAULT_LANES)
		r = err_set(&why, EBADMSG, "pack %08" PRIu64 " is of a lane that is not known",
			    number);
	if (r < 0) {
		set_aside(v, number, &why);
		return 0;
	}
	if (!pack.sealed && !pack.read_only && number == last[pack.head.lane]) {
		pack_file_close(&pack);
		r = pack_file_open(v->dir_fd, number, O_RDWR, &pack, e);
		return r < 0 ? r : resume_pack(v, &v->lanes[pack.head.lane], &pack, e);
	}
	if (!pack.sealed)
		vault_gap(v, 0, "vault_bad_pack", "pack %08" PRIu64 " lost its footer", number);
	r = pack_rows(&pack, &rows, &n, &why);
	if (r < 0) {
		vault_gap(v, 0, "vault_bad_pack", "%s", why.text);
		n = 0;
	}
	if (pack.sealed) {
		struct vault_lane *lane = &v->lanes[pack.head.lane];

		lane->prev_number = number;
		sha256_of(span_make(&pack.foot, sizeof(pack.foot)), lane->prev_end);
	}
	return add_rows(v, &pack, rows, n, e);
}

static int load_tomb(struct vault *v, uint64_t number, struct err *e)
{
	struct err why = ERR_INIT;
	struct pack_tomb tomb;
	AUTO(fd) int fd = -1;
	char name[32];

	snprintf(name, sizeof(name), "%08" PRIu64 ".tomb", number);
	fd = openat(v->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_sys(e, errno, "cannot open '%s'", name);
	if (fd_pread_full(fd, &tomb, sizeof(tomb), 0) != (ssize_t)sizeof(tomb) ||
	    !pack_tomb_ok(&tomb) || tomb.number != number || tomb.lane >= VAULT_LANES ||
	    pack_tomb_verify(&tomb, v->key, &why) < 0) {
		vault_gap(v, 0, "vault_bad_pack", "'%s' is no tombstone of this host", name);
		return 0;
	}
	v->lanes[tomb.lane].prev_number = number;
	memcpy(v->lanes[tomb.lane].prev_end, tomb.end, SHA256_BYTES);
	return 0;
}

static int number_order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Numbers times two, plus one for a tombstone, so that a pack comes before its tombstone: both are
 * there when a removal was interrupted. */
int vault_numbers(int dir_fd, uint64_t **ret_numbers, size_t *ret_count, struct err *e)
{
	AUTO(free) uint64_t *numbers = NULL;
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	size_t n = 0, cap = 0;
	struct dirent *each;
	int r = 0;

	if (!dir) {
		r = err_sys(e, errno, "cannot read the vault's folder");
		fd_close(&fd);
		return r;
	}
	while (r == 0 && (each = readdir(dir))) {
		uint64_t number, *more;
		bool tomb = pack_name_parse(each->d_name, ".tomb", &number);

		if (!tomb && !pack_name_parse(each->d_name, ".pack", &number))
			continue;
		if (n == cap) {
			cap = cap ? cap * 2 : 64;
			more = reallocarray(numbers, cap, sizeof(*numbers));
			if (!more) {
				r = err_set(e, ENOMEM, "no memory for the list of packs");
				break;
			}
			numbers = more;
		}
		numbers[n++] = number * 2 + tomb;
	}
	closedir(dir);
	if (r < 0)
		return r;
	if (n)
		qsort(numbers, n, sizeof(*numbers), number_order);
	*ret_numbers = TAKE(numbers);
	*ret_count = n;
	return 0;
}

static void find_last(struct vault *v, const uint64_t *numbers, size_t n,
		      uint64_t ret_last[VAULT_LANES])
{
	struct err ignored = ERR_INIT; /* an unreadable pack is told when it is loaded */

	for (size_t i = 0; i < n; i++) {
		AUTO(pack_file) struct pack_file pack;

		pack_file_init(&pack);
		if (numbers[i] % 2 == 0 &&
		    pack_file_open(v->dir_fd, numbers[i] / 2, O_RDONLY, &pack, &ignored) == 0 &&
		    pack.head.lane < VAULT_LANES)
			ret_last[pack.head.lane] = numbers[i] / 2;
	}
}

static int load_all(struct vault *v, struct err *e)
{
	AUTO(free) uint64_t *numbers = NULL;
	uint64_t last[VAULT_LANES] = {0};
	size_t n = 0;
	int r = vault_numbers(v->dir_fd, &numbers, &n, e);

	if (r < 0)
		return r;
	find_last(v, numbers, n, last);
	for (size_t i = 0; i < n && r == 0; i++) {
		r = numbers[i] % 2 ? load_tomb(v, numbers[i] / 2, e)
				   : load_pack(v, numbers[i] / 2, last, e);
		v->next_number = numbers[i] / 2 + 1;
	}
	return r;
}

static void set_options(struct vault *v, const struct vault_options *options)
{
	if (options)
		v->options = *options;
	if (v->options.pack_bytes == 0)
		v->options.pack_bytes = 64u << 20;
	if (v->options.max_bytes && v->options.pack_bytes > v->options.max_bytes / 8)
		v->options.pack_bytes = v->options.max_bytes / 8;
	if (v->options.pack_age_ns == 0)
		v->options.pack_age_ns = 3600 * NSEC_PER_SEC;
	if (v->options.zstd_level == 0)
		v->options.zstd_level = 1;
	if (v->options.compress_bytes == 0)
		v->options.compress_bytes =
			8192; /* below, zstd costs more time than SHA-256 and write together */
}

static int open_folder(struct vault *v, const char *state_dir, struct err *e)
{
	char path[LIMIT_PATH];
	int r = path_print(path, e, "%s/vault", state_dir);

	if (r == 0)
		r = fd_make_dirs(path, 0700, e);
	if (r < 0)
		return r;
	v->dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (v->dir_fd < 0)
		return err_sys(e, errno, "cannot open '%s'", path);
	v->lock_fd = openat(v->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (v->lock_fd < 0)
		return err_sys(e, errno, "cannot open '%s/lock'", path);
	if (flock(v->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK
			       ? err_set(e, EBUSY, "another amber writes to '%s'; stop it first",
					 path)
			       : err_sys(e, errno, "cannot lock '%s'", path);
	return 0;
}

int vault_open(const char *state_dir, const struct key *key, const struct vault_options *options,
	       struct vault **ret_vault, struct err *e)
{
	struct vault *v = calloc(1, sizeof(*v));
	int r;

	if (!v)
		return err_set(e, ENOMEM, "no memory for the vault");
	v->key = key;
	v->dir_fd = v->lock_fd = -1;
	v->next_number = 1;
	pthread_mutex_init(&v->lock, NULL);
	for (uint32_t i = 0; i < VAULT_LANES; i++)
		vault_lane_init(&v->lanes[i], i);
	set_options(v, options);
	r = vault_table_init(&v->table, e);
	if (r == 0)
		r = open_folder(v, state_dir, e);
	if (r == 0)
		r = load_all(v, e);
	if (r < 0) {
		vault_free(v);
		return r;
	}
	*ret_vault = v;
	return 0;
}
