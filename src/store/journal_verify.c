/* journal_verify.c - see journal_verify.h. */
#include "store/journal_verify.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "store/journal_impl.h"

#define RETRIES	      6u /* of the end of a segment that is being written */
#define RETRY_WAIT_NS 50000000l

struct verify {
	int dir_fd;
	const struct key *key;
	void (*each)(void *ctx, const struct journal_problem *problem);
	void *ctx;
	struct journal_verdict verdict;
	struct journal_head head;
	bool has_head, no_head;
	uint64_t last; /* number of the newest segment or tombstone */
	uint8_t final_hash[SHA256_BYTES];
	bool has_final; /* the segment before is known up to its end */
	char file[JOURNAL_NAME];
	uint64_t number;
};

static void problem(struct verify *v, int64_t block, uint64_t offset, const char *what)
{
	const struct journal_problem p = {
		.file = v->file,
		.segment = v->number,
		.block = block,
		.offset = offset,
		.what = what,
	};

	v->verdict.problems++;
	if (v->each)
		v->each(v->ctx, &p);
}

static void missing(struct verify *v, uint64_t from, uint64_t to)
{
	char what[96];

	v->number = from;
	journal_name(v->file, from, ".seg");
	(void)snprintf(what, sizeof(what),
		       "missing, with no tombstone (%" PRIu64 " segment%s in a row)", to - from + 1,
		       to == from ? "" : "s"); /* it fits */
	problem(v, -1, 0, what);
	v->has_final = false;
}

/* The hash that this segment says comes before it. */
static void check_previous(struct verify *v, const uint8_t previous[SHA256_BYTES], uint64_t offset)
{
	if (v->has_final && memcmp(previous, v->final_hash, SHA256_BYTES) != 0)
		problem(v, -1, offset, "does not follow the segment before it");
}

static void verify_tombstone(struct verify *v)
{
	uint8_t hash[SHA256_BYTES], signature[SIGNATURE_BYTES];
	struct tombstone t;
	struct err e = ERR_INIT;

	journal_name(v->file, v->number, ".tomb");
	v->verdict.tombstones++;
	if (tombstone_read(v->dir_fd, v->number, &t, hash, signature, &e) < 0) {
		problem(v, -1, 0, e.text);
		v->has_final = false;
		return;
	}
	if (key_verify(v->key, TOMBSTONE_DOMAIN, span_make(hash, sizeof(hash)), signature, &e) < 0)
		problem(v, -1, sizeof(t) + SHA256_BYTES, e.text);
	check_previous(v, t.previous, offsetof(struct tombstone, previous));
	memcpy(v->final_hash, t.final_hash, SHA256_BYTES);
	v->has_final = true;
}

/* The seal against the blocks that were walked. */
static void verify_seal(struct verify *v, const struct segment_walk *w,
			const struct segment_head *head, const struct segment_footer *f,
			const struct buf *bytes, uint64_t offset)
{
	uint64_t signature_at = offset + bytes->n - FOOTER_TAIL_BYTES + SHA256_BYTES;
	struct err e = ERR_INIT;

	if (memcmp(f->header_hash, head->hash, SHA256_BYTES) != 0)
		problem(v, -1, offset, "seal belongs to another segment");
	else if (f->blocks != w->sequence || f->rows != w->rows || w->offset != offset ||
		 memcmp(f->last_hash, w->previous, SHA256_BYTES) != 0)
		problem(v, -1, offset, "seal does not match the blocks");
	if (key_verify(v->key, SEGMENT_DOMAIN, span_make(footer_final_hash(bytes), SHA256_BYTES),
		       footer_signature(bytes), &e) < 0)
		problem(v, -1, signature_at, e.text);
	memcpy(v->final_hash, footer_final_hash(bytes), SHA256_BYTES);
	v->has_final = true;
	v->verdict.sealed++;
	v->verdict.recovered += f->flags & FOOTER_RECOVERED;
}

/* The index entry of the block just walked. */
static bool entry_matches(struct cursor *index, const struct segment_walk *w)
{
	struct footer_entry entry;
	struct span prune;

	return footer_next(index, &entry, &prune) &&
	       entry.offset + w->header.block_bytes == w->offset &&
	       memcmp(entry.hash, w->previous, SHA256_BYTES) == 0 &&
	       memcmp(&entry.header, &w->header, sizeof(w->header)) == 0 &&
	       span_eq(prune, span_make(w->bytes.p + sizeof(w->header) + w->header.directory_bytes,
					w->header.prune_bytes));
}

/* Walks to w->size; false after a problem. */
static bool walk_blocks(struct verify *v, struct segment_walk *w, struct cursor *index,
			struct err *e)
{
	int r;

	while ((r = segment_walk_next(w, e)) > 0) {
		v->verdict.blocks++;
		v->verdict.rows += w->header.rows;
		if (index && !entry_matches(index, w)) {
			problem(v, (int64_t)w->header.sequence, w->offset - w->header.block_bytes,
				"is not what the seal's index says");
			return false;
		}
	}
	if (r < 0 && r != -EAGAIN) {
		problem(v, (int64_t)w->sequence, w->offset, e->text);
		return false;
	}
	return true;
}

static void check_head_of_last(struct verify *v, const struct segment_head *head, bool sealed)
{
	if (!v->has_head || v->head.number != v->number)
		return;
	if (memcmp(v->head.header_hash, head->hash, SHA256_BYTES) != 0)
		problem(v, -1, 0, "is not the segment that 'head' names");
	else if ((v->head.flags & HEAD_SEALED) && !sealed)
		problem(v, -1, 0, "was sealed, and the seal is gone");
	else if ((v->head.flags & HEAD_SEALED) &&
		 memcmp(v->head.final_hash, v->final_hash, SHA256_BYTES) != 0)
		problem(v, -1, 0, "is sealed otherwise than 'head' says");
}

struct segment_check {
	int fd;
	struct segment_head head;
	struct segment_footer footer;
	struct segment_walk walk;
	struct buf seal;
	struct stat st;
};

static void segment_check_fini(struct segment_check *c)
{
	fd_close(&c->fd);
	segment_head_fini(&c->head);
	segment_walk_fini(&c->walk);
	buf_fini(&c->seal);
}
DEFINE_AUTO(segment_check, struct segment_check, segment_check_fini);

static bool may_grow(const struct verify *v, const struct segment_check *c)
{
	return v->number == v->last && (c->st.st_mode & 0222);
}

/* A file without a trailer.  Its end may be in the middle of a write by a living writer, which
 * is over in a moment; what stays is a torn end. */
static void verify_unsealed(struct verify *v, struct segment_check *c)
{
	const struct timespec moment = {.tv_nsec = RETRY_WAIT_NS};
	struct segment_walk *w = &c->walk;
	struct err e = ERR_INIT;

	v->has_final = false;
	for (unsigned i = 0; i < RETRIES; i++) {
		if (i)
			(void)nanosleep(&moment, NULL); /* a shorter wait does no harm */
		err_clear(&e);
		if (fstat(c->fd, &c->st) != 0 || segment_footer_read(c->fd, (uint64_t)c->st.st_size,
								     &c->seal, &c->footer, &e) == 0)
			break;
		err_clear(&e);
		w->size = (uint64_t)c->st.st_size;
		if (!walk_blocks(v, w, NULL, &e))
			return;
		if (w->offset == w->size || !may_grow(v, c))
			break;
	}
	if (c->seal.n && e.code == 0 && w->offset + c->seal.n == (uint64_t)c->st.st_size) {
		verify_seal(v, w, &c->head, &c->footer, &c->seal, w->offset);
	} else if (w->offset != w->size) {
		problem(v, (int64_t)w->sequence, w->offset,
			e.code ? e.text : "a seal that is not whole is behind the last block");
	} else if (!may_grow(v, c)) {
		problem(v, -1, w->offset, "is not sealed");
	} else {
		v->verdict.unsealed_last = true;
	}
	check_head_of_last(v, &c->head, v->has_final);
}

static void verify_sealed(struct verify *v, struct segment_check *c)
{
	uint64_t blocks_end = (uint64_t)c->st.st_size - c->seal.n;
	struct cursor index = footer_index(&c->seal);
	struct err e = ERR_INIT;

	c->walk.size = blocks_end;
	if (!walk_blocks(v, &c->walk, &index, &e)) {
		/* The next segment can still be tied to this seal. */
		memcpy(v->final_hash, footer_final_hash(&c->seal), SHA256_BYTES);
		v->has_final = true;
		return;
	}
	verify_seal(v, &c->walk, &c->head, &c->footer, &c->seal, blocks_end);
	check_head_of_last(v, &c->head, true);
}

/* The header, the chain to it, and what is behind it. */
static void verify_opened(struct verify *v, struct segment_check *c)
{
	AUTO(free) struct schema *schema = malloc(sizeof(*schema));
	struct err e = ERR_INIT;
	int r = segment_head_read(c->fd, &c->head, &e);

	if (r < 0 || !schema || schema_parse(buf_span(&c->head.schema), schema, &e) < 0) {
		problem(v, -1, 0, e.code ? e.text : "no memory to check it");
		v->has_final = false;
		return;
	}
	if (c->head.header.number != v->number)
		problem(v, -1, offsetof(struct segment_header, number),
			"header has another segment's number");
	check_previous(v, c->head.header.previous, offsetof(struct segment_header, previous));
	segment_walk_init(&c->walk, c->fd, (uint64_t)c->st.st_size, &c->head);
	r = segment_footer_read(c->fd, (uint64_t)c->st.st_size, &c->seal, &c->footer, &e);
	if (r == 0) {
		verify_sealed(v, c);
		return;
	}
	if (r != -ENOENT) {
		/* The blocks first: the first bad place is the one to name. */
		struct err ignored = ERR_INIT;

		if (walk_blocks(v, &c->walk, NULL, &ignored))
			problem(v, -1, c->walk.offset, e.text);
		v->has_final = false;
		return;
	}
	verify_unsealed(v, c);
}

static void verify_segment(struct verify *v)
{
	AUTO(segment_check) struct segment_check c = {.fd = -1};

	buf_init(&c.seal, LIMIT_SEGMENT_BYTES);
	journal_name(v->file, v->number, ".seg");
	c.fd = openat(v->dir_fd, v->file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (c.fd < 0 && errno == ENOENT) { /* deleted since the listing? */
		struct tombstone t;
		uint8_t hash[SHA256_BYTES], signature[SIGNATURE_BYTES];
		struct err e = ERR_INIT;

		if (tombstone_read(v->dir_fd, v->number, &t, hash, signature, &e) == -ENOENT)
			missing(v, v->number, v->number);
		else
			verify_tombstone(v);
		return;
	}
	if (c.fd < 0 || fstat(c.fd, &c.st) != 0) {
		problem(v, -1, 0, err_words(errno));
		v->has_final = false;
		return;
	}
	v->verdict.segments++;
	v->verdict.bytes += (uint64_t)c.st.st_size;
	verify_opened(v, &c);
}

struct numbers {
	uint64_t *segments, *tombstones;
	size_t segment_count, tombstone_count;
};

static void numbers_fini(struct numbers *n)
{
	free(n->segments);
	free(n->tombstones);
}
DEFINE_AUTO(numbers, struct numbers, numbers_fini);

/* Both lists as one, ascending; a segment stands before its own tombstone. */
static void walk_numbers(struct verify *v, const struct numbers *n)
{
	uint64_t expected = 1;
	size_t s = 0, t = 0;

	while (s < n->segment_count || t < n->tombstone_count) {
		uint64_t segment = s < n->segment_count ? n->segments[s] : UINT64_MAX;
		uint64_t tombstone = t < n->tombstone_count ? n->tombstones[t] : UINT64_MAX;
		uint64_t number = segment <= tombstone ? segment : tombstone;

		if (number > expected)
			missing(v, expected, number - 1);
		expected = number + 1;
		v->number = number;
		if (segment == number)
			verify_segment(v);
		else
			verify_tombstone(v);
		s += segment == number;
		t += tombstone == number;
	}
	if (v->has_head && v->head.number >= expected)
		missing(v, expected, v->head.number);
	if (v->no_head && v->verdict.sealed + v->verdict.tombstones > 0) {
		(void)snprintf(v->file, sizeof(v->file), "head"); /* it fits */
		problem(v, -1, 0, "missing: segments taken from the end would not be noticed");
	}
}

static int check_hold(void *ctx, const struct journal_hold *hold)
{
	struct verify *v = ctx;
	char name[96];
	const struct journal_problem p = {
		.file = name,
		.block = -1,
		.what = "legal hold is not signed by this host's key; it holds everything",
	};

	if (hold->trusted)
		return 0;
	(void)snprintf(name, sizeof(name), "holds/%s.hold", hold->name); /* 64 bytes at most */
	v->verdict.problems++;
	if (v->each)
		v->each(v->ctx, &p);
	return 0;
}

static int read_head(struct verify *v, struct err *e)
{
	struct err bad = ERR_INIT;
	int r = head_read(v->dir_fd, v->key, &v->head, &bad);

	v->has_head = r == 0;
	v->no_head = r == -ENOENT;
	if (r == 0 || r == -ENOENT)
		return 0;
	if (r != -EBADMSG) {
		*e = bad;
		return r;
	}
	(void)snprintf(v->file, sizeof(v->file), "head"); /* it fits */
	problem(v, -1, 0, bad.text);
	return 0;
}

int journal_verify(const char *state_dir, const struct key *key,
		   void (*each)(void *ctx, const struct journal_problem *problem), void *ctx,
		   struct journal_verdict *ret_verdict, struct err *e)
{
	struct verify v = {.dir_fd = -1, .key = key, .each = each, .ctx = ctx, .has_final = true};
	AUTO(numbers) struct numbers n = {0};
	char path[LIMIT_PATH];
	AUTO(fd) int dir_fd = -1;
	int r = path_print(path, e, "%s/journal", state_dir);

	if (r < 0)
		return r;
	dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return err_sys(e, errno, "cannot open '%s'", path);
	v.dir_fd = dir_fd;
	/* The head before the lists: what it names is then in them. */
	r = read_head(&v, e);
	/* Segments before tombstones: one that is buried in between is found in its grave. */
	if (r == 0)
		r = journal_list(dir_fd, ".seg", &n.segments, &n.segment_count, e);
	if (r == 0)
		r = journal_list(dir_fd, ".tomb", &n.tombstones, &n.tombstone_count, e);
	if (r < 0)
		return r;
	if (n.segment_count)
		v.last = n.segments[n.segment_count - 1];
	if (n.tombstone_count && n.tombstones[n.tombstone_count - 1] > v.last)
		v.last = n.tombstones[n.tombstone_count - 1];
	walk_numbers(&v, &n);
	r = journal_hold_list(state_dir, key, check_hold, &v, e);
	if (r == 0)
		*ret_verdict = v.verdict;
	return r;
}
