/* journal_segment.c - see journal_segment.h. */
#include "store/journal_segment.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"

#define TORN_MAX (256u << 20) /* bytes of a torn tail that are kept beside the segment */

void segment_walk_init(struct segment_walk *w, int fd, uint64_t size,
		       const struct segment_head *head)
{
	*w = (struct segment_walk){.fd = fd, .size = size, .offset = head->header.header_bytes};
	memcpy(w->previous, head->hash, sizeof(w->previous));
	buf_init(&w->bytes, LIMIT_BLOCK_BYTES);
}

void segment_walk_fini(struct segment_walk *w)
{
	buf_fini(&w->bytes);
}

static int bad_block(const struct segment_walk *w, struct err *e, const char *what)
{
	return err_set(e, EBADMSG, "block %llu %s", (unsigned long long)w->sequence, what);
}

/* Reads the header at w->offset; 1 when there is a sane one. */
static int walk_header(struct segment_walk *w, struct block_header *ret_header, struct err *e)
{
	uint64_t left = w->size - w->offset;
	ssize_t n = fd_pread_full(w->fd, ret_header, sizeof(*ret_header), (off_t)w->offset);

	if (n < 0)
		return err_sys(e, (int)-n, "cannot read block %llu",
			       (unsigned long long)w->sequence);
	if (n == 0)
		return 0;
	if (n >= 8 && memcmp(ret_header, FOOTER_MAGIC, 8) == 0)
		return 0;
	if ((size_t)n < sizeof(*ret_header))
		return err_set(e, EAGAIN, "file ends within block %llu",
			       (unsigned long long)w->sequence);
	if (block_header_sane(ret_header, left))
		return 1;
	if (block_header_sane(ret_header, LIMIT_BLOCK_BYTES))
		return err_set(e, EAGAIN, "file ends within block %llu",
			       (unsigned long long)w->sequence);
	return bad_block(w, e, "has no valid header");
}

int segment_walk_next(struct segment_walk *w, struct err *e)
{
	uint8_t hash[SHA256_BYTES];
	struct block_header h;
	struct journal_block_info info;
	size_t n;
	int r = walk_header(w, &h, e);

	if (r <= 0)
		return r;
	buf_clear(&w->bytes);
	n = h.block_bytes;
	if (!buf_room(&w->bytes, n))
		return buf_check(&w->bytes, "a block of the journal", e);
	if (fd_pread_full(w->fd, w->bytes.p, n, (off_t)w->offset) != (ssize_t)n)
		return bad_block(w, e, "cannot be read");
	w->bytes.n = n;
	memcpy(&h, w->bytes.p, sizeof(h)); /* what is hashed is what is used */
	sha256_of(span_make(w->bytes.p, n - sizeof(hash)), hash);
	if (memcmp(hash, w->bytes.p + n - sizeof(hash), sizeof(hash)) != 0)
		return bad_block(w, e, "does not match its hash");
	if (memcmp(h.previous, w->previous, sizeof(h.previous)) != 0)
		return bad_block(w, e, "does not follow the one before it");
	if (h.sequence != w->sequence || h.first_row != w->rows || h.block_bytes != n)
		return bad_block(w, e, "is out of order");
	if (!prune_parse(span_make(w->bytes.p + sizeof(h) + h.directory_bytes, h.prune_bytes),
			 &info))
		return bad_block(w, e, "has no valid pruning data");
	memcpy(w->previous, hash, sizeof(hash));
	w->header = h;
	w->offset += n;
	w->sequence++;
	w->rows += h.rows;
	return 1;
}

int segment_writer_init(struct segment_writer *w, int dir_fd, const struct key *key, struct err *e)
{
	*w = (struct segment_writer){.dir_fd = dir_fd, .fd = -1, .key = key};
	buf_init(&w->index, LIMIT_SEGMENT_BYTES);
	return sha256_init(&w->sha, e);
}

void segment_writer_fini(struct segment_writer *w)
{
	fd_close(&w->fd);
	buf_fini(&w->index);
	sha256_fini(&w->sha);
}

static void begin(struct segment_writer *w, uint64_t number, uint64_t header_bytes,
		  const uint8_t hash[SHA256_BYTES])
{
	w->number = number;
	w->offset = header_bytes;
	w->created_boot_ns = clock_boot_ns();
	memcpy(w->header_hash, hash, SHA256_BYTES);
	memcpy(w->last_hash, hash, SHA256_BYTES);
	buf_clear(&w->index);
	w->footer = (struct segment_footer){
		.magic = FOOTER_MAGIC,
		.min_real_ns = UINT64_MAX,
		.min_boot_ns = UINT64_MAX,
	};
	memcpy(w->footer.header_hash, hash, SHA256_BYTES);
}

static int print_header(const struct segment_writer *w, uint64_t number, struct buf *b,
			struct err *e)
{
	struct segment_header h = {
		.magic = SEGMENT_MAGIC,
		.version = SEGMENT_VERSION,
		.number = number,
		.created_real_ns = clock_real_ns(),
		.created_boot_ns = clock_boot_ns(),
	};
	uint8_t hash[SHA256_BYTES];
	int r = clock_boot_id(h.boot_id, e);

	if (r < 0)
		return r;
	memcpy(h.previous, w->final_hash, sizeof(h.previous));
	key_id(w->key, h.key_id);
	buf_add(b, &h, sizeof(h));
	schema_print(b);
	r = buf_check(b, "a segment header", e);
	if (r < 0)
		return r;
	h.schema_bytes = (uint32_t)(b->n - sizeof(h));
	h.header_bytes = (uint32_t)(b->n + SHA256_BYTES);
	memcpy(b->p, &h, sizeof(h));
	sha256_of(buf_span(b), hash);
	buf_add(b, hash, sizeof(hash));
	return buf_check(b, "a segment header", e);
}

int segment_create(struct segment_writer *w, uint64_t number, struct err *e)
{
	char name[JOURNAL_NAME], temp[JOURNAL_NAME];
	struct err ignored = ERR_INIT;
	AUTO(buf) struct buf b;
	AUTO(fd) int fd = -1;
	int r;

	buf_init(&b, LIMIT_SCHEMA_BYTES + 4096);
	r = print_header(w, number, &b, e);
	if (r < 0)
		return r;
	journal_name(name, number, ".seg");
	journal_name(temp, number, ".seg.new");
	fd = openat(w->dir_fd, temp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return err_sys(e, errno, "cannot create journal segment '%s'", name);
	r = fd_pwrite_full(fd, b.p, b.n, 0);
	if (r == 0 && fdatasync(fd) != 0)
		r = -errno;
	if (r == 0 && renameat(w->dir_fd, temp, w->dir_fd, name) != 0)
		r = -errno;
	if (r < 0) {
		(void)unlinkat(w->dir_fd, temp, 0); /* journal_open removes it otherwise */
		return err_sys(e, -r, "cannot write journal segment '%s'", name);
	}
	(void)fsync(
		w->dir_fd); /* without it a power cut takes the whole segment, told by the chain */
	begin(w, number, b.n, b.p + b.n - SHA256_BYTES);
	fd_close(&w->fd);
	w->fd = fd_take(&fd);
	/* A head that is behind says less, but nothing wrong: writing goes on without it. */
	(void)segment_write_head(w, 0, &ignored);
	return 0;
}

int segment_write_head(const struct segment_writer *w, uint32_t flags, struct err *e)
{
	struct journal_head h = {
		.magic = HEAD_MAGIC,
		.version = SEGMENT_VERSION,
		.flags = flags,
		.number = w->number,
		.blocks = w->footer.blocks,
		.rows = w->footer.rows,
		.written_real_ns = clock_real_ns(),
	};
	uint8_t bytes[HEAD_FILE_BYTES];
	AUTO(fd) int fd = -1;
	int r;

	memcpy(h.header_hash, w->header_hash, SHA256_BYTES);
	if (flags & HEAD_SEALED)
		memcpy(h.final_hash, w->final_hash, SHA256_BYTES);
	memcpy(bytes, &h, sizeof(h));
	sha256_of(span_make(&h, sizeof(h)), bytes + sizeof(h));
	r = key_sign(w->key, HEAD_DOMAIN, span_make(bytes + sizeof(h), SHA256_BYTES),
		     bytes + sizeof(h) + SHA256_BYTES, e);
	if (r < 0)
		return r;
	fd = openat(w->dir_fd, "head.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		    0640);
	r = fd < 0 ? -errno : fd_write_full(fd, bytes, sizeof(bytes));
	if (r == 0 && fdatasync(fd) != 0)
		r = -errno;
	if (r == 0 && renameat(w->dir_fd, "head.new", w->dir_fd, "head") != 0)
		r = -errno;
	return r < 0 ? err_sys(e, -r, "cannot write the journal's head") : 0;
}

static int pwritev_full(int fd, struct iovec *parts, int n, uint64_t offset)
{
	while (n > 0) {
		ssize_t wrote = pwritev(fd, parts, n, (off_t)offset);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0)
			return wrote < 0 ? -errno : -EIO;
		offset += (uint64_t)wrote;
		for (; n > 0 && (size_t)wrote >= parts->iov_len; n--, parts++)
			wrote -= (ssize_t)parts->iov_len;
		if (n > 0) {
			parts->iov_base = (uint8_t *)parts->iov_base + wrote;
			parts->iov_len -= (size_t)wrote;
		}
	}
	return 0;
}

/* Adds a block to the totals and the index. */
static void account(struct segment_writer *w, const struct block_header *h, struct span prune,
		    const uint8_t hash[SHA256_BYTES])
{
	struct footer_entry entry = {.offset = w->offset, .header = *h};
	struct segment_footer *f = &w->footer;

	memcpy(entry.hash, hash, SHA256_BYTES);
	memcpy(w->last_hash, hash, SHA256_BYTES);
	buf_add(&w->index, &entry, sizeof(entry));
	buf_add_span(&w->index, prune);
	f->blocks++;
	f->rows += h->rows;
	f->min_real_ns = h->min_real_ns < f->min_real_ns ? h->min_real_ns : f->min_real_ns;
	f->max_real_ns = h->max_real_ns > f->max_real_ns ? h->max_real_ns : f->max_real_ns;
	f->min_boot_ns = h->min_boot_ns < f->min_boot_ns ? h->min_boot_ns : f->min_boot_ns;
	f->max_boot_ns = h->max_boot_ns > f->max_boot_ns ? h->max_boot_ns : f->max_boot_ns;
	w->offset += h->block_bytes;
}

int segment_write(struct segment_writer *w, struct build_output *out, struct err *e)
{
	struct block_header *h = &out->header;
	uint8_t hash[SHA256_BYTES];
	struct iovec parts[] = {
		{h, sizeof(*h)},
		{out->directory.p, out->directory.n},
		{out->prune.p, out->prune.n},
		{out->data.p, out->data.n},
		{hash, sizeof(hash)},
	};
	int r;

	h->sequence = w->footer.blocks;
	h->first_row = w->footer.rows;
	memcpy(h->previous, w->last_hash, sizeof(h->previous));
	for (unsigned i = 0; i < ARRAY_LEN(parts) - 1; i++)
		sha256_add(&w->sha, parts[i].iov_base, parts[i].iov_len);
	sha256_end(&w->sha, hash);
	if (!buf_room(&w->index, sizeof(struct footer_entry) + out->prune.n))
		return buf_check(&w->index, "a segment's index", e);
	r = pwritev_full(w->fd, parts, ARRAY_LEN(parts), w->offset);
	if (r < 0) {
		/* Taking space back needs none; if it fails the next write lies over it. */
		(void)!ftruncate(w->fd, (off_t)w->offset);
		return err_sys(e, -r, "cannot write to journal segment %llu",
			       (unsigned long long)w->number);
	}
	account(w, h, buf_span(&out->prune), hash);
	return 0;
}

static int print_footer(struct segment_writer *w, struct buf *b, struct err *e)
{
	struct segment_footer *f = &w->footer;
	struct segment_trailer trailer = {.magic = TRAILER_MAGIC};
	uint8_t signature[SIGNATURE_BYTES];
	int r;

	f->index_bytes = w->index.n;
	f->footer_bytes = sizeof(*f) + w->index.n + FOOTER_TAIL_BYTES;
	f->sealed_real_ns = clock_real_ns();
	f->sealed_boot_ns = clock_boot_ns();
	memcpy(f->last_hash, w->last_hash, sizeof(f->last_hash));
	trailer.footer_bytes = f->footer_bytes;
	buf_add(b, f, sizeof(*f));
	buf_add_span(b, buf_span(&w->index));
	r = buf_check(b, "a segment's seal", e);
	if (r < 0)
		return r;
	sha256_of(buf_span(b), w->final_hash);
	r = key_sign(w->key, SEGMENT_DOMAIN, span_make(w->final_hash, SHA256_BYTES), signature, e);
	if (r < 0)
		return r;
	buf_add(b, w->final_hash, SHA256_BYTES);
	buf_add(b, signature, sizeof(signature));
	buf_add(b, &trailer, sizeof(trailer));
	return buf_check(b, "a segment's seal", e);
}

int segment_seal(struct segment_writer *w, struct err *e)
{
	uint8_t before[SHA256_BYTES];
	struct err ignored = ERR_INIT;
	AUTO(buf) struct buf b;
	int r;

	buf_init(&b, LIMIT_SEGMENT_BYTES);
	memcpy(before, w->final_hash, sizeof(before));
	r = print_footer(w, &b, e);
	if (r == 0) {
		r = fd_pwrite_full(w->fd, b.p, b.n, (off_t)w->offset);
		if (r == 0 && fdatasync(w->fd) != 0)
			r = -errno;
		if (r < 0) {
			(void)!ftruncate(w->fd, (off_t)w->offset); /* as in segment_write */
			(void)err_sys(e, -r, "cannot seal journal segment %llu",
				      (unsigned long long)w->number);
		}
	}
	if (r < 0) {
		memcpy(w->final_hash, before, sizeof(before));
		return r;
	}
	(void)fchmod(w->fd, 0440); /* the signature protects it; the mode only says so */
	w->offset += b.n;
	fd_close(&w->fd);
	(void)segment_write_head(w, HEAD_SEALED, &ignored); /* as in segment_create */
	return 0;
}

/* Copies what is behind the last whole block to NNNNNNNN.torn, then cuts it off. */
static int cut_tail(struct segment_writer *w, uint64_t size, struct err *e)
{
	char name[JOURNAL_NAME];
	uint8_t chunk[65536];
	uint64_t at = w->offset;
	AUTO(fd) int torn = -1;

	journal_name(name, w->number, ".torn");
	torn = openat(w->dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0440);
	while (torn >= 0 && at < size && at - w->offset < TORN_MAX) {
		ssize_t n = fd_pread_full(w->fd, chunk, sizeof(chunk), (off_t)at);

		/* A full disk must not keep the journal closed: the copy is a courtesy, and the
		 * count of bytes that were cut goes into the footer either way. */
		if (n <= 0 || fd_write_full(torn, chunk, (size_t)n) < 0)
			break;
		at += (uint64_t)n;
	}
	if (ftruncate(w->fd, (off_t)w->offset) != 0)
		return err_sys(e, errno, "cannot cut the torn end of journal segment %llu",
			       (unsigned long long)w->number);
	return 0;
}

static int take_up(struct segment_writer *w, struct segment_walk *walk, struct err *e)
{
	int r;

	for (;;) {
		r = segment_walk_next(walk, e);
		if (r <= 0)
			return r == -EAGAIN || r == -EBADMSG ? 0 : r;
		account(w, &walk->header,
			span_make(walk->bytes.p + sizeof(walk->header) +
					  walk->header.directory_bytes,
				  walk->header.prune_bytes),
			walk->previous);
		if (buf_check(&w->index, "a segment's index", e) < 0)
			return -e->code;
	}
}

int segment_recover(struct segment_writer *w, uint64_t number, uint64_t *ret_rows,
		    uint64_t *ret_cut, uint64_t *ret_last_real_ns, struct err *e)
{
	AUTO(segment_head) struct segment_head head = {0};
	AUTO(segment_walk) struct segment_walk walk = {0};
	char name[JOURNAL_NAME];
	AUTO(fd) int fd = -1;
	struct stat st;
	int r;

	journal_name(name, number, ".seg");
	fd = openat(w->dir_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) != 0)
		return err_sys(e, errno, "cannot open journal segment '%s'", name);
	r = segment_head_read(fd, &head, e);
	if (r < 0)
		return r;
	begin(w, number, head.header.header_bytes, head.hash);
	segment_walk_init(&walk, fd, (uint64_t)st.st_size, &head);
	fd_close(&w->fd);
	w->fd = fd_take(&fd);
	r = take_up(w, &walk, e);
	if (r < 0)
		return r;
	err_clear(e);
	*ret_rows = w->footer.rows;
	*ret_cut = (uint64_t)st.st_size - w->offset;
	*ret_last_real_ns = w->footer.max_real_ns;
	w->footer.flags = FOOTER_RECOVERED;
	w->footer.cut_bytes = *ret_cut;
	if (*ret_cut)
		r = cut_tail(w, (uint64_t)st.st_size, e);
	return r < 0 ? r : segment_seal(w, e);
}
