/* journal_format.c - see journal_format.h. */
#include "store/journal_format.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "store/key.h"

static const char *kind_name(enum value_kind kind)
{
	static const char *const names[] = {
		[VALUE_U64] = "u64",	 [VALUE_I64] = "i64",	    [VALUE_HEX] = "hex",
		[VALUE_OCTAL] = "octal", [VALUE_TIME] = "time",	    [VALUE_TEXT] = "text",
		[VALUE_ADDR] = "addr",	 [VALUE_DIGEST] = "digest",
	};
	return names[kind];
}

void schema_print(struct buf *b)
{
	buf_add_text(b, "amber-schema 1\n");
	for (unsigned f = 0; f < FIELD_COUNT; f++)
		buf_addf(b, "field %u %s %s\n", f, event_fields[f].name,
			 kind_name(event_fields[f].kind));
	for (unsigned t = 0; t < EVENT_TYPE_MAX; t++) {
		const struct event_type_info *info = &event_types[t];

		if (!info->name)
			continue;
		buf_addf(b, "type %u %s", t, info->name);
		for (unsigned i = 0; i < info->field_count; i++)
			buf_addf(b, " %u", info->fields[i]);
		buf_add_text(b, "\n");
	}
}

static bool take_line(struct span *text, struct span *ret_line)
{
	const uint8_t *end = text->n ? memchr(text->p, '\n', text->n) : NULL;

	if (!end)
		return false;
	*ret_line = span_make(text->p, (size_t)(end - text->p));
	*text = span_make(end + 1, text->n - ret_line->n - 1);
	return true;
}

static struct span take_word(struct span *line)
{
	const uint8_t *end = line->n ? memchr(line->p, ' ', line->n) : NULL;
	struct span word = span_make(line->p, end ? (size_t)(end - line->p) : line->n);

	*line = end ? span_make(end + 1, line->n - word.n - 1) : span_make(NULL, 0);
	return word;
}

static bool take_number(struct span *line, unsigned *ret_number)
{
	struct span word = take_word(line);
	unsigned value = 0;

	if (word.n == 0 || word.n > 3)
		return false;
	for (size_t i = 0; i < word.n; i++) {
		if (word.p[i] < '0' || word.p[i] > '9')
			return false;
		value = value * 10 + (unsigned)(word.p[i] - '0');
	}
	*ret_number = value;
	return value < 256;
}

static bool parse_field(struct span line, struct schema *s)
{
	struct span kind;
	unsigned number;

	if (!take_number(&line, &number) || number >= JOURNAL_COLUMNS - JOURNAL_FIELDS)
		return false;
	(void)take_word(&line); /* the name is for people: numbers never change their meaning */
	kind = take_word(&line);
	s->is_field[number] = true;
	s->is_bytes[number] =
		span_is(kind, "text") || span_is(kind, "addr") || span_is(kind, "digest");
	return kind.n != 0;
}

static bool parse_type(struct span line, struct schema *s)
{
	unsigned type, field;

	if (!take_number(&line, &type))
		return false;
	(void)take_word(&line); /* as above */
	while (line.n) {
		if (!take_number(&line, &field) || !s->is_field[field])
			return false;
		s->has[type][field >> 3] |= (uint8_t)(1u << (field & 7));
	}
	s->known[type] = true;
	return true;
}

int schema_parse(struct span text, struct schema *ret_schema, struct err *e)
{
	struct schema *s = ret_schema;
	unsigned line_number = 1;
	struct span line;

	memset(s, 0, sizeof(*s));
	if (!take_line(&text, &line) || !span_is(line, "amber-schema 1"))
		return err_set(e, EBADMSG, "schema does not begin with 'amber-schema 1'");
	while (take_line(&text, &line)) {
		struct span word = take_word(&line);

		line_number++;
		if (span_is(word, "field") ? !parse_field(line, s)
					   : span_is(word, "type") && !parse_type(line, s))
			return err_set(e, EBADMSG, "schema line %u cannot be read", line_number);
	}
	return 0;
}

void journal_name(char *ret_name, uint64_t number, const char *suffix)
{
	(void)snprintf(ret_name, JOURNAL_NAME, "%08" PRIu64 "%s", number,
		       suffix); /* 20 digits and a short suffix fit */
}

uint64_t journal_name_number(const char *name, const char *suffix)
{
	uint64_t number = 0;
	size_t i = 0;

	for (; name[i] >= '0' && name[i] <= '9' && i < 19; i++)
		number = number * 10 + (uint64_t)(name[i] - '0');
	return i >= 8 && strcmp(name + i, suffix) == 0 ? number : 0;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir); /* it was only read */
}
DEFINE_AUTO(dir, DIR *, close_dir);

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

int journal_list(int dir_fd, const char *suffix, uint64_t **ret_numbers, size_t *ret_n,
		 struct err *e)
{
	AUTO(free) uint64_t *numbers = NULL;
	AUTO(dir) DIR *dir = NULL;
	size_t n = 0, cap = 0;
	struct dirent *entry;
	/* A descriptor of its own: fdopendir takes it, and offsets are not shared. */
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return err_sys(e, errno, "cannot list the journal");
	while ((entry = readdir(dir))) {
		uint64_t number = journal_name_number(entry->d_name, suffix);

		if (number == 0)
			continue;
		if (n == LIMIT_SEGMENTS)
			return err_set(e, E2BIG, "more than %u segments in the journal",
				       LIMIT_SEGMENTS);
		if (n == cap) {
			uint64_t *more = realloc(numbers, (cap ? cap * 2 : 64) * sizeof(*numbers));

			if (!more)
				return err_set(e, ENOMEM, "no memory to list the journal");
			numbers = more;
			cap = cap ? cap * 2 : 64;
		}
		numbers[n++] = number;
	}
	if (n)
		qsort(numbers, n, sizeof(*numbers), by_number);
	*ret_numbers = TAKE(numbers);
	*ret_n = n;
	return 0;
}

uint64_t prune_hash(struct span bytes)
{
	uint64_t hash = 0xcbf29ce484222325ull;

	for (size_t i = 0; i < bytes.n; i++)
		hash = (hash ^ bytes.p[i]) * 0x100000001b3ull;
	return hash;
}

/* Two places in a filter of `bits` (a power of two), from one multiplication. */
static void bloom_places(uint32_t pid, uint64_t bits, uint64_t ret_places[2])
{
	uint64_t mixed = ((uint64_t)pid + 1) * 0x9e3779b97f4a7c15ull;

	ret_places[0] = mixed >> 32 & (bits - 1);
	ret_places[1] = (mixed >> 8 ^ mixed >> 40) & (bits - 1);
}

void bloom_add(uint8_t *bloom, uint32_t bytes, uint32_t pid)
{
	uint64_t places[2];

	bloom_places(pid, (uint64_t)bytes * 8, places);
	for (unsigned i = 0; i < 2; i++)
		bloom[places[i] >> 3] |= (uint8_t)(1u << (places[i] & 7));
}

bool bloom_has(struct span bloom, uint32_t pid)
{
	uint64_t places[2];

	if (bloom.n == 0)
		return false;
	bloom_places(pid, (uint64_t)bloom.n * 8, places);
	return bloom.p[places[0] >> 3] >> (places[0] & 7) & 1 &&
	       bloom.p[places[1] >> 3] >> (places[1] & 7) & 1;
}

bool prune_parse(struct span prune, struct journal_block_info *ret_info)
{
	struct prune_header h;
	struct cursor c = cursor_of(prune);
	struct span fixed, hashes;

	if (!cursor_bytes(&c, sizeof(h), &fixed))
		return false;
	memcpy(&h, fixed.p, sizeof(h));
	if ((h.bloom_bytes & (h.bloom_bytes - 1)) != 0 ||
	    !cursor_bytes(&c, (size_t)h.containers * 8, &hashes) ||
	    cursor_left(&c) != h.bloom_bytes)
		return false;
	memcpy(ret_info->types, h.types, sizeof(h.types));
	ret_info->hashes = hashes;
	ret_info->pids = span_make(c.p, h.bloom_bytes);
	return true;
}

bool block_header_sane(const struct block_header *h, uint64_t left)
{
	uint64_t fixed = sizeof(*h) + SHA256_BYTES;

	return memcmp(h->magic, BLOCK_MAGIC, sizeof(h->magic)) == 0 && h->rows > 0 &&
	       h->rows <= LIMIT_BLOCK_ROWS && h->processes <= h->rows && h->containers <= h->rows &&
	       h->prune_bytes <= LIMIT_PRUNE_BYTES && h->columns <= 2 * JOURNAL_COLUMNS &&
	       h->directory_bytes <= 2 * JOURNAL_COLUMNS * 64u &&
	       h->block_bytes <= LIMIT_BLOCK_BYTES && h->block_bytes <= left &&
	       h->block_bytes >= fixed + h->directory_bytes + h->prune_bytes;
}

void block_info_of(const struct block_header *h, uint64_t segment, uint64_t offset,
		   struct journal_block_info *ret_info)
{
	*ret_info = (struct journal_block_info){
		.segment = segment,
		.sequence = h->sequence,
		.offset = offset,
		.bytes = h->block_bytes,
		.min_real_ns = h->min_real_ns,
		.max_real_ns = h->max_real_ns,
		.min_boot_ns = h->min_boot_ns,
		.max_boot_ns = h->max_boot_ns,
		.rows = h->rows,
		.processes = h->processes,
		.containers = h->containers,
		.directory_bytes = h->directory_bytes,
		.prune_bytes = h->prune_bytes,
	};
}

void segment_head_fini(struct segment_head *head)
{
	buf_fini(&head->schema);
}

int segment_head_read(int fd, struct segment_head *ret_head, struct err *e)
{
	AUTO(buf) struct buf bytes;
	struct segment_header h;
	uint8_t hash[SHA256_BYTES];
	ssize_t n;

	buf_init(&bytes, LIMIT_SCHEMA_BYTES + 4096);
	n = fd_pread_full(fd, &h, sizeof(h), 0);
	if (n < 0)
		return err_sys(e, (int)-n, "cannot read the segment header");
	if ((size_t)n < sizeof(h) || memcmp(h.magic, SEGMENT_MAGIC, sizeof(h.magic)) != 0)
		return err_set(e, EBADMSG, "segment header is not one");
	if (h.version != SEGMENT_VERSION)
		return err_set(e, EBADMSG, "segment version %u is not known", h.version);
	if (h.schema_bytes > LIMIT_SCHEMA_BYTES ||
	    h.header_bytes != sizeof(h) + h.schema_bytes + SHA256_BYTES || h.boot_id[36] != '\0')
		return err_set(e, EBADMSG, "segment header has impossible lengths");
	if (!buf_room(&bytes, h.header_bytes))
		return buf_check(&bytes, "a segment header", e);
	n = fd_pread_full(fd, bytes.p, h.header_bytes, 0);
	if (n != (ssize_t)h.header_bytes)
		return err_set(e, EBADMSG, "segment header is cut short");
	sha256_of(span_make(bytes.p, h.header_bytes - SHA256_BYTES), hash);
	if (memcmp(hash, bytes.p + h.header_bytes - SHA256_BYTES, SHA256_BYTES) != 0)
		return err_set(e, EBADMSG, "segment header does not match its hash");
	ret_head->header = h;
	memcpy(ret_head->hash, hash, sizeof(hash));
	buf_init(&ret_head->schema, LIMIT_SCHEMA_BYTES);
	buf_add(&ret_head->schema, bytes.p + sizeof(h), h.schema_bytes);
	return buf_check(&ret_head->schema, "a schema", e);
}

struct cursor footer_index(const struct buf *footer)
{
	return cursor_of(span_make(footer->p + sizeof(struct segment_footer),
				   footer->n - sizeof(struct segment_footer) - FOOTER_TAIL_BYTES));
}

const uint8_t *footer_final_hash(const struct buf *footer)
{
	return footer->p + footer->n - FOOTER_TAIL_BYTES;
}

const uint8_t *footer_signature(const struct buf *footer)
{
	return footer_final_hash(footer) + SHA256_BYTES;
}

bool footer_next(struct cursor *index, struct footer_entry *ret_entry, struct span *ret_prune)
{
	struct cursor at = *index;
	struct span fixed;

	if (!cursor_bytes(&at, sizeof(*ret_entry), &fixed))
		return false;
	memcpy(ret_entry, fixed.p, sizeof(*ret_entry));
	if (!cursor_bytes(&at, ret_entry->header.prune_bytes, ret_prune))
		return false;
	*index = at;
	return true;
}

/* Every entry is whole, sane, and lies in the file where the one before ended. */
static bool index_sane(const struct buf *bytes, const struct segment_footer *f, uint64_t blocks_end)
{
	struct cursor index = footer_index(bytes);
	struct journal_block_info info;
	struct footer_entry entry;
	struct span prune;
	uint64_t end = 0, n = 0, rows = 0;

	while (footer_next(&index, &entry, &prune)) {
		if ((end && entry.offset != end) || entry.offset > blocks_end ||
		    !block_header_sane(&entry.header, blocks_end - entry.offset) ||
		    !prune_parse(prune, &info))
			return false;
		end = entry.offset + entry.header.block_bytes;
		rows += entry.header.rows;
		n++;
	}
	return cursor_left(&index) == 0 && n == f->blocks && rows == f->rows &&
	       (n == 0 || end == blocks_end);
}

int segment_footer_read(int fd, uint64_t size, struct buf *ret_bytes,
			struct segment_footer *ret_footer, struct err *e)
{
	struct segment_trailer trailer;
	struct segment_footer f;
	uint8_t hash[SHA256_BYTES];

	if (size < sizeof(struct segment_header) + sizeof(trailer) ||
	    fd_pread_full(fd, &trailer, sizeof(trailer), (off_t)(size - sizeof(trailer))) !=
		    (ssize_t)sizeof(trailer) ||
	    memcmp(trailer.magic, TRAILER_MAGIC, sizeof(trailer.magic)) != 0)
		return err_set(e, ENOENT, "segment is not sealed");
	buf_clear(ret_bytes);
	if (trailer.footer_bytes > size - sizeof(struct segment_header) ||
	    trailer.footer_bytes < sizeof(f) + FOOTER_TAIL_BYTES)
		return err_set(e, EBADMSG, "seal has an impossible length");
	if (!buf_room(ret_bytes, trailer.footer_bytes))
		return buf_check(ret_bytes, "a seal", e);
	if (fd_pread_full(fd, ret_bytes->p, trailer.footer_bytes,
			  (off_t)(size - trailer.footer_bytes)) != (ssize_t)trailer.footer_bytes)
		return err_set(e, EBADMSG, "seal cannot be read");
	ret_bytes->n = trailer.footer_bytes;
	memcpy(&f, ret_bytes->p, sizeof(f));
	sha256_of(span_make(ret_bytes->p, ret_bytes->n - FOOTER_TAIL_BYTES), hash);
	if (memcmp(f.magic, FOOTER_MAGIC, sizeof(f.magic)) != 0 ||
	    f.footer_bytes != trailer.footer_bytes ||
	    f.index_bytes != f.footer_bytes - sizeof(f) - FOOTER_TAIL_BYTES ||
	    memcmp(hash, footer_final_hash(ret_bytes), sizeof(hash)) != 0)
		return err_set(e, EBADMSG, "seal does not match its hash");
	if (!index_sane(ret_bytes, &f, size - f.footer_bytes))
		return err_set(e, EBADMSG, "seal has an impossible index");
	*ret_footer = f;
	return 0;
}

int tombstone_read(int dir_fd, uint64_t number, struct tombstone *ret_tombstone,
		   uint8_t ret_hash[SHA256_BYTES], uint8_t ret_signature[64], struct err *e)
{
	uint8_t bytes[TOMBSTONE_FILE_BYTES + 1], hash[SHA256_BYTES];
	char name[JOURNAL_NAME];
	struct tombstone t;
	AUTO(fd) int fd = -1;
	ssize_t n;

	journal_name(name, number, ".tomb");
	fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_sys(e, errno, "cannot open '%s'", name);
	n = fd_pread_full(fd, bytes, sizeof(bytes), 0);
	if (n != (ssize_t)TOMBSTONE_FILE_BYTES)
		return err_set(e, EBADMSG, "tombstone '%s' has a wrong length", name);
	memcpy(&t, bytes, sizeof(t));
	sha256_of(span_make(bytes, sizeof(t)), hash);
	if (memcmp(t.magic, TOMBSTONE_MAGIC, sizeof(t.magic)) != 0 ||
	    t.version != SEGMENT_VERSION || t.number != number ||
	    memcmp(hash, bytes + sizeof(t), sizeof(hash)) != 0)
		return err_set(e, EBADMSG, "tombstone '%s' does not match its hash", name);
	*ret_tombstone = t;
	memcpy(ret_hash, hash, sizeof(hash));
	memcpy(ret_signature, bytes + sizeof(t) + SHA256_BYTES, SIGNATURE_BYTES);
	return 0;
}

int head_read(int dir_fd, const struct key *key, struct journal_head *ret_head, struct err *e)
{
	uint8_t bytes[HEAD_FILE_BYTES + 1], hash[SHA256_BYTES];
	AUTO(fd) int fd = openat(dir_fd, "head", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct journal_head h;
	int r;

	if (fd < 0)
		return err_sys(e, errno, "cannot open 'head'");
	if (fd_pread_full(fd, bytes, sizeof(bytes), 0) != (ssize_t)HEAD_FILE_BYTES)
		return err_set(e, EBADMSG, "has a wrong length");
	memcpy(&h, bytes, sizeof(h));
	sha256_of(span_make(bytes, sizeof(h)), hash);
	if (memcmp(h.magic, HEAD_MAGIC, sizeof(h.magic)) != 0 || h.version != SEGMENT_VERSION ||
	    memcmp(hash, bytes + sizeof(h), sizeof(hash)) != 0)
		return err_set(e, EBADMSG, "does not match its hash");
	r = key_verify(key, HEAD_DOMAIN, span_make(hash, sizeof(hash)),
		       bytes + sizeof(h) + sizeof(hash), e);
	if (r == 0)
		*ret_head = h;
	return r;
}
