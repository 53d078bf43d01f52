/* catalog_columns.h - the columns of the catalog's table of containers, and where each is in
 * struct container.  The tables, the statements and the reading are made from these. */
#ifndef AMBER_STORE_CATALOG_COLUMNS_H
#define AMBER_STORE_CATALOG_COLUMNS_H

#include <stddef.h>

#include "model/container.h"

enum catalog_kind {
	CATALOG_TEXT,  /* struct span; empty is NULL */
	CATALOG_U64,   /* 0 is NULL */
	CATALOG_U32,   /* 0 is NULL */
	CATALOG_I32,   /* negative is NULL */
	CATALOG_TRUTH, /* unknown is NULL */
	CATALOG_RUNTIME,
	CATALOG_STATE,
};

struct catalog_column {
	const char *name;
	enum catalog_kind kind;
	size_t offset;
	const char *what;
};

extern const struct catalog_column catalog_columns[];
extern const size_t catalog_column_count;

#endif
