/* query_view.c - see query_view.h. */
#include "store/query_view.h"

int query_view_init(struct query_view *v, struct journal_reader *reader, struct err *e)
{
	memset(v, 0, sizeof(*v));
	v->reader = reader;
	v->number = SIZE_MAX;
	return journal_block_new(&v->block, e);
}

void query_view_fini(struct query_view *v)
{
	journal_block_free(v->block);
	v->block = NULL;
}

int query_view_load(struct query_view *v, size_t number, struct err *e)
{
	struct journal_reader *reader = v->reader;
	struct journal_block *block = v->block;
	int r;

	if (v->number == number)
		return 0;
	memset(v, 0, sizeof(*v));
	v->reader = reader;
	v->block = block;
	v->number = SIZE_MAX;
	r = journal_block_load(block, reader, number, e);
	if (r < 0)
		return r;
	v->number = number;
	v->info = journal_reader_block(reader, number);
	v->rows = journal_block_row_count(block);
	return 0;
}

int query_view_types(struct query_view *v, struct err *e)
{
	return v->types ? 0 : journal_block_types(v->block, &v->types, e);
}

int query_view_numbers(struct query_view *v, unsigned column, struct err *e)
{
	const uint64_t *values;
	uint32_t n;
	int r;

	if (v->numbers[column])
		return 0;
	r = journal_block_numbers(v->block, column, &values, &n, e);
	if (r == 0 && n != v->rows)
		r = err_set(e, EBADMSG, "a column of a block has %u values for %u rows", n,
			    v->rows);
	if (r == 0)
		v->numbers[column] = values;
	return r;
}

int query_view_processes(struct query_view *v, struct err *e)
{
	int r;

	if (v->have_processes)
		return 0;
	r = journal_block_processes(v->block, &v->processes, &v->process_n, e);
	v->have_processes = r == 0;
	return r;
}

int query_view_containers(struct query_view *v, struct err *e)
{
	int r;

	if (v->have_containers)
		return 0;
	r = journal_block_containers(v->block, &v->containers, &v->container_n, e);
	v->have_containers = r == 0;
	return r;
}

int query_view_process_of(struct query_view *v, struct err *e)
{
	int r = query_view_processes(v, e);

	if (r == 0 && !v->process_of)
		r = journal_block_indexes(v->block, JOURNAL_PROCESS, &v->process_of, e);
	return r;
}

int query_view_container_of(struct query_view *v, struct err *e)
{
	int r = query_view_containers(v, e);

	if (r == 0 && !v->container_of)
		r = journal_block_indexes(v->block, JOURNAL_CONTAINER, &v->container_of, e);
	return r;
}

int query_view_field(struct query_view *v, enum event_field field, bool distinct_only,
		     struct err *e)
{
	struct view_field *f = &v->fields[field];
	bool text = value_kind_is_bytes(event_fields[field].kind);
	unsigned column = journal_column(field);
	int r;

	if (f->indexed || (f->loaded && distinct_only))
		return 0;
	if (text && distinct_only) {
		r = journal_block_distinct(v->block, column, &f->text, e);
		f->loaded = r == 0;
		return r;
	}
	r = journal_block_rows(v->block, field, &f->rows, &f->row_n, e);
	if (r == 0 && text)
		r = journal_block_text(v->block, column, &f->text, e);
	else if (r == 0)
		r = journal_block_numbers(v->block, column, &f->numbers, &f->number_n, e);
	if (r == 0 && (text ? f->text.n : f->number_n) < f->row_n)
		f->row_n = text ? f->text.n : f->number_n;
	f->indexed = f->loaded = r == 0;
	return r;
}

/* Rows are mostly asked for in ascending order, so the last place is where to begin. */
uint32_t query_view_place(struct query_view *v, enum event_field field, uint32_t row)
{
	struct view_field *f = &v->fields[field];
	uint32_t at = f->at;

	if (at < f->row_n && f->rows[at] <= row) {
		for (unsigned steps = 0; steps < 16 && at < f->row_n; steps++, at++) {
			if (f->rows[at] >= row) {
				f->at = at;
				return f->rows[at] == row ? at : UINT32_MAX;
			}
		}
	}
	at = journal_rows_find(f->rows, f->row_n, row);
	if (at != UINT32_MAX)
		f->at = at;
	return at;
}
