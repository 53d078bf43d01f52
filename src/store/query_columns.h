/* query_columns.h - the columns of table `events`: a head that every event has, then one column for
 * each event field. */
#ifndef AMBER_STORE_QUERY_COLUMNS_H
#define AMBER_STORE_QUERY_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

#include "model/event.h"

enum query_class {
	QUERY_TIME, /* RFC 3339 */
	QUERY_TIME_NS,
	QUERY_BOOT_NS,
	QUERY_BOOT_ID,
	QUERY_TYPE,
	QUERY_TID,
	QUERY_SEGMENT,
	QUERY_BLOCK,
	QUERY_ROW,
	QUERY_NUMBER,	      /* a number that every row has; offset is the journal's column */
	QUERY_CONTAINER_TEXT, /* offset in struct container */
	QUERY_PROCESS_TEXT,   /* offset in struct process */
	QUERY_PROCESS_U32,
	QUERY_PROCESS_U64,
	QUERY_FIELD, /* offset is enum event_field */
};

struct query_column {
	const char *name;
	enum query_class class;
	unsigned offset;
	bool text;
	bool zero_is_null; /* 0 means unknown */
	const char *what;
};

enum {
	QUERY_HEAD_TIME,
	QUERY_HEAD_TIME_NS,
	QUERY_HEAD_TYPE,
	QUERY_HEAD_CONTAINER,
	QUERY_HEAD_CONTAINER_NAME,
	QUERY_HEAD_IMAGE,
	QUERY_HEAD_PID,
	QUERY_HEAD_COMM,
	QUERY_HEAD_EXE,
	QUERY_HEAD_UID,
	QUERY_HEAD_REST, /* columns that no other part names */
};

#define QUERY_HEAD_COLUMNS 29u
#define QUERY_COLUMNS	   (QUERY_HEAD_COLUMNS + (unsigned)FIELD_COUNT)

extern const struct query_column query_head[QUERY_HEAD_COLUMNS];

/* The column with that number, also of a field. */
struct query_column query_column_get(unsigned number);

/* "TEXT", "INTEGER": what it is declared as. */
const char *query_column_kind(const struct query_column *column);

#endif
