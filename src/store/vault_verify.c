/* vault_verify.c - is every byte of the vault what was written?
 *
 * Packs in the order of their numbers: header, chain to the pack before it in its lane, each
 * entry's header, chain and content, the index against the entries, the signature.  What a missing
 * newest pack held is told by the journal's records of kept contents, not here. */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "store/vault_internal.h"
#include "store/vault_pack.h"
#include "store/vault_read.h"

struct lane_end {
	uint64_t number;
	uint8_t end[SHA256_BYTES];
	bool open; /* its last pack has no footer: nothing may follow */
};

struct verify {
	struct vault_reader *reader;
	const struct key *key;
	struct vault_check *check;
	struct lane_end lanes[VAULT_LANES];
	uint64_t last; /* number before */
	const struct pack_file *pack;
	struct pack_row *rows; /* of the index, by offset */
	size_t n, next;
	struct err *e;
};

static int bad(struct verify *v, uint64_t pack, uint64_t offset, const uint8_t *sha256)
{
	v->check->bad = true;
	v->check->bad_pack = pack;
	v->check->bad_offset = offset;
	if (sha256)
		memcpy(v->check->bad_sha256, sha256, SHA256_BYTES);
	return -EBADMSG;
}

/* Continues a lane: `prev_number` and `prev_end` must be those of the pack or tombstone before. */
static int follow(struct verify *v, uint64_t number, uint32_t lane, uint64_t prev_number,
		  const uint8_t prev_end[SHA256_BYTES])
{
	struct lane_end *end;

	if (lane >= VAULT_LANES) {
		err_set(v->e, EBADMSG, "pack %08" PRIu64 " is of lane %u, which is not known",
			number, lane);
		return bad(v, number, 0, NULL);
	}
	end = &v->lanes[lane];
	if (end->open) {
		err_set(v->e, EBADMSG,
			"pack %08" PRIu64 " has no footer, though pack %08" PRIu64 " follows",
			end->number, number);
		return bad(v, end->number, 0, NULL);
	}
	if (prev_number != end->number || memcmp(prev_end, end->end, SHA256_BYTES) != 0) {
		err_set(v->e, EBADMSG,
			"pack %08" PRIu64 " does not continue pack %08" PRIu64
			", which is before it",
			number, end->number);
		return bad(v, number, offsetof(struct pack_head, prev_number), NULL);
	}
	end->number = number;
	return 0;
}

static int check_entry(void *ctx, const struct pack_entry *entry, uint64_t offset)
{
	struct verify *v = ctx;

	if (v->rows && (v->next == v->n || v->rows[v->next].offset != offset ||
			v->rows[v->next].raw_size != entry->raw_size ||
			v->rows[v->next].stored_size != entry->stored_size ||
			v->rows[v->next].kept_ns != entry->kept_ns ||
			memcmp(v->rows[v->next].sha256, entry->sha256, SHA256_BYTES) != 0)) {
		err_set(v->e, EBADMSG,
			"the index of pack %08" PRIu64 " has no such object at offset %" PRIu64,
			v->pack->number, offset);
		return bad(v, v->pack->number, offset, entry->sha256);
	}
	v->next++;
	if (pack_read(v->pack, offset, entry->sha256, NULL, NULL, v->e) < 0)
		return bad(v, v->pack->number, offset, entry->sha256);
	v->check->objects++;
	return 0;
}

static int row_offset_order(const void *a, const void *b)
{
	const struct pack_row *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int check_rows_sorted(struct verify *v)
{
	for (size_t i = 1; i < v->n; i++) {
		if (memcmp(v->rows[i - 1].sha256, v->rows[i].sha256, SHA256_BYTES) > 0) {
			err_set(v->e, EBADMSG, "the index of pack %08" PRIu64 " is not sorted",
				v->pack->number);
			return bad(v, v->pack->number,
				   v->pack->foot.index_offset + i * sizeof(struct pack_row), NULL);
		}
	}
	if (v->n)
		qsort(v->rows, v->n, sizeof(*v->rows), row_offset_order);
	return 0;
}

static int check_foot(struct verify *v, const struct pack_end *end)
{
	const struct pack_file *pack = v->pack;
	const struct pack_foot *foot = &pack->foot;
	uint64_t at = pack->bytes - sizeof(*foot);

	if (end->offset != foot->index_offset) {
		err_set(v->e, EBADMSG, "pack %08" PRIu64 ", offset %" PRIu64 ": no whole entry",
			pack->number, end->offset);
		return bad(v, pack->number, end->offset, NULL);
	}
	if (pack_foot_verify(foot, v->key, v->e) < 0) {
		err_prefix(v->e, "footer of pack %08" PRIu64, pack->number);
		return bad(v, pack->number, at, NULL);
	}
	if (end->count != foot->count || foot->number != pack->number ||
	    foot->lane != pack->head.lane || memcmp(foot->chain, end->chain, SHA256_BYTES) != 0 ||
	    memcmp(foot->head_digest, pack->head.digest, SHA256_BYTES) != 0) {
		err_set(v->e, EBADMSG, "the footer of pack %08" PRIu64 " is of other entries",
			pack->number);
		return bad(v, pack->number, at, NULL);
	}
	sha256_of(span_make(foot, sizeof(*foot)), v->lanes[foot->lane].end);
	v->check->sealed++;
	return 0;
}

/* A pack that is growing may end in an object that is being written: it is told, not a fault. */
static int check_open_end(struct verify *v, const struct pack_end *end)
{
	if (v->pack->read_only) {
		err_set(v->e, EBADMSG,
			"pack %08" PRIu64 ", offset %" PRIu64 ": was sealed and has no footer",
			v->pack->number, end->offset);
		return bad(v, v->pack->number, end->offset, NULL);
	}
	v->lanes[v->pack->head.lane].open = true;
	v->check->open_tail_bytes += v->pack->bytes - end->offset;
	return 0;
}

static int check_pack_body(struct verify *v, const struct pack_file *pack)
{
	AUTO(free) struct pack_row *rows = NULL;
	struct pack_end end;
	size_t n = 0;
	int r = 0;

	v->pack = pack;
	v->rows = NULL;
	v->n = v->next = 0;
	if (pack->sealed) {
		if (pack_rows(pack, &rows, &n, v->e) < 0)
			return bad(v, pack->number, pack->foot.index_offset, NULL);
		v->rows = rows;
		v->n = n;
		r = check_rows_sorted(v);
	}
	if (r == 0)
		r = pack_walk(pack, check_entry, v, &end, v->e);
	if (r == 0)
		r = pack->sealed ? check_foot(v, &end) : check_open_end(v, &end);
	return r;
}

static int check_pack(struct verify *v, uint64_t number)
{
	AUTO(pack_file) struct pack_file pack;
	int r;

	pack_file_init(&pack);
	r = pack_file_open(v->reader->dir_fd, number, O_RDONLY, &pack, v->e);
	if (r < 0)
		return r == -EBADMSG ? bad(v, number, 0, NULL) : r;
	r = follow(v, number, pack.head.lane, pack.head.prev_number, pack.head.prev_end);
	if (r == 0)
		r = check_pack_body(v, &pack);
	if (r == 0) {
		v->check->packs++;
		v->check->bytes += pack.bytes;
	}
	v->pack = NULL; /* it ends here */
	return r;
}

static int check_tomb(struct verify *v, uint64_t number)
{
	struct pack_tomb tomb;
	AUTO(fd) int fd = -1;
	char name[32];
	int r = 0;

	snprintf(name, sizeof(name), "%08" PRIu64 ".tomb", number);
	fd = openat(v->reader->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_sys(v->e, errno, "cannot open '%s'", name);
	if (fd_pread_full(fd, &tomb, sizeof(tomb), 0) != (ssize_t)sizeof(tomb) ||
	    !pack_tomb_ok(&tomb) || tomb.number != number)
		r = err_set(v->e, EBADMSG, "'%s' is no tombstone", name);
	else if (pack_tomb_verify(&tomb, v->key, v->e) < 0)
		r = err_prefix(v->e, "tombstone '%s'", name);
	if (r < 0)
		return bad(v, number, 0, NULL);
	v->check->tombstones++;
	if (number == v->last)
		return 0; /* the pack is still there: its removal was interrupted */
	r = follow(v, number, tomb.lane, tomb.prev_number, tomb.prev_end);
	if (r == 0)
		memcpy(v->lanes[tomb.lane].end, tomb.end, SHA256_BYTES);
	return r;
}

static int check_number(struct verify *v, uint64_t number, bool tomb)
{
	int r;

	if (number > v->last + 1) {
		err_set(v->e, EBADMSG, "pack %08" PRIu64 " is missing", v->last + 1);
		return bad(v, v->last + 1, 0, NULL);
	}
	r = tomb ? check_tomb(v, number) : check_pack(v, number);
	v->last = number;
	return r;
}

int vault_verify(struct vault_reader *reader, const struct key *key, struct vault_check *ret_check,
		 struct err *e)
{
	AUTO(free) uint64_t *numbers = NULL;
	struct verify v = {.reader = reader, .key = key, .check = ret_check, .e = e};
	size_t n = 0;
	int r = vault_numbers(reader->dir_fd, &numbers, &n, e);

	if (r < 0)
		return r;
	memset(ret_check, 0, sizeof(*ret_check));
	for (size_t i = 0; i < n && r == 0; i++)
		r = check_number(&v, numbers[i] / 2, numbers[i] % 2);
	return r;
}
