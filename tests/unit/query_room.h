/* query_room.h - a journal of made-up events, and SQL asked over it. */
#ifndef AMBER_TESTS_UNIT_QUERY_ROOM_H
#define AMBER_TESTS_UNIT_QUERY_ROOM_H

#include "journal_events.h"
#include "journal_room.h"
#include "store/query.h"
#include "test.h"

#define BLOCK_ROWS 500u

struct fixture {
	struct room *room;
	struct query *query;
	size_t n; /* events that were appended */
};

static struct fixture fixture;

static inline int query_setup(void **state)
{
	void *room = NULL;
	struct err e = ERR_INIT;

	if (room_setup(&room) < 0)
		return -1;
	fixture = (struct fixture){.room = room};
	room_open(room, (struct journal_options){.block_rows = BLOCK_ROWS, .flush_ms = 60000});
	if (query_open(fixture.room->dir, &fixture.query, &e) < 0)
		fail_msg("%s", e.text);
	*state = room;
	return 0;
}

static inline int query_teardown(void **state)
{
	query_close(fixture.query);
	return room_teardown(state);
}

struct numbers {
	uint32_t *p;
	size_t n, cap;
};

static inline void add_number(struct numbers *list, uint32_t number)
{
	if (list->n == list->cap) {
		list->cap = list->cap ? list->cap * 2 : 64;
		list->p = realloc(list->p, list->cap * sizeof(*list->p));
		assert_non_null(list->p);
	}
	list->p[list->n++] = number;
}

static inline int take_row_number(void *ctx, const struct query_value *values, size_t n)
{
	assert_int_equal(n, 2);
	assert_int_equal(values[0].kind, QUERY_INTEGER);
	add_number(ctx, (uint32_t)(values[0].integer * BLOCK_ROWS + values[1].integer));
	return 0;
}

static inline void run(const char *sql, const struct query_handler *h)
{
	struct err e = ERR_INIT;
	int r = query_run(fixture.query, sql, h, &e);

	if (r < 0)
		fail_msg("%s: %s", sql, e.text);
}

static inline int fails(const char *sql)
{
	struct numbers ignored = {0};
	struct query_handler h = {.row = take_row_number, .ctx = &ignored};
	struct err e = ERR_INIT;
	int r = query_run(fixture.query, sql, &h, &e);

	free(ignored.p);
	assert_true(r == 0 || strlen(e.text) > 0);
	return r;
}

/* The first value of the first row. */
static inline int take_one(void *ctx, const struct query_value *values, size_t n)
{
	struct query_value *value = ctx;

	if (value->kind == QUERY_NULL)
		*value = values[0];
	return 0;
}

static inline int64_t number_of(const char *sql)
{
	struct query_value value = {.kind = QUERY_NULL};
	struct query_handler h = {.row = take_one, .ctx = &value};

	run(sql, &h);
	assert_int_equal(value.kind, QUERY_INTEGER);
	return value.integer;
}

static inline int take_text(void *ctx, const struct query_value *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (values[i].kind == QUERY_INTEGER)
			buf_addf(ctx, "%lld", (long long)values[i].integer);
		else if (values[i].kind == QUERY_NULL)
			buf_add_text(ctx, "-");
		else
			buf_add_span(ctx, values[i].bytes);
		buf_add_text(ctx, i + 1 < n ? "|" : "\n");
	}
	return 0;
}

/* All rows as text. */
static inline const char *text_of(const char *sql)
{
	static struct buf b;
	struct query_handler h = {.row = take_text, .ctx = &b};

	if (!b.max)
		buf_init(&b, 64u << 20);
	buf_clear(&b);
	run(sql, &h);
	return buf_text(&b);
}

/* The made events are made again for each look: keeping them would keep a megabyte for each. */
static inline void look(struct made_event *m, size_t number)
{
	made_event(m, number);
}

static inline void append_made(size_t n)
{
	struct made_event m = {0};
	struct err e = ERR_INIT;

	for (size_t i = fixture.n; i < fixture.n + n; i++) {
		look(&m, i);
		assert_int_equal(journal_append(fixture.room->journal, &m.ev, &e), 0);
	}
	assert_int_equal(journal_flush(fixture.room->journal, &e), 0);
	fixture.n += n;
	made_fini(&m);
}

#endif
