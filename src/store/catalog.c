/* catalog.c - the catalog's writer. */
#include "store/catalog.h"

#include <pthread.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/path.h"
#include "store/catalog_columns.h"
#include "store/catalog_db.h"
#include "store/sqlite_util.h"

#define BATCH 1000u

int catalog_path(const char *state_dir, char ret_path[LIMIT_PATH], struct err *e)
{
	return path_print(ret_path, e, "%s/catalog.db", state_dir);
}

static int damaged(struct catalog *c, struct err *e)
{
	return err_hint(e,
			"delete '%s' and the files beside it that begin with its name: it is built "
			"anew from the journal",
			c->path);
}

int catalog_fail(struct catalog *c, const char *what, struct err *e)
{
	int r = sqlite_err(e, c->db, what);

	err_prefix(e, "catalog '%s'", c->path);
	return r == -EBADMSG ? damaged(c, e) : r;
}

static void containers_sql(struct buf *b)
{
	buf_add_text(b, "CREATE TABLE IF NOT EXISTS containers(");
	for (size_t i = 0; i < catalog_column_count; i++)
		buf_addf(b, "\"%s\"%s, ", catalog_columns[i].name,
			 i == 0 ? " PRIMARY KEY NOT NULL" : "");
	buf_add_text(b, "labels TEXT, mounts TEXT, seen_ns INTEGER) WITHOUT ROWID;");
}

static void upsert_sql(struct buf *b)
{
	buf_add_text(b, "INSERT INTO containers VALUES(");
	for (size_t i = 0; i < catalog_column_count + 3; i++)
		buf_add_text(b, i ? ", ?" : "?");
	buf_add_text(b, ") ON CONFLICT DO UPDATE SET ");
	for (size_t i = 1; i < catalog_column_count; i++)
		buf_addf(b, "\"%s\" = coalesce(excluded.\"%s\", \"%s\"), ", catalog_columns[i].name,
			 catalog_columns[i].name, catalog_columns[i].name);
	buf_add_text(b, "labels = coalesce(excluded.labels, labels), "
			"mounts = coalesce(excluded.mounts, mounts), "
			"seen_ns = max(seen_ns, excluded.seen_ns)");
}

static int run_sql(struct catalog *c, const char *sql, struct err *e)
{
	return sqlite3_exec(c->db, sql, NULL, NULL, NULL) == SQLITE_OK
		       ? 0
		       : catalog_fail(c, "prepare its tables", e);
}

static int check_version(struct catalog *c, struct err *e)
{
	AUTO(stmt) sqlite3_stmt *stmt = NULL;
	int version;

	if (sqlite3_prepare_v2(c->db, "PRAGMA user_version", -1, &stmt, NULL) != SQLITE_OK ||
	    sqlite3_step(stmt) != SQLITE_ROW)
		return catalog_fail(c, "read its version", e);
	version = sqlite3_column_int(stmt, 0);
	if (version == CATALOG_VERSION || (version == 0 && c->writer))
		return 0;
	err_set(e, EBADMSG, "catalog '%s' has version %d, this Amber needs %d", c->path, version,
		CATALOG_VERSION);
	return damaged(c, e);
}

static int prepare_tables(struct catalog *c, struct err *e)
{
	AUTO(buf) struct buf b;
	char version[64];
	int r;

	buf_init(&b, 16384);
	containers_sql(&b);
	r = buf_check(&b, "the catalog's tables", e);
	if (r < 0 || !buf_text(&b))
		return r < 0 ? r : err_set(e, ENOMEM, "no memory for the catalog");
	snprintf(version, sizeof(version), "PRAGMA user_version = %d", CATALOG_VERSION);
	r = run_sql(c, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;", e);
	if (r == 0)
		r = check_version(c, e);
	if (r == 0)
		r = run_sql(c, buf_text(&b), e);
	if (r == 0)
		r = run_sql(c, version, e);
	buf_clear(&b);
	upsert_sql(&b);
	if (r == 0)
		r = buf_check(&b, "the catalog's statements", e);
	if (r < 0)
		return r;
	if (sqlite3_prepare_v2(c->db, (const char *)b.p, (int)b.n, &c->container, NULL) !=
	    SQLITE_OK)
		return catalog_fail(c, "prepare its statements", e);
	return 0;
}

static void catalog_free(struct catalog *c)
{
	sqlite3_finalize(c->container);
	sqlite3_close_v2(c->db);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static int open_db(const char *state_dir, bool writer, struct catalog **ret_catalog, struct err *e)
{
	int flags = writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
	struct catalog *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return err_set(e, ENOMEM, "no memory for the catalog");
	pthread_mutex_init(&c->lock, NULL);
	c->writer = writer;
	r = catalog_path(state_dir, c->path, e);
	if (r == 0 && writer)
		r = fd_make_dirs(state_dir, 0700, e);
	if (r == 0 && !writer && access(c->path, F_OK) < 0)
		r = err_sys(e, errno, "cannot open the catalog '%s'", c->path);
	if (r == 0 &&
	    sqlite3_open_v2(c->path, &c->db, flags | SQLITE_OPEN_NOFOLLOW, NULL) != SQLITE_OK)
		r = catalog_fail(c, "open it", e);
	if (r == 0) {
		sqlite3_busy_timeout(c->db, 5000);
		sqlite3_extended_result_codes(c->db, 1);
		r = writer ? prepare_tables(c, e) : check_version(c, e);
	}
	if (r < 0) {
		catalog_free(c);
		return r;
	}
	*ret_catalog = c;
	return 0;
}

int catalog_open(const char *state_dir, struct catalog **ret_catalog, struct err *e)
{
	return open_db(state_dir, true, ret_catalog, e);
}

int catalog_open_reader(const char *state_dir, struct catalog **ret_catalog, struct err *e)
{
	return open_db(state_dir, false, ret_catalog, e);
}

/* On a full disk SQLite undoes the whole transaction by itself: there is none to commit then. */
static int undone(struct catalog *c, int r)
{
	if (sqlite3_get_autocommit(c->db))
		c->changes = 0;
	return r;
}

static int commit_locked(struct catalog *c, struct err *e)
{
	if (c->changes == 0)
		return 0;
	if (sqlite3_exec(c->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		return undone(c, catalog_fail(c, "commit", e));
	c->changes = 0;
	return 0;
}

int catalog_commit(struct catalog *c, struct err *e)
{
	int r;

	pthread_mutex_lock(&c->lock);
	r = commit_locked(c, e);
	pthread_mutex_unlock(&c->lock);
	return r;
}

int catalog_close(struct catalog *c, struct err *e)
{
	int r;

	if (!c)
		return 0;
	r = commit_locked(c, e);
	catalog_free(c);
	return r;
}

void catalog_close_at(struct catalog **catalog)
{
	struct err ignored = ERR_INIT; /* whoever wants to know calls catalog_close */

	(void)catalog_close(*catalog, &ignored);
}

/* Runs a bound statement inside the open batch; the lock is held. */
static int step(struct catalog *c, sqlite3_stmt *stmt, struct err *e)
{
	int r = 0;

	if (c->changes == 0 &&
	    sqlite3_exec(c->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		r = catalog_fail(c, "begin a change", e);
	else if (sqlite3_step(stmt) != SQLITE_DONE)
		r = undone(c, catalog_fail(c, "write", e));
	if (r < 0 && c->changes == 0)
		(void)sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL); /* nothing was in it */
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	if (r == 0 && ++c->changes >= BATCH)
		r = commit_locked(c, e);
	return r;
}

static int bind_number(sqlite3_stmt *stmt, int at, uint64_t value, bool known)
{
	return known ? sqlite3_bind_int64(stmt, at, (int64_t)value) : sqlite3_bind_null(stmt, at);
}

static int bind_column(sqlite3_stmt *stmt, int at, const struct catalog_column *column,
		       const struct container *c)
{
	const char *p = (const char *)c + column->offset;

	switch (column->kind) {
	case CATALOG_TEXT:
		return sqlite_bind_bytes(stmt, at, *(const struct span *)p);
	case CATALOG_U64:
		return bind_number(stmt, at, *(const uint64_t *)p, *(const uint64_t *)p != 0);
	case CATALOG_U32:
		return bind_number(stmt, at, *(const uint32_t *)p, *(const uint32_t *)p != 0);
	case CATALOG_I32:
		return bind_number(stmt, at, (uint64_t) * (const int32_t *)p,
				   *(const int32_t *)p >= 0);
	case CATALOG_TRUTH:
		return bind_number(stmt, at, *(const enum truth *)p == TRUTH_YES,
				   *(const enum truth *)p != TRUTH_UNKNOWN);
	case CATALOG_RUNTIME:
		if (*(const enum container_runtime *)p == RUNTIME_UNKNOWN)
			return sqlite3_bind_null(stmt, at);
		return sqlite3_bind_text(stmt, at,
					 container_runtime_name(*(const enum container_runtime *)p),
					 -1, SQLITE_STATIC);
	case CATALOG_STATE:
		return sqlite3_bind_text(stmt, at,
					 container_state_name(*(const enum container_state *)p), -1,
					 SQLITE_STATIC);
	}
	return SQLITE_MISUSE;
}

static void labels_json(struct buf *b, const struct container *c)
{
	struct json j = json_to(b);

	json_array(&j, NULL);
	for (size_t i = 0; i < c->label_count; i++) {
		json_object(&j, NULL);
		json_bytes(&j, "key", c->labels[i].key);
		json_bytes(&j, "value", c->labels[i].value);
		json_object_end(&j);
	}
	json_array_end(&j);
}

static void mounts_json(struct buf *b, const struct container *c)
{
	struct json j = json_to(b);

	json_array(&j, NULL);
	for (size_t i = 0; i < c->mount_count; i++) {
		const struct container_mount *m = &c->mounts[i];

		json_object(&j, NULL);
		json_bytes(&j, "source", m->source);
		json_bytes(&j, "target", m->target);
		json_bytes(&j, "type", m->type);
		if (m->writable == TRUTH_UNKNOWN)
			json_null(&j, "writable");
		else
			json_bool(&j, "writable", m->writable == TRUTH_YES);
		json_object_end(&j);
	}
	json_array_end(&j);
}

int catalog_container(struct catalog *catalog, const struct container *c, uint64_t real_ns,
		      struct err *e)
{
	AUTO(buf) struct buf labels;
	AUTO(buf) struct buf mounts;
	int at = 1, r, bound = SQLITE_OK;

	buf_init(&labels, LIMIT_FILE_READ);
	buf_init(&mounts, LIMIT_FILE_READ);
	if (c->label_count)
		labels_json(&labels, c);
	if (c->mount_count)
		mounts_json(&mounts, c);
	r = buf_check(&labels, "the labels of a container", e);
	if (r == 0)
		r = buf_check(&mounts, "the mounts of a container", e);
	if (r < 0)
		return r;
	pthread_mutex_lock(&catalog->lock);
	for (size_t i = 0; i < catalog_column_count && bound == SQLITE_OK; i++)
		bound = bind_column(catalog->container, at++, &catalog_columns[i], c);
	if (bound == SQLITE_OK)
		bound = sqlite_bind_bytes(catalog->container, at++, buf_span(&labels));
	if (bound == SQLITE_OK)
		bound = sqlite_bind_bytes(catalog->container, at++, buf_span(&mounts));
	if (bound == SQLITE_OK)
		bound = sqlite3_bind_int64(catalog->container, at, (int64_t)real_ns);
	r = bound == SQLITE_OK ? step(catalog, catalog->container, e)
			       : catalog_fail(catalog, "take a container", e);
	pthread_mutex_unlock(&catalog->lock);
	return r;
}
