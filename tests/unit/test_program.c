/* test_program.c - claims about the jump code that conditions become. */
#include "detect/program.h"

#include "test.h"

#define CHECKS 6u

static uint32_t random_state = 1;

static uint32_t dice(uint32_t n)
{
	random_state = random_state * 1664525u + 1013904223u;
	return (random_state >> 8) % n;
}

/* Writes a random condition of checks a.f0 to a.f5. */
static void write_condition(struct buf *b, unsigned depth)
{
	unsigned kids = 2 + dice(3), kind = depth ? dice(4) : 3;

	if (kind == 3) {
		buf_addf(b, "a.f%u exists", dice(CHECKS));
		return;
	}
	if (kind == 2) {
		buf_add_text(b, "not (");
		write_condition(b, depth - 1);
		buf_add_text(b, ")");
		return;
	}
	for (unsigned i = 0; i < kids; i++) {
		buf_add_text(b, i ? kind ? " and (" : " or (" : "(");
		write_condition(b, depth - 1);
		buf_add_text(b, ")");
	}
}

static enum truth truths[CHECKS];

static unsigned number_of(const struct condition *c, uint32_t check)
{
	struct span name = condition_text(c, &c->nodes[c->nodes[check].first]);

	return name.p[name.n - 1] - '0';
}

/* Kleene's logic as the book has it. */
static enum truth kleene(const struct condition *c, uint32_t node)
{
	const struct cond_node *n = &c->nodes[node];
	enum truth stop = n->kind == COND_AND ? TRUTH_NO : TRUTH_YES, t;
	bool unknown = false;

	if (n->kind == COND_CHECK)
		return truths[number_of(c, node)];
	if (n->kind == COND_NOT) {
		t = kleene(c, n->first);
		return t == TRUTH_UNKNOWN ? t : t == TRUTH_YES ? TRUTH_NO : TRUTH_YES;
	}
	cond_each (child, c, node) {
		t = kleene(c, child);
		if (t == stop)
			return stop;
		unknown |= t == TRUTH_UNKNOWN;
	}
	return unknown ? TRUTH_UNKNOWN : stop == TRUTH_YES ? TRUTH_NO : TRUTH_YES;
}

struct asked {
	const struct program *p;
	unsigned n;
};

static enum truth answer(void *ctx, uint32_t check)
{
	struct asked *a = ctx;
	const struct program_check *seen = &a->p->checks[check];

	a->n++;
	return truths[number_of(seen->condition, seen->node)];
}

static void parse(struct condition *c, struct span text)
{
	struct cond_fault fault;
	struct err e = ERR_INIT;

	condition_init(c);
	if (condition_parse(c, text, 0, &fault, &e) < 0)
		fail_msg("%s", e.text);
}

static void a_program_holds_where_kleenes_logic_is_true(void **state)
{
	for (unsigned round = 0; round < 3000; round++) {
		AUTO(buf) struct buf text;
		AUTO(condition) struct condition c;
		AUTO(program) struct program p;
		struct err e = ERR_INIT;
		struct asked asked = {&p, 0};
		int32_t start;

		buf_init(&text, 1 << 20);
		write_condition(&text, 4);
		parse(&c, buf_span(&text));
		program_init(&p);
		assert_int_equal(program_add(&p, &c, &start, &e), 0);
		for (unsigned try = 0; try < 20; try++) {
			for (unsigned i = 0; i < CHECKS; i++)
				truths[i] = (enum truth)dice(3);
			if (program_run(&p, start, answer, &asked) !=
			    (kleene(&c, c.root) == TRUTH_YES))
				fail_msg("%s", buf_text(&text));
		}
	}
}

static void one_check_of_many_rules_is_one_check(void **state)
{
	AUTO(condition) struct condition a, b;
	AUTO(program) struct program p;
	struct err e = ERR_INIT;
	int32_t first, second;

	parse(&a, span_of("proc.name in (sh, bash) and evt.type = open"));
	parse(&b, span_of("not evt.type=open or proc.name in (sh,bash)"));
	program_init(&p);
	assert_int_equal(program_add(&p, &a, &first, &e), 0);
	assert_int_equal(program_add(&p, &b, &second, &e), 0);
	assert_int_equal(p.texts.n, 2);
	assert_int_equal(p.n, 4);
}

static void what_decides_first_ends_the_run(void **state)
{
	AUTO(condition) struct condition c;
	AUTO(program) struct program p;
	struct err e = ERR_INIT;
	struct asked asked = {&p, 0};
	int32_t start;

	parse(&c, span_of("a.f0 exists and (a.f1 exists or a.f2 exists) and a.f3 exists"));
	program_init(&p);
	assert_int_equal(program_add(&p, &c, &start, &e), 0);
	for (unsigned i = 0; i < CHECKS; i++)
		truths[i] = TRUTH_NO;
	assert_false(program_run(&p, start, answer, &asked));
	assert_int_equal(asked.n, 1);
	truths[0] = truths[1] = truths[3] = TRUTH_YES;
	asked.n = 0;
	assert_true(program_run(&p, start, answer, &asked));
	assert_int_equal(asked.n, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_holds_where_kleenes_logic_is_true),
		cmocka_unit_test(one_check_of_many_rules_is_one_check),
		cmocka_unit_test(what_decides_first_ends_the_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
