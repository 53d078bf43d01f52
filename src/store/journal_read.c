/* journal_read.c - the snapshot of a journal's folder.  Loading a block is in journal_block.c. */
#include "store/journal_read.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "store/journal_reader.h"

#define OPEN_FILES_MAX 64u /* segments whose files stay open */

static void note_damage(struct journal_reader *r, uint64_t segment, const struct err *e)
{
	if (r->damaged++ == 0)
		(void)snprintf(r->first_damage, sizeof(r->first_damage), "segment %llu: %.400s",
			       (unsigned long long)segment, e->text);
}

static int open_file(struct journal_reader *r, struct reader_segment *s, struct err *e)
{
	char name[JOURNAL_NAME];

	journal_name(name, s->number, ".seg");
	s->fd = openat(r->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (s->fd < 0)
		return err_sys(e, errno, "cannot open journal segment '%s'", name);
	r->open_files++;
	return 0;
}

static void close_coldest(struct journal_reader *r)
{
	struct reader_segment *coldest = NULL;

	for (size_t i = 0; i < r->segment_count; i++) {
		struct reader_segment *s = &r->segments[i];

		if (s->fd >= 0 && (!coldest || s->used < coldest->used))
			coldest = s;
	}
	if (coldest) {
		fd_close(&coldest->fd);
		r->open_files--;
	}
}

int reader_file(struct journal_reader *r, size_t segment, int *ret_fd, struct err *e)
{
	struct reader_segment *s = &r->segments[segment];
	int result = 0;

	s->used = ++r->clock;
	if (s->fd < 0) {
		if (r->open_files >= OPEN_FILES_MAX)
			close_coldest(r);
		result = open_file(r, s, e);
	}
	if (result == 0)
		*ret_fd = s->fd;
	return result;
}

/* Segments of one program share a schema: the last one is compared first. */
static int take_schema(struct journal_reader *r, struct reader_segment *s,
		       const struct segment_head *head, struct err *e)
{
	uint64_t hash = hash64(buf_span(&head->schema));
	struct reader_schema *known;
	int result;

	for (known = r->schemas; known; known = known->next) {
		if (known->hash == hash) {
			s->schema = &known->schema;
			return 0;
		}
	}
	known = malloc(sizeof(*known));
	if (!known)
		return err_set(e, ENOMEM, "no memory for a schema");
	result = schema_parse(buf_span(&head->schema), &known->schema, e);
	if (result < 0) {
		free(known);
		return result;
	}
	known->hash = hash;
	known->next = r->schemas;
	r->schemas = known;
	s->schema = &known->schema;
	return 0;
}

/* Copies the prune data to memory that stays where it is. */
static uint8_t *keep(struct journal_reader *r, struct span bytes)
{
	struct reader_chunk *chunk = r->chunks;
	uint8_t *at;

	if (!chunk || chunk->cap - chunk->n < bytes.n) {
		size_t cap = bytes.n > 65536 ? bytes.n : 65536;

		chunk = malloc(sizeof(*chunk) + cap);
		if (!chunk)
			return NULL;
		*chunk = (struct reader_chunk){.next = r->chunks, .cap = cap};
		r->chunks = chunk;
	}
	at = chunk->bytes + chunk->n;
	if (bytes.n)
		memcpy(at, bytes.p, bytes.n);
	chunk->n += bytes.n;
	return at;
}

static int add_block(struct journal_reader *r, size_t segment, const struct block_header *h,
		     uint64_t offset, struct span prune, struct err *e)
{
	struct reader_block *b;
	uint8_t *kept;

	if (r->block_count == r->block_cap) {
		size_t cap = r->block_cap ? r->block_cap * 2 : 64;
		struct reader_block *more = realloc(r->blocks, cap * sizeof(*more));

		if (!more)
			return err_set(e, ENOMEM, "no memory for the journal's blocks");
		r->blocks = more;
		r->block_cap = cap;
	}
	kept = keep(r, prune);
	if (!kept)
		return err_set(e, ENOMEM, "no memory for the journal's blocks");
	b = &r->blocks[r->block_count];
	block_info_of(h, r->segments[segment].number, offset, &b->info);
	b->segment = segment;
	b->columns = h->columns;
	if (!prune_parse(span_make(kept, prune.n), &b->info))
		return err_set(e, EBADMSG, "block %llu has no valid pruning data",
			       (unsigned long long)h->sequence);
	r->block_count++;
	return 0;
}

static int add_sealed(struct journal_reader *r, size_t segment, const struct buf *footer,
		      struct err *e)
{
	struct cursor index = footer_index(footer);
	struct footer_entry entry;
	struct span prune;
	int result = 0;

	while (result == 0 && footer_next(&index, &entry, &prune))
		result = add_block(r, segment, &entry.header, entry.offset, prune, e);
	return result;
}

/* Adds the blocks from s->end on by their headers.  Stops without error where the file ends or
 * a block is not whole yet. */
static int scan(struct journal_reader *r, size_t segment, int fd, uint64_t size, struct err *e)
{
	struct reader_segment *s = &r->segments[segment];
	AUTO(buf) struct buf prune;
	struct block_header h;
	int result = 0;

	buf_init(&prune, LIMIT_PRUNE_BYTES);
	while (result == 0 && size - s->end >= sizeof(h)) {
		if (fd_pread_full(fd, &h, sizeof(h), (off_t)s->end) != (ssize_t)sizeof(h))
			break;
		s->sealed = memcmp(&h, FOOTER_MAGIC, 8) == 0;
		if (s->sealed || !block_header_sane(&h, size - s->end))
			break;
		buf_clear(&prune);
		if (!buf_room(&prune, h.prune_bytes + 1u))
			return buf_check(&prune, "pruning data", e);
		if (fd_pread_full(fd, prune.p, h.prune_bytes,
				  (off_t)(s->end + sizeof(h) + h.directory_bytes)) !=
		    (ssize_t)h.prune_bytes)
			break;
		result = add_block(r, segment, &h, s->end, span_make(prune.p, h.prune_bytes), e);
		s->end += h.block_bytes;
	}
	/* A block that is not whole yet is fine; bytes that can never be one are not. */
	if (result == 0 && !s->sealed && size - s->end >= sizeof(h) &&
	    !block_header_sane(&h, LIMIT_BLOCK_BYTES))
		result = err_set(e, EBADMSG, "no block at byte %llu", (unsigned long long)s->end);
	return result;
}

static int read_segment(struct journal_reader *r, size_t segment, struct err *e)
{
	AUTO(segment_head) struct segment_head head = {0};
	struct reader_segment *s = &r->segments[segment];
	struct segment_footer footer;
	AUTO(buf) struct buf bytes;
	struct stat st = {0};
	int fd = -1, result = reader_file(r, segment, &fd, e);

	buf_init(&bytes, LIMIT_SEGMENT_BYTES);
	if (result == 0 && fstat(fd, &st) != 0)
		result = err_sys(e, errno, "cannot stat a journal segment");
	if (result == 0)
		result = segment_head_read(fd, &head, e);
	if (result == 0)
		result = take_schema(r, s, &head, e);
	if (result < 0)
		return result;
	memcpy(s->boot_id, head.header.boot_id, sizeof(s->boot_id) - 1);
	s->end = head.header.header_bytes;
	result = segment_footer_read(fd, (uint64_t)st.st_size, &bytes, &footer, e);
	if (result == 0) {
		s->sealed = true;
		return add_sealed(r, segment, &bytes, e);
	}
	if (result == -EBADMSG) /* the seal is damaged; the blocks speak for themselves */
		note_damage(r, s->number, e);
	err_clear(e);
	return scan(r, segment, fd, (uint64_t)st.st_size, e);
}

static int add_segment(struct journal_reader *r, uint64_t number, struct err *e)
{
	struct reader_segment *more;

	if (!r->segments || r->segment_count == r->segment_cap) {
		size_t cap = r->segment_cap ? r->segment_cap * 2 : 16;

		more = realloc(r->segments, cap * sizeof(*more));
		if (!more)
			return err_set(e, ENOMEM, "no memory for the journal's segments");
		r->segments = more;
		r->segment_cap = cap;
	}
	r->segments[r->segment_count++] = (struct reader_segment){.number = number, .fd = -1};
	return 0;
}

/* Blocks of the newest known segment that came since, also when it was sealed meanwhile. */
static int grow_last(struct journal_reader *r, struct err *e)
{
	struct reader_segment *s;
	struct stat st;
	int fd, result;

	if (r->segment_count == 0)
		return 0;
	s = &r->segments[r->segment_count - 1];
	if (s->sealed || s->dead)
		return 0;
	result = reader_file(r, r->segment_count - 1, &fd, e);
	if (result == -ENOENT) {
		s->dead = true;
		err_clear(e);
		return 0;
	}
	if (result == 0 && fstat(fd, &st) != 0)
		result = err_sys(e, errno, "cannot stat a journal segment");
	if (result == 0 && (uint64_t)st.st_size > s->end)
		result = scan(r, r->segment_count - 1, fd, (uint64_t)st.st_size, e);
	return result;
}

static int take_new(struct journal_reader *r, uint64_t number, struct err *e)
{
	const struct reader_segment *before =
		r->segment_count ? &r->segments[r->segment_count - 1] : NULL;
	int result;

	if (before && !before->sealed && !before->dead) {
		(void)err_set(e, EBADMSG, "is not sealed, though others follow");
		note_damage(r, before->number, e);
		err_clear(e);
	}
	result = add_segment(r, number, e);
	if (result < 0)
		return result;
	result = read_segment(r, r->segment_count - 1, e);
	if (result == 0 || result == -ENOMEM)
		return result;
	r->segments[r->segment_count - 1].dead = true;
	if (result != -ENOENT) /* deleted between the listing and now: nothing is wrong */
		note_damage(r, number, e);
	err_clear(e);
	return 0;
}

int journal_reader_refresh(struct journal_reader *reader, struct err *e)
{
	AUTO(free) uint64_t *numbers = NULL;
	struct journal_reader *r = reader;
	uint64_t last = r->segment_count ? r->segments[r->segment_count - 1].number : 0;
	size_t n = 0;
	int result = 0;

	if (r->dir_fd < 0) {
		r->dir_fd = open(r->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (r->dir_fd < 0 && errno == ENOENT)
			return 0;
		if (r->dir_fd < 0)
			return err_sys(e, errno, "cannot open '%s'", r->path);
	}
	/* The list comes first: a segment that is in it after the last known one was begun after
	 * that one's last block, so nothing is missed and the order holds. */
	result = journal_list(r->dir_fd, ".seg", &numbers, &n, e);
	if (result == 0)
		result = grow_last(r, e);
	if (result == -EBADMSG) {
		struct reader_segment *s = &r->segments[r->segment_count - 1];

		note_damage(r, s->number, e);
		s->dead = true;
		err_clear(e);
		result = 0;
	}
	for (size_t i = 0; i < n && result == 0; i++)
		if (numbers[i] > last)
			result = take_new(r, numbers[i], e);
	return result;
}

int journal_reader_open(const char *state_dir, struct journal_reader **ret_reader, struct err *e)
{
	struct journal_reader *r = calloc(1, sizeof(*r));
	int result;

	if (!r)
		return err_set(e, ENOMEM, "no memory to read the journal");
	r->dir_fd = -1;
	result = path_print(r->path, e, "%s/journal", state_dir);
	if (result == 0)
		result = journal_reader_refresh(r, e);
	if (result < 0) {
		journal_reader_close(r);
		return result;
	}
	*ret_reader = r;
	return 0;
}

void journal_reader_close(struct journal_reader *reader)
{
	if (!reader)
		return;
	for (size_t i = 0; i < reader->segment_count; i++)
		fd_close(&reader->segments[i].fd);
	while (reader->schemas) {
		struct reader_schema *next = reader->schemas->next;

		free(reader->schemas);
		reader->schemas = next;
	}
	while (reader->chunks) {
		struct reader_chunk *next = reader->chunks->next;

		free(reader->chunks);
		reader->chunks = next;
	}
	free(reader->segments);
	free(reader->blocks);
	fd_close(&reader->dir_fd);
	free(reader);
}

size_t journal_reader_blocks(const struct journal_reader *reader)
{
	return reader->block_count;
}

const struct journal_block_info *journal_reader_block(const struct journal_reader *reader,
						      size_t number)
{
	return &reader->blocks[number].info;
}

size_t journal_reader_damaged(const struct journal_reader *reader, char *ret_first)
{
	if (ret_first)
		memcpy(ret_first, reader->first_damage, sizeof(reader->first_damage));
	return reader->damaged;
}

const char *journal_reader_boot_id(const struct journal_reader *reader, size_t number)
{
	return reader->segments[reader->blocks[number].segment].boot_id;
}

static bool has_hash(struct span hashes, uint64_t hash)
{
	size_t low = 0, high = hashes.n / 8;

	while (low < high) {
		size_t middle = (low + high) / 2;
		uint64_t value;

		memcpy(&value, hashes.p + middle * 8, 8);
		if (value == hash)
			return true;
		if (value < hash)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

bool journal_block_may_match(const struct journal_block_info *info,
			     const struct journal_filter *filter)
{
	uint64_t any = 0, common = 0;

	if (info->max_real_ns < filter->from_ns ||
	    (filter->to_ns && info->min_real_ns > filter->to_ns))
		return false;
	for (unsigned i = 0; i < ARRAY_LEN(info->types); i++) {
		any |= filter->types[i];
		common |= filter->types[i] & info->types[i];
	}
	if (any && !common)
		return false;
	if (filter->container.n && !has_hash(info->hashes, prune_hash(filter->container)))
		return false;
	return filter->pid == 0 || bloom_has(info->pids, filter->pid);
}
