/* catalog_read.c - the catalog's reader. */
#include "store/catalog.h"
#include "store/catalog_columns.h"
#include "store/catalog_db.h"
#include "store/sqlite_util.h"

static enum container_runtime runtime_of(struct span name)
{
	for (int i = RUNTIME_UNKNOWN; i <= RUNTIME_CRUN; i++) {
		if (span_is(name, container_runtime_name((enum container_runtime)i)))
			return (enum container_runtime)i;
	}
	return RUNTIME_UNKNOWN;
}

static enum container_state state_of(struct span name)
{
	for (int i = CONTAINER_CREATED; i < CONTAINER_DEAD; i++) {
		if (span_is(name, container_state_name((enum container_state)i)))
			return (enum container_state)i;
	}
	return CONTAINER_DEAD;
}

static void read_column(sqlite3_stmt *stmt, int at, const struct catalog_column *column,
			struct container *c)
{
	char *p = (char *)c + column->offset;
	bool null = sqlite3_column_type(stmt, at) == SQLITE_NULL;

	switch (column->kind) {
	case CATALOG_TEXT:
		*(struct span *)p = sqlite_column_span(stmt, at);
		break;
	case CATALOG_U64:
		*(uint64_t *)p = (uint64_t)sqlite3_column_int64(stmt, at);
		break;
	case CATALOG_U32:
		*(uint32_t *)p = (uint32_t)sqlite3_column_int64(stmt, at);
		break;
	case CATALOG_I32:
		*(int32_t *)p = null ? -1 : sqlite3_column_int(stmt, at);
		break;
	case CATALOG_TRUTH:
		*(enum truth *)p = null				  ? TRUTH_UNKNOWN
				   : sqlite3_column_int(stmt, at) ? TRUTH_YES
								  : TRUTH_NO;
		break;
	case CATALOG_RUNTIME:
		*(enum container_runtime *)p = runtime_of(sqlite_column_span(stmt, at));
		break;
	case CATALOG_STATE:
		*(enum container_state *)p = state_of(sqlite_column_span(stmt, at));
		break;
	}
}

static void read_container(sqlite3_stmt *stmt, struct catalog_container *ret)
{
	int at = 0;

	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < catalog_column_count; i++)
		read_column(stmt, at++, &catalog_columns[i], &ret->container);
	ret->labels = sqlite_column_span(stmt, at++);
	ret->mounts = sqlite_column_span(stmt, at++);
	ret->seen_ns = (uint64_t)sqlite3_column_int64(stmt, at);
}

static int finish(struct catalog *c, sqlite3_stmt *stmt, int code, int result, struct err *e)
{
	sqlite3_reset(stmt);
	if (result || code == SQLITE_DONE)
		return result;
	return catalog_fail(c, "read", e);
}

int catalog_containers(struct catalog *catalog, struct span which,
		       int (*each)(void *ctx, const struct catalog_container *c), void *ctx,
		       struct err *e)
{
	static const char sql[] =
		"SELECT * FROM containers WHERE ?1 IS NULL OR name = ?1 OR substr(id, 1, "
		"length(?1)) "
		"= ?1 ORDER BY state = 'dead', coalesce(died_ns, 0) DESC, created_ns DESC, id";
	AUTO(stmt) sqlite3_stmt *stmt = NULL;
	int code, result = 0;

	if (sqlite3_prepare_v2(catalog->db, sql, -1, &stmt, NULL) != SQLITE_OK ||
	    sqlite_bind_bytes(stmt, 1, which) != SQLITE_OK)
		return catalog_fail(catalog, "look for containers", e);
	while ((code = sqlite3_step(stmt)) == SQLITE_ROW && result == 0) {
		struct catalog_container c;

		read_container(stmt, &c);
		result = each(ctx, &c);
	}
	return finish(catalog, stmt, code, result, e);
}
