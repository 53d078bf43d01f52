/* query_view.h - one block of the journal as SQL sees it: every column is loaded on first use. */
#ifndef AMBER_STORE_QUERY_VIEW_H
#define AMBER_STORE_QUERY_VIEW_H

#include "store/journal_read.h"

struct view_field {
	bool loaded, indexed;
	const uint32_t *rows; /* rows that have it, ascending */
	uint32_t row_n, at;   /* at: where the last row was found */
	const uint64_t *numbers;
	uint32_t number_n;
	struct journal_text text;
};

struct query_view {
	struct journal_reader *reader; /* borrowed */
	struct journal_block *block;
	size_t number; /* SIZE_MAX: none is loaded */
	const struct journal_block_info *info;
	uint32_t rows;
	const uint8_t *types;
	const uint64_t *numbers[JOURNAL_ROW_COLUMNS];
	const uint32_t *process_of, *container_of; /* index of each row, 0 none */
	const struct process *processes;
	const struct container *containers;
	uint32_t process_n, container_n;
	bool have_processes, have_containers;
	struct view_field fields[FIELD_COUNT];
};

int query_view_init(struct query_view *v, struct journal_reader *reader, struct err *e);
void query_view_fini(struct query_view *v);

/* Makes it show block `number`; nothing happens when it does already.  Errors are those of
 * journal_block_load. */
int query_view_load(struct query_view *v, size_t number, struct err *e);

/* Each makes the members of its name valid until the next load. */
int query_view_types(struct query_view *v, struct err *e);
int query_view_numbers(struct query_view *v, unsigned column, struct err *e);
int query_view_processes(struct query_view *v, struct err *e);
int query_view_containers(struct query_view *v, struct err *e);
int query_view_process_of(struct query_view *v, struct err *e);
int query_view_container_of(struct query_view *v, struct err *e);

/* Values of a field; with `distinct_only` a text field has its distinct texts and no indexes. */
int query_view_field(struct query_view *v, enum event_field field, bool distinct_only,
		     struct err *e);

/* Place of the row's value in the loaded field, UINT32_MAX when the row has none. */
uint32_t query_view_place(struct query_view *v, enum event_field field, uint32_t row);

#endif
