/* catalog_rebuild.c - the catalog out of the journal.
 *
 * The containers are taken from the tables of the blocks, in order, so that what is known last
 * stays; the sightings are the events file.kept. */
#include <unistd.h>

#include "store/catalog.h"
#include "store/journal_read.h"

static int take_containers(struct catalog *catalog, struct journal_reader *reader, struct err *e)
{
	AUTO(journal_block) struct journal_block *block = NULL;
	int r = journal_block_new(&block, e);

	for (size_t i = 0; i < journal_reader_blocks(reader) && r == 0; i++) {
		const struct container *containers = NULL;
		uint32_t n = 0;

		r = journal_block_load(block, reader, i, e);
		if (r == 0)
			r = journal_block_containers(block, &containers, &n, e);
		for (uint32_t k = 0; k < n && r == 0; k++) {
			if (containers[k].id.n)
				r = catalog_container(catalog, &containers[k],
						      journal_reader_block(reader, i)->max_real_ns,
						      e);
		}
		if (r == -ENOENT || r == -EBADMSG)
			r = 0; /* what cannot be read is told by `amber verify` */
	}
	return r;
}

static int take_kept(struct catalog *catalog, const struct event *ev, struct err *e)
{
	struct span sha256 = ev->value[FIELD_SHA256].bytes;
	struct catalog_custody custody = {.path = ev->value[FIELD_PATH].bytes,
					  .size = ev->value[FIELD_FILE_SIZE].u,
					  .count = ev->count,
					  .first_ns = ev->real_ns,
					  .last_ns = ev->real_ns};

	if (sha256.n != SHA256_BYTES)
		return 0; /* it was skipped; the reason is in the journal */
	memcpy(custody.sha256, sha256.p, SHA256_BYTES);
	if (ev->container)
		custody.container = ev->container->id;
	if (ev->process) {
		custody.pid = ev->process->pid;
		custody.exe = ev->process->exe;
	}
	return catalog_custody(catalog, &custody, e);
}

static int take_sightings(struct catalog *catalog, struct journal_reader *reader, struct err *e)
{
	AUTO(journal_rows) struct journal_rows *rows = NULL;
	struct journal_filter filter = {0};
	struct event ev;
	int r;

	journal_filter_type(&filter, EVENT_FILE_KEPT);
	r = journal_rows_open(reader, &filter, &rows, e);
	if (r < 0)
		return r;
	for (;;) {
		r = journal_rows_next(rows, &ev, e);
		if (r == 0 || (r < 0 && r != -EBADMSG))
			return r;
		if (r < 0)
			continue; /* goes on with the next block */
		r = take_kept(catalog, &ev, e);
		if (r < 0)
			return r;
	}
}

int catalog_rebuild(const char *state_dir, struct err *e)
{
	static const char *const endings[] = {"", "-wal", "-shm"};
	AUTO(journal_reader) struct journal_reader *reader = NULL;
	AUTO(catalog) struct catalog *catalog = NULL;
	char path[LIMIT_PATH], file[LIMIT_PATH + 8];
	int r = catalog_path(state_dir, path, e);

	if (r == 0)
		r = journal_reader_open(state_dir, &reader, e);
	for (size_t i = 0; i < ARRAY_LEN(endings) && r == 0; i++) {
		snprintf(file, sizeof(file), "%s%s", path, endings[i]);
		if (unlink(file) < 0 && errno != ENOENT)
			r = err_sys(e, errno, "cannot remove '%s'", file);
	}
	if (r == 0)
		r = catalog_open(state_dir, &catalog, e);
	if (r == 0)
		r = take_containers(catalog, reader, e);
	if (r == 0)
		r = take_sightings(catalog, reader, e);
	return r < 0 ? r : catalog_commit(catalog, e);
}
