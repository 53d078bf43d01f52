/* journal_build.c - see journal_build.h. */
#include "store/journal_build.h"

#include "base/clock.h"

bool build_is_text(unsigned column)
{
	if (column == COLUMN_PROCESS_COMM || column == COLUMN_PROCESS_EXE)
		return true;
	if (column >= COLUMN_CONTAINER && column < COLUMN_CONTAINER_END)
		return (column >= COLUMN_CONTAINER_ID && column <= COLUMN_CONTAINER_CGROUP_PATH) ||
		       column >= COLUMN_CONTAINER_ROOTFS;
	return column >= JOURNAL_FIELDS && column < JOURNAL_FIELDS + FIELD_COUNT &&
	       value_kind_is_bytes(event_fields[column - JOURNAL_FIELDS].kind);
}

int build_init(struct build *b, uint32_t max_rows)
{
	*b = (struct build){.max_rows = max_rows};
	map_init(&b->process_of);
	map_init(&b->container_of);
	map_init(&b->pids);
	build_clear(b);
	return 0;
}

void build_fini(struct build *b)
{
	for (unsigned c = 0; c < JOURNAL_COLUMNS; c++) {
		free(b->columns[c].values);
		text_table_fini(&b->columns[c].texts);
	}
	map_fini(&b->process_of);
	map_fini(&b->container_of);
	map_fini(&b->pids);
}

void build_clear(struct build *b)
{
	for (unsigned c = 0; c < JOURNAL_COLUMNS; c++) {
		b->columns[c].n = 0;
		if (b->columns[c].texts.bytes)
			text_table_clear(&b->columns[c].texts);
	}
	map_clear(&b->process_of);
	map_clear(&b->container_of);
	map_clear(&b->pids);
	b->last_process = b->last_container = 0;
	b->last_process_rev = b->last_container_rev = 0;
	b->rows = b->processes = b->containers = 0;
	b->text_bytes = 0;
	b->min_real_ns = b->min_boot_ns = UINT64_MAX;
	b->max_real_ns = b->max_boot_ns = 0;
	memset(b->types, 0, sizeof(b->types));
}

bool build_is_full(const struct build *b)
{
	return b->rows >= b->max_rows || b->text_bytes >= LIMIT_EVENT_BYTES;
}

static int grow(struct build_column *c)
{
	uint32_t cap = c->cap ? c->cap * 2 : 256;
	uint64_t *values = realloc(c->values, cap * sizeof(*values));

	if (!values)
		return -ENOMEM;
	c->values = values;
	c->cap = cap;
	return 0;
}

static inline int reserve(struct build *b, unsigned column)
{
	struct build_column *c = &b->columns[column];

	return c->n < c->cap ? 0 : grow(c);
}

static int reserve_text(struct build *b, unsigned column, struct span text)
{
	struct build_column *c = &b->columns[column];

	if (text.n > LIMIT_TEXT_BYTES)
		return -E2BIG;
	if (!c->texts.bytes && text_table_init(&c->texts) < 0)
		return -ENOMEM;
	if (c->n == c->cap && grow(c) < 0)
		return -ENOMEM;
	return text_table_reserve(&c->texts, text.n);
}

static inline void put(struct build *b, unsigned column, uint64_t value)
{
	struct build_column *c = &b->columns[column];

	c->values[c->n++] = value;
}

static void put_text(struct build *b, unsigned column, struct span text)
{
	struct build_column *c = &b->columns[column];
	uint32_t before = text_table_bytes(&c->texts);

	c->values[c->n++] = text_table_get(&c->texts, text);
	b->text_bytes += text_table_bytes(&c->texts) - before;
}

struct table_value {
	unsigned column;
	uint64_t number;
	struct span text;
};

/* Identities stand in every block, so their texts are kept short; the event that tells of a
 * container has its whole identity. */
static struct span clip(struct span text)
{
	return span_make(text.p, text.n < LIMIT_TABLE_TEXT ? text.n : LIMIT_TABLE_TEXT);
}

/* Adds one line to a table of the block; all or nothing. */
static int add_line(struct build *b, const struct table_value *values, unsigned n)
{
	int r = 0;

	for (unsigned i = 0; i < n && r == 0; i++)
		r = build_is_text(values[i].column)
			    ? reserve_text(b, values[i].column, clip(values[i].text))
			    : reserve(b, values[i].column);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < n; i++) {
		if (build_is_text(values[i].column))
			put_text(b, values[i].column, clip(values[i].text));
		else
			put(b, values[i].column, values[i].number);
	}
	return 0;
}

static int add_process(struct build *b, const struct process *p)
{
	uint64_t exec = p->exec_ns ? zigzag((int64_t)(p->exec_ns - p->start_ns)) + 1 : 0;
	const struct table_value values[] = {
		{COLUMN_PROCESS_REV, p->rev, {0}},
		{COLUMN_PROCESS_START, p->start_ns, {0}},
		{COLUMN_PROCESS_PARENT_START, p->parent_start_ns, {0}},
		{COLUMN_PROCESS_EXEC, exec, {0}},
		{COLUMN_PROCESS_PID, p->pid, {0}},
		{COLUMN_PROCESS_PPID, p->ppid, {0}},
		{COLUMN_PROCESS_VPID, p->vpid, {0}},
		{COLUMN_PROCESS_UID, p->uid, {0}},
		{COLUMN_PROCESS_GID, p->gid, {0}},
		{COLUMN_PROCESS_LOGINUID, p->loginuid, {0}},
		{COLUMN_PROCESS_COMM, 0, p->comm},
		{COLUMN_PROCESS_EXE, 0, p->exe},
	};
	int r = map_put(&b->pids, p->pid, 1);

	if (r == 0)
		r = map_put(&b->process_of, p->rev, b->processes + 1);
	if (r == 0)
		r = add_line(b, values, ARRAY_LEN(values));
	if (r < 0)
		(void)map_remove(&b->process_of, p->rev); /* whether it was there or not */
	else
		b->processes++;
	return r;
}

/* Index of the process in the block's table, adding it on first sight. */
static int process_index(struct build *b, const struct process *p, uint32_t *ret_index)
{
	uint64_t *known;
	int r = 0;

	*ret_index = 0;
	if (!p || p->rev == 0)
		return 0;
	if (p->rev != b->last_process_rev) {
		known = map_find(&b->process_of, p->rev);
		if (!known)
			r = add_process(b, p);
		if (r < 0)
			return r;
		b->last_process = known ? (uint32_t)*known : b->processes;
		b->last_process_rev = p->rev;
	}
	*ret_index = b->last_process;
	return 0;
}

static int add_container(struct build *b, const struct container *c, uint64_t key)
{
	const struct table_value values[] = {
		{COLUMN_CONTAINER_REV, c->rev, {0}},
		{COLUMN_CONTAINER_CGROUP_ID, c->cgroup_id, {0}},
		{COLUMN_CONTAINER_ID, 0, c->id},
		{COLUMN_CONTAINER_NAME, 0, c->name},
		{COLUMN_CONTAINER_IMAGE, 0, c->image},
		{COLUMN_CONTAINER_IMAGE_ID, 0, c->image_id},
		{COLUMN_CONTAINER_DIGEST, 0, c->digest},
		{COLUMN_CONTAINER_POD, 0, c->pod},
		{COLUMN_CONTAINER_POD_NAMESPACE, 0, c->pod_namespace},
		{COLUMN_CONTAINER_POD_UID, 0, c->pod_uid},
		{COLUMN_CONTAINER_CGROUP_PATH, 0, c->cgroup_path},
		{COLUMN_CONTAINER_RUNTIME, c->runtime, {0}},
		{COLUMN_CONTAINER_STATE, c->state, {0}},
		{COLUMN_CONTAINER_PRIVILEGED, c->privileged, {0}},
		{COLUMN_CONTAINER_AUTO_REMOVE, c->auto_remove, {0}},
		{COLUMN_CONTAINER_INIT_PID, c->init_pid, {0}},
		{COLUMN_CONTAINER_EXIT_CODE, (uint64_t)(int64_t)c->exit_code, {0}},
		{COLUMN_CONTAINER_CREATED, c->created_ns, {0}},
		{COLUMN_CONTAINER_STARTED, c->started_ns, {0}},
		{COLUMN_CONTAINER_DIED, c->died_ns, {0}},
		{COLUMN_CONTAINER_ROOTFS, 0, c->rootfs},
		{COLUMN_CONTAINER_UPPER_DIR, 0, c->upper_dir},
		{COLUMN_CONTAINER_COMMAND, 0, c->command},
		{COLUMN_CONTAINER_USER, 0, c->user},
	};
	int r = map_put(&b->container_of, key, b->containers + 1);

	if (r == 0)
		r = add_line(b, values, ARRAY_LEN(values));
	if (r < 0)
		(void)map_remove(&b->container_of, key); /* whether it was there or not */
	else
		b->containers++;
	return r;
}

/* For an identity without a rev: equal content, equal key. */
static uint64_t content_key(const struct container *c)
{
	const struct span texts[] = {c->id,	     c->name,	c->image,	  c->image_id,
				     c->digest,	     c->pod,	c->pod_namespace, c->pod_uid,
				     c->cgroup_path, c->rootfs, c->upper_dir,	  c->command,
				     c->user};
	uint64_t numbers[] = {c->cgroup_id,   c->runtime,
			      c->state,	      c->privileged,
			      c->init_pid,    c->created_ns,
			      c->started_ns,  c->died_ns,
			      c->auto_remove, (uint64_t)(int64_t)c->exit_code};
	uint64_t key = hash64(span_make(numbers, sizeof(numbers)));

	for (unsigned i = 0; i < ARRAY_LEN(texts); i++)
		key = (key ^ hash64(texts[i]) ^ texts[i].n) * 0x9e3779b97f4a7c15ull + i;
	return key | 1ull << 63; /* apart from revs, which count from 1 */
}

static int container_index(struct build *b, const struct container *c, uint32_t *ret_index)
{
	uint64_t *known, key;
	int r = 0;

	*ret_index = 0;
	if (!c)
		return 0;
	key = c->rev ? c->rev : content_key(c);
	if (key != b->last_container_rev) {
		known = map_find(&b->container_of, key);
		if (!known)
			r = add_container(b, c, key);
		if (r < 0)
			return r;
		b->last_container = known ? (uint32_t)*known : b->containers;
		b->last_container_rev = key;
	}
	*ret_index = b->last_container;
	return 0;
}

static int reserve_row(struct build *b, const struct event *ev)
{
	const struct event_type_info *info = &event_types[ev->type];
	size_t bytes = 0;
	int r = 0;

	for (unsigned c = 0; c < JOURNAL_ROW_COLUMNS && r == 0; c++)
		r = reserve(b, c);
	for (unsigned i = 0; i < info->field_count && r == 0; i++) {
		unsigned field = info->fields[i];

		if (!value_kind_is_bytes(event_fields[field].kind)) {
			r = reserve(b, JOURNAL_FIELDS + field);
			continue;
		}
		bytes += ev->value[field].bytes.n;
		r = reserve_text(b, JOURNAL_FIELDS + field, ev->value[field].bytes);
	}
	return r == 0 && bytes > LIMIT_EVENT_BYTES ? -E2BIG : r;
}

static void put_fields(struct build *b, const struct event *ev)
{
	const struct event_type_info *info = &event_types[ev->type];

	for (unsigned i = 0; i < info->field_count; i++) {
		unsigned field = info->fields[i];

		if (value_kind_is_bytes(event_fields[field].kind))
			put_text(b, JOURNAL_FIELDS + field, ev->value[field].bytes);
		else
			put(b, JOURNAL_FIELDS + field, ev->value[field].u);
	}
}

static void widen(uint64_t *low, uint64_t *high, uint64_t value)
{
	*low = value < *low ? value : *low;
	*high = value > *high ? value : *high;
}

int build_add(struct build *b, const struct event *ev, struct err *e)
{
	uint32_t process = 0, container = 0;
	int64_t tid_delta;
	int r;

	if ((unsigned)ev->type >= EVENT_TYPE_MAX || !event_types[ev->type].name)
		return err_set(e, EINVAL, "event type %u is not one", (unsigned)ev->type);
	r = reserve_row(b, ev);
	if (r == 0)
		r = process_index(b, ev->process, &process);
	if (r == 0)
		r = container_index(b, ev->container, &container);
	if (r == -E2BIG)
		return err_set(e, E2BIG, "an event of type %s is too large for the journal",
			       event_types[ev->type].name);
	if (r < 0)
		return err_set(e, ENOMEM, "no memory for an event");
	tid_delta = process ? (int64_t)ev->tid - (int64_t)ev->process->pid : (int64_t)ev->tid;
	put(b, JOURNAL_TYPE, ev->type);
	put(b, JOURNAL_REAL, ev->real_ns);
	put(b, JOURNAL_OFFSET, ev->real_ns - ev->boot_ns);
	put(b, JOURNAL_MARKS, ev->marks);
	put(b, JOURNAL_COUNT, ev->count);
	put(b, JOURNAL_RET, (uint64_t)ev->ret);
	put(b, JOURNAL_TID_DELTA, (uint64_t)tid_delta);
	put(b, JOURNAL_PROCESS, process);
	put(b, JOURNAL_CONTAINER, container);
	put_fields(b, ev);
	widen(&b->min_real_ns, &b->max_real_ns, ev->real_ns);
	widen(&b->min_boot_ns, &b->max_boot_ns, ev->boot_ns);
	b->types[ev->type / 64] |= 1ull << (ev->type % 64);
	b->rows++;
	return 0;
}

int build_output_init(struct build_output *out)
{
	*out = (struct build_output){0};
	buf_init(&out->directory, (size_t)2 * JOURNAL_COLUMNS * 64);
	buf_init(&out->prune, LIMIT_PRUNE_BYTES);
	buf_init(&out->data, LIMIT_BLOCK_BYTES - LIMIT_PRUNE_BYTES - 65536u);
	return 0;
}

void build_output_fini(struct build_output *out)
{
	buf_fini(&out->directory);
	buf_fini(&out->prune);
	buf_fini(&out->data);
	free(out->hashes);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Hashes of the distinct container ids, ascending. */
static int add_hashes(const struct build *b, struct build_output *out, uint32_t *ret_n)
{
	const struct text_table *ids = &b->columns[COLUMN_CONTAINER_ID].texts;
	uint32_t n = b->containers ? ids->n - 1 : 0;

	if (n > out->hashes_cap) {
		uint64_t *hashes = realloc(out->hashes, n * sizeof(*hashes));

		if (!hashes)
			return -ENOMEM;
		out->hashes = hashes;
		out->hashes_cap = n;
	}
	for (uint32_t i = 0; i < n; i++)
		out->hashes[i] = prune_hash(
			span_make(ids->bytes + ids->ends[i], ids->ends[i + 1] - ids->ends[i]));
	if (n)
		qsort(out->hashes, n, sizeof(*out->hashes), by_value);
	*ret_n = n;
	return 0;
}

static int encode_prune(const struct build *b, struct build_output *out, struct err *e)
{
	struct prune_header h = {0};
	uint8_t *bloom;

	memcpy(h.types, b->types, sizeof(h.types));
	if (add_hashes(b, out, &h.containers) < 0)
		return err_set(e, ENOMEM, "no memory for a block of the journal");
	if (b->pids.n)
		for (h.bloom_bytes = 8; h.bloom_bytes < b->pids.n * 5 / 4;)
			h.bloom_bytes *= 2;
	buf_add(&out->prune, &h, sizeof(h));
	buf_add(&out->prune, out->hashes, (size_t)h.containers * sizeof(*out->hashes));
	bloom = buf_room(&out->prune, h.bloom_bytes + 1); /* never NULL for no bytes */
	if (!bloom)
		return buf_check(&out->prune, "pruning data", e);
	memset(bloom, 0, h.bloom_bytes);
	map_each (slot, &b->pids)
		bloom_add(bloom, h.bloom_bytes, (uint32_t)slot->key);
	out->prune.n += h.bloom_bytes;
	return 0;
}

int build_encode(const struct build *b, struct column_encoder *enc, struct build_output *out,
		 struct err *e)
{
	int r;

	buf_clear(&out->directory);
	buf_clear(&out->prune);
	buf_clear(&out->data);
	enc->directory = &out->directory;
	enc->data = &out->data;
	enc->columns = 0;
	r = encode_prune(b, out, e);
	for (unsigned c = 0; c < JOURNAL_COLUMNS && r == 0; c++) {
		const struct build_column *column = &b->columns[c];

		r = column_encode(enc, c, column->values, column->n, e);
		if (r == 0 && column->n && column->texts.bytes)
			r = column_encode_texts(enc, c, &column->texts, e);
	}
	if (r < 0)
		return r;
	out->header = (struct block_header){
		.magic = BLOCK_MAGIC,
		.rows = b->rows,
		.block_bytes = sizeof(out->header) + out->directory.n + out->prune.n + out->data.n +
			       SHA256_BYTES,
		.directory_bytes = (uint32_t)out->directory.n,
		.prune_bytes = (uint32_t)out->prune.n,
		.processes = b->processes,
		.containers = b->containers,
		.min_real_ns = b->min_real_ns,
		.max_real_ns = b->max_real_ns,
		.min_boot_ns = b->min_boot_ns,
		.max_boot_ns = b->max_boot_ns,
		.columns = enc->columns,
	};
	return buf_check(&out->directory, "a block's directory", e);
}
