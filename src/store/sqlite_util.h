/* sqlite_util.h - the edge between SQLite's result codes and bytes, and Amber's. */
#ifndef AMBER_STORE_SQLITE_UTIL_H
#define AMBER_STORE_SQLITE_UTIL_H

#include <sqlite3.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/span.h"

static inline void sqlite_stmt_at(sqlite3_stmt **stmt)
{
	sqlite3_finalize(*stmt);
}
DEFINE_AUTO(stmt, sqlite3_stmt *, sqlite_stmt_at);

/* The errno that comes nearest to an SQLite result code. */
int sqlite_errno(int code);

/* Records what went wrong last on `db`: "cannot `what`: SQLite's words". */
int sqlite_err(struct err *e, sqlite3 *db, const char *what);

/* Whether hostile bytes may be TEXT: UTF-8 without NUL. */
bool sqlite_is_text(struct span bytes);

/* Binds bytes as TEXT or BLOB; the empty span is NULL.  The bytes must outlive the step. */
int sqlite_bind_bytes(sqlite3_stmt *stmt, int at, struct span bytes);

/* A column's bytes, borrowed until the next step; NULL gives the empty span. */
struct span sqlite_column_span(sqlite3_stmt *stmt, int at);

#endif
