/* journal_block.c - one block, of which only the columns that are asked for are read. */
#include <stdlib.h>

#include "store/journal_build.h"
#include "store/journal_reader.h"

/* A column as decoded; memory is kept from block to block. */
struct block_column {
	struct column_entry numbers, texts; /* from the directory */
	bool has_numbers, has_texts;
	bool got_values, got_indexes, got_texts;
	uint64_t *values; /* [values_cap] */
	uint32_t *indexes;
	uint32_t *ends;
	uint32_t n, distinct;
	uint32_t values_cap, indexes_cap, ends_cap;
	struct buf text; /* unpacked texts */
	const uint8_t *bytes;
};

/* The rows of one set of types; fields that belong to the same types share it. */
struct row_list {
	uint64_t types[4];
	uint32_t *rows;
	uint32_t n, cap;
};

struct journal_block {
	struct journal_reader *reader;
	const struct schema *schema;
	struct journal_block_info info;
	uint64_t data_offset, data_bytes; /* column data in the file */
	size_t segment;
	struct block_column columns[JOURNAL_COLUMNS];
	struct buf stored, raw;
	ZSTD_DCtx *zstd;
	uint8_t *types;
	bool got_types, got_counts, got_processes, got_containers;
	struct row_list *lists;
	size_t list_count, list_cap; /* beyond the count up to the cap: memory to use again */
	uint32_t type_counts[256];
	struct process *processes;
	struct container *containers;
	uint32_t processes_cap, containers_cap;
};

int journal_block_new(struct journal_block **ret_block, struct err *e)
{
	struct journal_block *b = calloc(1, sizeof(*b));

	if (b) {
		b->zstd = ZSTD_createDCtx();
		b->types = malloc(LIMIT_BLOCK_ROWS);
		buf_init(&b->stored, LIMIT_BLOCK_BYTES);
		buf_init(&b->raw, LIMIT_BLOCK_BYTES + 1u);
		for (unsigned c = 0; c < JOURNAL_COLUMNS; c++)
			buf_init(&b->columns[c].text, LIMIT_BLOCK_BYTES + 1u);
	}
	if (!b || !b->zstd || !b->types) {
		journal_block_free(b);
		return err_set(e, ENOMEM, "no memory for a block of the journal");
	}
	*ret_block = b;
	return 0;
}

void journal_block_free(struct journal_block *block)
{
	if (!block)
		return;
	for (unsigned c = 0; c < JOURNAL_COLUMNS; c++) {
		struct block_column *column = &block->columns[c];

		free(column->values);
		free(column->indexes);
		free(column->ends);
		buf_fini(&column->text);
	}
	for (size_t i = 0; i < block->list_cap; i++)
		free(block->lists[i].rows);
	free(block->lists);
	ZSTD_freeDCtx(block->zstd);
	buf_fini(&block->stored);
	buf_fini(&block->raw);
	free(block->types);
	free(block->processes);
	free(block->containers);
	free(block);
}

static int damaged(const struct journal_block *b, struct err *e, const char *what)
{
	return err_set(e, EBADMSG, "segment %llu, block %llu: %s",
		       (unsigned long long)b->info.segment, (unsigned long long)b->info.sequence,
		       what);
}

static void forget(struct journal_block *b)
{
	for (unsigned c = 0; c < JOURNAL_COLUMNS; c++) {
		struct block_column *column = &b->columns[c];

		column->has_numbers = column->has_texts = false;
		column->got_values = column->got_indexes = column->got_texts = false;
	}
	b->got_types = b->got_counts = b->got_processes = b->got_containers = false;
	b->list_count = 0;
	b->info.rows = 0;
}

static int parse_directory(struct journal_block *b, struct span bytes, uint32_t columns,
			   struct err *e)
{
	struct cursor c = cursor_of(bytes);
	struct column_entry entry;
	uint64_t offset = 0;

	for (uint32_t i = 0; i < columns; i++) {
		struct block_column *column;

		if (!column_entry_parse(&c, &entry))
			return damaged(b, e, "directory cannot be read");
		entry.offset = offset;
		offset += entry.stored_bytes;
		if (offset > b->data_bytes)
			return damaged(b, e, "directory is longer than the block");
		if (entry.id / 2 >= JOURNAL_COLUMNS)
			continue; /* of a later version */
		column = &b->columns[entry.id / 2];
		*(entry.id & 1 ? &column->texts : &column->numbers) = entry;
		*(entry.id & 1 ? &column->has_texts : &column->has_numbers) = true;
	}
	return cursor_left(&c) == 0 ? 0 : damaged(b, e, "directory cannot be read");
}

static int read_at(struct journal_block *b, uint64_t offset, uint64_t n, struct err *e)
{
	ssize_t got;
	int fd, r = reader_file(b->reader, b->segment, &fd, e);

	if (r < 0)
		return r;
	buf_clear(&b->stored);
	if (!buf_room(&b->stored, n + 1))
		return buf_check(&b->stored, "a column of the journal", e);
	got = fd_pread_full(fd, b->stored.p, n, (off_t)offset);
	if (got < 0)
		return err_sys(e, (int)-got, "cannot read journal segment %llu",
			       (unsigned long long)b->info.segment);
	if ((uint64_t)got != n)
		return damaged(b, e, "file was cut short");
	b->stored.n = n;
	return 0;
}

int journal_block_load(struct journal_block *block, struct journal_reader *reader, size_t number,
		       struct err *e)
{
	const struct reader_block *from = &reader->blocks[number];
	uint64_t fixed = sizeof(struct block_header) + from->info.directory_bytes;
	struct block_header h;
	int r;

	forget(block);
	block->reader = reader;
	block->segment = from->segment;
	block->schema = reader->segments[from->segment].schema;
	block->info = from->info;
	block->data_offset = from->info.offset + fixed + from->info.prune_bytes;
	block->data_bytes = from->info.bytes - fixed - from->info.prune_bytes - SHA256_BYTES;
	r = read_at(block, from->info.offset, fixed, e);
	if (r == 0) {
		memcpy(&h, block->stored.p, sizeof(h));
		if (!block_header_sane(&h, from->info.bytes) || h.rows != from->info.rows ||
		    h.sequence != from->info.sequence ||
		    h.directory_bytes != from->info.directory_bytes ||
		    h.prune_bytes != from->info.prune_bytes)
			r = damaged(block, e, "is not what the index says");
	}
	if (r == 0)
		r = parse_directory(block,
				    span_make(block->stored.p + sizeof(h), h.directory_bytes),
				    h.columns, e);
	if (r < 0)
		forget(block);
	return r;
}

uint32_t journal_block_row_count(const struct journal_block *block)
{
	return block->info.rows;
}

static int make_room(uint32_t **array, uint32_t *cap, uint32_t n, struct err *e)
{
	uint32_t *more;

	if (n <= *cap)
		return 0;
	more = realloc(*array, n * sizeof(*more));
	if (!more)
		return err_set(e, ENOMEM, "no memory for a column of the journal");
	*array = more;
	*cap = n;
	return 0;
}

static int make_value_room(struct block_column *c, uint32_t n, struct err *e)
{
	uint64_t *more;

	if (n <= c->values_cap)
		return 0;
	more = realloc(c->values, n * sizeof(*more));
	if (!more)
		return err_set(e, ENOMEM, "no memory for a column of the journal");
	c->values = more;
	c->values_cap = n;
	return 0;
}

/* Raw bytes of an entry into `raw`. */
static int unpack(struct journal_block *b, const struct column_entry *entry, struct buf *raw,
		  struct err *e)
{
	int r = read_at(b, b->data_offset + entry->offset, entry->stored_bytes, e);

	if (r == 0)
		r = column_unpack(b->zstd, entry, buf_span(&b->stored), raw, e);
	if (r < 0)
		(void)err_prefix(e, "segment %llu, block %llu", (unsigned long long)b->info.segment,
				 (unsigned long long)b->info.sequence);
	return r;
}

static int count_types(struct journal_block *b, struct err *e);

/* How many values the column has to have. */
static int expected(struct journal_block *b, unsigned column, uint32_t *ret_n, struct err *e)
{
	uint32_t n = 0;
	int r;

	if (column < JOURNAL_ROW_COLUMNS)
		n = b->info.rows;
	else if (column >= COLUMN_PROCESS && column < COLUMN_PROCESS_END)
		n = b->info.processes;
	else if (column >= COLUMN_CONTAINER && column < COLUMN_CONTAINER_END)
		n = b->info.containers;
	if (column >= JOURNAL_FIELDS && column < JOURNAL_COLUMNS) {
		r = count_types(b, e);
		if (r < 0)
			return r;
		for (unsigned t = 0; t < 256; t++)
			if (b->type_counts[t] && schema_has(b->schema, t, column - JOURNAL_FIELDS))
				n += b->type_counts[t];
	}
	*ret_n = n;
	return 0;
}

/* Unpacks the numbers of a column, which are to be `n`, into b->raw. */
static int unpack_numbers(struct journal_block *b, struct block_column *c, uint32_t n,
			  struct err *e)
{
	if (c->numbers.n != n)
		return damaged(b, e, "a column has a wrong length");
	return unpack(b, &c->numbers, &b->raw, e);
}

static int get_values(struct journal_block *b, unsigned column, struct err *e)
{
	struct block_column *c = &b->columns[column];
	uint32_t n = 0;
	int r;

	if (c->got_values)
		return 0;
	r = expected(b, column, &n, e);
	if (r == 0)
		r = make_value_room(c, n, e);
	if (r == 0 && c->has_numbers) {
		r = unpack_numbers(b, c, n, e);
		if (r == 0 && !column_decode(&c->numbers, buf_span(&b->raw), c->values))
			r = damaged(b, e, "a column cannot be decoded");
	} else if (r == 0 && n) {
		memset(c->values, 0, n * sizeof(*c->values));
	}
	if (r < 0)
		return r;
	c->n = n;
	c->got_values = true;
	return 0;
}

static int check_column(unsigned column, struct err *e)
{
	return column < JOURNAL_COLUMNS ? 0 : err_set(e, EINVAL, "column %u is not one", column);
}

static int get_types(struct journal_block *b, struct err *e)
{
	struct block_column *c = &b->columns[JOURNAL_TYPE];
	int r;

	if (b->got_types)
		return 0;
	if (!c->has_numbers)
		return damaged(b, e, "there are no types");
	r = unpack_numbers(b, c, b->info.rows, e);
	if (r < 0)
		return r;
	if (!column_decode_bytes(&c->numbers, buf_span(&b->raw), b->types))
		return damaged(b, e, "the types cannot be decoded");
	b->got_types = true;
	return 0;
}

int journal_block_types(struct journal_block *block, const uint8_t **ret_types, struct err *e)
{
	int r = get_types(block, e);

	if (r == 0)
		*ret_types = block->types;
	return r;
}

static int count_types(struct journal_block *b, struct err *e)
{
	uint32_t counts[4][256] = {
		0}; /* four, so that equal neighbours do not wait for each other */
	uint32_t i;
	int r;

	if (b->got_counts)
		return 0;
	r = get_types(b, e);
	if (r < 0)
		return r;
	for (i = 0; i + 4 <= b->info.rows; i += 4)
		for (unsigned k = 0; k < 4; k++)
			counts[k][b->types[i + k]]++;
	for (; i < b->info.rows; i++)
		counts[0][b->types[i]]++;
	for (unsigned t = 0; t < 256; t++)
		b->type_counts[t] = counts[0][t] + counts[1][t] + counts[2][t] + counts[3][t];
	b->got_counts = true;
	return 0;
}

int journal_block_numbers(struct journal_block *block, unsigned column, const uint64_t **ret_values,
			  uint32_t *ret_n, struct err *e)
{
	int r = check_column(column, e);

	if (r == 0)
		r = get_values(block, column, e);
	if (r < 0)
		return r;
	*ret_values = block->columns[column].values;
	*ret_n = block->columns[column].n;
	return 0;
}

/* The values of a column as u32, each at most `max`. */
static int get_indexes(struct journal_block *b, unsigned column, uint32_t max, struct err *e)
{
	struct block_column *c = &b->columns[column];
	uint32_t beyond = 0, n = 0;
	int r;

	if (c->got_indexes)
		return 0;
	r = expected(b, column, &n, e);
	if (r == 0)
		r = make_room(&c->indexes, &c->indexes_cap, n, e);
	if (r == 0 && c->has_numbers) {
		r = unpack_numbers(b, c, n, e);
		if (r == 0 && !column_decode_small(&c->numbers, buf_span(&b->raw), c->indexes))
			r = damaged(b, e, "a column cannot be decoded");
	} else if (r == 0 && n) {
		memset(c->indexes, 0, n * sizeof(*c->indexes));
	}
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < n; i++) /* all are below 2^31 */
		beyond |= max - c->indexes[i];
	if (beyond >> 31)
		return damaged(b, e, "an index is out of range");
	c->n = n;
	c->got_indexes = true;
	return 0;
}

int journal_block_indexes(struct journal_block *block, unsigned column,
			  const uint32_t **ret_indexes, struct err *e)
{
	int r;

	if (column != JOURNAL_PROCESS && column != JOURNAL_CONTAINER)
		return err_set(e, EINVAL, "column %u has no indexes", column);
	r = get_indexes(block, column,
			column == JOURNAL_PROCESS ? block->info.processes : block->info.containers,
			e);
	if (r == 0)
		*ret_indexes = block->columns[column].indexes;
	return r;
}

static int get_texts(struct journal_block *b, unsigned column, struct err *e)
{
	struct block_column *c = &b->columns[column];
	uint32_t n = c->has_texts ? c->texts.n : 0;
	int r;

	if (c->got_texts)
		return 0;
	r = make_room(&c->ends, &c->ends_cap, n + 1, e);
	if (r < 0)
		return r;
	c->ends[0] = 0;
	c->bytes = c->text.p;
	if (n) {
		r = unpack(b, &c->texts, &c->text, e);
		if (r < 0)
			return r;
		if (!column_decode_texts(&c->texts, buf_span(&c->text), c->ends, &c->bytes))
			return damaged(b, e, "texts cannot be decoded");
	}
	c->distinct = n + 1;
	c->got_texts = true;
	return 0;
}

int journal_block_distinct(struct journal_block *block, unsigned column,
			   struct journal_text *ret_text, struct err *e)
{
	struct block_column *c = &block->columns[column < JOURNAL_COLUMNS ? column : 0];
	int r = check_column(column, e);

	if (r == 0)
		r = get_texts(block, column, e);
	if (r < 0)
		return r;
	*ret_text = (struct journal_text){
		.distinct = c->distinct,
		.bytes = c->bytes,
		.ends = c->ends,
	};
	return 0;
}

int journal_block_text(struct journal_block *block, unsigned column, struct journal_text *ret_text,
		       struct err *e)
{
	struct journal_text text;
	int r = journal_block_distinct(block, column, &text, e);

	if (r == 0)
		r = get_indexes(block, column, text.distinct - 1, e);
	if (r < 0)
		return r;
	text.index = block->columns[column].indexes;
	text.n = block->columns[column].n;
	*ret_text = text;
	return 0;
}

/* An empty list at the end of the block's, or NULL when there is no memory. */
static struct row_list *new_list(struct journal_block *b, uint32_t n, struct err *e)
{
	struct row_list *list;

	if (b->list_count == b->list_cap) {
		size_t cap = b->list_cap ? b->list_cap * 2 : 8;
		struct row_list *more = realloc(b->lists, cap * sizeof(*more));

		if (!more) {
			(void)err_set(e, ENOMEM, "no memory for the rows of a block");
			return NULL;
		}
		memset(more + b->list_cap, 0, (cap - b->list_cap) * sizeof(*more));
		b->lists = more;
		b->list_cap = cap;
	}
	list = &b->lists[b->list_count];
	if (make_room(&list->rows, &list->cap, n + 1, e) < 0)
		return NULL;
	b->list_count++;
	return list;
}

static void fill_list(const struct journal_block *b, struct row_list *list)
{
	uint8_t has[256];
	uint32_t at = 0;

	for (unsigned t = 0; t < 256; t++)
		has[t] = list->types[t / 64] >> (t % 64) & 1;
	for (uint32_t i = 0; i < b->info.rows; i++) {
		list->rows[at] = i; /* kept only when the type is one of them */
		at += has[b->types[i]];
	}
	list->n = at;
}

int journal_block_rows(struct journal_block *block, enum event_field field,
		       const uint32_t **ret_rows, uint32_t *ret_n, struct err *e)
{
	uint64_t types[4] = {0};
	struct row_list *list = NULL;
	uint32_t n = 0;
	int r = check_column(JOURNAL_FIELDS + (unsigned)field, e);

	if (r == 0)
		r = count_types(block, e);
	if (r < 0)
		return r;
	for (unsigned t = 0; t < 256; t++) {
		if (!block->type_counts[t] || !schema_has(block->schema, t, (unsigned)field))
			continue;
		types[t / 64] |= 1ull << (t % 64);
		n += block->type_counts[t];
	}
	for (size_t i = 0; i < block->list_count && !list; i++)
		if (memcmp(block->lists[i].types, types, sizeof(types)) == 0)
			list = &block->lists[i];
	if (!list) {
		list = new_list(block, n, e);
		if (!list)
			return -e->code;
		memcpy(list->types, types, sizeof(types));
		fill_list(block, list);
	}
	*ret_rows = list->rows;
	*ret_n = list->n;
	return 0;
}

uint32_t journal_rows_find(const uint32_t *rows, uint32_t n, uint32_t row)
{
	uint32_t low = 0, high = n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (rows[middle] < row)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && rows[low] == row ? low : UINT32_MAX;
}

/* What a line of a table has in one column. */
static uint64_t number_at(const struct journal_block *b, unsigned column, uint32_t line)
{
	return b->columns[column].values[line];
}

static struct span text_at(const struct journal_block *b, unsigned column, uint32_t line)
{
	const struct block_column *c = &b->columns[column];
	uint32_t number = c->indexes[line], start = number ? c->ends[number - 1] : 0;

	return span_make(start ? c->bytes + start : c->bytes, c->ends[number] - start);
}

static int get_table(struct journal_block *b, unsigned first, unsigned end, struct err *e)
{
	struct journal_text text;
	int r = 0;

	for (unsigned column = first; column < end && r == 0; column++)
		r = build_is_text(column) ? journal_block_text(b, column, &text, e)
					  : get_values(b, column, e);
	return r;
}

static void fill_process(const struct journal_block *b, uint32_t i, struct process *p)
{
	uint64_t exec = number_at(b, COLUMN_PROCESS_EXEC, i);

	*p = (struct process){
		.rev = number_at(b, COLUMN_PROCESS_REV, i),
		.start_ns = number_at(b, COLUMN_PROCESS_START, i),
		.parent_start_ns = number_at(b, COLUMN_PROCESS_PARENT_START, i),
		.pid = (uint32_t)number_at(b, COLUMN_PROCESS_PID, i),
		.ppid = (uint32_t)number_at(b, COLUMN_PROCESS_PPID, i),
		.vpid = (uint32_t)number_at(b, COLUMN_PROCESS_VPID, i),
		.uid = (uint32_t)number_at(b, COLUMN_PROCESS_UID, i),
		.gid = (uint32_t)number_at(b, COLUMN_PROCESS_GID, i),
		.loginuid = (uint32_t)number_at(b, COLUMN_PROCESS_LOGINUID, i),
		.comm = text_at(b, COLUMN_PROCESS_COMM, i),
		.exe = text_at(b, COLUMN_PROCESS_EXE, i),
	};
	if (exec)
		p->exec_ns = p->start_ns + (uint64_t)unzigzag(exec - 1);
}

int journal_block_processes(struct journal_block *block, const struct process **ret_processes,
			    uint32_t *ret_n, struct err *e)
{
	struct process *more;
	uint32_t n = block->info.processes;
	int r;

	if (!block->got_processes) {
		r = get_table(block, COLUMN_PROCESS, COLUMN_PROCESS_END, e);
		if (r < 0)
			return r;
		if (n > block->processes_cap) {
			more = realloc(block->processes, n * sizeof(*more));
			if (!more)
				return err_set(e, ENOMEM, "no memory for processes");
			block->processes = more;
			block->processes_cap = n;
		}
		for (uint32_t i = 0; i < n; i++)
			fill_process(block, i, &block->processes[i]);
		block->got_processes = true;
	}
	*ret_processes = block->processes;
	*ret_n = n;
	return 0;
}

static enum truth truth_at(const struct journal_block *b, unsigned column, uint32_t line)
{
	uint64_t value = number_at(b, column, line);

	return value <= TRUTH_YES ? (enum truth)value : TRUTH_UNKNOWN;
}

static void fill_container(const struct journal_block *b, uint32_t i, struct container *c)
{
	*c = (struct container){
		.rev = number_at(b, COLUMN_CONTAINER_REV, i),
		.cgroup_id = number_at(b, COLUMN_CONTAINER_CGROUP_ID, i),
		.id = text_at(b, COLUMN_CONTAINER_ID, i),
		.name = text_at(b, COLUMN_CONTAINER_NAME, i),
		.image = text_at(b, COLUMN_CONTAINER_IMAGE, i),
		.image_id = text_at(b, COLUMN_CONTAINER_IMAGE_ID, i),
		.digest = text_at(b, COLUMN_CONTAINER_DIGEST, i),
		.pod = text_at(b, COLUMN_CONTAINER_POD, i),
		.pod_namespace = text_at(b, COLUMN_CONTAINER_POD_NAMESPACE, i),
		.pod_uid = text_at(b, COLUMN_CONTAINER_POD_UID, i),
		.cgroup_path = text_at(b, COLUMN_CONTAINER_CGROUP_PATH, i),
		.rootfs = text_at(b, COLUMN_CONTAINER_ROOTFS, i),
		.upper_dir = text_at(b, COLUMN_CONTAINER_UPPER_DIR, i),
		.command = text_at(b, COLUMN_CONTAINER_COMMAND, i),
		.user = text_at(b, COLUMN_CONTAINER_USER, i),
		.runtime = (enum container_runtime)number_at(b, COLUMN_CONTAINER_RUNTIME, i),
		.state = (enum container_state)number_at(b, COLUMN_CONTAINER_STATE, i),
		.privileged = truth_at(b, COLUMN_CONTAINER_PRIVILEGED, i),
		.auto_remove = truth_at(b, COLUMN_CONTAINER_AUTO_REMOVE, i),
		.init_pid = (uint32_t)number_at(b, COLUMN_CONTAINER_INIT_PID, i),
		.exit_code = (int32_t)number_at(b, COLUMN_CONTAINER_EXIT_CODE, i),
		.created_ns = number_at(b, COLUMN_CONTAINER_CREATED, i),
		.started_ns = number_at(b, COLUMN_CONTAINER_STARTED, i),
		.died_ns = number_at(b, COLUMN_CONTAINER_DIED, i),
	};
}

int journal_block_containers(struct journal_block *block, const struct container **ret_containers,
			     uint32_t *ret_n, struct err *e)
{
	struct container *more;
	uint32_t n = block->info.containers;
	int r;

	if (!block->got_containers) {
		r = get_table(block, COLUMN_CONTAINER, COLUMN_CONTAINER_END, e);
		if (r < 0)
			return r;
		if (n > block->containers_cap) {
			more = realloc(block->containers, n * sizeof(*more));
			if (!more)
				return err_set(e, ENOMEM, "no memory for containers");
			block->containers = more;
			block->containers_cap = n;
		}
		for (uint32_t i = 0; i < n; i++)
			fill_container(block, i, &block->containers[i]);
		block->got_containers = true;
	}
	*ret_containers = block->containers;
	*ret_n = n;
	return 0;
}
