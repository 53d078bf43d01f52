/* test_transform.c - claims about Falco's transformers. */
#include "base/buf.h"
#include "base/limits.h"
#include "detect/transform.h"
#include "detect_case.h"

static struct detect_scratch scratch;

static int setup(void **state)
{
	struct err e = ERR_INIT;

	return detect_scratch_init(&scratch, &e);
}

static int teardown(void **state)
{
	detect_scratch_fini(&scratch);
	return 0;
}

/* The result as it is printed; "<NA>" when it is absent. */
static const char *made(enum transform t, const struct detect_value *args, size_t n)
{
	static char room[512];
	struct detect_value v;
	struct buf b;

	detect_scratch_reset(&scratch);
	v = transform_apply(t, args, n, &scratch);
	if (v.kind == DETECT_ABSENT)
		return "<NA>";
	buf_init(&b, sizeof(room) - 1);
	detect_value_print(&b, &v);
	assert_int_equal(b.failed, 0);
	memcpy(room, b.p ? (const char *)b.p : "", b.n);
	room[b.n] = 0;
	buf_fini(&b);
	return room;
}

static const char *of_text(enum transform t, const char *s)
{
	struct detect_value v = text(s);

	return made(t, &v, 1);
}

static void texts_are_changed_as_falco_changes_them(void **state)
{
	assert_string_equal(of_text(TRANSFORM_TOLOWER, "AbC-\xc3\x89"), "abc-\xc3\x89");
	assert_string_equal(of_text(TRANSFORM_TOUPPER, "AbC-z"), "ABC-Z");
	assert_string_equal(of_text(TRANSFORM_BASENAME, "/usr/bin/sh"), "sh");
	assert_string_equal(of_text(TRANSFORM_BASENAME, "sh"), "sh");
	assert_string_equal(of_text(TRANSFORM_BASENAME, "/usr/"), "");
	assert_string_equal(of_text(TRANSFORM_LEN, "abc"), "3");
	assert_string_equal(of_text(TRANSFORM_LEN, ""), "0");
}

static void base64_is_decoded_padded_or_not(void **state)
{
	assert_string_equal(of_text(TRANSFORM_B64, "aGVsbG8="), "hello");
	assert_string_equal(of_text(TRANSFORM_B64, "aGVsbG8"), "hello");
	assert_string_equal(of_text(TRANSFORM_B64, "aGVsbG8h"), "hello!");
	assert_string_equal(of_text(TRANSFORM_B64, "+/A="), "\xfb\xf0");
	assert_string_equal(of_text(TRANSFORM_B64, ""), "");
	assert_string_equal(of_text(TRANSFORM_B64, "a"), "<NA>");
	assert_string_equal(of_text(TRANSFORM_B64, "aGVs bG8"), "<NA>");
	assert_string_equal(of_text(TRANSFORM_B64, "aGVsbG8=="), "<NA>");
	assert_string_equal(of_text(TRANSFORM_B64, "===="), "<NA>");
}

static void lists_are_changed_each_by_itself(void **state)
{
	struct detect_value items[] = {text("/A/B"), text("c")};
	struct detect_value args[] = {detect_several(DETECT_LIST, items, 2), text("->")};

	assert_string_equal(made(TRANSFORM_TOLOWER, args, 1), "(/a/b,c)");
	assert_string_equal(made(TRANSFORM_BASENAME, args, 1), "(B,c)");
	assert_string_equal(made(TRANSFORM_LEN, args, 1), "2");
	assert_string_equal(made(TRANSFORM_JOIN, args, 2), "/A/B->c");
	args[0].list.n = 0;
	assert_string_equal(made(TRANSFORM_JOIN, args, 2), "");
	args[0].open = true;
	assert_string_equal(made(TRANSFORM_LEN, args, 1), "<NA>");
}

static void concat_prints_values_one_after_the_other(void **state)
{
	static const uint8_t bytes[4] = {8, 8, 4, 4};
	struct detect_value args[] = {detect_addr(span_make(bytes, 4)), text(":"), detect_u64(53)};

	assert_string_equal(made(TRANSFORM_CONCAT, args, 3), "8.8.4.4:53");
	args[1] = detect_absent();
	assert_string_equal(made(TRANSFORM_CONCAT, args, 3), "<NA>");
}

static const char *getopt_of(const char *words, const char *opts, const char *letter)
{
	struct detect_value args[] = {text(words), text(opts), text(letter ? letter : "")};

	return made(TRANSFORM_GETOPT, args, letter ? 3 : 2);
}

static void getopt_finds_letters_and_their_arguments(void **state)
{
	assert_string_equal(getopt_of("-n -t 5 file -x", "nt:x", NULL), "(n,t)");
	assert_string_equal(getopt_of("-nt5 -n", "nt:", NULL), "(n,t)");
	assert_string_equal(getopt_of("-nt5 -t 6", "nt:", "t"), "(5,6)");
	assert_string_equal(getopt_of("-z -n", "n", NULL), "(?,n)");
	assert_string_equal(getopt_of("-t", "t:", NULL), "(?)");
	assert_string_equal(getopt_of("-o -oX", "o::", "o"), "(X)");
	assert_string_equal(getopt_of("-n -- -t", "nt", NULL), "(n)");
	assert_string_equal(getopt_of("- -n", "n", NULL), "()");
	assert_string_equal(getopt_of("-:", "n:", NULL), "(?)");
	assert_string_equal(getopt_of("", "n", NULL), "()");
}

static void types_are_checked_before_there_are_values(void **state)
{
	struct transform_type one = {DETECT_TEXT, false}, list = {DETECT_TEXT, true};
	struct transform_type number = {DETECT_U64, false}, got;
	struct transform_type two[] = {list, one}, swapped[] = {one, list}, many[] = {one, number};
	struct err e = ERR_INIT;

	assert_int_equal(transform_check(TRANSFORM_TOLOWER, &list, 1, &got, &e), 0);
	assert_true(got.list && got.kind == DETECT_TEXT);
	assert_int_equal(transform_check(TRANSFORM_LEN, &list, 1, &got, &e), 0);
	assert_true(!got.list && got.kind == DETECT_U64);
	assert_int_equal(transform_check(TRANSFORM_JOIN, two, 2, &got, &e), 0);
	assert_int_equal(transform_check(TRANSFORM_CONCAT, many, 2, &got, &e), 0);
	assert_int_equal(transform_check(TRANSFORM_GETOPT, two, 2, &got, &e), 0);
	assert_true(got.list);
	assert_int_equal(transform_check(TRANSFORM_TOLOWER, &number, 1, &got, &e), -EINVAL);
	assert_string_equal(e.text, "tolower takes one text");
	assert_int_equal(transform_check(TRANSFORM_LEN, &number, 1, &got, &e), -EINVAL);
	assert_int_equal(transform_check(TRANSFORM_JOIN, swapped, 2, &got, &e), -EINVAL);
	assert_int_equal(transform_check(TRANSFORM_CONCAT, two, 2, &got, &e), -EINVAL);
	assert_int_equal(transform_check(TRANSFORM_B64, NULL, 0, &got, &e), -EINVAL);
}

static void every_transformer_has_a_name(void **state)
{
	for (unsigned t = TRANSFORM_TOLOWER; t <= TRANSFORM_GETOPT; t++) {
		enum transform found;

		assert_true(transform_find(span_of(transform_name((enum transform)t)), &found));
		assert_int_equal(found, t);
	}
	assert_false(transform_find(span_of("val"), &(enum transform){0}));
}

static void what_finds_no_room_is_absent_and_counted(void **state)
{
	size_t n = LIMIT_DETECT_SCRATCH;
	char *large = calloc(1, n);
	struct detect_value v = detect_text(span_make(large, n)), pair[] = {v, v};
	uint64_t before = scratch.refused;

	assert_non_null(large);
	detect_scratch_reset(&scratch);
	assert_int_equal(transform_apply(TRANSFORM_TOLOWER, &v, 1, &scratch).kind, DETECT_TEXT);
	assert_int_equal(transform_apply(TRANSFORM_TOLOWER, &v, 1, &scratch).kind, DETECT_ABSENT);
	assert_int_equal(transform_apply(TRANSFORM_CONCAT, pair, 2, &scratch).kind, DETECT_ABSENT);
	assert_int_equal(scratch.refused, before + 2);
	assert_null(detect_room_items(&scratch, LIMIT_DETECT_ITEMS + 1));
	free(large);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_changed_as_falco_changes_them),
		cmocka_unit_test(base64_is_decoded_padded_or_not),
		cmocka_unit_test(lists_are_changed_each_by_itself),
		cmocka_unit_test(concat_prints_values_one_after_the_other),
		cmocka_unit_test(getopt_finds_letters_and_their_arguments),
		cmocka_unit_test(types_are_checked_before_there_are_values),
		cmocka_unit_test(every_transformer_has_a_name),
		cmocka_unit_test(what_finds_no_room_is_absent_and_counted),
	};

	return cmocka_run_group_tests_name("transform", tests, setup, teardown);
}
