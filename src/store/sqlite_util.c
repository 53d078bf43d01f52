/* sqlite_util.c - see sqlite_util.h. */
#include "store/sqlite_util.h"

int sqlite_errno(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_NOMEM:
		return ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return EBADMSG;
	case SQLITE_FULL:
		return ENOSPC;
	case SQLITE_READONLY:
		return EROFS;
	case SQLITE_AUTH:
	case SQLITE_PERM:
		return EPERM;
	case SQLITE_INTERRUPT:
		return EINTR;
	case SQLITE_TOOBIG:
		return E2BIG;
	case SQLITE_CANTOPEN:
		return ENOENT;
	case SQLITE_ERROR:
		return EINVAL;
	default:
		return EIO;
	}
}

int sqlite_err(struct err *e, sqlite3 *db, const char *what)
{
	int code = db ? sqlite3_errcode(db) : SQLITE_NOMEM;
	int number = sqlite_errno(code);

	return err_set(e, number ? number : EIO, "cannot %s: %s", what,
		       db ? sqlite3_errmsg(db) : "out of memory");
}

bool sqlite_is_text(struct span bytes)
{
	return (bytes.n == 0 || !memchr(bytes.p, 0, bytes.n)) && span_is_utf8(bytes);
}

int sqlite_bind_bytes(sqlite3_stmt *stmt, int at, struct span bytes)
{
	if (bytes.n == 0)
		return sqlite3_bind_null(stmt, at);
	if (sqlite_is_text(bytes))
		return sqlite3_bind_text64(stmt, at, (const char *)bytes.p, bytes.n, SQLITE_STATIC,
					   SQLITE_UTF8);
	return sqlite3_bind_blob64(stmt, at, bytes.p, bytes.n, SQLITE_STATIC);
}

struct span sqlite_column_span(sqlite3_stmt *stmt, int at)
{
	/* In this order: bytes may be asked for after the conversion only (sqlite3_column_blob). */
	const void *p = sqlite3_column_blob(stmt, at);

	return span_make(p, p ? (size_t)sqlite3_column_bytes(stmt, at) : 0);
}
