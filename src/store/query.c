/* query.c - the SQLite in memory around the journal's tables, locked down. */
#include "store/query.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/path.h"
#include "store/query_columns.h"
#include "store/query_internal.h"
#include "store/vault.h"

static const char views_sql[] =
	"CREATE TEMP VIEW files AS SELECT time, time_ns, container, container_name, image, pid, "
	"comm,"
	" exe, path, size, sha256, amber_kept(sha256) AS kept, mode, reason, marks"
	" FROM events WHERE type = 'file.kept';"
	"CREATE TEMP VIEW gaps AS SELECT time, time_ns, container, container_name, image, reason,"
	" lost, from_time, to_time, text FROM events WHERE type = 'gap';";

static const struct query_schema_line view_lines[] = {
	{"files", "contents that were kept: the events file.kept", "kept", "INTEGER",
	 "1 when the vault holds the content now; the others as in events"},
	{"gaps", "what was lost, skipped or cut: the events gap", "lost", "INTEGER",
	 "how many, 0 when that cannot be known; the others as in events"},
};

static const char *const pragmas[] = {"table_info",    "table_xinfo",	"table_list",
				      "function_list", "database_list", "compile_options"};

static bool pragma_allowed(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(pragmas); i++) {
		if (sqlite3_stricmp(name, pragmas[i]) == 0)
			return true;
	}
	return false;
}

static int authorize(void *ctx, int action, const char *one, const char *two, const char *db,
		     const char *trigger)
{
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_READ:
	case SQLITE_RECURSIVE:
		return SQLITE_OK;
	case SQLITE_FUNCTION: /* the name is the second argument */
		return two && (sqlite3_stricmp(two, "load_extension") == 0 ||
			       sqlite3_stricmp(two, "fts3_tokenizer") == 0 ||
			       sqlite3_stricmp(two, "writefile") == 0 ||
			       sqlite3_stricmp(two, "edit") == 0)
			       ? SQLITE_DENY
			       : SQLITE_OK;
	case SQLITE_PRAGMA:
		return pragma_allowed(one) ? SQLITE_OK : SQLITE_DENY;
	default:
		return SQLITE_DENY;
	}
}

static int on_progress(void *ctx)
{
	struct err ignored = ERR_INIT; /* query_run asks again for the words */

	return query_check(ctx, &ignored) < 0;
}

static void set_limits(sqlite3 *db)
{
	sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 64 << 20);
	sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, 1 << 20);
	sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_limit(db, SQLITE_LIMIT_WORKER_THREADS, 0);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	/* "word" for a column that is not there must be an error, not the text 'word'. */
	sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
}

/* The tables declare themselves on first use, which the authorizer would not let them. */
static const char touch_sql[] = "SELECT 1 FROM events, counts, containers LIMIT 0";

static int open_tables(struct query *q, struct err *e)
{
	if (sqlite3_open_v2(":memory:", &q->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK ||
	    query_functions_register(q) != SQLITE_OK || query_events_register(q) != SQLITE_OK ||
	    query_counts_register(q) != SQLITE_OK || query_containers_register(q) != SQLITE_OK ||
	    sqlite3_exec(q->db, views_sql, NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_exec(q->db, touch_sql, NULL, NULL, NULL) != SQLITE_OK)
		return sqlite_err(e, q->db, "prepare the query tables");
	set_limits(q->db);
	sqlite3_set_authorizer(q->db, authorize, q);
	sqlite3_progress_handler(q->db, 100000, on_progress, q);
	return 0;
}

int query_open(const char *state_dir, struct query **ret_query, struct err *e)
{
	struct query *q = calloc(1, sizeof(*q));
	int r;

	if (!q)
		return err_set(e, ENOMEM, "no memory for a query");
	intern_init(&q->texts);
	r = path_print(q->state_dir, e, "%s", state_dir);
	if (r == 0)
		r = journal_reader_open(state_dir, &q->reader, e);
	if (r == 0)
		r = open_tables(q, e);
	if (r < 0) {
		query_close(q);
		return r;
	}
	*ret_query = q;
	return 0;
}

void query_close(struct query *q)
{
	if (!q)
		return;
	sqlite3_close_v2(q->db);
	journal_block_free(q->spare);
	journal_reader_close(q->reader);
	vault_close_reader(q->vault);
	intern_fini(&q->texts);
	free(q);
}

void query_set_timeout(struct query *q, unsigned timeout_ms)
{
	q->timeout_ms = timeout_ms;
}

/* Only the flag: sqlite3_interrupt is not for signal handlers, and the progress handler and every
 * block ask for it often enough. */
void query_interrupt(struct query *q)
{
	__atomic_store_n(&q->interrupted, true, __ATOMIC_RELAXED);
}

int query_check(struct query *q, struct err *e)
{
	if (__atomic_load_n(&q->interrupted, __ATOMIC_RELAXED))
		return err_set(e, EINTR, "the query was interrupted");
	if (q->deadline_ns && clock_boot_ns() > q->deadline_ns)
		return err_set(e, ETIME, "the query took longer than %u ms; narrow it by time",
			       q->timeout_ms);
	return 0;
}

int query_skip(struct query *q, int r, struct err *e)
{
	if (r == -ENOENT) {
		err_clear(e);
		return 0;
	}
	if (r != -EBADMSG && r != -EIO)
		return r;
	if (q->damaged++ == 0)
		snprintf(q->first_damage, sizeof(q->first_damage), "%s", e->text);
	err_clear(e);
	return 0;
}

size_t query_damaged(const struct query *q, char *ret_first)
{
	char first[LIMIT_ERR_TEXT] = "";
	size_t files = journal_reader_damaged(q->reader, first);

	if (ret_first)
		snprintf(ret_first, LIMIT_ERR_TEXT, "%s", q->damaged ? q->first_damage : first);
	return q->damaged + files;
}

int query_intern(struct query *q, struct span text, uint32_t *ret_number, struct err *e)
{
	if (intern_find(&q->texts, text, ret_number))
		return 0;
	if (q->texts.n >= LIMIT_QUERY_TEXTS / 64 || text.n > LIMIT_PATH)
		return err_set(e, E2BIG, "too many different texts to count by; narrow the query");
	return intern_get(&q->texts, text, ret_number) < 0
		       ? err_set(e, ENOMEM, "no memory for the texts of a query")
		       : 0;
}

int query_vtab_fail(sqlite3_vtab *vtab, const struct err *e)
{
	sqlite3_free(vtab->zErrMsg);
	vtab->zErrMsg = sqlite3_mprintf("%s", e->text);
	switch (e->code) {
	case ENOMEM:
		return SQLITE_NOMEM;
	case EINTR:
	case ETIME:
		return SQLITE_INTERRUPT;
	case E2BIG:
		return SQLITE_TOOBIG;
	default:
		return SQLITE_ERROR;
	}
}

void query_result_bytes(sqlite3_context *ctx, struct span bytes, bool shared)
{
	sqlite3_destructor_type life = shared ? SQLITE_STATIC : SQLITE_TRANSIENT;
	const char *p = bytes.n ? (const char *)bytes.p : "";

	if (sqlite_is_text(bytes))
		sqlite3_result_text64(ctx, p, bytes.n, life, SQLITE_UTF8);
	else
		sqlite3_result_blob64(ctx, p, bytes.n, life);
}

static void read_value(sqlite3_stmt *stmt, int at, struct query_value *ret)
{
	*ret = (struct query_value){.kind = QUERY_NULL};
	switch (sqlite3_column_type(stmt, at)) {
	case SQLITE_INTEGER:
		ret->kind = QUERY_INTEGER;
		ret->integer = sqlite3_column_int64(stmt, at);
		return;
	case SQLITE_FLOAT:
		ret->kind = QUERY_REAL;
		ret->real = sqlite3_column_double(stmt, at);
		return;
	case SQLITE_TEXT:
		ret->kind = QUERY_TEXT;
		ret->bytes = sqlite_column_span(stmt, at);
		return;
	case SQLITE_BLOB:
		ret->kind = QUERY_BLOB;
		ret->bytes = sqlite_column_span(stmt, at);
		return;
	default:
		return;
	}
}

static int prepare(struct query *q, const char *sql, sqlite3_stmt **ret_stmt, struct err *e)
{
	const char *rest = NULL;

	if (sqlite3_prepare_v2(q->db, sql, -1, ret_stmt, &rest) != SQLITE_OK) {
		int at = sqlite3_error_offset(q->db);
		int r = sqlite_err(e, q->db, "run the query");

		return at < 0 ? r : err_hint(e, "at character %d", at + 1);
	}
	while (rest && (*rest == ' ' || *rest == '\t' || *rest == '\n' || *rest == ';'))
		rest++;
	if (!*ret_stmt)
		return err_set(e, EINVAL, "the query is empty");
	if (rest && *rest)
		return err_set(e, EINVAL, "one statement at a time; something follows: '%.40s'",
			       rest);
	if (!sqlite3_stmt_readonly(*ret_stmt))
		return err_set(e, EPERM, "queries only read");
	return 0;
}

static int call_columns(sqlite3_stmt *stmt, const struct query_handler *h, size_t n, struct err *e)
{
	AUTO(free) const char **names = calloc(n + 1, sizeof(*names));

	if (!h->columns)
		return 0;
	if (!names)
		return err_set(e, ENOMEM, "no memory for the columns of a query");
	for (size_t i = 0; i < n; i++)
		names[i] = sqlite3_column_name(stmt, (int)i);
	return h->columns(h->ctx, names, n);
}

static int step_rows(struct query *q, sqlite3_stmt *stmt, const struct query_handler *h,
		     struct err *e)
{
	size_t n = (size_t)sqlite3_column_count(stmt);
	AUTO(free) struct query_value *values = calloc(n + 1, sizeof(*values));
	int code, r;

	if (!values)
		return err_set(e, ENOMEM, "no memory for the rows of a query");
	r = call_columns(stmt, h, n, e);
	if (r)
		return r;
	while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
		for (size_t i = 0; i < n; i++)
			read_value(stmt, (int)i, &values[i]);
		r = h->row(h->ctx, values, n);
		if (r)
			return r;
	}
	if (code == SQLITE_DONE)
		return 0;
	if (query_check(q, e) < 0)
		return -e->code;
	return sqlite_err(e, q->db, "run the query");
}

int query_run(struct query *q, const char *sql, const struct query_handler *handler, struct err *e)
{
	AUTO(stmt) sqlite3_stmt *stmt = NULL;
	int r = journal_reader_refresh(q->reader, e);

	if (r < 0)
		return r;
	__atomic_store_n(&q->interrupted, false, __ATOMIC_RELAXED);
	q->deadline_ns = q->timeout_ms ? clock_boot_ns() + q->timeout_ms * 1000000ull : 0;
	r = prepare(q, sql, &stmt, e);
	return r < 0 ? r : step_rows(q, stmt, handler, e);
}

void query_schema(void (*each)(void *ctx, const struct query_schema_line *line), void *ctx)
{
	for (unsigned i = 0; i < QUERY_COLUMNS; i++) {
		struct query_column column = query_column_get(i);
		struct query_schema_line line = {"events", "everything that happened", column.name,
						 query_column_kind(&column), column.what};

		each(ctx, &line);
	}
	query_counts_schema(each, ctx);
	query_containers_schema(each, ctx);
	for (size_t i = 0; i < ARRAY_LEN(view_lines); i++)
		each(ctx, &view_lines[i]);
	query_functions_schema(each, ctx);
}
