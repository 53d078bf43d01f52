/* query_counts.c - table `counts`: the journal counted natively by the columns that a query uses.
 */
#include <limits.h>

#include "store/query_cursor.h"
#include "store/query_group.h"

enum {
	COUNTS_N = GROUP_DIMENSIONS, /* behind the dimensions */
	COUNTS_ROWS,
	COUNTS_TIME,
	COUNTS_TIME_NS,
	COUNTS_COLUMNS,
};

static const struct {
	const char *name, *kind, *what;
	unsigned events_column; /* for terms of a WHERE; UINT_MAX none */
} columns[COUNTS_COLUMNS] = {
	[GROUP_TYPE] = {"type", "TEXT", "type of event", QUERY_HEAD_TYPE},
	[GROUP_CONTAINER] = {"container", "TEXT", "id of the container", QUERY_HEAD_CONTAINER},
	[GROUP_CONTAINER_NAME] = {"container_name", "TEXT", "its name", QUERY_HEAD_CONTAINER_NAME},
	[GROUP_IMAGE] = {"image", "TEXT", "its image", QUERY_HEAD_IMAGE},
	[GROUP_COMM] = {"comm", "TEXT", "name of the process", QUERY_HEAD_COMM},
	[GROUP_EXE] = {"exe", "TEXT", "its executable", QUERY_HEAD_EXE},
	[GROUP_UID] = {"uid", "INTEGER", "its real user id", QUERY_HEAD_UID},
	[GROUP_PID] = {"pid", "INTEGER", "its pid", QUERY_HEAD_PID},
	[GROUP_MINUTE] = {"minute", "INTEGER", "start of the minute, ns since 1970", UINT_MAX},
	[GROUP_HOUR] = {"hour", "INTEGER", "start of the hour, ns since 1970", UINT_MAX},
	[GROUP_DAY] = {"day", "INTEGER", "start of the day in UTC, ns since 1970", UINT_MAX},
	[COUNTS_N] = {"n", "INTEGER", "how many events, repeats that were folded included",
		      UINT_MAX},
	[COUNTS_ROWS] = {"records", "INTEGER", "how many records", UINT_MAX},
	[COUNTS_TIME] = {"time", "TEXT HIDDEN", "for WHERE only: the window, as in events",
			 QUERY_HEAD_TIME},
	[COUNTS_TIME_NS] = {"time_ns", "INTEGER HIDDEN", "for WHERE only: the window", UINT_MAX},
};

struct counts_cursor {
	sqlite3_vtab_cursor base;
	struct query *q;
	struct query_filter filter;
	struct query_groups groups;
	bool running;
	size_t group;
	unsigned dimension_of[GROUP_DIMENSIONS];
};

static int counts_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
			  sqlite3_vtab **ret_vtab, char **ret_error)
{
	AUTO(buf) struct buf b;

	buf_init(&b, 4096);
	for (unsigned i = 0; i < COUNTS_COLUMNS; i++)
		buf_addf(&b, "%s\"%s\" %s", i ? ", " : "", columns[i].name, columns[i].kind);
	return query_table_declare(db, aux, &b, ret_vtab);
}

/* The hidden columns have no value: a term on one that cannot be decided here is an error, not an
 * empty result. */
static bool hidden_is_used_well(sqlite3_index_info *info)
{
	for (int i = 0; i < info->nConstraint; i++) {
		int column = info->aConstraint[i].iColumn;

		if ((column == COUNTS_TIME || column == COUNTS_TIME_NS) &&
		    !info->aConstraintUsage[i].omit)
			return false;
	}
	return true;
}

static int counts_best(sqlite3_vtab *vtab, sqlite3_index_info *info)
{
	struct query *q = ((struct query_table *)vtab)->q;
	unsigned map[COUNTS_COLUMNS];
	struct query_plan plan;
	int code;

	/* Both hidden columns compare times, so both are the head's `time`, whose terms are exact.
	 */
	for (unsigned i = 0; i < COUNTS_COLUMNS; i++)
		map[i] = i == COUNTS_TIME_NS ? QUERY_HEAD_TIME : columns[i].events_column;
	code = query_plan_make(info, map, &plan);
	if (code != SQLITE_OK)
		return code;
	info->idxStr = plan.text;
	info->needToFreeIdxStr = 1;
	if (!hidden_is_used_well(info))
		return SQLITE_CONSTRAINT;
	info->idxNum = (int)(info->colUsed & ((1u << (GROUP_DIMENSIONS + 1)) - 1));
	info->estimatedRows = 1000;
	info->estimatedCost = query_total_rows(q) * plan.rows / 50 + 100;
	return SQLITE_OK;
}

static int counts_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **ret_cursor)
{
	struct counts_cursor *c = calloc(1, sizeof(*c));

	if (!c)
		return SQLITE_NOMEM;
	c->q = ((struct query_table *)vtab)->q;
	*ret_cursor = &c->base;
	return SQLITE_OK;
}

static void forget(struct counts_cursor *c)
{
	if (!c->running)
		return;
	query_filter_fini(&c->filter);
	query_groups_fini(&c->groups);
	c->running = false;
}

static int counts_close(sqlite3_vtab_cursor *cursor)
{
	forget((struct counts_cursor *)cursor);
	free(cursor);
	return SQLITE_OK;
}

static int count_all(struct counts_cursor *c, struct err *e)
{
	struct query_view view;
	int r = query_view_init(&view, c->q->reader, e);

	if (r == 0) {
		r = query_groups_run(&c->groups, c->q, &c->filter, &view, e);
		query_view_fini(&view);
	}
	return r;
}

static int counts_filter(sqlite3_vtab_cursor *cursor, int used, const char *plan, int argc,
			 sqlite3_value **argv)
{
	struct counts_cursor *c = (struct counts_cursor *)cursor;
	enum group_by by[GROUP_DIMENSIONS];
	struct err e = ERR_INIT;
	unsigned n = 0;
	int r;

	forget(c);
	for (unsigned i = 0; i < GROUP_DIMENSIONS; i++) {
		c->dimension_of[i] = UINT_MAX;
		if (used & (1 << i)) {
			c->dimension_of[i] = n;
			by[n++] = (enum group_by)i;
		}
	}
	c->running = true;
	c->group = 0;
	r = query_groups_init(&c->groups, by, n, used & (1 << COUNTS_N), &e);
	if (r == 0)
		r = query_filter_init(&c->filter, plan, argc, argv, &e);
	if (r == 0)
		r = count_all(c, &e);
	return r < 0 ? query_vtab_fail(cursor->pVtab, &e) : SQLITE_OK;
}

static int counts_next(sqlite3_vtab_cursor *cursor)
{
	((struct counts_cursor *)cursor)->group++;
	return SQLITE_OK;
}

static int counts_eof(sqlite3_vtab_cursor *cursor)
{
	struct counts_cursor *c = (struct counts_cursor *)cursor;

	return c->group >= c->groups.tuples.n;
}

static int counts_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *ret_rowid)
{
	*ret_rowid = (sqlite3_int64)((struct counts_cursor *)cursor)->group;
	return SQLITE_OK;
}

static int counts_column(sqlite3_vtab_cursor *cursor, sqlite3_context *ctx, int column)
{
	struct counts_cursor *c = (struct counts_cursor *)cursor;

	if (column == COUNTS_N)
		sqlite3_result_int64(ctx, (sqlite3_int64)c->groups.sum[c->group]);
	else if (column == COUNTS_ROWS)
		sqlite3_result_int64(ctx, (sqlite3_int64)c->groups.rows[c->group]);
	else if (column < GROUP_DIMENSIONS && c->dimension_of[column] != UINT_MAX)
		query_group_result(ctx, c->q, (enum group_by)column,
				   query_groups_key(&c->groups, c->group, c->dimension_of[column]));
	return SQLITE_OK;
}

int query_counts_register(struct query *q)
{
	static const sqlite3_module module = {
		.iVersion = 1,
		.xConnect = counts_connect,
		.xBestIndex = counts_best,
		.xDisconnect = query_table_disconnect,
		.xOpen = counts_open,
		.xClose = counts_close,
		.xFilter = counts_filter,
		.xNext = counts_next,
		.xEof = counts_eof,
		.xColumn = counts_column,
		.xRowid = counts_rowid,
	};

	return sqlite3_create_module(q->db, "counts", &module, q);
}

void query_counts_schema(void (*each)(void *ctx, const struct query_schema_line *line), void *ctx)
{
	for (unsigned i = 0; i < COUNTS_COLUMNS; i++) {
		struct query_schema_line line = {
			"counts", "events counted by the columns that the query uses; fast",
			columns[i].name, strncmp(columns[i].kind, "TEXT", 4) ? "INTEGER" : "TEXT",
			columns[i].what};

		each(ctx, &line);
	}
}
