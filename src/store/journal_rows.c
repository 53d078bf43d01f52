/* journal_rows.c - whole events out of blocks, one row at a time. */
#include <stdlib.h>

#include "store/journal_build.h"
#include "store/journal_reader.h"

static int common(struct journal_block *b, unsigned column, uint32_t row, uint64_t *ret_value,
		  struct err *e)
{
	const uint64_t *values;
	uint32_t n;
	int r = journal_block_numbers(b, column, &values, &n, e);

	if (r == 0)
		*ret_value = values[row];
	return r;
}

static int who(struct journal_block *b, uint32_t row, struct event *ev, struct err *e)
{
	const uint32_t *process_of, *container_of;
	const struct container *containers = NULL;
	const struct process *processes = NULL;
	uint32_t n;
	int r = journal_block_indexes(b, JOURNAL_PROCESS, &process_of, e);

	if (r == 0)
		r = journal_block_indexes(b, JOURNAL_CONTAINER, &container_of, e);
	if (r == 0 && process_of[row])
		r = journal_block_processes(b, &processes, &n, e);
	if (r == 0 && container_of[row])
		r = journal_block_containers(b, &containers, &n, e);
	if (r < 0)
		return r;
	ev->process = processes ? &processes[process_of[row] - 1] : NULL;
	ev->container = containers ? &containers[container_of[row] - 1] : NULL;
	return 0;
}

static int head(struct journal_block *b, uint32_t row, struct event *ev, struct err *e)
{
	uint64_t offset = 0, marks = 0, ret = 0, tid = 0;
	int r = common(b, JOURNAL_REAL, row, &ev->real_ns, e);

	if (r == 0)
		r = common(b, JOURNAL_OFFSET, row, &offset, e);
	if (r == 0)
		r = common(b, JOURNAL_MARKS, row, &marks, e);
	if (r == 0)
		r = common(b, JOURNAL_COUNT, row, &ev->count, e);
	if (r == 0)
		r = common(b, JOURNAL_RET, row, &ret, e);
	if (r == 0)
		r = common(b, JOURNAL_TID_DELTA, row, &tid, e);
	if (r == 0)
		r = who(b, row, ev, e);
	if (r < 0)
		return r;
	ev->boot_ns = ev->real_ns - offset;
	ev->marks = (uint32_t)marks;
	ev->ret = (int64_t)ret;
	ev->tid = (uint32_t)tid + (ev->process ? ev->process->pid : 0);
	return 0;
}

static int field_value(struct journal_block *b, unsigned field, uint32_t row,
		       union value *ret_value, struct err *e)
{
	const uint64_t *values;
	struct journal_text text;
	const uint32_t *rows;
	uint32_t n, at;
	int r = journal_block_rows(b, (enum event_field)field, &rows, &n, e);

	if (r < 0)
		return r;
	at = journal_rows_find(rows, n, row);
	if (at == UINT32_MAX)
		return 0; /* the segment's schema did not have it yet */
	if (value_kind_is_bytes(event_fields[field].kind)) {
		r = journal_block_text(b, JOURNAL_FIELDS + field, &text, e);
		if (r == 0)
			ret_value->bytes = journal_text_at(&text, text.index[at]);
		return r;
	}
	r = journal_block_numbers(b, JOURNAL_FIELDS + field, &values, &n, e);
	if (r == 0)
		ret_value->u = values[at];
	return r;
}

int journal_block_event(struct journal_block *block, uint32_t row, struct event *ret_event,
			struct err *e)
{
	const uint8_t *types;
	const struct event_type_info *info;
	int r = journal_block_types(block, &types, e);

	if (r < 0)
		return r;
	if (row >= journal_block_row_count(block))
		return err_set(e, EINVAL, "row %u is behind the block", row);
	if (types[row] >= EVENT_TYPE_MAX) {
		event_init(ret_event, EVENT_NONE);
		return head(block, row, ret_event, e);
	}
	info = &event_types[types[row]];
	event_init(ret_event, (enum event_type)types[row]);
	r = head(block, row, ret_event, e);
	for (unsigned i = 0; i < info->field_count && r == 0; i++)
		r = field_value(block, info->fields[i], row, &ret_event->value[info->fields[i]], e);
	return r;
}

struct journal_rows {
	struct journal_reader *reader; /* borrowed */
	struct journal_block *block;
	struct journal_filter filter;
	size_t next_block;
	uint32_t row;
	bool loaded;
};

int journal_rows_open(struct journal_reader *reader, const struct journal_filter *filter,
		      struct journal_rows **ret_rows, struct err *e)
{
	struct journal_rows *rows = calloc(1, sizeof(*rows));
	int r;

	if (!rows)
		return err_set(e, ENOMEM, "no memory to read the journal");
	rows->reader = reader;
	rows->filter = *filter;
	r = journal_block_new(&rows->block, e);
	if (r < 0) {
		free(rows);
		return r;
	}
	*ret_rows = rows;
	return 0;
}

void journal_rows_close(struct journal_rows *rows)
{
	if (!rows)
		return;
	journal_block_free(rows->block);
	free(rows);
}

/* 1 when the row matches, 0 when not. */
static int matches(struct journal_rows *rows, uint32_t row, struct err *e)
{
	const struct journal_filter *f = &rows->filter;
	struct event ev = {.type = EVENT_NONE};
	const uint8_t *types;
	int r = journal_block_types(rows->block, &types, e);

	if (r < 0)
		return r;
	if ((f->types[0] | f->types[1] | f->types[2] | f->types[3]) &&
	    !(f->types[types[row] / 64] >> (types[row] % 64) & 1))
		return 0;
	if (f->from_ns || f->to_ns) {
		r = common(rows->block, JOURNAL_REAL, row, &ev.real_ns, e);
		if (r < 0)
			return r;
		if (ev.real_ns < f->from_ns || (f->to_ns && ev.real_ns > f->to_ns))
			return 0;
	}
	if (f->container.n == 0 && f->pid == 0)
		return 1;
	r = who(rows->block, row, &ev, e);
	if (r < 0)
		return r;
	if (f->container.n && (!ev.container || !span_eq(ev.container->id, f->container)))
		return 0;
	return f->pid == 0 || (ev.process && ev.process->pid == f->pid);
}

/* 1 when a block is at hand, 0 at the end. */
static int next_block(struct journal_rows *rows, struct err *e)
{
	while (!rows->loaded) {
		size_t number = rows->next_block;
		int r;

		if (number >= journal_reader_blocks(rows->reader))
			return 0;
		rows->next_block++;
		rows->row = 0;
		if (!journal_block_may_match(journal_reader_block(rows->reader, number),
					     &rows->filter))
			continue;
		r = journal_block_load(rows->block, rows->reader, number, e);
		if (r == -ENOENT) { /* deleted by retention */
			err_clear(e);
			continue;
		}
		if (r < 0)
			return r;
		rows->loaded = true;
	}
	return 1;
}

int journal_rows_next(struct journal_rows *rows, struct event *ret_event, struct err *e)
{
	int r;

	while ((r = next_block(rows, e)) > 0) {
		while (rows->row < journal_block_row_count(rows->block)) {
			uint32_t row = rows->row++;

			r = matches(rows, row, e);
			if (r > 0)
				r = journal_block_event(rows->block, row, ret_event, e);
			else if (r == 0)
				continue;
			if (r < 0)
				rows->loaded = false;
			return r < 0 ? r : 1;
		}
		rows->loaded = false;
	}
	return r;
}

/* Counts matching rows of the loaded block and notes where the last `want` of them begin. */
static int count_back(struct journal_rows *rows, uint64_t want, uint64_t *ret_matching,
		      uint32_t *ret_row, struct err *e)
{
	uint32_t row = journal_block_row_count(rows->block);
	uint64_t matching = 0;

	while (row > 0 && matching < want) {
		int r = matches(rows, row - 1, e);

		if (r < 0)
			return r;
		matching += (uint64_t)r;
		row--;
	}
	*ret_matching = matching;
	*ret_row = row;
	return 0;
}

int journal_rows_tail(struct journal_rows *rows, uint64_t count, struct err *e)
{
	size_t number = journal_reader_blocks(rows->reader);
	uint64_t matching = 0;
	uint32_t row = 0;

	rows->loaded = false;
	rows->next_block = number;
	while (number > 0 && count > 0) {
		int r;

		number--;
		if (!journal_block_may_match(journal_reader_block(rows->reader, number),
					     &rows->filter))
			continue;
		r = journal_block_load(rows->block, rows->reader, number, e);
		if (r == 0)
			r = count_back(rows, count, &matching, &row, e);
		if (r == -ENOENT || r == -EBADMSG) { /* deleted, or told when it is read */
			err_clear(e);
			continue;
		}
		if (r < 0)
			return r;
		rows->next_block = number;
		count -= matching;
	}
	if (count == 0 && rows->next_block < journal_reader_blocks(rows->reader)) {
		size_t first = rows->next_block;
		int r = next_block(rows, e);

		if (r < 0)
			return r;
		if (r > 0 && rows->next_block == first + 1) /* else it was deleted just now */
			rows->row = row;
	}
	return 0;
}
