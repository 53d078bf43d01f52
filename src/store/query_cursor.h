/* query_cursor.h - walking over rows of the journal, and their values as SQL sees them. */
#ifndef AMBER_STORE_QUERY_CURSOR_H
#define AMBER_STORE_QUERY_CURSOR_H

#include "store/query_filter.h"
#include "store/query_internal.h"

#define SCAN_PARTS 8u /* blocks that may be open at once */

/* Every virtual table here is this. */
struct query_table {
	sqlite3_vtab base;
	struct query *q;
};

/* Makes the table with these columns: what stands between the brackets of CREATE TABLE.  Returns
 * a code of SQLite. */
int query_table_declare(sqlite3 *db, struct query *q, struct buf *columns, sqlite3_vtab **ret_vtab);

int query_table_disconnect(sqlite3_vtab *vtab);

/* Rows of all blocks. */
double query_total_rows(struct query *q);

enum scan_order {
	SCAN_JOURNAL,
	SCAN_TIME_UP,
	SCAN_TIME_DOWN,
};

/* One open block and its rows that are still to come. */
struct scan_part {
	bool ready;
	struct query_view view;
	uint32_t *rows; /* [LIMIT_BLOCK_ROWS] */
	uint32_t n, at;
};

struct query_scan {
	struct query *q;
	struct query_filter *filter; /* borrowed */
	enum scan_order order;
	size_t *blocks; /* to come, in order; NULL: all, by number */
	size_t block_n, next;
	struct scan_part parts[SCAN_PARTS];
	struct scan_part *now; /* the row is now->rows[now->at]; NULL at the end */
};

void query_scan_init(struct query_scan *s, struct query *q);
void query_scan_fini(struct query_scan *s);

/* Whether few enough blocks overlap in time at any moment. */
bool query_scan_can_order(const struct journal_reader *reader);

/* Goes to the first row. */
int query_scan_start(struct query_scan *s, struct query_filter *filter, enum scan_order order,
		     struct err *e);
int query_scan_next(struct query_scan *s, struct err *e);

/* A view to use for something else than a scan. */
int query_scan_view(struct query_scan *s, struct query_view **ret_view, struct err *e);

/* The value of column `number` of events in the part's row. */
int query_part_result(struct scan_part *part, sqlite3_context *ctx, unsigned number, struct err *e);

#endif
