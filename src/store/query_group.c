/* query_group.c - see query_group.h. */
#include "store/query_group.h"

#include "base/clock.h"
#include "base/limits.h"

#define MAX_CELLS (1u << 22) /* combinations of a block's codes that are counted in one array */

static const struct {
	unsigned column; /* of events; UINT32_MAX none */
	uint64_t bucket_ns;
} dimensions[GROUP_DIMENSIONS] = {
	[GROUP_TYPE] = {QUERY_HEAD_TYPE, 0},
	[GROUP_CONTAINER] = {QUERY_HEAD_CONTAINER, 0},
	[GROUP_CONTAINER_NAME] = {QUERY_HEAD_CONTAINER_NAME, 0},
	[GROUP_IMAGE] = {QUERY_HEAD_IMAGE, 0},
	[GROUP_COMM] = {QUERY_HEAD_COMM, 0},
	[GROUP_EXE] = {QUERY_HEAD_EXE, 0},
	[GROUP_UID] = {QUERY_HEAD_UID, 0},
	[GROUP_PID] = {QUERY_HEAD_PID, 0},
	[GROUP_MINUTE] = {UINT32_MAX, 60 * NSEC_PER_SEC},
	[GROUP_HOUR] = {UINT32_MAX, 3600 * NSEC_PER_SEC},
	[GROUP_DAY] = {UINT32_MAX, 86400 * NSEC_PER_SEC},
};

bool query_group_of(unsigned number, enum group_by *ret_by)
{
	for (unsigned i = 0; i < GROUP_DIMENSIONS; i++) {
		if (dimensions[i].column == number) {
			*ret_by = (enum group_by)i;
			return true;
		}
	}
	return false;
}

int query_groups_init(struct query_groups *g, const enum group_by *by, unsigned n, bool weighted,
		      struct err *e)
{
	memset(g, 0, sizeof(*g));
	intern_init(&g->tuples);
	map_init(&g->seen);
	g->dimensions = n;
	g->weighted = weighted;
	for (unsigned i = 0; i < n; i++)
		g->by[i] = by[i];
	g->selected = malloc(LIMIT_BLOCK_ROWS * sizeof(*g->selected));
	g->cell_of = malloc(LIMIT_BLOCK_ROWS * sizeof(*g->cell_of));
	if (!g->selected || !g->cell_of)
		return err_set(e, ENOMEM, "no memory to count");
	return 0;
}

void query_groups_fini(struct query_groups *g)
{
	intern_fini(&g->tuples);
	free(g->rows);
	free(g->sum);
	free(g->cell_rows);
	free(g->cell_sum);
	free(g->selected);
	free(g->cell_of);
	map_fini(&g->seen);
	for (unsigned i = 0; i < GROUP_DIMENSIONS; i++) {
		free(g->keys[i]);
		free(g->local[i]);
	}
	memset(g, 0, sizeof(*g));
}

static int codes_room(struct query_groups *g, unsigned d, uint32_t n, struct err *e)
{
	uint64_t *more;
	uint32_t *local;

	g->codes[d] = n;
	if (n <= g->key_cap[d])
		return 0;
	more = realloc(g->keys[d], n * sizeof(*more));
	if (more)
		g->keys[d] = more;
	local = more ? realloc(g->local[d], n * sizeof(*local)) : NULL;
	if (!local)
		return err_set(e, ENOMEM, "no memory to count");
	g->local[d] = local;
	g->key_cap[d] = n;
	return 0;
}

/* Many processes have one name: gives equal keys one code, so that few cells are to be counted. */
static int compact(struct query_groups *g, unsigned d, struct err *e)
{
	uint32_t codes = 0;

	map_clear(&g->seen);
	for (uint32_t i = 0; i < g->codes[d]; i++) {
		uint64_t key = g->keys[d][i], *code = map_find(&g->seen, key);

		if (code) {
			g->local[d][i] = (uint32_t)*code;
			continue;
		}
		if (map_put(&g->seen, key, codes) < 0)
			return err_set(e, ENOMEM, "no memory to count");
		g->local[d][i] = codes;
		g->keys[d][codes++] = key; /* codes <= i */
	}
	g->codes[d] = codes;
	return 0;
}

static int text_key(struct query *q, struct span text, uint64_t *ret_key, struct err *e)
{
	uint32_t number;
	int r;

	if (text.n == 0) {
		*ret_key = GROUP_NULL;
		return 0;
	}
	r = query_intern(q, text, &number, e);
	if (r == 0)
		*ret_key = number;
	return r;
}

static int container_codes(struct query_groups *g, struct query *q, struct query_view *v,
			   unsigned d, struct err *e)
{
	size_t offset = query_column_get(dimensions[g->by[d]].column).offset;
	int r = query_view_container_of(v, e);

	if (r == 0)
		r = codes_room(g, d, v->container_n + 1, e);
	if (r < 0)
		return r;
	g->keys[d][0] = GROUP_NULL;
	for (uint32_t i = 0; i < v->container_n && r == 0; i++) {
		const char *c = (const char *)&v->containers[i];

		r = text_key(q, *(const struct span *)(c + offset), &g->keys[d][i + 1], e);
	}
	return r < 0 ? r : compact(g, d, e);
}

static int process_codes(struct query_groups *g, struct query *q, struct query_view *v, unsigned d,
			 struct err *e)
{
	struct query_column column = query_column_get(dimensions[g->by[d]].column);
	int r = query_view_process_of(v, e);

	if (r == 0)
		r = codes_room(g, d, v->process_n + 1, e);
	if (r < 0)
		return r;
	g->keys[d][0] = GROUP_NULL;
	for (uint32_t i = 0; i < v->process_n && r == 0; i++) {
		const char *p = (const char *)&v->processes[i] + column.offset;

		if (column.text)
			r = text_key(q, *(const struct span *)p, &g->keys[d][i + 1], e);
		else
			g->keys[d][i + 1] = *(const uint32_t *)p;
	}
	return r < 0 ? r : compact(g, d, e);
}

static int type_codes(struct query_groups *g, struct query_view *v, unsigned d, struct err *e)
{
	int r = query_view_types(v, e);

	if (r == 0)
		r = codes_room(g, d, 257, e);
	if (r < 0)
		return r;
	g->codes[d] = 1; /* code 0 is for no type, which no row has */
	g->keys[d][0] = GROUP_NULL;
	memset(g->local[d], 0, 256 * sizeof(*g->local[d]));
	for (uint32_t i = 0; i < 256; i++) {
		if (v->info->types[i / 64] >> (i % 64) & 1) {
			g->local[d][i] = g->codes[d];
			g->keys[d][g->codes[d]++] = i;
		}
	}
	return 0;
}

/* Buckets count from the block's first; the block knows its window. */
static int time_codes(struct query_groups *g, struct query_view *v, unsigned d, struct err *e)
{
	uint64_t bucket = dimensions[g->by[d]].bucket_ns;
	uint64_t first = v->info->min_real_ns / bucket, last = v->info->max_real_ns / bucket;
	int r = query_view_numbers(v, JOURNAL_REAL, e);

	if (r == 0 && last - first >= LIMIT_BLOCK_ROWS * 16ull)
		r = err_set(e, ERANGE, "a block spans %llu buckets of time; use a longer one",
			    (unsigned long long)(last - first));
	if (r == 0)
		r = codes_room(g, d, (uint32_t)(last - first + 1), e);
	for (uint32_t i = 0; r == 0 && i < g->codes[d]; i++)
		g->keys[d][i] = (first + i) * bucket;
	return r;
}

static int make_codes(struct query_groups *g, struct query *q, struct query_view *v, unsigned d,
		      struct err *e)
{
	switch (g->by[d]) {
	case GROUP_TYPE:
		return type_codes(g, v, d, e);
	case GROUP_CONTAINER:
	case GROUP_CONTAINER_NAME:
	case GROUP_IMAGE:
		return container_codes(g, q, v, d, e);
	case GROUP_MINUTE:
	case GROUP_HOUR:
	case GROUP_DAY:
		return time_codes(g, v, d, e);
	default:
		return process_codes(g, q, v, d, e);
	}
}

/* Multiplies the cells so far by the codes of dimension `d` and moves each row into its cell. */
static void spread(struct query_groups *g, const struct query_view *v, unsigned d,
		   const uint32_t *selected, uint32_t n)
{
	uint32_t codes = g->codes[d];
	uint64_t bucket = dimensions[g->by[d]].bucket_ns;
	uint64_t first = bucket ? v->info->min_real_ns / bucket : 0;
	const uint32_t *index = NULL, *local = g->local[d];

	if (g->by[d] == GROUP_CONTAINER || g->by[d] == GROUP_CONTAINER_NAME ||
	    g->by[d] == GROUP_IMAGE)
		index = v->container_of;
	else if (!bucket && g->by[d] != GROUP_TYPE)
		index = v->process_of;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t row = selected ? selected[i] : i, code;

		if (index)
			code = local[index[row]];
		else if (bucket)
			code = (uint32_t)(v->numbers[JOURNAL_REAL][row] / bucket - first);
		else
			code = local[v->types[row]];
		g->cell_of[i] = g->cell_of[i] * codes + (code < codes ? code : 0);
	}
}

static int add_tuple(struct query_groups *g, const uint64_t *keys, uint64_t rows, uint64_t sum,
		     struct err *e)
{
	uint32_t number;

	if (g->tuples.n >= LIMIT_QUERY_GROUPS)
		return err_set(e, E2BIG, "more than %u groups; count by fewer columns",
			       LIMIT_QUERY_GROUPS);
	if (intern_get(&g->tuples, span_make(keys, g->dimensions * sizeof(*keys)), &number) < 0)
		return err_set(e, ENOMEM, "no memory to count");
	if (number >= g->cap) {
		size_t cap = g->cap ? g->cap * 2 : 1024;
		uint64_t *more = reallocarray(g->rows, cap, sizeof(*more));

		if (more)
			g->rows = more;
		uint64_t *more_sum = more ? reallocarray(g->sum, cap, sizeof(*more_sum)) : NULL;

		if (!more_sum)
			return err_set(e, ENOMEM, "no memory to count");
		g->sum = more_sum;
		memset(g->rows + g->cap, 0, (cap - g->cap) * sizeof(*g->rows));
		memset(g->sum + g->cap, 0, (cap - g->cap) * sizeof(*g->sum));
		g->cap = cap;
	}
	g->rows[number] += rows;
	g->sum[number] += sum;
	return 0;
}

static int add_cell(struct query_groups *g, uint64_t cell, uint64_t rows, uint64_t sum,
		    struct err *e)
{
	uint64_t keys[GROUP_DIMENSIONS + 1] = {0}; /* with no dimension there is one empty tuple */

	for (unsigned d = g->dimensions; d-- > 0;) {
		keys[d] = g->keys[d][cell % g->codes[d]];
		cell /= g->codes[d];
	}
	return add_tuple(g, keys, rows, sum, e);
}

static int cells_room(struct query_groups *g, size_t cells, struct err *e)
{
	if (cells > g->cells) {
		free(g->cell_rows);
		free(g->cell_sum);
		g->cell_rows = calloc(cells, sizeof(*g->cell_rows));
		g->cell_sum = calloc(cells, sizeof(*g->cell_sum));
		g->cells = g->cell_rows && g->cell_sum ? cells : 0;
	} else {
		memset(g->cell_rows, 0, cells * sizeof(*g->cell_rows));
		memset(g->cell_sum, 0, cells * sizeof(*g->cell_sum));
	}
	return g->cells >= cells ? 0 : err_set(e, ENOMEM, "no memory to count");
}

static int count_cells(struct query_groups *g, struct query_view *v, const uint32_t *selected,
		       uint32_t n, size_t cells, struct err *e)
{
	const uint64_t *counts = v->numbers[JOURNAL_COUNT];
	int r = cells_room(g, cells, e);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < n; i++)
		g->cell_rows[g->cell_of[i]]++;
	for (uint32_t i = 0; i < n && g->weighted; i++)
		g->cell_sum[g->cell_of[i]] += counts[selected ? selected[i] : i];
	for (size_t cell = 0; cell < cells && r == 0; cell++) {
		if (g->cell_rows[cell])
			r = add_cell(g, cell, g->cell_rows[cell], g->cell_sum[cell], e);
	}
	return r;
}

/* Too many combinations for an array: row by row. */
static int count_rows(struct query_groups *g, struct query_view *v, const uint32_t *selected,
		      uint32_t n, struct err *e)
{
	uint64_t keys[GROUP_DIMENSIONS + 1];
	int r = 0;

	for (uint32_t i = 0; i < n && r == 0; i++) {
		uint32_t row = selected ? selected[i] : i;

		for (unsigned d = 0; d < g->dimensions; d++) {
			g->cell_of[0] = 0;
			spread(g, v, d, &row, 1);
			keys[d] = g->keys[d][g->cell_of[0]];
		}
		r = add_tuple(g, keys, 1, g->weighted ? v->numbers[JOURNAL_COUNT][row] : 0, e);
	}
	return r;
}

static int count_block(struct query_groups *g, struct query *q, struct query_view *v,
		       const uint32_t *selected, uint32_t n, struct err *e)
{
	size_t cells = 1;
	int r = g->weighted ? query_view_numbers(v, JOURNAL_COUNT, e) : 0;

	for (unsigned d = 0; d < g->dimensions && r == 0; d++) {
		r = make_codes(g, q, v, d, e);
		cells = cells > MAX_CELLS ? cells : cells * g->codes[d];
	}
	if (r < 0)
		return r;
	if (cells > MAX_CELLS || cells > (size_t)n * 64 + 4096)
		return count_rows(g, v, selected, n, e);
	memset(g->cell_of, 0, n * sizeof(*g->cell_of));
	for (unsigned d = 0; d < g->dimensions; d++)
		spread(g, v, d, selected, n);
	return count_cells(g, v, selected, n, cells, e);
}

int query_groups_run(struct query_groups *g, struct query *q, struct query_filter *f,
		     struct query_view *v, struct err *e)
{
	size_t blocks = journal_reader_blocks(q->reader);

	for (size_t i = 0; i < blocks && !f->none; i++) {
		const struct journal_block_info *info = journal_reader_block(q->reader, i);
		const uint32_t *selected = NULL;
		uint32_t n;
		int r = query_check(q, e);

		if (r < 0)
			return r;
		if (!journal_block_may_match(info, &f->prune))
			continue;
		r = query_view_load(v, i, e);
		n = r == 0 ? v->rows : 0;
		if (r == 0 && (f->n || !f->all_types)) {
			r = query_filter_block(f, v, g->selected, &n, e);
			selected = g->selected;
		}
		if (r == 0 && n)
			r = count_block(g, q, v, selected, n, e);
		r = r < 0 ? query_skip(q, r, e) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

uint64_t query_groups_key(const struct query_groups *g, size_t group, unsigned dimension)
{
	uint64_t key;

	memcpy(&key, intern_key(&g->tuples, (uint32_t)group).p + dimension * sizeof(key),
	       sizeof(key));
	return key;
}

struct group_sort {
	const struct query_groups *g;
	const struct query *q;
	unsigned down;
};

static int text_order(struct span a, struct span b)
{
	bool x = sqlite_is_text(a), y = sqlite_is_text(b);

	return x == y ? span_cmp(a, b) : x ? -1 : 1;
}

static int key_order(const struct query *q, enum group_by by, uint64_t x, uint64_t y)
{
	if (x == y)
		return 0;
	if (x == GROUP_NULL || y == GROUP_NULL)
		return x == GROUP_NULL ? -1 : 1;
	switch (by) {
	case GROUP_TYPE: {
		const char *a = x < EVENT_TYPE_MAX ? event_types[x].name : NULL;
		const char *b = y < EVENT_TYPE_MAX ? event_types[y].name : NULL;

		if (!a || !b) /* a type of a later version is shown as NULL */
			return a ? 1 : b ? -1 : 0;
		return strcmp(a, b);
	}
	case GROUP_CONTAINER:
	case GROUP_CONTAINER_NAME:
	case GROUP_IMAGE:
	case GROUP_COMM:
	case GROUP_EXE:
		return text_order(intern_key(&q->texts, (uint32_t)x),
				  intern_key(&q->texts, (uint32_t)y));
	default:
		return x < y ? -1 : 1;
	}
}

static int group_order(const void *a, const void *b, void *ctx)
{
	const struct group_sort *sort = ctx;
	const struct query_groups *g = sort->g;

	for (unsigned d = 0; d < g->dimensions; d++) {
		int order =
			key_order(sort->q, g->by[d], query_groups_key(g, *(const uint32_t *)a, d),
				  query_groups_key(g, *(const uint32_t *)b, d));

		if (order)
			return sort->down & (1u << d) ? -order : order;
	}
	return 0;
}

int query_groups_sort(struct query_groups *g, struct query *q, unsigned down, uint32_t **ret_order,
		      struct err *e)
{
	struct group_sort sort = {g, q, down};
	uint32_t *order = calloc(g->tuples.n + 1, sizeof(*order));

	if (!order)
		return err_set(e, ENOMEM, "no memory to count");
	for (uint32_t i = 0; i < g->tuples.n; i++)
		order[i] = i;
	qsort_r(order, g->tuples.n, sizeof(*order), group_order, &sort);
	*ret_order = order;
	return 0;
}

/* The rows of a group come one behind the other: whether its text is one is looked at once. */
static void shared_result(sqlite3_context *ctx, struct query *q, uint32_t number)
{
	struct span text = intern_key(&q->texts, number);

	if (!q->last_shown || q->last_number != number) {
		q->last_shown = true;
		q->last_number = number;
		q->last_is_text = sqlite_is_text(text);
	}
	if (q->last_is_text)
		sqlite3_result_text64(ctx, (const char *)text.p, text.n, SQLITE_STATIC,
				      SQLITE_UTF8);
	else
		sqlite3_result_blob64(ctx, text.p, text.n, SQLITE_STATIC);
}

void query_group_result(sqlite3_context *ctx, struct query *q, enum group_by by, uint64_t key)
{
	if (key == GROUP_NULL)
		return;
	switch (by) {
	case GROUP_TYPE:
		if (key < EVENT_TYPE_MAX && event_types[key].name)
			sqlite3_result_text(ctx, event_types[key].name, -1, SQLITE_STATIC);
		return;
	case GROUP_CONTAINER:
	case GROUP_CONTAINER_NAME:
	case GROUP_IMAGE:
	case GROUP_COMM:
	case GROUP_EXE:
		shared_result(ctx, q, (uint32_t)key);
		return;
	default:
		sqlite3_result_int64(ctx, (int64_t)key);
	}
}
