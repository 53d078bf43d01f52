/* test_regex.c - claims about the regular expressions of rules. */
#include <regex.h>

#include "base/limits.h"
#include "detect/regex.h"
#include "detect_case.h"

static struct regex *compiled(const char *pattern)
{
	struct regex *r = NULL;
	struct err e = ERR_INIT;

	if (regex_new(span_of(pattern), &r, &e) < 0)
		fail_msg("%s", e.text);
	return r;
}

static bool matches_n(const char *pattern, const char *value, size_t n)
{
	struct regex *r = compiled(pattern);
	bool yes = regex_match(r, span_make(value, n));

	regex_free(r);
	return yes;
}

static bool matches(const char *pattern, const char *value)
{
	return matches_n(pattern, value, strlen(value));
}

struct sample {
	const char *pattern, *yes, *no;
};

static void check(const struct sample *samples, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (samples[i].yes && !matches(samples[i].pattern, samples[i].yes))
			fail_msg("'%s' does not match '%s'", samples[i].pattern, samples[i].yes);
		if (samples[i].no && matches(samples[i].pattern, samples[i].no))
			fail_msg("'%s' matches '%s'", samples[i].pattern, samples[i].no);
	}
}

static void the_syntax_is_that_of_re2(void **state)
{
	static const struct sample samples[] = {
		{"abc", "abc", "abcd"},
		{"", "", "a"},
		{"a.c", "a/c", "a\nc"},
		{"a|bc|", "bc", "abc"},
		{"a|bc|", "", "b"},
		{"(a|b)*c", "ababc", "abac "},
		{"a+b?", "aaa", "b"},
		{"a{2}", "aa", "aaa"},
		{"a{2,}", "aaaa", "a"},
		{"a{2,3}", "aaa", "aaaa"},
		{"a{0}b", "b", "ab"},
		{"a{,3}", "a{,3}", "aa"},
		{"a{x", "a{x", "a"},
		{"x}]", "x}]", "x"},
		{"[a-c]", "b", "d"},
		{"[^a-c]", "\n", "b"},
		{"[]a]+", "]a", "b"},
		{"[^]a]", "b", "]"},
		{"[a-]", "-", "b"},
		{"[-a]", "-", "b"},
		{"[a\\-z]", "-", "b"},
		{"[[:digit:][:upper:]_]+", "A_9", "a"},
		{"[[:^alpha:]]", "1", "x"},
		{"[^[:space:]]", "x", " "},
		{"[[:word:]]+", "a_Z9", "-"},
		{"\\d+\\.\\d*", "12.", "12,"},
		{"\\w+\\s\\S", "ab x", "ab  "},
		{"[\\d\\s]+", "1 2", "a"},
		{"\\D", "x", "1"},
		{"[^\\W]", "w", "-"},
		{"\\x41\\x{42}\\103", "ABC", "ABD"},
		{"\\n\\t\\\\\\*", "\n\t\\*", "nt\\*"},
		{"\\/\\_\\-", "/_-", NULL},
		{"(?i)eVaL", "EvAl", "evil"},
		{"a(?i)b", "aB", "AB"},
		{"(?i:a)b", "Ab", "AB"},
		{"(?:ab)+", "abab", "aba"},
		{"(?i)[a-c]+", "aBC", "d"},
		{"(?i)[^a]", "b", "A"},
		{"(a*)*", "aaa", "b"},
		{"(a|)*b", "aab", "c"},
		{"a**", "aaa", "b"},
		{"(a+)?", "", "b"},
		{"a+?", "", "b"},
		{"()", "", "x"},
		{"(|a)(b|)", "ab", "ba"},
		{"[a-z]*/proc/[0-9]+/cmdline", "x/proc/1/cmdline", "/proc/x/cmdline"},
		{"(/[^/]+)*/\\.ssh/.*", "/home/a/.ssh/id", "/home/a/ssh/id"},
	};

	check(samples, ARRAY_LEN(samples));
}

static void assertions_stand_between_characters(void **state)
{
	static const struct sample samples[] = {
		{"^abc$", "abc", "xabc"},
		{"a$\\n^b", "a\nb", "ab"},
		{"a$b", NULL, "ab"},
		{"\\Aab\\z", "ab", "ab\n"},
		{"a\\n\\Ab", NULL, "a\nb"},
		{".*\\bcat\\b.*", "a cat.", "concat"},
		{".*\\Bcat", "concat", "a cat"},
		{"(^|a)b", "ab", "bb"},
		{"^*a", "a", "b"},
		{"(\\b)*a", "a", "b"},
	};

	check(samples, ARRAY_LEN(samples));
}

static void characters_are_those_of_utf8_and_broken_bytes_are_fffd(void **state)
{
	assert_true(matches(".", "\xc3\xa9"));
	assert_true(matches("[\xc3\xa0-\xc3\xbf]+", "\xc3\xa9\xc3\xa8"));
	assert_true(matches("[^a]", "\xf0\x9f\x98\x80"));
	assert_true(matches("\\x{1f600}", "\xf0\x9f\x98\x80"));
	assert_false(matches("..", "\xc3\xa9"));
	assert_true(matches("\\x{fffd}", "\xff"));
	assert_true(matches("..", "\xff\xfe"));
	assert_true(matches(".a", "\xc3"
				  "a"));
	assert_true(matches(".", "\xe2\x82"));
	assert_true(matches("...", "\xed\xa0\x80"));
	assert_true(matches("..", "\xc0\xaf"));
	assert_true(matches_n("a.b", "a\0b", 3));
	assert_false(matches_n("a", "a\0b", 3));
}

static void what_re2_refuses_is_refused_with_its_place(void **state)
{
	static const struct {
		const char *pattern, *text;
	} cases[] = {
		{"(a)\\1", "at byte 4: back references are not supported"},
		{"a(?=b)", "at byte 2: look-around is not supported"},
		{"(?<=b)", "at byte 1: look-around is not supported"},
		{"(?!b)", "at byte 1: look-around is not supported"},
		{"(?s)a", "at byte 1: only (?:, (?i: and (?i) are supported"},
		{"*a", "at byte 1: there is nothing to repeat"},
		{"a|*", "at byte 3: there is nothing to repeat"},
		{"(", "at byte 1: the '(' is not closed"},
		{"a)", "at byte 2: there is no '(' to this ')'"},
		{"[a", "at byte 1: the '[' is not closed"},
		{"[b-a]", "at byte 2: the range ends before it begins"},
		{"[a-c-e]", "at byte 5: a '-' stands first or last, or is written \\-"},
		{"[[:nope:]]", "at byte 2: there is no class of that name; [:alpha:] is one"},
		{"a\\", "at byte 2: nothing stands behind the backslash"},
		{"\\pL", "at byte 1: there is no such escape"},
		{"\\C", "at byte 1: there is no such escape"},
		{"\\Qa", "at byte 1: there is no such escape"},
		{"\\xg", "at byte 1: write \\x7f or \\x{10ffff}"},
		{"\\x{110000}", "at byte 1: write \\x7f or \\x{10ffff}"},
		{"a{1001}", "at byte 2: write {m,n} with m not above n and n not above 1000"},
		{"a{3,2}", "at byte 2: write {m,n} with m not above n and n not above 1000"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct regex *r = NULL;
		struct err e = ERR_INIT;

		if (regex_new(span_of(cases[i].pattern), &r, &e) != -EINVAL)
			fail_msg("'%s' is accepted", cases[i].pattern);
		if (!strstr(e.text, cases[i].text))
			fail_msg("'%s': %s", cases[i].pattern, e.text);
	}
}

static void too_large_patterns_are_refused(void **state)
{
	static const char *const patterns[] = {"((a{100}){100}){100}", "(((){1000}){1000}){1000}",
					       "(a{1000}){9}", "(((a{0}){1000}){1000}){1000}"};
	char nested[LIMIT_DETECT_PATTERN + 1];
	struct regex *r = NULL;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
		assert_int_equal(regex_new(span_of(patterns[i]), &r, &e), -E2BIG);
	memset(nested, '(', sizeof(nested));
	assert_int_equal(regex_new(span_make(nested, 4000), &r, &e), -E2BIG);
	assert_int_equal(regex_new(span_make(nested, sizeof(nested)), &r, &e), -E2BIG);
	memset(nested, '*', sizeof(nested));
	nested[0] = 'a';
	assert_int_equal(regex_new(span_make(nested, 8000), &r, &e), -E2BIG);
}

static void catastrophic_patterns_end(void **state)
{
	static const char *const patterns[] = {"(a*)*b",
					       "(a|aa)+b",
					       "(a|a?)+b",
					       "a?a?a?a?a?a?a?a?a?a?a{10}b",
					       "(.*)(.*)(.*)(.*)c",
					       "(^a*)*$b",
					       "(a?){500}a{500}b",
					       ".*a.{12}b",
					       "(([ab]{1,30}){1,30})c"};
	size_t n = 20000;
	char *value = malloc(n);

	assert_non_null(value);
	memset(value, 'a', n);
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		struct regex *r = compiled(patterns[i]);

		assert_false(regex_match(r, span_make(value, n)));
		assert_true(regex_bytes(r) < 512u << 10);
		regex_free(r);
	}
	free(value);
}

static void small_patterns_are_tables_and_large_ones_are_not(void **state)
{
	struct regex *small = compiled("[a-z]*/proc/[0-9]+/cmdline"),
		     *large = compiled(".*a.{14}b"), *asserts = compiled("\\bx");

	assert_true(regex_is_table(small));
	assert_false(regex_is_table(large));
	assert_false(regex_is_table(asserts));
	assert_true(regex_match(large, span_of("xxa12345678901234b")));
	regex_free(small);
	regex_free(large);
	regex_free(asserts);
}

/* A random pattern that POSIX extended expressions read as RE2 does. */
static void random_pattern(uint64_t *random, unsigned depth, char *room, size_t *n)
{
	static const char *const atoms[] = {"a", "b", "c", ".", "[ab]", "[^a]", "[[:alpha:]]"};
	static const char *const repeats[] = {"", "", "", "*", "+", "?", "{1,3}", "{2}", "{0,1}"};
	unsigned pieces = 1 + next_random(random) % 3;

	for (unsigned i = 0; i < pieces && *n < 200; i++) {
		const char *s = atoms[next_random(random) % ARRAY_LEN(atoms)];

		if (depth && next_random(random) % 3 == 0) {
			room[(*n)++] = '(';
			random_pattern(random, depth - 1, room, n);
			if (next_random(random) % 2) {
				room[(*n)++] = '|';
				random_pattern(random, depth - 1, room, n);
			}
			room[(*n)++] = ')';
		} else {
			memcpy(room + *n, s, strlen(s));
			*n += strlen(s);
		}
		s = repeats[next_random(random) % ARRAY_LEN(repeats)];
		memcpy(room + *n, s, strlen(s));
		*n += strlen(s);
	}
	room[*n] = 0;
}

static void a_pattern_matches_what_libc_matches(void **state)
{
	uint64_t random = 11;
	unsigned matched = 0;

	for (unsigned round = 0; round < 3000; round++) {
		char pattern[600], whole[700], value[16];
		struct regex *ours;
		regex_t libc;
		size_t n = 0;

		random_pattern(&random, 2, pattern, &n);
		(void)snprintf(whole, sizeof(whole), "^(%s)$", pattern); /* fits */
		assert_int_equal(regcomp(&libc, whole, REG_EXTENDED | REG_NOSUB), 0);
		ours = compiled(pattern);
		for (unsigned i = 0; i < 20; i++) {
			struct span v = random_text(&random, "abc", 8, value);
			bool expected = regexec(&libc, value, 0, NULL, 0) == 0;

			matched += expected;
			if (regex_match(ours, v) != expected)
				fail_msg("'%s' with '%s': libc says %d", pattern, value, expected);
		}
		regex_free(ours);
		regfree(&libc);
	}
	assert_true(matched > 2000);
}

static void a_table_and_the_simulation_agree(void **state)
{
	uint64_t random = 23;

	for (unsigned round = 0; round < 2000; round++) {
		char pattern[600], asserted[700], value[16];
		struct regex *table, *simulated;
		size_t n = 0;

		random_pattern(&random, 2, pattern, &n);
		(void)snprintf(asserted, sizeof(asserted), "\\A(%s)", pattern); /* fits */
		table = compiled(pattern);
		simulated = compiled(asserted);
		assert_false(regex_is_table(simulated));
		for (unsigned i = 0; i < 10; i++) {
			struct span v = random_text(&random, "abc\xc3\xa9\n", 8, value);

			assert_int_equal(regex_match(table, v), regex_match(simulated, v));
		}
		regex_free(table);
		regex_free(simulated);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_syntax_is_that_of_re2),
		cmocka_unit_test(assertions_stand_between_characters),
		cmocka_unit_test(characters_are_those_of_utf8_and_broken_bytes_are_fffd),
		cmocka_unit_test(what_re2_refuses_is_refused_with_its_place),
		cmocka_unit_test(too_large_patterns_are_refused),
		cmocka_unit_test(catastrophic_patterns_end),
		cmocka_unit_test(small_patterns_are_tables_and_large_ones_are_not),
		cmocka_unit_test(a_pattern_matches_what_libc_matches),
		cmocka_unit_test(a_table_and_the_simulation_agree),
	};

	return cmocka_run_group_tests_name("regex", tests, NULL, NULL);
}
