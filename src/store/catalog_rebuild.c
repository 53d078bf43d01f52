/* catalog_rebuild.c - the catalog out of the journal.
 *
 * The containers are taken from the tables of the blocks, in order, so that what is known last
 * stays. */
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
	return r < 0 ? r : catalog_commit(catalog, e);
}
