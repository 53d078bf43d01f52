/* journal_retain.c - deleting the oldest segments, each leaving a signed tombstone, so that the
 * chain can still be followed over the hole. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "store/journal_impl.h"

struct candidate {
	uint64_t number, bytes;
	struct segment_head head;
	struct segment_footer footer;
	struct buf seal;
};

static void candidate_fini(struct candidate *c)
{
	segment_head_fini(&c->head);
	buf_fini(&c->seal);
}
DEFINE_AUTO(candidate, struct candidate, candidate_fini);

/* 1 when the segment is sealed and whole enough to be buried, 0 when it is not. */
static int examine(struct journal *j, uint64_t number, struct candidate *c, struct err *e)
{
	char name[JOURNAL_NAME];
	AUTO(fd) int fd = -1;
	struct stat st;
	int r;

	buf_init(&c->seal, LIMIT_SEGMENT_BYTES);
	journal_name(name, number, ".seg");
	fd = openat(j->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) != 0)
		return err_sys(e, errno, "cannot open journal segment '%s'", name);
	c->number = number;
	c->bytes = (uint64_t)st.st_size;
	r = segment_head_read(fd, &c->head, e);
	if (r == 0)
		r = segment_footer_read(fd, c->bytes, &c->seal, &c->footer, e);
	if (r == -EBADMSG || r == -ENOENT) { /* damaged or not sealed: kept, verify tells */
		err_clear(e);
		return 0;
	}
	return r < 0 ? r : 1;
}

static int bury(struct journal *j, const struct candidate *c, enum tombstone_reason reason,
		struct err *e)
{
	struct tombstone t = {
		.magic = TOMBSTONE_MAGIC,
		.version = SEGMENT_VERSION,
		.reason = reason,
		.number = c->number,
		.blocks = c->footer.blocks,
		.rows = c->footer.rows,
		.bytes = c->bytes,
		.min_real_ns = c->footer.min_real_ns,
		.max_real_ns = c->footer.max_real_ns,
		.deleted_real_ns = clock_real_ns(),
	};
	uint8_t bytes[TOMBSTONE_FILE_BYTES];
	char name[JOURNAL_NAME], path[LIMIT_PATH];
	int r;

	key_id(j->o.key, t.key_id);
	memcpy(t.previous, c->head.header.previous, SHA256_BYTES);
	memcpy(t.header_hash, c->head.hash, SHA256_BYTES);
	memcpy(t.final_hash, footer_final_hash(&c->seal), SHA256_BYTES);
	memcpy(bytes, &t, sizeof(t));
	sha256_of(span_make(&t, sizeof(t)), bytes + sizeof(t));
	r = key_sign(j->o.key, TOMBSTONE_DOMAIN, span_make(bytes + sizeof(t), SHA256_BYTES),
		     bytes + sizeof(t) + SHA256_BYTES, e);
	journal_name(name, c->number, ".tomb");
	if (r == 0)
		r = path_print(path, e, "%s/journal/%s", j->state_dir, name);
	if (r == 0)
		r = fd_replace_file(path, span_make(bytes, sizeof(bytes)), 0440, e);
	journal_name(name, c->number, ".seg");
	if (r == 0 && unlinkat(j->dir_fd, name, 0) != 0)
		r = err_sys(e, errno, "cannot delete journal segment '%s'", name);
	return r;
}

/* A tombstone and its segment: the crash came between the two. */
static int finish_burials(struct journal *j, struct err *e)
{
	AUTO(free) uint64_t *numbers = NULL;
	char name[JOURNAL_NAME];
	size_t n = 0;
	int r = journal_list(j->dir_fd, ".tomb", &numbers, &n, e);

	for (size_t i = 0; i < n && r == 0; i++) {
		uint8_t hash[SHA256_BYTES], signature[SIGNATURE_BYTES];
		struct tombstone t;
		struct err ignored = ERR_INIT;

		journal_name(name, numbers[i], ".seg");
		if (faccessat(j->dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		/* Only a tombstone that is our own gives leave to delete. */
		if (tombstone_read(j->dir_fd, numbers[i], &t, hash, signature, &ignored) == 0 &&
		    key_verify(j->o.key, TOMBSTONE_DOMAIN, span_make(hash, sizeof(hash)), signature,
			       &ignored) == 0)
			(void)unlinkat(j->dir_fd, name, 0); /* tried again at the next opening */
	}
	return r;
}

static enum tombstone_reason due(const struct journal *j, const struct candidate *c, uint64_t total)
{
	uint64_t now_ns = clock_real_ns(), newest = c->footer.max_real_ns;

	if (j->o.max_bytes && total > j->o.max_bytes)
		return TOMBSTONE_SIZE;
	if (c->footer.blocks == 0)
		newest = c->footer.sealed_real_ns;
	return j->o.max_age_ns && now_ns > newest && now_ns - newest > j->o.max_age_ns
		       ? TOMBSTONE_AGE
		       : 0;
}

static int total_bytes(struct journal *j, const uint64_t *numbers, size_t n, uint64_t *ret_total,
		       struct err *e)
{
	char name[JOURNAL_NAME];
	uint64_t total = 0;
	struct stat st;

	for (size_t i = 0; i < n; i++) {
		journal_name(name, numbers[i], ".seg");
		if (fstatat(j->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			return err_sys(e, errno, "cannot stat journal segment '%s'", name);
		total += (uint64_t)st.st_size;
	}
	*ret_total = total;
	return 0;
}

/* Goes from the oldest on until nothing is due any more. */
static int retain(struct journal *j, const uint64_t *numbers, size_t n,
		  const struct hold_set *holds, struct retain_result *result, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		AUTO(candidate) struct candidate c = {0};
		enum tombstone_reason reason;
		int r = examine(j, numbers[i], &c, e);

		if (r < 0)
			return r;
		if (r == 0)
			continue;
		reason = due(j, &c, result->total_bytes);
		if (!reason)
			break;
		if (hold_set_covers(holds, c.footer.min_real_ns, c.footer.max_real_ns)) {
			result->held++;
			continue;
		}
		r = bury(j, &c, reason, e);
		if (r < 0)
			return r;
		result->total_bytes -= c.bytes;
		result->deleted++;
	}
	return 0;
}

int journal_retain_now(struct journal *j, struct retain_result *ret_result, struct err *e)
{
	AUTO(hold_set) struct hold_set holds = {0};
	AUTO(free) uint64_t *numbers = NULL;
	struct retain_result result = {0};
	size_t n = 0;
	int r = finish_burials(j, e);

	if (r == 0)
		r = journal_list(j->dir_fd, ".seg", &numbers, &n, e);
	if (r == 0)
		r = total_bytes(j, numbers, n, &result.total_bytes, e);
	if (r == 0 && (j->o.max_bytes || j->o.max_age_ns)) {
		r = hold_set_read(&holds, j->state_dir, j->o.key, e);
		if (r == 0)
			r = retain(j, numbers, n, &holds, &result, e);
	}
	*ret_result = result; /* also what was done before a failure */
	return r;
}
