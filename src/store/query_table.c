/* query_table.c - what the virtual tables have in common. */
#include "store/query_cursor.h"

int query_table_declare(sqlite3 *db, struct query *q, struct buf *columns, sqlite3_vtab **ret_vtab)
{
	struct query_table *table = NULL;
	const char *text = buf_text(columns);
	char *sql = text ? sqlite3_mprintf("CREATE TABLE x(%s)", text) : NULL;
	int code = sql ? sqlite3_declare_vtab(db, sql) : SQLITE_NOMEM;

	sqlite3_free(sql);
	if (code != SQLITE_OK)
		return code;
	table = sqlite3_malloc(sizeof(*table));
	if (!table)
		return SQLITE_NOMEM;
	*table = (struct query_table){.q = q};
	*ret_vtab = &table->base;
	return SQLITE_OK;
}

int query_table_disconnect(sqlite3_vtab *vtab)
{
	sqlite3_free(vtab);
	return SQLITE_OK;
}
