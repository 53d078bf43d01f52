/* test_query_walk.c - SQL gives what a plain walk over the journal gives.
 *
 * The plain walk here shares no code with the query: its own table of values, its own LIKE. */
#include "base/clock.h"
#include "query_room.h"

/* What SQL shows of one event in one column, as this test understands the words in query.h. */
struct shown {
	enum {
		NOTHING,
		NUMBER,
		BYTES
	} kind;
	int64_t number;
	struct buf bytes;
};

static void show_number(struct shown *s, uint64_t number)
{
	s->kind = NUMBER;
	s->number = (int64_t)number;
}

static void show_bytes(struct shown *s, struct span bytes)
{
	s->kind = BYTES;
	buf_add_span(&s->bytes, bytes);
}

static void show_known(struct shown *s, struct span bytes)
{
	if (bytes.n)
		show_bytes(s, bytes);
}

static bool show_process(struct shown *s, const struct process *p, const char *column)
{
	static const char *const names[] = {"pid",     "ppid",	   "vpid",     "uid",
					    "gid",     "loginuid", "start_ns", "parent_start_ns",
					    "exec_ns", "comm",	   "exe"};
	size_t i = 0;

	while (i < ARRAY_LEN(names) && strcmp(names[i], column) != 0)
		i++;
	if (i == ARRAY_LEN(names))
		return false;
	if (!p)
		return true;
	const uint64_t numbers[] = {p->pid,    p->ppid,	    p->vpid,	 p->uid,
				    p->gid,    p->loginuid, p->start_ns, p->parent_start_ns,
				    p->exec_ns};

	if (i == 9)
		show_known(s, p->comm);
	else if (i == 10)
		show_known(s, p->exe);
	else if (!(i == 5 && p->loginuid == UINT32_MAX) && !(numbers[i] == 0 && (i == 2 || i >= 6)))
		show_number(s, numbers[i]);
	return true;
}

static bool show_container(struct shown *s, const struct container *c, const char *column)
{
	static const char *const names[] = {"container", "container_name", "image", "image_id",
					    "pod",	 "pod_namespace"};
	size_t i = 0;

	while (i < ARRAY_LEN(names) && strcmp(names[i], column) != 0)
		i++;
	if (i == ARRAY_LEN(names))
		return false;
	if (c) {
		const struct span texts[] = {c->id,	  c->name, c->image,
					     c->image_id, c->pod,  c->pod_namespace};

		show_known(s, texts[i]);
	}
	return true;
}

static bool show_head(struct shown *s, const struct event *ev, const char *column)
{
	char time[CLOCK_TEXT];

	if (strcmp(column, "time") == 0) {
		clock_print(ev->real_ns, time);
		show_bytes(s, span_of(time));
	} else if (strcmp(column, "time_ns") == 0) {
		show_number(s, ev->real_ns);
	} else if (strcmp(column, "boot_ns") == 0) {
		show_number(s, ev->boot_ns);
	} else if (strcmp(column, "type") == 0) {
		show_bytes(s, span_of(event_types[ev->type].name));
	} else if (strcmp(column, "ret") == 0) {
		show_number(s, (uint64_t)ev->ret);
	} else if (strcmp(column, "count") == 0) {
		show_number(s, ev->count);
	} else if (strcmp(column, "marks") == 0) {
		show_number(s, ev->marks);
	} else if (strcmp(column, "tid") == 0) {
		if (ev->tid)
			show_number(s, ev->tid);
	} else {
		return show_process(s, ev->process, column) ||
		       show_container(s, ev->container, column);
	}
	return true;
}

static void show(struct shown *s, const struct event *ev, const char *column)
{
	enum event_field field;

	s->kind = NOTHING;
	buf_clear(&s->bytes);
	if (show_head(s, ev, column))
		return;
	field = event_field_find(span_of(column));
	assert_true(field < FIELD_COUNT);
	if (!event_type_has(ev->type, field))
		return;
	switch (event_fields[field].kind) {
	case VALUE_TEXT:
		show_bytes(s, ev->value[field].bytes);
		break;
	case VALUE_ADDR:
	case VALUE_DIGEST:
		if (ev->value[field].bytes.n == 0)
			break;
		s->kind = BYTES;
		event_print_value(&s->bytes, event_fields[field].kind, &ev->value[field]);
		break;
	default:
		show_number(s, ev->value[field].u);
	}
}

static bool is_text(struct span bytes)
{
	return (bytes.n == 0 || !memchr(bytes.p, 0, bytes.n)) && span_is_utf8(bytes);
}

/* One term of a WHERE. */
struct term {
	const char *column;
	enum {
		IS,
		BELOW,
		ABOVE,
		HAS,
		STARTS,
		ONE_OF,
		IS_THERE,
		KINDS
	} op;
	struct shown value, other;
	char word[8]; /* of HAS and STARTS: lower-case letters */
};

static bool holds_word(struct span bytes, const char *word, bool at_start, bool fold)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= bytes.n && (i == 0 || !at_start); i++) {
		size_t k = 0;

		while (k < n && (bytes.p[i + k] == (uint8_t)word[k] ||
				 (fold && bytes.p[i + k] == (uint8_t)(word[k] - 32))))
			k++;
		if (k == n)
			return true;
	}
	return false;
}

static bool equal(const struct shown *a, const struct shown *b)
{
	if (a->kind == NOTHING || a->kind != b->kind)
		return false;
	return a->kind == NUMBER ? a->number == b->number
				 : span_eq(buf_span(&a->bytes), buf_span(&b->bytes));
}

static bool holds(const struct term *t, const struct shown *s)
{
	switch (t->op) {
	case IS:
		return equal(s, &t->value);
	case BELOW:
		return s->kind == NUMBER && s->number < t->value.number;
	case ABOVE:
		return s->kind == NUMBER && s->number >= t->value.number;
	case HAS:
		return s->kind == BYTES && holds_word(buf_span(&s->bytes), t->word, false, true);
	case STARTS:
		return s->kind == BYTES && holds_word(buf_span(&s->bytes), t->word, true, false);
	case ONE_OF:
		return equal(s, &t->value) || equal(s, &t->other);
	default:
		return s->kind != NOTHING;
	}
}

static void literal(struct buf *sql, const struct shown *s)
{
	if (s->kind == NUMBER) {
		buf_addf(sql, "%lld", (long long)s->number);
		return;
	}
	buf_add_text(sql, is_text(buf_span(&s->bytes)) ? "CAST(x'" : "(x'");
	for (size_t i = 0; i < s->bytes.n; i++)
		buf_addf(sql, "%02x", s->bytes.p[i]);
	buf_add_text(sql, is_text(buf_span(&s->bytes)) ? "' AS TEXT)" : "')");
}

static void term_sql(struct buf *sql, const struct term *t)
{
	buf_addf(sql, "\"%s\" ", t->column);
	switch (t->op) {
	case IS:
	case BELOW:
	case ABOVE:
		buf_add_text(sql, t->op == IS ? "= " : t->op == BELOW ? "< " : ">= ");
		literal(sql, &t->value);
		break;
	case HAS:
		buf_addf(sql, "LIKE '%%%s%%'", t->word);
		break;
	case STARTS:
		buf_addf(sql, "GLOB '%s*'", t->word);
		break;
	case ONE_OF:
		buf_add_text(sql, "IN (");
		literal(sql, &t->value);
		buf_add_text(sql, ", ");
		literal(sql, &t->other);
		buf_add_text(sql, ")");
		break;
	default:
		buf_add_text(sql, "IS NOT NULL");
	}
}

static const char *const head_columns[] = {
	"time_ns",
	"boot_ns",
	"type",
	"ret",
	"count",
	"marks",
	"tid",
	"pid",
	"ppid",
	"vpid",
	"uid",
	"gid",
	"loginuid",
	"start_ns",
	"exec_ns",
	"comm",
	"exe",
	"image",
	"container_name",
	"pod_namespace",
	"container",
};

/* A term on a value that the event has, so that mostly something is found. */
static void make_term(struct term *t, uint64_t *seed, const struct event *ev,
		      const struct event *second)
{
	const struct event_type_info *info = &event_types[ev->type];

	t->column = head_columns[made_random(seed) % ARRAY_LEN(head_columns)];
	if (info->field_count && made_random(seed) % 2)
		t->column = event_fields[info->fields[made_random(seed) % info->field_count]].name;
	show(&t->value, ev, t->column);
	show(&t->other, second, t->column);
	t->op = made_random(seed) % KINDS;
	if (t->value.kind == NOTHING || (t->op == ONE_OF && t->other.kind != t->value.kind))
		t->op = IS_THERE;
	if (t->value.kind == NUMBER && (t->op == HAS || t->op == STARTS))
		t->op = ABOVE;
	if (t->value.kind == BYTES && (t->op == BELOW || t->op == ABOVE))
		t->op = HAS;
	snprintf(t->word, sizeof(t->word), "%c%c", 'a' + (char)(made_random(seed) % 3),
		 made_random(seed) % 3 ? 'b' : 0);
}

static int number_order(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void check_terms(struct term *terms, size_t n, struct made_event *m, struct shown *s)
{
	struct numbers expected = {0}, found = {0};
	struct query_handler h = {.row = take_row_number, .ctx = &found};
	AUTO(buf) struct buf sql;

	buf_init(&sql, 1 << 20);
	buf_add_text(&sql, "SELECT block, row FROM events WHERE ");
	for (size_t i = 0; i < n; i++) {
		buf_add_text(&sql, i ? " AND " : "");
		term_sql(&sql, &terms[i]);
	}
	for (size_t number = 0; number < fixture.n; number++) {
		bool all = true;

		look(m, number);
		for (size_t i = 0; i < n && all; i++) {
			show(s, &m->ev, terms[i].column);
			all = holds(&terms[i], s);
		}
		if (all)
			add_number(&expected, (uint32_t)number);
	}
	run(buf_text(&sql), &h);
	if (found.n)
		qsort(found.p, found.n, sizeof(*found.p), number_order);
	if (expected.n != found.n ||
	    (found.n && memcmp(expected.p, found.p, found.n * sizeof(*found.p)) != 0))
		fail_msg("%zu rows instead of %zu: %s", found.n, expected.n, buf_text(&sql));
	free(expected.p);
	free(found.p);
}

static void random_predicates_equal_a_plain_walk(void **state)
{
	struct made_event m = {0}, second = {0};
	struct term terms[3];
	struct shown s;
	uint64_t seed = 20261124;

	append_made(1500);
	buf_init(&s.bytes, 1 << 20);
	for (size_t i = 0; i < ARRAY_LEN(terms); i++) {
		buf_init(&terms[i].value.bytes, 1 << 20);
		buf_init(&terms[i].other.bytes, 1 << 20);
	}
	for (unsigned round = 0; round < 250; round++) {
		size_t n = 1 + made_random(&seed) % 3;

		look(&m, made_random(&seed) % fixture.n);
		look(&second, made_random(&seed) % fixture.n);
		for (size_t i = 0; i < n; i++)
			make_term(&terms[i], &seed, &m.ev, &second.ev);
		check_terms(terms, n, &m, &s);
	}
	for (size_t i = 0; i < ARRAY_LEN(terms); i++) {
		buf_fini(&terms[i].value.bytes);
		buf_fini(&terms[i].other.bytes);
	}
	buf_fini(&s.bytes);
	made_fini(&m);
	made_fini(&second);
}

struct walk {
	struct made_event m;
	struct shown s;
	const char *names[160]; /* they live as long as the statement */
	size_t number, bad;
};

static int keep_names(void *ctx, const char *const *names, size_t n)
{
	struct walk *w = ctx;

	assert_true(n <= ARRAY_LEN(w->names));
	for (size_t i = 0; i < n; i++)
		w->names[i] = names[i];
	return 0;
}

static int compare_row(void *ctx, const struct query_value *values, size_t n)
{
	struct walk *w = ctx;

	look(&w->m, w->number++);
	for (size_t i = 0; i < n; i++) {
		static const char *const own[] = {"boot_id", "segment", "block", "row"};
		bool skip = false;

		for (size_t k = 0; k < ARRAY_LEN(own); k++)
			skip = skip || strcmp(w->names[i], own[k]) == 0;
		if (skip)
			continue;
		show(&w->s, &w->m.ev, w->names[i]);
		bool same =
			w->s.kind == NOTHING ? values[i].kind == QUERY_NULL
			: w->s.kind == NUMBER
				? values[i].kind == QUERY_INTEGER &&
					  values[i].integer == w->s.number
				: values[i].kind == (is_text(buf_span(&w->s.bytes)) ? QUERY_TEXT
										    : QUERY_BLOB) &&
					  span_eq(values[i].bytes, buf_span(&w->s.bytes));

		if (!same)
			fail_msg("row %zu, column %s", w->number - 1, w->names[i]);
	}
	return 0;
}

static void every_column_of_every_row_is_what_was_recorded(void **state)
{
	struct walk w = {0};
	struct query_handler h = {.columns = keep_names, .row = compare_row, .ctx = &w};

	buf_init(&w.s.bytes, 1 << 20);
	append_made(2500);
	run("SELECT * FROM events", &h);
	assert_int_equal(w.number, 2500);
	made_fini(&w.m);
	buf_fini(&w.s.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(random_predicates_equal_a_plain_walk, query_setup,
						query_teardown),
		cmocka_unit_test_setup_teardown(every_column_of_every_row_is_what_was_recorded,
						query_setup, query_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
