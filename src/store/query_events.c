/* query_events.c - table `events`: every row of the journal.
 *
 * A cursor walks in one of three ways: block by block in the order of the journal; in the order of
 * time, with a few overlapping blocks open at once, so that ORDER BY time LIMIT 20 reads the end
 * only; or, when nothing but the columns of a GROUP BY is looked at, over native counts, giving
 * each group's rows one behind the other. */
#include "base/clock.h"
#include "base/limits.h"
#include "store/query_cursor.h"
#include "store/query_group.h"

enum {
	WALK_TIME_UP = 1,
	WALK_TIME_DOWN = 2,
	WALK_GROUPS = 4,
	WALK_DISTINCT = 8,   /* each group once */
	WALK_DOWN_SHIFT = 4, /* which dimensions come in descending order */
	WALK_BY_SHIFT = 8,   /* dimensions, eight bits each, plus one */
	WALK_BY_MAX = 2,
};

struct events_cursor {
	sqlite3_vtab_cursor base;
	struct query *q;
	struct query_filter filter;
	bool has_filter;
	int walk;
	struct query_scan scan;
	struct query_groups groups;
	bool has_groups;
	uint32_t *order; /* of the groups */
	size_t group;	 /* place in it */
	uint64_t left;	 /* rows of the group that are still to be given */
};

static int events_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
			  sqlite3_vtab **ret_vtab, char **ret_error)
{
	AUTO(buf) struct buf b;

	buf_init(&b, 65536);
	for (unsigned i = 0; i < QUERY_COLUMNS; i++) {
		struct query_column column = query_column_get(i);

		buf_addf(&b, "%s\"%s\" %s", i ? ", " : "", column.name, query_column_kind(&column));
	}
	return query_table_declare(db, aux, &b, ret_vtab);
}

static uint64_t bit_of(unsigned column)
{
	return 1ull << (column < 63 ? column : 63);
}

/* Whether native counts can stand for the rows: only the grouped columns are looked at, and those
 * whose value the WHERE gives. */
static bool can_group(sqlite3_index_info *info, const struct query_plan *plan, int *ret_walk)
{
	int distinct = sqlite3_vtab_distinct(info);
	uint64_t known = plan->exact_equal;
	int walk = WALK_GROUPS | (distinct >= 2 ? WALK_DISTINCT : 0);

	if (distinct < 1 || !plan->only_exact || info->nOrderBy < 1 || info->nOrderBy > WALK_BY_MAX)
		return false;
	for (int i = 0; i < info->nOrderBy; i++) {
		enum group_by by;

		if (info->aOrderBy[i].iColumn < 0 ||
		    !query_group_of((unsigned)info->aOrderBy[i].iColumn, &by))
			return false;
		known |= bit_of((unsigned)info->aOrderBy[i].iColumn);
		walk |= (int)(by + 1u) << (WALK_BY_SHIFT + 8 * i);
		/* In order, though a GROUP BY asks for none: SQLite takes it for the order of an
		 * ORDER BY on the same columns. */
		walk |= (info->aOrderBy[i].desc ? 1 : 0) << (WALK_DOWN_SHIFT + i);
	}
	if (info->colUsed & ~known)
		return false;
	*ret_walk = walk;
	return true;
}

static bool can_order(struct query *q, sqlite3_index_info *info, int *ret_walk)
{
	int column = info->nOrderBy == 1 ? info->aOrderBy[0].iColumn : -1;

	if ((column != QUERY_HEAD_TIME && column != QUERY_HEAD_TIME_NS) ||
	    !query_scan_can_order(q->reader))
		return false;
	*ret_walk = info->aOrderBy[0].desc ? WALK_TIME_DOWN : WALK_TIME_UP;
	return true;
}

double query_total_rows(struct query *q)
{
	size_t blocks = journal_reader_blocks(q->reader);
	double rows = 0;

	for (size_t i = 0; i < blocks; i++)
		rows += journal_reader_block(q->reader, i)->rows;
	return rows;
}

static int events_best(sqlite3_vtab *vtab, sqlite3_index_info *info)
{
	struct query *q = ((struct query_table *)vtab)->q;
	struct query_plan plan;
	int walk = 0, code = query_plan_make(info, NULL, &plan);
	double rows;

	if (code != SQLITE_OK)
		return code;
	rows = query_total_rows(q) * plan.rows;
	info->idxStr = plan.text;
	info->needToFreeIdxStr = 1;
	info->estimatedRows = (sqlite3_int64)rows + 1;
	info->estimatedCost = rows + 100;
	if (can_group(info, &plan, &walk) || can_order(q, info, &walk))
		info->orderByConsumed = 1;
	info->idxNum = walk;
	return SQLITE_OK;
}

static int events_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **ret_cursor)
{
	struct events_cursor *c = calloc(1, sizeof(*c));

	if (!c)
		return SQLITE_NOMEM;
	c->q = ((struct query_table *)vtab)->q;
	query_scan_init(&c->scan, c->q);
	*ret_cursor = &c->base;
	return SQLITE_OK;
}

static void forget(struct events_cursor *c)
{
	if (c->has_filter)
		query_filter_fini(&c->filter);
	if (c->has_groups)
		query_groups_fini(&c->groups);
	free(c->order);
	c->order = NULL;
	c->has_filter = c->has_groups = false;
}

static int events_close(sqlite3_vtab_cursor *cursor)
{
	struct events_cursor *c = (struct events_cursor *)cursor;

	forget(c);
	query_scan_fini(&c->scan);
	free(c);
	return SQLITE_OK;
}

static void next_group(struct events_cursor *c)
{
	c->left = 0;
	if (c->group < c->groups.tuples.n)
		c->left = c->walk & WALK_DISTINCT ? 1 : c->groups.rows[c->order[c->group]];
}

static int start_groups(struct events_cursor *c, struct err *e)
{
	enum group_by by[WALK_BY_MAX];
	struct query_view *view;
	unsigned n = 0;
	int r;

	for (unsigned i = 0; i < WALK_BY_MAX; i++) {
		int code = (c->walk >> (WALK_BY_SHIFT + 8 * i)) & 0xff;

		if (code)
			by[n++] = (enum group_by)(code - 1);
	}
	c->has_groups = true;
	c->group = 0;
	r = query_groups_init(&c->groups, by, n, false, e);
	if (r == 0)
		r = query_scan_view(&c->scan, &view, e);
	if (r == 0)
		r = query_groups_run(&c->groups, c->q, &c->filter, view, e);
	if (r == 0)
		r = query_groups_sort(&c->groups, c->q, (unsigned)c->walk >> WALK_DOWN_SHIFT & 3,
				      &c->order, e);
	if (r == 0)
		next_group(c);
	return r;
}

static int events_filter(sqlite3_vtab_cursor *cursor, int walk, const char *plan, int argc,
			 sqlite3_value **argv)
{
	struct events_cursor *c = (struct events_cursor *)cursor;
	struct err e = ERR_INIT;
	int r;

	forget(c);
	c->walk = walk;
	c->has_filter = true;
	r = query_filter_init(&c->filter, plan, argc, argv, &e);
	if (r == 0 && walk & WALK_GROUPS)
		r = start_groups(c, &e);
	else if (r == 0)
		r = query_scan_start(&c->scan, &c->filter,
				     walk & WALK_TIME_UP     ? SCAN_TIME_UP
				     : walk & WALK_TIME_DOWN ? SCAN_TIME_DOWN
							     : SCAN_JOURNAL,
				     &e);
	return r < 0 ? query_vtab_fail(cursor->pVtab, &e) : SQLITE_OK;
}

static int events_next(sqlite3_vtab_cursor *cursor)
{
	struct events_cursor *c = (struct events_cursor *)cursor;
	struct err e = ERR_INIT;

	if (c->walk & WALK_GROUPS) {
		if (--c->left == 0) {
			c->group++;
			next_group(c);
		}
		return SQLITE_OK;
	}
	return query_scan_next(&c->scan, &e) < 0 ? query_vtab_fail(cursor->pVtab, &e) : SQLITE_OK;
}

static int events_eof(sqlite3_vtab_cursor *cursor)
{
	struct events_cursor *c = (struct events_cursor *)cursor;

	return c->walk & WALK_GROUPS ? c->left == 0 : c->scan.now == NULL;
}

static int events_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *ret_rowid)
{
	struct events_cursor *c = (struct events_cursor *)cursor;
	struct scan_part *part = c->scan.now;

	*ret_rowid =
		part ? (sqlite3_int64)(part->view.number * LIMIT_BLOCK_ROWS + part->rows[part->at])
		     : (sqlite3_int64)c->group;
	return SQLITE_OK;
}

static int group_column(struct events_cursor *c, sqlite3_context *ctx, unsigned number)
{
	enum group_by by;

	for (unsigned d = 0; d < c->groups.dimensions; d++) {
		if (query_group_of(number, &by) && by == c->groups.by[d]) {
			query_group_result(ctx, c->q, by,
					   query_groups_key(&c->groups, c->order[c->group], d));
			return SQLITE_OK;
		}
	}
	/* A column that the WHERE gives the value of. */
	for (size_t i = 0; i < c->filter.n; i++) {
		struct query_term *t = &c->filter.terms[i];

		if (t->number == number && t->op == QUERY_EQ)
			query_result_bytes(ctx, span_make(t->pattern.text, t->pattern.n), false);
	}
	return SQLITE_OK;
}

static int events_column(sqlite3_vtab_cursor *cursor, sqlite3_context *ctx, int column)
{
	struct events_cursor *c = (struct events_cursor *)cursor;
	struct err e = ERR_INIT;
	int r;

	if (c->walk & WALK_GROUPS)
		return group_column(c, ctx, (unsigned)column);
	r = query_part_result(c->scan.now, ctx, (unsigned)column, &e);
	/* A damaged column of a block is NULL and told beside the result. */
	if (r < 0 && query_skip(c->q, r, &e) < 0)
		return query_vtab_fail(cursor->pVtab, &e);
	return SQLITE_OK;
}

int query_events_register(struct query *q)
{
	static const sqlite3_module module = {
		.iVersion = 1,
		.xConnect = events_connect,
		.xBestIndex = events_best,
		.xDisconnect = query_table_disconnect,
		.xOpen = events_open,
		.xClose = events_close,
		.xFilter = events_filter,
		.xNext = events_next,
		.xEof = events_eof,
		.xColumn = events_column,
		.xRowid = events_rowid,
	};

	return sqlite3_create_module(q->db, "events", &module, q);
}
