/* catalog_db.h - what the catalog's writer and reader share. */
#ifndef AMBER_STORE_CATALOG_DB_H
#define AMBER_STORE_CATALOG_DB_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>

#include "base/err.h"

#define CATALOG_VERSION 1

struct catalog {
	pthread_mutex_t lock;
	sqlite3 *db;
	sqlite3_stmt *container; /* upsert; NULL in a reader */
	unsigned changes;	 /* in the open transaction */
	bool writer;
	char path[LIMIT_PATH];
};

/* SQLite's last error in Amber's words, with what to do when the file is damaged. */
int catalog_fail(struct catalog *c, const char *what, struct err *e);

#endif
