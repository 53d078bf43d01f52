/* query_containers.c - table `containers`: who the containers were, from the journal's own tables,
 * so that a copied journal answers without a catalog.  What a later block knows replaces what an
 * earlier one knew. */
#include "base/limits.h"
#include "store/catalog_columns.h"
#include "store/query_cursor.h"

#define MAX_CELLS 32u

enum {
	EXTRA_FIRST,
	EXTRA_LAST,
	EXTRA_RECORDS,
	EXTRA_COLUMNS,
};

static const struct {
	const char *name, *what;
} extras[EXTRA_COLUMNS] = {
	{"first_ns", "its first event, ns since 1970"},
	{"last_ns", "its last event"},
	{"records", "how many records of events it has"},
};

struct cell {
	bool known;
	uint64_t value; /* of a text its number in the query's texts */
};

struct container_row {
	struct cell cells[MAX_CELLS];
	uint64_t first_ns, last_ns, records;
};

struct containers_cursor {
	sqlite3_vtab_cursor base;
	struct query *q;
	struct container_row *rows;
	struct intern ids;
	size_t cap, at;
};

static int containers_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
			      sqlite3_vtab **ret_vtab, char **ret_error)
{
	AUTO(buf) struct buf b = {0};

	buf_init(&b, 8192);
	if (catalog_column_count > MAX_CELLS)
		return SQLITE_INTERNAL;
	for (size_t i = 0; i < catalog_column_count; i++)
		buf_addf(&b, "\"%s\", ", catalog_columns[i].name);
	for (size_t i = 0; i < EXTRA_COLUMNS; i++)
		buf_addf(&b, "%s\"%s\" INTEGER", i ? ", " : "", extras[i].name);
	return query_table_declare(db, aux, &b, ret_vtab);
}

static int containers_best(sqlite3_vtab *vtab, sqlite3_index_info *info)
{
	uint64_t extra = ((1ull << EXTRA_COLUMNS) - 1) << catalog_column_count;

	info->idxNum = (info->colUsed & extra) != 0;
	info->estimatedRows = 100;
	info->estimatedCost = 10000;
	return SQLITE_OK;
}

static int containers_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **ret_cursor)
{
	struct containers_cursor *c = calloc(1, sizeof(*c));

	if (!c)
		return SQLITE_NOMEM;
	c->q = ((struct query_table *)vtab)->q;
	intern_init(&c->ids);
	*ret_cursor = &c->base;
	return SQLITE_OK;
}

static void forget(struct containers_cursor *c)
{
	intern_fini(&c->ids);
	intern_init(&c->ids);
	free(c->rows);
	c->rows = NULL;
	c->cap = c->at = 0;
}

static int containers_close(sqlite3_vtab_cursor *cursor)
{
	forget((struct containers_cursor *)cursor);
	free(cursor);
	return SQLITE_OK;
}

static int set_text(struct query *q, struct cell *cell, struct span text, struct err *e)
{
	uint32_t number;
	int r;

	if (text.n == 0)
		return 0;
	r = query_intern(q, text, &number, e);
	if (r == 0)
		*cell = (struct cell){true, number};
	return r;
}

static int set_cell(struct query *q, struct cell *cell, const struct catalog_column *column,
		    const struct container *c, struct err *e)
{
	const char *p = (const char *)c + column->offset;
	uint64_t value = 0;
	bool known = true;

	switch (column->kind) {
	case CATALOG_TEXT:
		return set_text(q, cell, *(const struct span *)p, e);
	case CATALOG_U64:
		value = *(const uint64_t *)p;
		known = value != 0;
		break;
	case CATALOG_U32:
		value = *(const uint32_t *)p;
		known = value != 0;
		break;
	case CATALOG_I32: /* exit_code: it means nothing before death */
		value = (uint64_t)(int64_t) * (const int32_t *)p;
		known = *(const int32_t *)p >= 0 && c->state == CONTAINER_DEAD;
		break;
	case CATALOG_TRUTH:
		value = *(const enum truth *)p == TRUTH_YES;
		known = *(const enum truth *)p != TRUTH_UNKNOWN;
		break;
	case CATALOG_RUNTIME:
		value = *(const enum container_runtime *)p;
		known = value != RUNTIME_UNKNOWN;
		break;
	case CATALOG_STATE:
		value = *(const enum container_state *)p;
		break;
	}
	if (known)
		*cell = (struct cell){true, value};
	return 0;
}

static int row_of(struct containers_cursor *c, struct span id, struct container_row **ret_row,
		  struct err *e)
{
	uint32_t number;

	if (c->ids.n >= LIMIT_QUERY_TEXTS / 64)
		return err_set(e, E2BIG, "too many containers");
	if (intern_get(&c->ids, id, &number) < 0)
		return err_set(e, ENOMEM, "no memory for the list of containers");
	if (number >= c->cap) {
		size_t cap = c->cap ? c->cap * 2 : 64;
		struct container_row *more = reallocarray(c->rows, cap, sizeof(*more));

		if (!more)
			return err_set(e, ENOMEM, "no memory for the list of containers");
		memset(more + c->cap, 0, (cap - c->cap) * sizeof(*more));
		c->rows = more;
		c->cap = cap;
	}
	*ret_row = &c->rows[number];
	return 0;
}

static int take_container(struct containers_cursor *c, const struct container *container,
			  struct err *e)
{
	struct container_row *row;
	int r;

	if (container->id.n == 0)
		return 0; /* not known yet */
	r = row_of(c, container->id, &row, e);
	for (size_t i = 0; i < catalog_column_count && r == 0; i++)
		r = set_cell(c->q, &row->cells[i], &catalog_columns[i], container, e);
	return r;
}

static int take_times(struct containers_cursor *c, struct query_view *v, struct err *e)
{
	const uint64_t *real;
	int r = query_view_container_of(v, e);

	if (r == 0)
		r = query_view_numbers(v, JOURNAL_REAL, e);
	if (r < 0)
		return r;
	real = v->numbers[JOURNAL_REAL];
	for (uint32_t i = 0; i < v->rows && r == 0; i++) {
		struct container_row *row;

		if (v->container_of[i] == 0 || v->containers[v->container_of[i] - 1].id.n == 0)
			continue;
		r = row_of(c, v->containers[v->container_of[i] - 1].id, &row, e);
		if (r < 0)
			return r;
		if (row->records++ == 0 || real[i] < row->first_ns)
			row->first_ns = real[i];
		if (real[i] > row->last_ns)
			row->last_ns = real[i];
	}
	return 0;
}

static int take_block(struct containers_cursor *c, struct query_view *v, size_t number, bool times,
		      struct err *e)
{
	int r = query_view_load(v, number, e);

	if (r == 0)
		r = query_view_containers(v, e);
	for (uint32_t i = 0; r == 0 && i < v->container_n; i++)
		r = take_container(c, &v->containers[i], e);
	if (r == 0 && times)
		r = take_times(c, v, e);
	return r;
}

static int containers_filter(sqlite3_vtab_cursor *cursor, int times, const char *plan, int argc,
			     sqlite3_value **argv)
{
	struct containers_cursor *c = (struct containers_cursor *)cursor;
	struct query_view view;
	struct err e = ERR_INIT;
	size_t blocks = journal_reader_blocks(c->q->reader);
	int r;

	forget(c);
	r = query_view_init(&view, c->q->reader, &e);
	for (size_t i = 0; i < blocks && r == 0; i++) {
		r = query_check(c->q, &e);
		if (r == 0)
			r = take_block(c, &view, i, times, &e);
		r = r < 0 ? query_skip(c->q, r, &e) : 0;
	}
	query_view_fini(&view);
	return r < 0 ? query_vtab_fail(cursor->pVtab, &e) : SQLITE_OK;
}

static int containers_next(sqlite3_vtab_cursor *cursor)
{
	((struct containers_cursor *)cursor)->at++;
	return SQLITE_OK;
}

static int containers_eof(sqlite3_vtab_cursor *cursor)
{
	struct containers_cursor *c = (struct containers_cursor *)cursor;

	return c->at >= c->ids.n;
}

static int containers_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *ret_rowid)
{
	*ret_rowid = (sqlite3_int64)((struct containers_cursor *)cursor)->at;
	return SQLITE_OK;
}

static void cell_result(struct query *q, sqlite3_context *ctx, enum catalog_kind kind,
			const struct cell *cell)
{
	if (!cell->known)
		return;
	switch (kind) {
	case CATALOG_TEXT:
		query_result_bytes(ctx, intern_key(&q->texts, (uint32_t)cell->value), true);
		return;
	case CATALOG_RUNTIME:
		sqlite3_result_text(ctx,
				    container_runtime_name((enum container_runtime)cell->value), -1,
				    SQLITE_STATIC);
		return;
	case CATALOG_STATE:
		sqlite3_result_text(ctx, container_state_name((enum container_state)cell->value),
				    -1, SQLITE_STATIC);
		return;
	default:
		sqlite3_result_int64(ctx, (sqlite3_int64)cell->value);
	}
}

static int containers_column(sqlite3_vtab_cursor *cursor, sqlite3_context *ctx, int column)
{
	struct containers_cursor *c = (struct containers_cursor *)cursor;
	const struct container_row *row = &c->rows[c->at];
	size_t at = (size_t)column;

	if (at < catalog_column_count) {
		cell_result(c->q, ctx, catalog_columns[at].kind, &row->cells[at]);
		return SQLITE_OK;
	}
	at -= catalog_column_count;
	if (at == EXTRA_RECORDS)
		sqlite3_result_int64(ctx, (sqlite3_int64)row->records);
	else if (row->records)
		sqlite3_result_int64(
			ctx, (sqlite3_int64)(at == EXTRA_FIRST ? row->first_ns : row->last_ns));
	return SQLITE_OK;
}

int query_containers_register(struct query *q)
{
	static const sqlite3_module module = {
		.iVersion = 1,
		.xConnect = containers_connect,
		.xBestIndex = containers_best,
		.xDisconnect = query_table_disconnect,
		.xOpen = containers_open,
		.xClose = containers_close,
		.xFilter = containers_filter,
		.xNext = containers_next,
		.xEof = containers_eof,
		.xColumn = containers_column,
		.xRowid = containers_rowid,
	};

	return sqlite3_create_module(q->db, "containers", &module, q);
}

void query_containers_schema(void (*each)(void *ctx, const struct query_schema_line *line),
			     void *ctx)
{
	static const char what[] = "who the containers were";

	for (size_t i = 0; i < catalog_column_count; i++) {
		const struct catalog_column *column = &catalog_columns[i];
		bool number = column->kind != CATALOG_TEXT && column->kind != CATALOG_RUNTIME &&
			      column->kind != CATALOG_STATE;
		struct query_schema_line line = {"containers", what, column->name,
						 number ? "INTEGER" : "TEXT", column->what};

		each(ctx, &line);
	}
	for (size_t i = 0; i < EXTRA_COLUMNS; i++) {
		struct query_schema_line line = {"containers", what, extras[i].name, "INTEGER",
						 extras[i].what};

		each(ctx, &line);
	}
}
