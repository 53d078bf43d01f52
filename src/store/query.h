/* query.h - plain SQL over the journal.
 *
 * An SQLite in memory whose tables are the journal (query_schema prints them).  Read-only: an
 * authorizer admits SELECT and a few PRAGMAs only.  Works while the recorder writes: each query_run
 * begins with a fresh look at the journal.
 *
 * Bytes from containers are TEXT when they are UTF-8 without NUL, else BLOB.  What is unknown, or
 * what a type of event does not have, is NULL.
 *
 * One thread at a time uses a query; query_interrupt alone may come from any other. */
#ifndef AMBER_STORE_QUERY_H
#define AMBER_STORE_QUERY_H

#include <stdbool.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/span.h"

struct query;

/* Opens the journal below `state_dir`.  A journal that is empty or not there has no rows. */
int query_open(const char *state_dir, struct query **ret_query, struct err *e);
void query_close(struct query *query);

static inline void query_close_at(struct query **query)
{
	query_close(*query);
}
DEFINE_AUTO(query, struct query *, query_close_at);

/* How long a query may run; 0 is no limit, which is the default. */
void query_set_timeout(struct query *query, unsigned timeout_ms);

enum query_kind {
	QUERY_NULL,
	QUERY_INTEGER,
	QUERY_REAL,
	QUERY_TEXT, /* UTF-8 */
	QUERY_BLOB,
};

struct query_value {
	enum query_kind kind;
	int64_t integer;
	double real;
	struct span bytes; /* of text and blob */
};

/* Borrowed for the call.  A non-zero return stops the query and is what query_run returns. */
struct query_handler {
	/* Once, before the rows; may be NULL. */
	int (*columns)(void *ctx, const char *const *names, size_t n);
	int (*row)(void *ctx, const struct query_value *values, size_t n);
	void *ctx;
};

/* Runs one statement.  -EINVAL for SQL that is wrong (the text says where), -EPERM for what is not
 * allowed, -EINTR, -ETIME, -E2BIG. */
int query_run(struct query *query, const char *sql, const struct query_handler *handler,
	      struct err *e);

/* Stops a running query_run, which then returns -EINTR.  Any thread, also a signal handler. */
void query_interrupt(struct query *query);

/* Parts of the journal that could not be read, so that rows are missing: how many in all since
 * query_open, and the words for the first (LIMIT_ERR_TEXT bytes, may be NULL). */
size_t query_damaged(const struct query *query, char *ret_first);

/* The tables and columns, printed from the tables of events. */
struct query_schema_line {
	const char *table, *table_what;
	const char *column, *kind, *what;
};
void query_schema(void (*each)(void *ctx, const struct query_schema_line *line), void *ctx);

#endif
