/* detect_case.h - values and conditions written in one line: for the tests of src/detect. */
#ifndef AMBER_TESTS_UNIT_DETECT_CASE_H
#define AMBER_TESTS_UNIT_DETECT_CASE_H

#include "detect/match.h"
#include "test.h"

static inline struct detect_value text(const char *s)
{
	return detect_text(span_of(s));
}

/* A generator whose numbers are the same in every run. */
static inline uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(*state >> 33);
}

/* A text of up to `most` bytes out of `alphabet`. */
static inline struct span random_text(uint64_t *state, const char *alphabet, size_t most,
				      char *room)
{
	size_t n = next_random(state) % (most + 1), kinds = strlen(alphabet);

	for (size_t i = 0; i < n; i++)
		room[i] = alphabet[next_random(state) % kinds];
	room[n] = 0;
	return span_make(room, n);
}

#define VALUES_MAX 16

/* The values of a list written as "a,b,c"; none of NULL. */
static inline size_t split_values(const char *list, struct span values[VALUES_MAX])
{
	size_t n = 0;

	while (list && n < VALUES_MAX) {
		const char *comma = strchr(list, ',');

		values[n++] = comma ? span_make(list, (size_t)(comma - list)) : span_of(list);
		list = comma ? comma + 1 : NULL;
	}
	return n;
}

struct question {
	enum match_modifier modifier;
	enum match_mode mode;
	enum detect_kind kind; /* ABSENT: the value's */
};

/* What `value op list` answers; compiling has to succeed. */
static inline enum truth ask_with(struct question q, struct detect_value value, const char *op,
				  const char *list)
{
	AUTO(match) struct match *m = NULL;
	struct span values[VALUES_MAX];
	struct match_spec spec = {.modifier = q.modifier, .kind = q.kind ? q.kind : value.kind};
	struct err e = ERR_INIT;

	assert_true(match_op_find(span_of(op), &spec.op));
	spec.values = values;
	spec.n = split_values(list, values);
	if (match_compile(&spec, &m, &e) < 0)
		fail_msg("%s %s: %s", op, list ? list : "", e.text);
	return match_test(m, &value, q.mode);
}

static inline enum truth ask(struct detect_value value, const char *op, const char *list)
{
	return ask_with((struct question){0}, value, op, list);
}

/* Why it is refused; what is accepted fails the test. */
static inline int refuse(enum detect_kind kind, const char *op, const char *list, struct err *e)
{
	AUTO(match) struct match *m = NULL;
	struct span values[VALUES_MAX];
	struct match_spec spec = {.kind = kind};
	int r;

	assert_true(match_op_find(span_of(op), &spec.op));
	spec.values = values;
	spec.n = split_values(list, values);
	r = match_compile(&spec, &m, e);
	if (r == 0)
		fail_msg("%s %s is accepted", op, list ? list : "");
	return r;
}

#define assert_yes(answer)     assert_int_equal(answer, TRUTH_YES)
#define assert_no(answer)      assert_int_equal(answer, TRUTH_NO)
#define assert_unknown(answer) assert_int_equal(answer, TRUTH_UNKNOWN)

#endif
