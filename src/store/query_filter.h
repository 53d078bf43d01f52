/* query_filter.h - the part of a WHERE that is decided on whole blocks, dictionaries and columns
 * before SQLite sees a row.
 *
 * xBestIndex writes the usable terms into a plan string, xFilter makes a filter from it and the
 * values, and the filter gives the rows of each block.  Rows it leaves out certainly do not match.
 * SQLite checks the rest again, but for terms on `time`, which are exact here: they compare times,
 * not texts. */
#ifndef AMBER_STORE_QUERY_FILTER_H
#define AMBER_STORE_QUERY_FILTER_H

#include "store/query_columns.h"
#include "store/query_match.h"
#include "store/query_view.h"
#include "store/sqlite_util.h"

struct query_term {
	struct query_column column;
	unsigned number; /* of the column */
	enum query_op op;
	bool has_pattern;
	struct query_pattern pattern;
	int64_t value;	 /* of a term on numbers */
	int64_t *values; /* QUERY_IN, sorted */
	size_t value_n;
	uint8_t *table; /* of the block: which entries of a table or dictionary match */
	uint32_t table_cap;
};

struct query_filter {
	struct journal_filter prune;
	struct query_term *terms;
	size_t n;
	bool none;	    /* no row can match */
	uint8_t types[256]; /* 1: the type may match */
	bool all_types;
	uint8_t *keep, *hits; /* [LIMIT_BLOCK_ROWS] */
};

/* What a plan can use. */
struct query_plan {
	char *text;	      /* sqlite3_malloc; goes to idxStr */
	double rows;	      /* share of the rows that is expected to be left, 0..1 */
	uint64_t exact_equal; /* head columns with a term `= value` on type or container */
	bool only_exact;      /* every term of the WHERE is one of those, or on `time` */
};

/* Chooses terms.  `columns` maps the table's columns to those of events, UINT_MAX for none; NULL is
 * one to one.  SQLITE_OK, SQLITE_NOMEM, or SQLITE_CONSTRAINT when this order of tables cannot be.
 */
int query_plan_make(sqlite3_index_info *info, const unsigned *columns, struct query_plan *ret_plan);

int query_filter_init(struct query_filter *f, const char *plan, int argc, sqlite3_value **argv,
		      struct err *e);
void query_filter_fini(struct query_filter *f);

/* Fills ret_rows ([LIMIT_BLOCK_ROWS]) with the rows of the loaded block that may match, ascending.
 */
int query_filter_block(struct query_filter *f, struct query_view *v, uint32_t *ret_rows,
		       uint32_t *ret_n, struct err *e);

#endif
