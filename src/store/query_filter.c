/* query_filter.c - from a plan and its values to the rows of a block. */
#include "store/query_filter.h"

#include "base/clock.h"
#include "base/limits.h"

static int number_order(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static struct span value_span(sqlite3_value *value)
{
	const void *p;

	if (sqlite3_value_type(value) == SQLITE_BLOB)
		p = sqlite3_value_blob(value);
	else
		p = sqlite3_value_text(value);
	return span_make(p, p ? (size_t)sqlite3_value_bytes(value) : 0);
}

static int time_value(struct query_term *t, sqlite3_value *value, struct err *e)
{
	uint64_t ns;
	int r;

	if (sqlite3_value_type(value) == SQLITE_INTEGER ||
	    sqlite3_value_type(value) == SQLITE_FLOAT) {
		t->value = sqlite3_value_int64(value);
		return 0;
	}
	r = clock_parse((const char *)sqlite3_value_text(value), &ns, e);
	if (r == 0)
		t->value = ns > INT64_MAX ? INT64_MAX : (int64_t)ns;
	return r;
}

/* True when the term can be decided here; a value of another kind is left to SQLite. */
static bool number_value(struct query_term *t, sqlite3_value *value)
{
	if (sqlite3_value_type(value) != SQLITE_INTEGER)
		return false;
	t->value = sqlite3_value_int64(value);
	return true;
}

/* The list of an IN: *ret_usable is false when one of its values is of another kind. */
static int list_values(struct query_term *t, sqlite3_value *list, bool *ret_usable, struct err *e)
{
	sqlite3_value *value;
	size_t cap = 0;
	int code;

	*ret_usable = true;
	for (code = sqlite3_vtab_in_first(list, &value); code == SQLITE_OK;
	     code = sqlite3_vtab_in_next(list, &value)) {
		int type = sqlite3_value_type(value);

		if (type == SQLITE_NULL)
			continue; /* equals nothing */
		if (t->column.text) {
			int r = query_pattern_add(&t->pattern, value_span(value), e);

			if (r < 0)
				return r;
			continue;
		}
		*ret_usable = *ret_usable && type == SQLITE_INTEGER;
		if (t->value_n == cap) {
			int64_t *more;

			cap = cap ? cap * 2 : 16;
			more = reallocarray(t->values, cap, sizeof(*more));
			if (!more)
				return err_set(e, ENOMEM, "no memory for a list of values");
			t->values = more;
		}
		t->values[t->value_n++] = sqlite3_value_int64(value);
	}
	if (t->value_n)
		qsort(t->values, t->value_n, sizeof(*t->values), number_order);
	return code == SQLITE_DONE ? 0 : err_set(e, ENOMEM, "cannot read a list of values");
}

/* Reads the value into the term.  *ret_use: the term takes part. */
static int term_value(struct query_filter *f, struct query_term *t, sqlite3_value *value,
		      bool *ret_use, struct err *e)
{
	int r;

	*ret_use = true;
	if (t->op == QUERY_NOTNULL)
		return 0;
	if (t->op != QUERY_IN && sqlite3_value_type(value) == SQLITE_NULL) {
		f->none = true; /* a comparison with NULL is never true */
		*ret_use = false;
		return 0;
	}
	if (t->column.class == QUERY_TIME)
		return time_value(t, value, e);
	if (t->column.text) {
		struct span text = t->op == QUERY_IN ? span_make(NULL, 0) : value_span(value);

		t->has_pattern = true;
		r = query_pattern_init(&t->pattern, t->op, text, e);
		return r == 0 && t->op == QUERY_IN ? list_values(t, value, ret_use, e) : r;
	}
	if (t->op == QUERY_IN)
		return list_values(t, value, ret_use, e);
	*ret_use = number_value(t, value);
	return 0;
}

static void term_fini(struct query_term *t)
{
	if (t->has_pattern)
		query_pattern_fini(&t->pattern);
	free(t->values);
	free(t->table);
}

static bool number_fits(const struct query_term *t, int64_t v)
{
	switch (t->op) {
	case QUERY_EQ:
		return v == t->value;
	case QUERY_LT:
		return v < t->value;
	case QUERY_LE:
		return v <= t->value;
	case QUERY_GT:
		return v > t->value;
	case QUERY_GE:
		return v >= t->value;
	case QUERY_IN:
		return t->value_n && bsearch(&v, t->values, t->value_n, sizeof(v), number_order);
	default:
		return true;
	}
}

/* A term on time is no more than the window that blocks are pruned by. */
static void narrow_time(struct query_filter *f, const struct query_term *t)
{
	uint64_t v = t->value < 0 ? 0 : (uint64_t)t->value;
	uint64_t low = 0, high = UINT64_MAX;

	if (t->op == QUERY_EQ || t->op == QUERY_GE)
		low = v;
	if (t->op == QUERY_EQ || t->op == QUERY_LE)
		high = v;
	if (t->op == QUERY_GT)
		low = t->value < 0 ? 0 : v + 1;
	if (t->op == QUERY_LT && v == 0)
		f->none = true;
	else if (t->op == QUERY_LT)
		high = v - 1;
	if (t->value < 0 && (t->op == QUERY_EQ || t->op == QUERY_LE))
		f->none = true;
	if (low > f->prune.from_ns)
		f->prune.from_ns = low;
	if (high < f->prune.to_ns)
		f->prune.to_ns = high;
}

static void narrow_types(struct query_filter *f, struct query_term *t)
{
	for (unsigned type = 0; type < 256; type++) {
		const char *name = type < EVENT_TYPE_MAX ? event_types[type].name : NULL;

		if (t->column.class == QUERY_TYPE)
			f->types[type] &= name && query_pattern_match(&t->pattern, span_of(name));
		else if (name) /* a type of a later version may have the field */
			f->types[type] &= event_type_has((enum event_type)type,
							 (enum event_field)t->column.offset);
	}
}

static void narrow(struct query_filter *f, struct query_term *t)
{
	if (t->column.class == QUERY_TIME ||
	    (t->column.class == QUERY_TIME_NS && t->op != QUERY_IN))
		narrow_time(f, t);
	if (t->column.class == QUERY_TYPE || t->column.class == QUERY_FIELD)
		narrow_types(f, t);
	if (t->number == QUERY_HEAD_CONTAINER && t->op == QUERY_EQ)
		f->prune.container = span_make(t->pattern.text, t->pattern.n);
	if (t->number == QUERY_HEAD_PID && t->op == QUERY_EQ) {
		if (t->value <= 0 || t->value > UINT32_MAX)
			f->none = true;
		else
			f->prune.pid = (uint32_t)t->value;
	}
}

static void finish_prune(struct query_filter *f)
{
	f->all_types = true;
	for (unsigned type = 0; type < 256; type++) {
		f->all_types = f->all_types && f->types[type];
		if (f->types[type])
			f->prune.types[type / 64] |= 1ull << (type % 64);
	}
	if (!(f->prune.types[0] | f->prune.types[1] | f->prune.types[2] | f->prune.types[3]))
		f->none = true;
	if (f->all_types)
		memset(f->prune.types, 0, sizeof(f->prune.types));
	if (f->prune.from_ns > f->prune.to_ns)
		f->none = true;
}

static int filter_alloc(struct query_filter *f, int argc, struct err *e)
{
	memset(f, 0, sizeof(*f));
	memset(f->types, 1, sizeof(f->types));
	f->prune.to_ns = UINT64_MAX;
	f->keep = malloc(LIMIT_BLOCK_ROWS);
	f->hits = malloc(LIMIT_BLOCK_ROWS);
	f->terms = calloc((size_t)argc + 1, sizeof(*f->terms));
	if (!f->keep || !f->hits || !f->terms)
		return err_set(e, ENOMEM, "no memory for a query");
	return 0;
}

static bool read_number(const char **plan, char behind, unsigned *ret_number)
{
	char *end;

	*ret_number = (unsigned)strtoul(*plan, &end, 10);
	if (end == *plan || *end != behind)
		return false;
	*plan = end + 1;
	return true;
}

/* "COLUMN:OP;", as query_plan.c writes it. */
static bool read_term(const char **plan, unsigned *ret_column, unsigned *ret_op)
{
	return read_number(plan, ':', ret_column) && read_number(plan, ';', ret_op);
}

int query_filter_init(struct query_filter *f, const char *plan, int argc, sqlite3_value **argv,
		      struct err *e)
{
	int r = filter_alloc(f, argc, e);

	for (int i = 0; i < argc && r == 0; i++) {
		struct query_term *t = &f->terms[f->n];
		unsigned column, op;
		bool use = false;

		if (!read_term(&plan, &column, &op) || column >= QUERY_COLUMNS)
			return err_set(e, EINVAL, "a plan of a query cannot be read");
		memset(t, 0, sizeof(*t));
		t->number = column;
		t->column = query_column_get(column);
		t->op = (enum query_op)op;
		r = term_value(f, t, argv[i], &use, e);
		if (r == 0 && use) {
			narrow(f, t);
			f->n++;
		} else {
			term_fini(t);
		}
	}
	if (r == 0)
		finish_prune(f);
	return r;
}

void query_filter_fini(struct query_filter *f)
{
	for (size_t i = 0; i < f->n; i++)
		term_fini(&f->terms[i]);
	free(f->terms);
	free(f->keep);
	free(f->hits);
	memset(f, 0, sizeof(*f));
}

static int table_room(struct query_term *t, uint32_t n, struct err *e)
{
	uint8_t *more;

	if (n <= t->table_cap)
		return 0;
	more = realloc(t->table, n);
	if (!more)
		return err_set(e, ENOMEM, "no memory for a query");
	t->table = more;
	t->table_cap = n;
	return 0;
}

static uint32_t match_containers(struct query_term *t, const struct query_view *v)
{
	uint32_t matches = 0;

	t->table[0] = 0; /* the host has none */
	for (uint32_t i = 0; i < v->container_n; i++) {
		const char *c = (const char *)&v->containers[i];
		struct span text = *(const struct span *)(c + t->column.offset);

		t->table[i + 1] = text.n && query_pattern_match(&t->pattern, text);
		matches += t->table[i + 1];
	}
	return matches;
}

static bool process_fits(struct query_term *t, const struct process *process)
{
	const char *p = (const char *)process + t->column.offset;

	if (t->column.class == QUERY_PROCESS_TEXT)
		return query_pattern_match(&t->pattern, *(const struct span *)p);
	if (t->column.class == QUERY_PROCESS_U32)
		return number_fits(t, *(const uint32_t *)p);
	return number_fits(t, (int64_t) * (const uint64_t *)p);
}

static uint32_t match_processes(struct query_term *t, const struct query_view *v)
{
	uint32_t matches = 0;

	t->table[0] = 0; /* nobody */
	for (uint32_t i = 0; i < v->process_n; i++) {
		t->table[i + 1] = process_fits(t, &v->processes[i]);
		matches += t->table[i + 1];
	}
	return matches;
}

/* Addresses and digests are matched as the text that is shown. */
static int match_printed(struct query_term *t, enum value_kind kind,
			 const struct journal_text *text, uint32_t *ret_matches, struct err *e)
{
	AUTO(buf) struct buf b;
	uint32_t matches = 0;

	buf_init(&b, 4096);
	for (uint32_t i = 0; i < text->distinct; i++) {
		union value value = {.bytes = journal_text_at(text, i)};

		buf_clear(&b);
		event_print_value(&b, kind, &value);
		t->table[i] = value.bytes.n && query_pattern_match(&t->pattern, buf_span(&b));
		matches += t->table[i];
	}
	*ret_matches = matches;
	return buf_check(&b, "a printed value", e);
}

static int match_field(struct query_term *t, struct query_view *v, uint32_t *ret_matches,
		       struct err *e)
{
	enum event_field field = (enum event_field)t->column.offset;
	enum value_kind kind = event_fields[field].kind;
	const struct journal_text *text = &v->fields[field].text;
	int r;

	*ret_matches = 1;
	if (!t->column.text || t->op == QUERY_NOTNULL)
		return 0;
	r = query_view_field(v, field, true, e);
	if (r == 0)
		r = table_room(t, text->distinct + 1, e);
	if (r < 0)
		return r;
	if (kind != VALUE_TEXT)
		return match_printed(t, kind, text, ret_matches, e);
	*ret_matches = query_pattern_match_all(&t->pattern, text->bytes, text->ends, text->distinct,
					       t->table);
	return 0;
}

/* Looks at tables and dictionaries only.  0 matches: the block has no row of the term. */
static int match_tables(struct query_term *t, struct query_view *v, uint32_t *ret_matches,
			struct err *e)
{
	int r = 0;

	*ret_matches = 1;
	switch (t->column.class) {
	case QUERY_CONTAINER_TEXT:
		r = query_view_containers(v, e);
		if (r == 0)
			r = table_room(t, v->container_n + 1, e);
		if (r == 0)
			*ret_matches = match_containers(t, v);
		return r;
	case QUERY_PROCESS_TEXT:
	case QUERY_PROCESS_U32:
	case QUERY_PROCESS_U64:
		r = query_view_processes(v, e);
		if (r == 0)
			r = table_room(t, v->process_n + 1, e);
		if (r == 0)
			*ret_matches = match_processes(t, v);
		return r;
	case QUERY_FIELD:
		return match_field(t, v, ret_matches, e);
	default:
		return 0;
	}
}

static void keep_indexed(uint8_t *keep, const uint32_t *index, const uint8_t *table, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		keep[i] &= table[index[i]];
}

static int keep_numbers(struct query_filter *f, struct query_term *t, struct query_view *v,
			unsigned column, struct err *e)
{
	const uint64_t *values;
	int r = query_view_numbers(v, column, e);

	if (r < 0)
		return r;
	values = v->numbers[column];
	for (uint32_t i = 0; i < v->rows; i++)
		f->keep[i] &= number_fits(t, (int64_t)values[i]);
	return 0;
}

/* Only rows that have the field can stay. */
static int keep_field(struct query_filter *f, struct query_term *t, struct query_view *v,
		      struct err *e)
{
	enum event_field field = (enum event_field)t->column.offset;
	struct view_field *vf = &v->fields[field];
	int r = query_view_field(v, field, false, e);

	if (r < 0)
		return r;
	memset(f->hits, 0, v->rows);
	for (uint32_t i = 0; i < vf->row_n; i++) {
		bool hit = t->op == QUERY_NOTNULL;

		if (!hit && t->column.text)
			hit = t->table[vf->text.index[i]];
		else if (!hit)
			hit = number_fits(t, (int64_t)vf->numbers[i]);
		f->hits[vf->rows[i]] = hit;
	}
	for (uint32_t i = 0; i < v->rows; i++)
		f->keep[i] &= f->hits[i];
	return 0;
}

static int keep_term(struct query_filter *f, struct query_term *t, struct query_view *v,
		     struct err *e)
{
	int r = 0;

	switch (t->column.class) {
	case QUERY_TIME:
	case QUERY_TIME_NS:
		if (t->op != QUERY_IN && v->info->min_real_ns >= f->prune.from_ns &&
		    v->info->max_real_ns <= f->prune.to_ns)
			return 0;
		return keep_numbers(f, t, v, JOURNAL_REAL, e);
	case QUERY_NUMBER:
		return keep_numbers(f, t, v, (unsigned)t->column.offset, e);
	case QUERY_CONTAINER_TEXT:
		r = query_view_container_of(v, e);
		if (r == 0)
			keep_indexed(f->keep, v->container_of, t->table, v->rows);
		return r;
	case QUERY_PROCESS_TEXT:
	case QUERY_PROCESS_U32:
	case QUERY_PROCESS_U64:
		r = query_view_process_of(v, e);
		if (r == 0)
			keep_indexed(f->keep, v->process_of, t->table, v->rows);
		return r;
	case QUERY_FIELD:
		return keep_field(f, t, v, e);
	default:
		return 0;
	}
}

static int keep_types(struct query_filter *f, struct query_view *v, struct err *e)
{
	int r;

	if (f->all_types) {
		memset(f->keep, 1, v->rows);
		return 0;
	}
	r = query_view_types(v, e);
	for (uint32_t i = 0; i < v->rows && r == 0; i++)
		f->keep[i] = f->types[v->types[i]];
	return r;
}

int query_filter_block(struct query_filter *f, struct query_view *v, uint32_t *ret_rows,
		       uint32_t *ret_n, struct err *e)
{
	uint32_t n = 0, matches;
	int r = 0;

	*ret_n = 0;
	for (size_t i = 0; i < f->n; i++) {
		r = match_tables(&f->terms[i], v, &matches, e);
		if (r < 0 || matches == 0)
			return r;
	}
	r = keep_types(f, v, e);
	for (size_t i = 0; i < f->n && r == 0; i++)
		r = keep_term(f, &f->terms[i], v, e);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < v->rows; i++) {
		ret_rows[n] = i;
		n += f->keep[i];
	}
	*ret_n = n;
	return 0;
}
