/* query_result.c - one value of one row. */
#include "base/clock.h"
#include "base/limits.h"
#include "store/query_cursor.h"

static int container_result(struct query_view *v, sqlite3_context *ctx, size_t offset, uint32_t row,
			    struct err *e)
{
	int r = query_view_container_of(v, e);

	if (r == 0 && v->container_of[row]) {
		const char *c = (const char *)&v->containers[v->container_of[row] - 1];
		struct span text = *(const struct span *)(c + offset);

		if (text.n)
			query_result_bytes(ctx, text, false);
	}
	return r;
}

static int process_result(struct query_view *v, sqlite3_context *ctx,
			  const struct query_column *column, uint32_t row, struct err *e)
{
	int r = query_view_process_of(v, e);
	uint64_t number;
	const char *p;

	if (r < 0 || v->process_of[row] == 0)
		return r;
	p = (const char *)&v->processes[v->process_of[row] - 1] + column->offset;
	if (column->class == QUERY_PROCESS_TEXT) {
		if (((const struct span *)p)->n)
			query_result_bytes(ctx, *(const struct span *)p, false);
		return 0;
	}
	number = column->class == QUERY_PROCESS_U32 ? *(const uint32_t *)p : *(const uint64_t *)p;
	if ((number == 0 && column->zero_is_null) ||
	    (number == UINT32_MAX && column->offset == offsetof(struct process, loginuid)))
		return 0;
	sqlite3_result_int64(ctx, (sqlite3_int64)number);
	return 0;
}

static int printed_result(sqlite3_context *ctx, enum value_kind kind, struct span bytes,
			  struct err *e)
{
	union value value = {.bytes = bytes};
	AUTO(buf) struct buf b = {0};
	int r;

	buf_init(&b, 4096);
	if (bytes.n == 0)
		return 0;
	event_print_value(&b, kind, &value);
	r = buf_check(&b, "a printed value", e);
	if (r == 0)
		query_result_bytes(ctx, buf_span(&b), false);
	return r;
}

static int field_result(struct query_view *v, sqlite3_context *ctx, enum event_field field,
			uint32_t row, struct err *e)
{
	enum value_kind kind = event_fields[field].kind;
	struct view_field *f = &v->fields[field];
	int r = query_view_field(v, field, false, e);
	uint32_t place;
	struct span text;

	if (r < 0)
		return r;
	place = query_view_place(v, field, row);
	if (place == UINT32_MAX)
		return 0;
	if (!value_kind_is_bytes(kind)) {
		sqlite3_result_int64(ctx, (sqlite3_int64)f->numbers[place]);
		return 0;
	}
	text = journal_text_at(&f->text, f->text.index[place]);
	if (kind != VALUE_TEXT)
		return printed_result(ctx, kind, text, e);
	query_result_bytes(ctx, text, false);
	return 0;
}

static int number_result(struct query_view *v, sqlite3_context *ctx, unsigned column, uint32_t row,
			 struct err *e)
{
	int r = query_view_numbers(v, column, e);

	if (r == 0)
		sqlite3_result_int64(ctx, (sqlite3_int64)v->numbers[column][row]);
	return r;
}

static int time_result(struct query_view *v, sqlite3_context *ctx, uint32_t row, struct err *e)
{
	char text[CLOCK_TEXT];
	int r = query_view_numbers(v, JOURNAL_REAL, e);

	if (r < 0)
		return r;
	clock_print(v->numbers[JOURNAL_REAL][row], text);
	sqlite3_result_text(ctx, text, -1, SQLITE_TRANSIENT);
	return 0;
}

static int boot_result(struct query_view *v, sqlite3_context *ctx, uint32_t row, struct err *e)
{
	int r = query_view_numbers(v, JOURNAL_REAL, e);

	if (r == 0)
		r = query_view_numbers(v, JOURNAL_OFFSET, e);
	if (r == 0)
		sqlite3_result_int64(ctx, (sqlite3_int64)(v->numbers[JOURNAL_REAL][row] -
							  v->numbers[JOURNAL_OFFSET][row]));
	return r;
}

static int tid_result(struct query_view *v, sqlite3_context *ctx, uint32_t row, struct err *e)
{
	int r = query_view_numbers(v, JOURNAL_TID_DELTA, e);
	uint32_t pid = 0, tid;

	if (r == 0)
		r = query_view_process_of(v, e);
	if (r < 0)
		return r;
	if (v->process_of[row])
		pid = v->processes[v->process_of[row] - 1].pid;
	tid = pid + (uint32_t)v->numbers[JOURNAL_TID_DELTA][row];
	if (tid)
		sqlite3_result_int64(ctx, tid);
	return 0;
}

static int type_result(struct query_view *v, sqlite3_context *ctx, uint32_t row, struct err *e)
{
	int r = query_view_types(v, e);

	if (r == 0 && v->types[row] < EVENT_TYPE_MAX && event_types[v->types[row]].name)
		sqlite3_result_text(ctx, event_types[v->types[row]].name, -1, SQLITE_STATIC);
	return r;
}

int query_part_result(struct scan_part *part, sqlite3_context *ctx, unsigned number, struct err *e)
{
	struct query_column column = query_column_get(number);
	struct query_view *v = &part->view;
	uint32_t row = part->rows[part->at];

	switch (column.class) {
	case QUERY_TIME:
		return time_result(v, ctx, row, e);
	case QUERY_TIME_NS:
		return number_result(v, ctx, JOURNAL_REAL, row, e);
	case QUERY_BOOT_NS:
		return boot_result(v, ctx, row, e);
	case QUERY_BOOT_ID:
		sqlite3_result_text(ctx, journal_reader_boot_id(v->reader, v->number), -1,
				    SQLITE_TRANSIENT);
		return 0;
	case QUERY_TYPE:
		return type_result(v, ctx, row, e);
	case QUERY_TID:
		return tid_result(v, ctx, row, e);
	case QUERY_SEGMENT:
		sqlite3_result_int64(ctx, (sqlite3_int64)v->info->segment);
		return 0;
	case QUERY_BLOCK:
		sqlite3_result_int64(ctx, (sqlite3_int64)v->info->sequence);
		return 0;
	case QUERY_ROW:
		sqlite3_result_int64(ctx, row);
		return 0;
	case QUERY_NUMBER:
		return number_result(v, ctx, (unsigned)column.offset, row, e);
	case QUERY_CONTAINER_TEXT:
		return container_result(v, ctx, column.offset, row, e);
	case QUERY_PROCESS_TEXT:
	case QUERY_PROCESS_U32:
	case QUERY_PROCESS_U64:
		return process_result(v, ctx, &column, row, e);
	case QUERY_FIELD:
		return field_result(v, ctx, (enum event_field)column.offset, row, e);
	}
	return 0;
}
