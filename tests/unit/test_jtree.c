/* test_jtree.c - claims about reading JSON from hostile sources. */
#include "base/jtree.h"
#include "test.h"

static int parse(struct jtree *t, const char *text, size_t n, struct err *e)
{
	struct buf b;

	buf_init(&b, 32u << 20);
	buf_add(&b, text, n);
	return jtree_parse(t, &b, "t.json", e);
}

static void values_are_found(void **state)
{
	static const char text[] =
		"{\"a\":{\"b\":[1,-2,3.5,true,null,\"x\"]},\"n\":9007199254740993,"
		"\"big\":99999999999999999999,\"e\":{},\"l\":[],\"a2\":\"\"}";
	AUTO(jtree) struct jtree t = JTREE_INIT;
	struct err e = ERR_INIT;
	struct jval root, list, item;

	assert_int_equal(parse(&t, text, sizeof(text) - 1, &e), 0);
	root = jtree_root(&t);
	list = jval_path(root, "a", "b", NULL);
	assert_int_equal(jval_kind(list), JKIND_ARRAY);
	item = jval_first(list);
	assert_int_equal(jval_int(item, 0), 1);
	item = jval_next(list, item);
	assert_int_equal(jval_int(item, 0), -2);
	item = jval_next(list, item);
	assert_int_equal(jval_int(item, 7), 7);
	item = jval_next(list, item);
	assert_true(jval_true(item));
	item = jval_next(list, item);
	assert_int_equal(jval_kind(item), JKIND_NULL);
	item = jval_next(list, item);
	assert_true(span_is(jval_text(item), "x"));
	assert_int_equal(jval_kind(jval_next(list, item)), JKIND_ABSENT);
	assert_true(jval_int(jval_get(root, "n"), 0) == 9007199254740993);
	assert_int_equal(jval_int(jval_get(root, "big"), -5), -5);
	assert_int_equal(jval_kind(jval_first(jval_get(root, "e"))), JKIND_ABSENT);
	assert_int_equal(jval_kind(jval_first(jval_get(root, "l"))), JKIND_ABSENT);
	assert_int_equal(jval_kind(jval_path(root, "l", "x", "y", NULL)), JKIND_ABSENT);
	assert_int_equal(jval_text(jval_get(root, "nothing")).n, 0);
}

static void the_last_of_two_members_counts_as_in_go(void **state)
{
	AUTO(jtree) struct jtree t = JTREE_INIT;
	struct err e = ERR_INIT;

	assert_int_equal(parse(&t, "{\"a\":1,\"a\":2}", 13, &e), 0);
	assert_int_equal(jval_int(jval_get(jtree_root(&t), "a"), 0), 2);
}

static void texts_are_unescaped_and_broken_bytes_stay(void **state)
{
	static const char text[] = "[\"\\u0041\\n\\\"\\\\\\/\\u00e9\\ud83d\\ude00\",\"\\ud800x\","
				   "\"\xff\xfe\",\"\\u0000\"]";
	AUTO(jtree) struct jtree t = JTREE_INIT;
	struct err e = ERR_INIT;
	struct jval list, item;

	assert_int_equal(parse(&t, text, sizeof(text) - 1, &e), 0);
	list = jtree_root(&t);
	item = jval_first(list);
	assert_true(span_is(jval_text(item), "A\n\"\\/\xc3\xa9\xf0\x9f\x98\x80"));
	item = jval_next(list, item);
	assert_true(span_is(jval_text(item), "\xef\xbf\xbdx"));
	item = jval_next(list, item);
	assert_true(span_is(jval_text(item), "\xff\xfe"));
	item = jval_next(list, item);
	assert_int_equal(jval_text(item).n, 1);
}

static void broken_texts_are_refused_with_their_place(void **state)
{
	static const char *const broken[] = {
		"",	 "{",	    "[1,]",	 "{\"a\"}",    "{\"a\":}", "[1 2]",
		"\"x",	 "\"\\q\"", "\"\\u12\"", "tru",	       "01x",	   "-",
		"1.",	 "1e",	    "[]x",	 "{\"a\":1,}", "}",	   "[\"\n\"]",
		"{1:2}", "[}",	    "\"\\",	 "nul",	       "[1,,2]",   "\\",
	};
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		AUTO(jtree) struct jtree t = JTREE_INIT;

		assert_int_equal(parse(&t, broken[i], strlen(broken[i]), &e), -EINVAL);
		assert_int_equal(t.n, 0);
	}
	AUTO(jtree) struct jtree t = JTREE_INIT;
	assert_int_equal(parse(&t, "{\n  \"a\": x}", 11, &e), -EINVAL);
	assert_string_equal(e.text, "t.json:2:8: value expected");
}

static void depth_and_number_of_values_are_bounded(void **state)
{
	AUTO(jtree) struct jtree t = JTREE_INIT;
	struct err e = ERR_INIT;
	size_t n = 16u << 20;
	char *text = malloc(n);

	assert_non_null(text);
	memset(text, '[', n);
	assert_int_equal(parse(&t, text, n, &e), -E2BIG);
	for (size_t i = 0; i + 1 < n; i += 2)
		memcpy(text + i, "1,", 2);
	text[0] = '[';
	text[1] = ' ';
	assert_int_equal(parse(&t, text, n, &e), -E2BIG);
	assert_int_equal(parse(&t, "[[[]]]", 6, &e), 0);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_found),
		cmocka_unit_test(the_last_of_two_members_counts_as_in_go),
		cmocka_unit_test(texts_are_unescaped_and_broken_bytes_stay),
		cmocka_unit_test(broken_texts_are_refused_with_their_place),
		cmocka_unit_test(depth_and_number_of_values_are_bounded),
	};

	return cmocka_run_group_tests_name("jtree", tests, NULL, NULL);
}
