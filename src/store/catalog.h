/* catalog.h - the containers as they are now, for fast answers.
 *
 * STATE/catalog.db, SQLite in WAL mode.  Everything in it was derived from the journal: when it is
 * lost or damaged, delete catalog.db, catalog.db-wal and catalog.db-shm and build it anew
 * (catalog_rebuild).  So it is neither signed nor synced for power cuts: evidence is the journal.
 *
 * Bytes from containers are stored as TEXT when they are UTF-8 without NUL, else as BLOB. */
#ifndef AMBER_STORE_CATALOG_H
#define AMBER_STORE_CATALOG_H

#include "base/auto.h"
#include "base/err.h"
#include "model/container.h"

struct catalog;

/* Opens it for writing, creating it and its tables; one process at a time writes (the recorder,
 * which holds the journal's lock).  -EBADMSG when it is damaged or of another version: the text
 * says what to delete. */
int catalog_open(const char *state_dir, struct catalog **ret_catalog, struct err *e);

/* Opens it for reading, also while it is written.  -ENOENT when there is none yet. */
int catalog_open_reader(const char *state_dir, struct catalog **ret_catalog, struct err *e);

/* Commits and closes; NULL is allowed.  Errors of the commit are in `e`; it is closed anyway. */
int catalog_close(struct catalog *catalog, struct err *e);

void catalog_close_at(struct catalog **catalog);
DEFINE_AUTO(catalog, struct catalog *, catalog_close_at);

/* Writing.  Thread-safe.  Changes are seen by readers after catalog_commit, which also happens by
 * itself every thousand changes. */

/* Adds the container or brings its row up to date: what `c` does not know leaves what was known.
 * A dead container's row stays (a tombstone).  `real_ns` is when this was learned. */
int catalog_container(struct catalog *catalog, const struct container *c, uint64_t real_ns,
		      struct err *e);

int catalog_commit(struct catalog *catalog, struct err *e);

/* Reading.  What the callbacks are given is borrowed for the call; a non-zero return stops and is
 * returned. */

struct catalog_container {
	struct container container; /* labels and mounts are not in here */
	struct span labels, mounts; /* JSON */
	uint64_t seen_ns;
};

/* Every container, those that live first, then the last that died; or, with a filter, those
 * whose name is `which` or whose id begins with it. */
int catalog_containers(struct catalog *catalog, struct span which,
		       int (*each)(void *ctx, const struct catalog_container *c), void *ctx,
		       struct err *e);

/* Builds the catalog anew from the journal of `state_dir`, in place of what is there. */
int catalog_rebuild(const char *state_dir, struct err *e);

/* For SQL over the journal: "file:...?mode=ro" of the catalog below `state_dir`. */
int catalog_path(const char *state_dir, char ret_path[LIMIT_PATH], struct err *e);

#endif
