/* query_internal.h - what the virtual tables share with query.c. */
#ifndef AMBER_STORE_QUERY_INTERNAL_H
#define AMBER_STORE_QUERY_INTERNAL_H

#include "base/map.h"
#include "store/journal_read.h"
#include "store/query.h"
#include "store/sqlite_util.h"

struct vault_reader;

struct query {
	sqlite3 *db;
	char state_dir[LIMIT_PATH];
	struct journal_reader *reader;
	struct journal_block *spare; /* of the last scan: its memory is there already; NULL */
	struct vault_reader *vault;  /* opened when first asked for; NULL */
	/* Texts that rows share, such as container ids.  They live as long as the query, so that
	 * SQLite can point to them instead of copying. */
	struct intern texts;
	uint32_t last_number; /* of the texts, the one that was shown last */
	bool last_shown, last_is_text;
	unsigned timeout_ms;
	uint64_t deadline_ns; /* boot_ns; 0 none */
	bool interrupted;     /* atomic */
	size_t damaged;
	char first_damage[LIMIT_ERR_TEXT];
};

/* 0, -EINTR or -ETIME.  Asked once a block. */
int query_check(struct query *q, struct err *e);

/* A block that could not be read: one that retention has removed is passed over, damage is counted;
 * both give 0.  Anything else is handed back. */
int query_skip(struct query *q, int r, struct err *e);

/* The number of a text in q->texts, UINT32_MAX for the empty one. */
int query_intern(struct query *q, struct span text, uint32_t *ret_number, struct err *e);

/* Hands an error to SQLite as a virtual table's own; returns the result code. */
int query_vtab_fail(sqlite3_vtab *vtab, const struct err *e);

/* Hostile bytes as a result: TEXT or BLOB, copied, or pointed to when `shared`. */
void query_result_bytes(sqlite3_context *ctx, struct span bytes, bool shared);

/* The modules; each registers itself. */
int query_events_register(struct query *q);
int query_counts_register(struct query *q);
int query_containers_register(struct query *q);
int query_functions_register(struct query *q);

/* Columns of the tables, for query_schema. */
void query_counts_schema(void (*each)(void *ctx, const struct query_schema_line *line), void *ctx);
void query_containers_schema(void (*each)(void *ctx, const struct query_schema_line *line),
			     void *ctx);
void query_functions_schema(void (*each)(void *ctx, const struct query_schema_line *line),
			    void *ctx);

#endif
