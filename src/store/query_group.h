/* query_group.h - counting the rows of the journal by a few columns, block by block, natively.
 *
 * A block's tables are small, so rows are counted by the indexes into them and only the sums meet
 * the texts behind. */
#ifndef AMBER_STORE_QUERY_GROUP_H
#define AMBER_STORE_QUERY_GROUP_H

#include "store/query_filter.h"
#include "store/query_internal.h"

enum group_by {
	GROUP_TYPE,
	GROUP_CONTAINER,
	GROUP_CONTAINER_NAME,
	GROUP_IMAGE,
	GROUP_COMM,
	GROUP_EXE,
	GROUP_UID,
	GROUP_PID,
	GROUP_MINUTE, /* start of it, real_ns */
	GROUP_HOUR,
	GROUP_DAY,
	GROUP_DIMENSIONS,
};

#define GROUP_NULL UINT64_MAX /* as a key: the row has none */

struct query_groups {
	enum group_by by[GROUP_DIMENSIONS];
	unsigned dimensions;
	bool weighted;	      /* `sum` is wanted, and not only `rows` */
	struct intern tuples; /* keys of all dimensions, u64 each; numbers are the groups */
	uint64_t *rows, *sum; /* [tuples.n]; sum adds the events' counts */
	size_t cap;
	/* Of the block at hand. */
	uint64_t *cell_rows, *cell_sum; /* [cells] */
	size_t cells;
	uint32_t *selected;		   /* [LIMIT_BLOCK_ROWS] */
	uint32_t *cell_of;		   /* [LIMIT_BLOCK_ROWS] */
	uint32_t *local[GROUP_DIMENSIONS]; /* index in a table of the block to code */
	struct map seen;
	uint64_t *keys[GROUP_DIMENSIONS]; /* local code to key */
	uint32_t key_cap[GROUP_DIMENSIONS], codes[GROUP_DIMENSIONS];
};

/* Whether column `number` of events can be grouped by, and how. */
bool query_group_of(unsigned number, enum group_by *ret_by);

int query_groups_init(struct query_groups *g, const enum group_by *by, unsigned dimensions,
		      bool weighted, struct err *e);
void query_groups_fini(struct query_groups *g);

/* Counts every row of the journal that the filter gives. */
int query_groups_run(struct query_groups *g, struct query *q, struct query_filter *f,
		     struct query_view *v, struct err *e);

/* The groups in the order of SQL (NULL, numbers, text, blob) by the dimensions in turn, each the
 * other way round where `down` has its bit: ret_order[tuples.n].  Caller frees. */
int query_groups_sort(struct query_groups *g, struct query *q, unsigned down, uint32_t **ret_order,
		      struct err *e);

/* Key of a group in a dimension: a type's number, a number in q->texts, a number, or GROUP_NULL. */
uint64_t query_groups_key(const struct query_groups *g, size_t group, unsigned dimension);

/* The key as SQL shows it. */
void query_group_result(sqlite3_context *ctx, struct query *q, enum group_by by, uint64_t key);

#endif
