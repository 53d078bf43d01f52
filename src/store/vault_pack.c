/* vault_pack.c - see vault_pack.h. */
#include "store/vault_pack.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#define READ_BYTES (256u << 10)

void pack_file_init(struct pack_file *pack)
{
	memset(pack, 0, sizeof(*pack));
	pack->fd = -1;
}

void pack_file_close(struct pack_file *pack)
{
	fd_close(&pack->fd);
}

static int read_exact(int fd, void *p, size_t n, uint64_t offset, struct err *e)
{
	ssize_t got = fd_pread_full(fd, p, n, (off_t)offset);

	if (got < 0)
		return err_sys(e, (int)-got, "cannot read the pack at offset %" PRIu64, offset);
	if ((size_t)got != n)
		return err_set(e, EBADMSG, "the pack ends within offset %" PRIu64, offset);
	return 0;
}

static int look_for_footer(struct pack_file *pack, struct err *e)
{
	int r;

	if (pack->bytes < sizeof(pack->head) + sizeof(pack->foot))
		return 0;
	r = read_exact(pack->fd, &pack->foot, sizeof(pack->foot), pack->bytes - sizeof(pack->foot),
		       e);
	if (r < 0)
		return r;
	pack->sealed = pack_foot_ok(&pack->foot, pack->bytes);
	return 0;
}

int pack_file_open(int dir_fd, uint64_t number, int flags, struct pack_file *ret_pack,
		   struct err *e)
{
	AUTO(pack_file) struct pack_file pack;
	char name[32];
	struct stat st;
	int r;

	pack_file_init(&pack);
	snprintf(name, sizeof(name), "%08" PRIu64 ".pack", number);
	pack.number = number;
	pack.fd = openat(dir_fd, name, flags | O_CLOEXEC | O_NOFOLLOW);
	if (pack.fd < 0 || fstat(pack.fd, &st) < 0)
		return err_sys(e, errno, "cannot open pack '%s'", name);
	pack.bytes = (uint64_t)st.st_size;
	pack.read_only = (st.st_mode & 0222) == 0;
	r = read_exact(pack.fd, &pack.head, sizeof(pack.head), 0, e);
	if (r == 0)
		r = pack_head_check(&pack.head, e);
	if (r == 0 && pack.head.number != number)
		r = err_set(e, EBADMSG, "its header says that it is pack %" PRIu64,
			    pack.head.number);
	if (r == 0)
		r = look_for_footer(&pack, e);
	if (r < 0)
		return err_prefix(e, "pack '%s'", name);
	*ret_pack = pack;
	pack.fd = -1;
	return 0;
}

/* A walk reads the headers through a window, because most objects are small. */
struct window {
	const struct pack_file *pack;
	uint64_t offset, limit;
	size_t n;
	uint8_t bytes[64 << 10];
};

static const struct pack_entry *window_entry(struct window *w, uint64_t at, struct pack_entry *copy)
{
	ssize_t got;

	if (w->limit - at < sizeof(*copy))
		return NULL;
	if (at < w->offset || at + sizeof(*copy) > w->offset + w->n) {
		size_t want = w->limit - at < sizeof(w->bytes) ? (size_t)(w->limit - at)
							       : sizeof(w->bytes);

		got = fd_pread_full(w->pack->fd, w->bytes, want, (off_t)at);
		w->offset = at;
		w->n = got < 0 ? 0 : (size_t)got;
		if (w->n < sizeof(*copy))
			return NULL;
	}
	memcpy(copy, w->bytes + (at - w->offset), sizeof(*copy));
	return copy;
}

int pack_walk(const struct pack_file *pack, pack_visit_fn visit, void *ctx,
	      struct pack_end *ret_end, struct err *e)
{
	struct pack_end end = {.offset = sizeof(struct pack_head)};
	AUTO(free) struct window *w = calloc(1, sizeof(*w));
	struct pack_entry entry;

	if (!w)
		return err_set(e, ENOMEM, "no memory to read a pack");
	w->pack = pack;
	w->limit = pack->sealed ? pack->foot.index_offset : pack->bytes;
	memcpy(end.chain, pack->head.digest, SHA256_BYTES);
	while (window_entry(w, end.offset, &entry)) {
		if (!pack_entry_ok(&entry) || !pack_entry_follows(&entry, end.chain))
			break;
		if (entry.stored_size > w->limit - end.offset - sizeof(entry))
			break;
		int r = visit ? visit(ctx, &entry, end.offset) : 0;

		if (r < 0)
			return r;
		memcpy(end.chain, entry.chain, SHA256_BYTES);
		end.offset += sizeof(entry) + entry.stored_size;
		end.count++;
	}
	*ret_end = end;
	return 0;
}

struct row_list {
	struct pack_row *rows;
	size_t n, cap;
	struct err *e;
};

static int row_add(void *ctx, const struct pack_entry *entry, uint64_t offset)
{
	struct row_list *list = ctx;

	if (list->n == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 256;
		struct pack_row *rows = reallocarray(list->rows, cap, sizeof(*rows));

		if (!rows)
			return err_set(list->e, ENOMEM, "no memory for the index of a pack");
		list->rows = rows;
		list->cap = cap;
	}
	struct pack_row *row = &list->rows[list->n++];

	memcpy(row->sha256, entry->sha256, SHA256_BYTES);
	row->offset = offset;
	row->raw_size = entry->raw_size;
	row->stored_size = entry->stored_size;
	row->kept_ns = entry->kept_ns;
	return 0;
}

static int rows_of_index(const struct pack_file *pack, struct pack_row **ret_rows,
			 size_t *ret_count, struct err *e)
{
	size_t n = (size_t)pack->foot.count, bytes = n * sizeof(struct pack_row);
	AUTO(free) struct pack_row *rows = malloc(bytes ? bytes : 1);
	uint8_t digest[SHA256_BYTES];
	int r;

	if (!rows)
		return err_set(e, ENOMEM, "no memory for the index of a pack");
	r = read_exact(pack->fd, rows, bytes, pack->foot.index_offset, e);
	if (r < 0)
		return r;
	sha256_of(span_make(rows, bytes), digest);
	if (memcmp(digest, pack->foot.index_digest, sizeof(digest)) != 0)
		return err_set(e, EBADMSG, "index of pack %08" PRIu64 " was changed", pack->number);
	*ret_rows = TAKE(rows);
	*ret_count = n;
	return 0;
}

int pack_rows(const struct pack_file *pack, struct pack_row **ret_rows, size_t *ret_count,
	      struct err *e)
{
	struct row_list list = {.e = e};
	struct pack_end end;
	int r;

	if (pack->sealed)
		return rows_of_index(pack, ret_rows, ret_count, e);
	r = pack_walk(pack, row_add, &list, &end, e);
	if (r < 0) {
		free(list.rows);
		return r;
	}
	*ret_rows = list.rows;
	*ret_count = list.n;
	return 0;
}

struct find {
	const uint8_t *sha256;
	struct pack_row *row;
	bool found;
};

static int find_entry(void *ctx, const struct pack_entry *entry, uint64_t offset)
{
	struct find *find = ctx;
	struct row_list one = {.rows = find->row, .cap = 1};

	if (find->found || memcmp(entry->sha256, find->sha256, SHA256_BYTES) != 0)
		return 0;
	find->found = true;
	return row_add(&one, entry, offset);
}

static int find_by_walk(const struct pack_file *pack, const uint8_t sha256[SHA256_BYTES],
			struct pack_row *ret_row, struct err *e)
{
	struct pack_row row;
	struct find find = {.sha256 = sha256, .row = &row};
	struct pack_end end;
	int r = pack_walk(pack, find_entry, &find, &end, e);

	if (r < 0)
		return r;
	if (!find.found)
		return err_set(e, ENOENT, "no such object in pack %08" PRIu64, pack->number);
	*ret_row = row;
	return 0;
}

int pack_find(const struct pack_file *pack, const uint8_t sha256[SHA256_BYTES],
	      struct pack_row *ret_row, struct err *e)
{
	uint64_t low = 0, high;

	if (!pack->sealed)
		return find_by_walk(pack, sha256, ret_row, e);
	high = pack->foot.count;
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		struct pack_row row;
		int r = read_exact(pack->fd, &row, sizeof(row),
				   pack->foot.index_offset + middle * sizeof(row), e);
		int order = r < 0 ? 0 : memcmp(row.sha256, sha256, SHA256_BYTES);

		if (r < 0)
			return r;
		if (order == 0) {
			*ret_row = row;
			return 0;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return err_set(e, ENOENT, "no such object in pack %08" PRIu64, pack->number);
}

/* Reading one content. */
struct reading {
	const struct pack_file *pack;
	const struct vault_out *out;
	struct sha256 hash;
	uint64_t offset, left; /* stored bytes */
	uint64_t raw;	       /* given out */
	uint64_t raw_size;
	uint8_t *in, *piece;
	ZSTD_DCtx *zstd;
};

static void reading_fini(struct reading *rd)
{
	sha256_fini(&rd->hash);
	free(rd->in);
	free(rd->piece);
	ZSTD_freeDCtx(rd->zstd);
}
DEFINE_AUTO(reading, struct reading, reading_fini);

static int give(struct reading *rd, const void *p, size_t n, struct err *e)
{
	if (n > rd->raw_size - rd->raw)
		return err_set(e, EBADMSG, "more content than its header says");
	sha256_add(&rd->hash, p, n);
	rd->raw += n;
	return rd->out && n ? rd->out->write(rd->out->ctx, span_make(p, n), e) : 0;
}

static int inflate_piece(struct reading *rd, size_t n, struct err *e)
{
	ZSTD_inBuffer in = {rd->in, n, 0};
	bool full = false;

	while (in.pos < in.size || full) {
		ZSTD_outBuffer out = {rd->piece, READ_BYTES, 0};
		size_t left = ZSTD_decompressStream(rd->zstd, &out, &in);

		if (ZSTD_isError(left))
			return err_set(e, EBADMSG, "compressed content is damaged: %s",
				       ZSTD_getErrorName(left));
		int r = give(rd, rd->piece, out.pos, e);

		if (r < 0)
			return r;
		full = out.pos == out.size;
	}
	return 0;
}

static int read_content(struct reading *rd, struct err *e)
{
	while (rd->left) {
		size_t n = rd->left < READ_BYTES ? (size_t)rd->left : READ_BYTES;
		int r = read_exact(rd->pack->fd, rd->in, n, rd->offset, e);

		if (r == 0)
			r = rd->zstd ? inflate_piece(rd, n, e) : give(rd, rd->in, n, e);
		if (r < 0)
			return r;
		rd->offset += n;
		rd->left -= n;
	}
	return 0;
}

static int reading_start(struct reading *rd, const struct pack_entry *entry, uint64_t offset,
			 struct err *e)
{
	bool zstd = entry->encoding == PACK_ZSTD;

	rd->offset = offset + sizeof(*entry);
	rd->left = entry->stored_size;
	rd->raw_size = entry->raw_size;
	rd->in = malloc(READ_BYTES);
	rd->piece = zstd ? malloc(READ_BYTES) : NULL;
	rd->zstd = zstd ? ZSTD_createDCtx() : NULL;
	if (!rd->in || (zstd && (!rd->piece || !rd->zstd)))
		return err_set(e, ENOMEM, "no memory to read an object");
	return sha256_init(&rd->hash, e);
}

static int check_content(struct reading *rd, const struct pack_entry *entry, const uint8_t *sha256,
			 struct err *e)
{
	uint8_t digest[SHA256_BYTES];

	sha256_end(&rd->hash, digest);
	if (rd->raw != entry->raw_size)
		return err_set(e, EBADMSG,
			       "content has %" PRIu64 " bytes, its header says %" PRIu64, rd->raw,
			       entry->raw_size);
	if (memcmp(digest, entry->sha256, SHA256_BYTES) != 0)
		return err_set(e, EBADMSG, "content does not match its SHA-256");
	if (sha256 && memcmp(digest, sha256, SHA256_BYTES) != 0)
		return err_set(e, EBADMSG, "content is another object than the index says");
	return 0;
}

int pack_read(const struct pack_file *pack, uint64_t offset, const uint8_t *sha256,
	      const struct vault_out *out, struct pack_entry *ret_entry, struct err *e)
{
	AUTO(reading) struct reading rd = {.pack = pack, .out = out};
	struct pack_entry entry;
	int r;

	if (pack->bytes < sizeof(entry) || offset > pack->bytes - sizeof(entry))
		return err_set(e, EBADMSG, "pack %08" PRIu64 ": offset %" PRIu64 " is past its end",
			       pack->number, offset);
	r = read_exact(pack->fd, &entry, sizeof(entry), offset, e);
	if (r == 0 &&
	    (!pack_entry_ok(&entry) || entry.stored_size > pack->bytes - offset - sizeof(entry)))
		r = err_set(e, EBADMSG, "entry header is damaged");
	if (r == 0)
		r = reading_start(&rd, &entry, offset, e);
	if (r == 0)
		r = read_content(&rd, e);
	if (r == 0)
		r = check_content(&rd, &entry, sha256, e);
	if (r < 0)
		return err_prefix(e, "pack %08" PRIu64 ", offset %" PRIu64, pack->number, offset);
	if (ret_entry)
		*ret_entry = entry;
	return 0;
}
