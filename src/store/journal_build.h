/* journal_build.h - events becoming a block: the columns in memory, and their encoding.
 *
 * Internal to the journal.  Adding allocates nothing once the arrays have grown to the workload. */
#ifndef AMBER_STORE_JOURNAL_BUILD_H
#define AMBER_STORE_JOURNAL_BUILD_H

#include "base/map.h"
#include "model/event.h"
#include "store/journal_column.h"
#include "store/journal_format.h"

struct build_column {
	uint64_t *values; /* numbers, or numbers of texts */
	uint32_t n, cap;
	struct text_table texts; /* bytes NULL for a column of numbers */
};

struct build {
	struct build_column columns[JOURNAL_COLUMNS];
	struct map process_of, container_of; /* rev to index */
	uint64_t last_process_rev, last_container_rev;
	uint32_t last_process, last_container;
	uint32_t rows, max_rows, processes, containers;
	size_t text_bytes;
	uint64_t min_real_ns, max_real_ns, min_boot_ns, max_boot_ns;
	uint64_t types[4];
	uint64_t first_append_ns; /* CLOCK_MONOTONIC of the first row */
	struct map pids;
};

int build_init(struct build *b, uint32_t max_rows);
void build_fini(struct build *b);
void build_clear(struct build *b);

/* Whether the event has to wait for the next block. */
bool build_is_full(const struct build *b);

/* Adds one event.  -E2BIG or -ENOMEM leaves the block as it was. */
int build_add(struct build *b, const struct event *ev, struct err *e);

/* A block ready to be written, but for the SHA-256 at its end. */
struct build_output {
	struct block_header header; /* `previous`, `sequence`, `first_row` are the writer's */
	struct buf directory, prune, data;
	uint64_t *hashes; /* [containers] scratch */
	uint32_t hashes_cap;
};

int build_output_init(struct build_output *out);
void build_output_fini(struct build_output *out);
int build_encode(const struct build *b, struct column_encoder *enc, struct build_output *out,
		 struct err *e);

/* Columns of the two tables (row columns are in journal_read.h).  Numbers are on disk. */
enum {
	COLUMN_PROCESS = 16, /* first of the process table */
	COLUMN_PROCESS_REV = 16,
	COLUMN_PROCESS_START,
	COLUMN_PROCESS_PARENT_START,
	COLUMN_PROCESS_EXEC, /* 0, or zigzag(exec_ns - start_ns) + 1 */
	COLUMN_PROCESS_PID,
	COLUMN_PROCESS_PPID,
	COLUMN_PROCESS_VPID,
	COLUMN_PROCESS_UID,
	COLUMN_PROCESS_GID,
	COLUMN_PROCESS_LOGINUID,
	COLUMN_PROCESS_COMM,
	COLUMN_PROCESS_EXE,
	COLUMN_PROCESS_END,

	COLUMN_CONTAINER = 32,
	COLUMN_CONTAINER_REV = 32,
	COLUMN_CONTAINER_CGROUP_ID,
	COLUMN_CONTAINER_ID,
	COLUMN_CONTAINER_NAME,
	COLUMN_CONTAINER_IMAGE,
	COLUMN_CONTAINER_IMAGE_ID,
	COLUMN_CONTAINER_DIGEST,
	COLUMN_CONTAINER_POD,
	COLUMN_CONTAINER_POD_NAMESPACE,
	COLUMN_CONTAINER_POD_UID,
	COLUMN_CONTAINER_CGROUP_PATH,
	COLUMN_CONTAINER_RUNTIME,
	COLUMN_CONTAINER_STATE,
	COLUMN_CONTAINER_PRIVILEGED,
	COLUMN_CONTAINER_AUTO_REMOVE,
	COLUMN_CONTAINER_INIT_PID,
	COLUMN_CONTAINER_EXIT_CODE,
	COLUMN_CONTAINER_CREATED,
	COLUMN_CONTAINER_STARTED,
	COLUMN_CONTAINER_DIED,
	COLUMN_CONTAINER_ROOTFS,
	COLUMN_CONTAINER_UPPER_DIR,
	COLUMN_CONTAINER_COMMAND,
	COLUMN_CONTAINER_USER,
	COLUMN_CONTAINER_END,
};

/* Whether a column of the tables or of a field of this program holds texts. */
bool build_is_text(unsigned column);

#endif
