/* query_scan.c - the walk over blocks and rows. */
#include "base/limits.h"
#include "store/query_cursor.h"

void query_scan_init(struct query_scan *s, struct query *q)
{
	memset(s, 0, sizeof(*s));
	s->q = q;
}

void query_scan_fini(struct query_scan *s)
{
	for (unsigned i = 0; i < SCAN_PARTS; i++) {
		if (s->parts[i].ready && !s->q->spare) {
			s->q->spare = s->parts[i].view.block;
			s->parts[i].view.block = NULL;
		}
		if (s->parts[i].ready)
			query_view_fini(&s->parts[i].view);
		free(s->parts[i].rows);
	}
	free(s->blocks);
}

static int part_ready(struct query_scan *s, struct scan_part *part, struct err *e)
{
	int r;

	if (part->ready)
		return 0;
	if (!part->rows)
		part->rows = malloc(LIMIT_BLOCK_ROWS * sizeof(*part->rows));
	if (!part->rows)
		return err_set(e, ENOMEM, "no memory for a query");
	if (s->q->spare) {
		memset(&part->view, 0, sizeof(part->view));
		part->view.reader = s->q->reader;
		part->view.number = SIZE_MAX;
		part->view.block = s->q->spare;
		s->q->spare = NULL;
		part->ready = true;
		return 0;
	}
	r = query_view_init(&part->view, s->q->reader, e);
	part->ready = r == 0;
	return r;
}

int query_scan_view(struct query_scan *s, struct query_view **ret_view, struct err *e)
{
	int r = part_ready(s, &s->parts[0], e);

	if (r == 0)
		*ret_view = &s->parts[0].view;
	return r;
}

struct edge {
	uint64_t at;
	int step;
};

static int edge_order(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return y->step - x->step; /* begins before ends: touching blocks overlap */
}

bool query_scan_can_order(const struct journal_reader *reader)
{
	size_t n = journal_reader_blocks(reader);
	AUTO(free) struct edge *edges = calloc(2 * n + 1, sizeof(*edges));
	int open = 0, most = 0;

	if (!edges)
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct journal_block_info *info = journal_reader_block(reader, i);

		edges[2 * i] = (struct edge){info->min_real_ns, 1};
		edges[2 * i + 1] = (struct edge){info->max_real_ns, -1};
	}
	qsort(edges, 2 * n, sizeof(*edges), edge_order);
	for (size_t i = 0; i < 2 * n; i++) {
		open += edges[i].step;
		most = open > most ? open : most;
	}
	return most < (int)SCAN_PARTS;
}

struct sort_by {
	const struct journal_reader *reader;
	const uint64_t *real;
	bool down;
};

static int compare(uint64_t x, uint64_t y, bool down)
{
	int order = x < y ? -1 : x > y;

	return down ? -order : order;
}

static int block_order(const void *a, const void *b, void *ctx)
{
	const struct sort_by *by = ctx;
	const struct journal_block_info *x = journal_reader_block(by->reader, *(const size_t *)a);
	const struct journal_block_info *y = journal_reader_block(by->reader, *(const size_t *)b);

	return by->down ? compare(x->max_real_ns, y->max_real_ns, true)
			: compare(x->min_real_ns, y->min_real_ns, false);
}

static int row_order(const void *a, const void *b, void *ctx)
{
	const struct sort_by *by = ctx;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int order = compare(by->real[x], by->real[y], by->down);

	return order ? order : compare(x, y, by->down);
}

static int choose_blocks(struct query_scan *s, struct err *e)
{
	struct sort_by by = {.reader = s->q->reader, .down = s->order == SCAN_TIME_DOWN};
	size_t all = journal_reader_blocks(s->q->reader);

	free(s->blocks);
	s->blocks = calloc(all + 1, sizeof(*s->blocks));
	if (!s->blocks)
		return err_set(e, ENOMEM, "no memory for a query");
	s->block_n = s->next = 0;
	for (size_t i = 0; i < all && !s->filter->none; i++) {
		if (journal_block_may_match(journal_reader_block(s->q->reader, i),
					    &s->filter->prune))
			s->blocks[s->block_n++] = i;
	}
	if (s->order != SCAN_JOURNAL)
		qsort_r(s->blocks, s->block_n, sizeof(*s->blocks), block_order, &by);
	return 0;
}

/* Rows of a block mostly are in the order of time already. */
static int sort_rows(struct query_scan *s, struct scan_part *part, struct err *e)
{
	struct sort_by by = {.down = s->order == SCAN_TIME_DOWN};
	int r = query_view_numbers(&part->view, JOURNAL_REAL, e);
	bool sorted = true;

	if (r < 0)
		return r;
	by.real = part->view.numbers[JOURNAL_REAL];
	for (uint32_t i = 1; i < part->n && sorted; i++)
		sorted = by.real[part->rows[i - 1]] <= by.real[part->rows[i]];
	if (!sorted) {
		qsort_r(part->rows, part->n, sizeof(*part->rows), row_order, &by);
		return 0;
	}
	for (uint32_t i = 0; by.down && i < part->n / 2; i++) {
		uint32_t other = part->n - 1 - i, row = part->rows[i];

		part->rows[i] = part->rows[other];
		part->rows[other] = row;
	}
	return 0;
}

/* Opens the next block in `part`; it may turn out to have no rows. */
static int open_next(struct query_scan *s, struct scan_part *part, struct err *e)
{
	int r = query_check(s->q, e);

	if (r == 0)
		r = part_ready(s, part, e);
	if (r < 0)
		return r;
	part->n = part->at = 0;
	r = query_view_load(&part->view, s->blocks[s->next++], e);
	if (r == 0)
		r = query_filter_block(s->filter, &part->view, part->rows, &part->n, e);
	if (r == 0 && part->n && s->order != SCAN_JOURNAL)
		r = sort_rows(s, part, e);
	if (r < 0)
		part->n = 0;
	return r < 0 ? query_skip(s->q, r, e) : 0;
}

static uint64_t head_of(const struct scan_part *part)
{
	return part->view.numbers[JOURNAL_REAL][part->rows[part->at]];
}

/* Whether the next block may hold a row that comes before `head`. */
static bool next_may_precede(const struct query_scan *s, uint64_t head)
{
	const struct journal_block_info *info;

	if (s->next == s->block_n)
		return false;
	info = journal_reader_block(s->q->reader, s->blocks[s->next]);
	return s->order == SCAN_TIME_UP ? info->min_real_ns <= head : info->max_real_ns >= head;
}

static int settle_by_time(struct query_scan *s, struct err *e)
{
	for (;;) {
		struct scan_part *best = NULL, *free_part = NULL;

		for (unsigned i = 0; i < SCAN_PARTS; i++) {
			struct scan_part *part = &s->parts[i];

			if (part->at >= part->n)
				free_part = free_part ? free_part : part;
			else if (!best || compare(head_of(part), head_of(best),
						  s->order == SCAN_TIME_DOWN) < 0)
				best = part;
		}
		if ((best && !next_may_precede(s, head_of(best))) ||
		    (!best && s->next == s->block_n)) {
			s->now = best;
			return 0;
		}
		if (!free_part)
			return err_set(e, EOVERFLOW, "more than %u blocks overlap in time",
				       SCAN_PARTS);
		int r = open_next(s, free_part, e);

		if (r < 0)
			return r;
	}
}

static int settle(struct query_scan *s, struct err *e)
{
	struct scan_part *part = &s->parts[0];

	if (s->order != SCAN_JOURNAL)
		return settle_by_time(s, e);
	while (part->at >= part->n) {
		if (s->next == s->block_n) {
			s->now = NULL;
			return 0;
		}
		int r = open_next(s, part, e);

		if (r < 0)
			return r;
	}
	s->now = part;
	return 0;
}

int query_scan_start(struct query_scan *s, struct query_filter *filter, enum scan_order order,
		     struct err *e)
{
	int r;

	s->filter = filter;
	s->order = order;
	s->now = NULL;
	for (unsigned i = 0; i < SCAN_PARTS; i++)
		s->parts[i].n = s->parts[i].at = 0;
	r = choose_blocks(s, e);
	return r < 0 ? r : settle(s, e);
}

int query_scan_next(struct query_scan *s, struct err *e)
{
	if (++s->now->at < s->now->n && s->order == SCAN_JOURNAL)
		return 0;
	return settle(s, e);
}
