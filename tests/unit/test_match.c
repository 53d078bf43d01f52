/* test_match.c - claims about comparing values as Falco does. */
#include <arpa/inet.h>
#include <fnmatch.h>

#include "base/limits.h"
#include "detect/glob.h"
#include "detect/match_set.h"
#include "detect_case.h"

static struct detect_value addr(const char *s)
{
	static uint8_t room[8][16];
	static unsigned at;
	uint8_t *p = room[at++ % 8];

	if (strchr(s, ':')) {
		assert_int_equal(inet_pton(AF_INET6, s, p), 1);
		return detect_addr(span_make(p, 16));
	}
	assert_int_equal(inet_pton(AF_INET, s, p), 1);
	return detect_addr(span_make(p, 4));
}

static void texts_compare_by_every_operator_that_they_have(void **state)
{
	assert_yes(ask(text("sh"), "=", "sh"));
	assert_yes(ask(text("sh"), "==", "sh"));
	assert_no(ask(text("sh"), "=", "bash"));
	assert_yes(ask(text("sh"), "!=", "bash"));
	assert_yes(ask(text("abc"), "<", "abd"));
	assert_yes(ask(text("abc"), "<=", "abc"));
	assert_no(ask(text("abc"), ">", "abc"));
	assert_yes(ask(text("abc"), ">=", "ab"));
	assert_yes(ask(text("/etc/shadow"), "contains", "sha"));
	assert_no(ask(text("/etc/shadow"), "contains", "SHA"));
	assert_yes(ask(text("/etc/Shadow"), "icontains", "sHA"));
	assert_no(ask(text("/etc/Shadow"), "icontains", "shaX"));
	assert_yes(ask(text("/etc/shadow"), "startswith", "/etc/"));
	assert_no(ask(text("/etc"), "startswith", "/etc/"));
	assert_yes(ask(text("/etc/shadow"), "endswith", "shadow"));
	assert_no(ask(text("shadow"), "endswith", "/shadow"));
	assert_yes(ask(text("/a/b/c"), "glob", "/a/*c"));
	assert_no(ask(text("/a/b/C"), "glob", "/a/*c"));
	assert_yes(ask(text("/A/b/C"), "iglob", "/a/*c"));
	assert_yes(ask(text("run-42"), "regex", "run-[0-9]+"));
	assert_no(ask(text("run-42x"), "regex", "run-[0-9]+"));
	assert_yes(ask(text(""), "contains", ""));
	assert_yes(ask(text("x"), "exists", NULL));
}

static void icontains_finds_what_lies_across_its_pieces(void **state)
{
	char hay[5000];

	memset(hay, 'x', sizeof(hay));
	for (size_t at = 0; at + 6 <= sizeof(hay); at += 7) {
		struct detect_value v = detect_text(span_make(hay, sizeof(hay)));

		memcpy(hay + at, "NeEdLe", 6);
		assert_yes(ask(v, "icontains", "needle"));
		memset(hay + at, 'x', 6);
	}
	memset(hay, 'Y', 1500);
	hay[1500] = 0;
	for (size_t i = 0; i < 700; i++)
		hay[1501 + i] = 'y';
	hay[2201] = 0;
	assert_yes(ask(detect_text(span_make(hay, 1500)), "icontains", hay + 1501));
	assert_no(ask(detect_text(span_make(hay, 600)), "icontains", hay + 1501));
}

static void numbers_compare_across_signs_and_sizes(void **state)
{
	assert_yes(ask(detect_i64(-1), "<", "0"));
	assert_yes(ask(detect_i64(-2), "<", "-1"));
	assert_yes(ask(detect_u64(UINT64_MAX), ">", "-1"));
	assert_no(ask(detect_u64(UINT64_MAX), "=", "-1"));
	assert_yes(ask(detect_u64(255), "=", "0xff"));
	assert_yes(ask(detect_u64(10), "=", "010"));
	assert_yes(ask(detect_i64(5), "in", "1,5,0x10"));
	assert_no(ask(detect_i64(-5), "in", "1,5,16"));
	assert_yes(ask(detect_i64(-5), "in", "-5"));
	assert_yes(ask(detect_u64(1000), "=", "1e3"));
	assert_yes(ask(detect_double(0.5), "<", "0.75"));
	assert_yes(ask(detect_u64(7), "intersects", "6,7"));
	assert_yes(ask(detect_bool(true), "=", "true"));
	assert_yes(ask(detect_bool(false), "!=", "true"));
	assert_yes(ask(detect_bool(true), "in", "false,true"));
	assert_no(ask(detect_bool(true), "in", "false"));
}

static void addresses_match_networks(void **state)
{
	struct question net = {.kind = DETECT_NET};

	assert_yes(ask(addr("10.1.2.3"), "=", "10.1.2.3"));
	assert_no(ask(addr("10.1.2.4"), "=", "10.1.2.3"));
	assert_yes(ask(addr("10.1.2.4"), "!=", "10.1.2.3"));
	assert_yes(ask_with(net, addr("10.1.2.3"), "=", "10.0.0.0/8"));
	assert_no(ask_with(net, addr("11.1.2.3"), "=", "10.0.0.0/8"));
	assert_yes(ask_with(net, addr("11.1.2.3"), "!=", "10.0.0.0/8"));
	assert_yes(ask_with(net, addr("172.31.0.9"), "in", "10.0.0.0/8,172.16.0.0/12"));
	assert_no(ask_with(net, addr("172.32.0.9"), "in", "10.0.0.0/8,172.16.0.0/12"));
	assert_yes(ask_with(net, addr("fe80::1"), "in", "10.0.0.0/8,fe80::/10"));
	assert_yes(ask_with(net, addr("::ffff:10.1.2.3"), "in", "10.0.0.0/8"));
	assert_yes(ask_with(net, addr("1.2.3.4"), "=", "0.0.0.0/0"));
	assert_no(ask_with(net, addr("fe80::1"), "=", "0.0.0.0/0"));
	assert_yes(ask_with(net, addr("2001:db8::7"), "=", "2001:db8::7"));
}

static void buffers_are_compared_by_bytes(void **state)
{
	struct detect_value v = {.kind = DETECT_BYTES,
				 .bytes = {(const uint8_t *)"\xca\xfe\0x", 4}};

	assert_yes(ask(v, "bstartswith", "cafe"));
	assert_yes(ask(v, "bcontains", "FE00"));
	assert_no(ask(v, "bcontains", "00fe"));
	assert_yes(ask(v, "endswith", "x"));
	assert_yes(ask_with((struct question){.mode = MATCH_FALCO}, v, "bcontains", "0078"));
}

static void what_is_not_known_is_unknown_and_for_falco_no(void **state)
{
	static const char *const ops[] = {"=",	  "!=",	      "<",     "in",
					  "glob", "contains", "regex", "pmatch"};
	struct question falco = {.mode = MATCH_FALCO, .kind = DETECT_TEXT};
	struct question amber = {.kind = DETECT_TEXT};

	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		assert_unknown(ask_with(amber, detect_absent(), ops[i], "x"));
		assert_no(ask_with(falco, detect_absent(), ops[i], "x"));
	}
	assert_no(ask_with(amber, detect_absent(), "exists", NULL));
	assert_no(ask_with(falco, detect_absent(), "exists", NULL));
	assert_unknown(ask_with(amber, detect_u64(3), "=", "3"));
}

static void a_nul_ends_a_text_only_for_falco(void **state)
{
	struct detect_value v = detect_text(span_make("sh\0evil", 7));
	struct question falco = {.mode = MATCH_FALCO};

	assert_no(ask(v, "=", "sh"));
	assert_yes(ask_with(falco, v, "=", "sh"));
	assert_yes(ask(v, "contains", "evil"));
	assert_no(ask_with(falco, v, "contains", "evil"));
	assert_yes(ask_with(falco, v, "in", "bash,sh"));
	assert_yes(ask_with(falco, v, "endswith", "sh"));
	assert_yes(ask_with(falco, v, "pmatch", "sh"));
}

static void lists_any_and_either_answer_by_their_kind(void **state)
{
	struct detect_value two[] = {text("a"), text("b")};
	struct detect_value list = detect_several(DETECT_LIST, two, 2), open = list, any, either;
	struct question q = {.kind = DETECT_TEXT};

	assert_no(ask_with(q, list, "in", "a,c"));
	assert_yes(ask_with(q, list, "in", "b,a,c"));
	assert_yes(ask_with(q, list, "intersects", "c,b"));
	assert_no(ask_with(q, list, "intersects", "c"));
	open.open = true;
	assert_unknown(ask_with(q, open, "in", "a,b"));
	assert_no(ask_with(q, open, "in", "a"));
	assert_unknown(ask_with(q, open, "intersects", "c"));
	assert_yes(ask_with(q, open, "intersects", "a"));
	any = either = list;
	any.kind = DETECT_ANY;
	either.kind = DETECT_EITHER;
	assert_yes(ask_with(q, any, "=", "b"));
	assert_yes(ask_with(q, any, "in", "b,z"));
	assert_yes(ask_with(q, any, "!=", "b"));
	assert_no(ask_with(q, either, "!=", "b"));
	assert_yes(ask_with(q, either, "!=", "c"));
	assert_yes(ask_with(q, either, "=", "a"));
	any.open = true;
	assert_unknown(ask_with(q, any, "=", "c"));
	list.list.n = 0;
	assert_no(ask_with(q, list, "in", "a"));
	assert_no(ask_with(q, list, "exists", NULL));
}

static void modifiers_join_the_answers(void **state)
{
	struct question anyof = {.modifier = MATCH_ANYOF}, allof = {.modifier = MATCH_ALLOF},
			oneof = {.modifier = MATCH_ONEOF};

	assert_yes(ask_with(anyof, text("/usr/bin/x"), "startswith", "/bin/,/usr/"));
	assert_no(ask_with(anyof, text("/opt/x"), "startswith", "/bin/,/usr/"));
	assert_yes(ask_with(anyof, text("abc"), "contains", "z,b"));
	assert_yes(ask_with(allof, text("abc"), "contains", "a,b"));
	assert_no(ask_with(allof, text("abc"), "contains", "a,z"));
	assert_yes(ask_with(oneof, text("abc"), "contains", "a,z"));
	assert_no(ask_with(oneof, text("abc"), "contains", "a,b"));
	assert_no(ask_with(oneof, text("abc"), "contains", "y,z"));
	assert_yes(ask_with(anyof, text("a"), "!=", "a,b"));
	assert_no(ask_with(allof, text("a"), "!=", "a,b"));
	anyof.kind = allof.kind = oneof.kind = DETECT_TEXT;
	assert_unknown(ask_with(anyof, detect_absent(), "startswith", "a,b"));
	assert_unknown(ask_with(oneof, detect_absent(), "startswith", "a,b"));
}

static void two_fields_compare_with_each_other(void **state)
{
	struct detect_value a = text("abc"), b = text("b"), n = detect_i64(-1),
			    net = addr("10.0.0.0");
	struct detect_value items[] = {text("x"), text("abc")}, at = addr("10.1.1.1");
	struct detect_value list = detect_several(DETECT_LIST, items, 2), none = detect_absent();

	assert_yes(match_values(MATCH_CONTAINS, &a, &b, MATCH_AMBER));
	assert_no(match_values(MATCH_EQ, &a, &b, MATCH_AMBER));
	assert_yes(match_values(MATCH_NE, &a, &b, MATCH_AMBER));
	assert_yes(match_values(MATCH_IN, &a, &list, MATCH_AMBER));
	assert_no(match_values(MATCH_IN, &list, &a, MATCH_AMBER));
	assert_yes(match_values(MATCH_INTERSECTS, &list, &a, MATCH_AMBER));
	assert_unknown(match_values(MATCH_EQ, &a, &none, MATCH_AMBER));
	assert_no(match_values(MATCH_EQ, &a, &none, MATCH_FALCO));
	assert_unknown(match_values(MATCH_EQ, &a, &n, MATCH_AMBER));
	assert_yes(match_values(MATCH_EXISTS, &a, &none, MATCH_AMBER));
	b = text("[");
	assert_unknown(match_values(MATCH_REGEX, &a, &b, MATCH_AMBER));
	assert_unknown(match_values(MATCH_EQ, &a, &list, MATCH_AMBER));
	net.kind = DETECT_NET;
	net.prefix = 8;
	assert_yes(match_values(MATCH_EQ, &at, &net, MATCH_AMBER));
	n = detect_u64(4);
	b = detect_i64(4);
	assert_yes(match_values(MATCH_LE, &n, &b, MATCH_AMBER));
	assert_unknown(match_values(MATCH_CONTAINS, &n, &b, MATCH_AMBER));
}

static void wrong_conditions_are_refused_with_words(void **state)
{
	struct err e = ERR_INIT;

	assert_int_equal(refuse(DETECT_I64, "contains", "1", &e), -EINVAL);
	assert_string_equal(e.text, "contains does not compare numbers");
	assert_int_equal(refuse(DETECT_TEXT, "bcontains", "00", &e), -EINVAL);
	assert_int_equal(refuse(DETECT_BYTES, "bcontains", "0", &e), -EINVAL);
	assert_int_equal(refuse(DETECT_BYTES, "bcontains", "zz", &e), -EINVAL);
	assert_int_equal(refuse(DETECT_I64, "=", "ten", &e), -EINVAL);
	assert_string_equal(e.text, "'ten' is no number; write it in decimal or as 0x...");
	assert_int_equal(refuse(DETECT_I64, "=", "1.5", &e), -EINVAL);
	assert_int_equal(refuse(DETECT_I64, "=", "99999999999999999999", &e), -EINVAL);
	assert_int_equal(refuse(DETECT_BOOL, "=", "yes", &e), -EINVAL);
	assert_int_equal(refuse(DETECT_BOOL, "<", "true", &e), -EINVAL);
	assert_int_equal(refuse(DETECT_ADDR, "=", "10.0.0.0/8", &e), -EINVAL);
	assert_int_equal(refuse(DETECT_NET, "=", "10.0.0.0/33", &e), -EINVAL);
	assert_int_equal(refuse(DETECT_NET, "=", "10.0.0.0/", &e), -EINVAL);
	assert_int_equal(refuse(DETECT_NET, "in", "10.0.0.0/8,x", &e), -EINVAL);
	assert_int_equal(refuse(DETECT_TEXT, "startswith", "a,b", &e), -EINVAL);
	assert_int_equal(refuse(DETECT_TEXT, "exists", "a", &e), -EINVAL);
	assert_int_equal(refuse(DETECT_TEXT, "regex", "a(b", &e), -EINVAL);
	assert_string_equal(e.text, "regex 'a(b' at byte 2: the '(' is not closed");
}

static void services_are_ports_where_that_is_asked(void **state)
{
	AUTO(match) struct match *m = NULL;
	struct span ssh = span_of("ssh");
	struct match_spec spec = {
		.op = MATCH_EQ, .kind = DETECT_U64, .services = true, .values = &ssh, .n = 1};
	struct detect_value port = detect_u64(22);
	struct err e = ERR_INIT;

	if (match_compile(&spec, &m, &e) < 0) {
		print_message("skip: this host has no /etc/services\n");
		skip();
	}
	assert_yes(match_test(m, &port, MATCH_AMBER));
	assert_int_equal(refuse(DETECT_U64, "=", "ssh", &e), -EINVAL);
}

static void pmatch_walks_components_and_globs_in_them(void **state)
{
	static const char paths[] = "/etc,/var/run/docker,/home/*/.ssh,/usr/[ls]*,/a/b/c,/a/*/d";
	static const struct {
		const char *path;
		enum truth answer;
	} cases[] = {
		{"/etc", TRUTH_YES},
		{"/etc/passwd", TRUTH_YES},
		{"/etcx", TRUTH_NO},
		{"/var/run", TRUTH_NO},
		{"/var//run/./docker.sock", TRUTH_NO},
		{"/var//run//docker/x", TRUTH_YES},
		{"/home/bob/.ssh/id", TRUTH_YES},
		{"/home/bob/x/.ssh", TRUTH_NO},
		{"/usr/lib/x", TRUTH_YES},
		{"/usr/share", TRUTH_YES},
		{"/usr/bin", TRUTH_NO},
		{"/a/b/d/e", TRUTH_YES},
		{"/a/b/x", TRUTH_NO},
		{"etc", TRUTH_YES},
		{"", TRUTH_NO},
		{"/", TRUTH_NO},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (ask(text(cases[i].path), "pmatch", paths) != cases[i].answer)
			fail_msg("%s", cases[i].path);
	assert_yes(ask(text("/x"), "pmatch", "/etc,/"));
	assert_yes(ask(text("/etc/x"), "pmatch", "/etc/a/b,/etc"));
}

static void a_path_tree_answers_as_each_of_its_paths_does(void **state)
{
	static const char alphabet[] = "ab/*";
	uint64_t random = 7;

	for (unsigned round = 0; round < 4000; round++) {
		char room[6][24];
		struct match_paths *all = NULL;
		struct span paths[5], value;
		struct err e = ERR_INIT;
		bool expected = false;

		for (unsigned i = 0; i < 5; i++)
			paths[i] = random_text(&random, alphabet, 8, room[i]);
		value = random_text(&random, "ab/", 12, room[5]);
		for (unsigned i = 0; i < 5; i++) {
			struct match_paths *one = NULL;

			assert_int_equal(match_paths_new(&paths[i], 1, &one, &e), 0);
			expected = expected || match_paths_has(one, value);
			match_paths_free(one);
		}
		assert_int_equal(match_paths_new(paths, 5, &all, &e), 0);
		if (match_paths_has(all, value) != expected)
			fail_msg("'%s' in %s %s %s %s %s", room[5], room[0], room[1], room[2],
				 room[3], room[4]);
		match_paths_free(all);
	}
}

static void a_glob_matches_what_fnmatch_matches(void **state)
{
	static const char pattern_letters[] = "ab*?*B\\-", text_letters[] = "aabB-]\\[";
	static const char *const brackets[] = {
		"[[:alpha:]]", "[![:digit:]x]", "[[:upper:]b]", "[[.-.]a]", "[[=a=]]",
		"[a-b]",       "[]a]",		"[^]]",		"[\\]]",    "[b-a]",
		"[-a]",	       "[!a-]",		"[[a]",		"[+--]",    "[[.a.]-b]"};
	uint64_t random = 42;
	unsigned matched = 0;

	for (unsigned round = 0; round < 60000; round++) {
		char pattern[64], value[16];
		struct span p = random_text(&random, pattern_letters, 9, pattern);
		struct span v = random_text(&random, text_letters, 7, value);
		bool fold = round & 1, expected;
		struct glob *g = NULL;
		struct err e = ERR_INIT;

		for (unsigned i = round % 3; i; i--) {
			const char *set = brackets[next_random(&random) % ARRAY_LEN(brackets)];

			memcpy(pattern + p.n, set, strlen(set) + 1);
			p.n += strlen(set);
			pattern[p.n++] = pattern_letters[next_random(&random) % 6];
			pattern[p.n] = 0;
		}
		expected = fnmatch(pattern, value, fold ? FNM_CASEFOLD : 0) == 0;
		matched += expected;
		assert_int_equal(glob_new(p, fold, &g, &e), 0);
		if (glob_match(g, v) != expected)
			fail_msg("'%s' with '%s'%s: fnmatch says %d", pattern, value,
				 fold ? " folded" : "", expected);
		glob_free(g);
	}
	assert_true(matched > 1000);
}

/* C libraries differ here, and glibc with itself; what stands in POSIX.1-2017 2.13.1 holds. */
static void a_bracket_that_is_not_closed_is_a_byte(void **state)
{
	assert_yes(ask(text("[a"), "glob", "[a"));
	assert_no(ask(text("a"), "glob", "[a"));
	assert_yes(ask(text("[["), "glob", "[["));
	assert_yes(ask(text("x[a-"), "glob", "*[a-"));
	assert_no(ask(text("a"), "glob", "[[:nope:]]"));
	assert_no(ask(text("a\\"), "glob", "a\\"));
}

static void many_stars_cost_no_more_than_their_product(void **state)
{
	char pattern[4097], value[20001];
	struct glob *g = NULL;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < 4096; i += 2)
		memcpy(pattern + i, "*a", 2);
	pattern[4096] = 0;
	pattern[4095] = 'b';
	memset(value, 'a', 20000);
	assert_int_equal(glob_new(span_make(pattern, 4096), false, &g, &e), 0);
	assert_false(glob_match(g, span_make(value, 20000)));
	value[19999] = 'b';
	assert_true(glob_match(g, span_make(value, 20000)));
	glob_free(g);
	assert_int_equal(glob_new(span_make(value, LIMIT_DETECT_PATTERN + 1), false, &g, &e),
			 -E2BIG);
}

static void sets_hold_what_they_were_given_and_nothing_else(void **state)
{
	static char room[20000][8];
	static struct span values[20000];
	struct match_set *s = NULL;
	struct err e = ERR_INIT;

	for (unsigned i = 0; i < 20000; i++) {
		(void)snprintf(room[i], sizeof(room[i]), "%x", i * 2); /* fits */
		values[i] = span_of(room[i]);
	}
	assert_int_equal(match_set_new(values, 20000, &s, &e), 0);
	for (unsigned i = 0; i < 40000; i++) {
		char name[8];

		(void)snprintf(name, sizeof(name), "%x", i); /* fits */
		assert_int_equal(match_set_has(s, span_of(name)), i % 2 == 0);
	}
	assert_false(match_set_has(s, span_of("")));
	assert_true(match_set_bytes(s) < 800000);
	match_set_free(s);
	assert_int_equal(match_set_new(NULL, 0, &s, &e), 0);
	assert_false(match_set_has(s, span_of("")));
	match_set_free(s);
	assert_int_equal(match_set_new(values, LIMIT_DETECT_VALUES + 1, &s, &e), -E2BIG);
}

static void prefixes_answer_as_a_loop_over_them_does(void **state)
{
	uint64_t random = 3;

	for (unsigned round = 0; round < 4000; round++) {
		struct match_prefixes *p = NULL;
		struct span prefixes[6], value;
		char room[7][16];
		struct err e = ERR_INIT;
		bool expected = false;

		value = random_text(&random, "ab", 9, room[6]);
		for (unsigned i = 0; i < 6; i++) {
			prefixes[i] = random_text(&random, "ab", 5, room[i]);
			expected = expected || strncmp(room[6], room[i], prefixes[i].n) == 0;
		}
		assert_int_equal(match_prefixes_new(prefixes, 6, &p, &e), 0);
		assert_int_equal(match_prefixes_has(p, value), expected);
		match_prefixes_free(p);
	}
}

static void the_memory_of_a_condition_is_told(void **state)
{
	AUTO(match) struct match *m = NULL;
	struct span values[] = {span_of("/etc"), span_of("/home/*/x")};
	struct match_spec spec = {
		.op = MATCH_PMATCH, .kind = DETECT_TEXT, .values = values, .n = 2};
	struct err e = ERR_INIT;

	assert_int_equal(match_compile(&spec, &m, &e), 0);
	assert_true(match_bytes(m) > sizeof(void *) && match_bytes(m) < 2048);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_compare_by_every_operator_that_they_have),
		cmocka_unit_test(icontains_finds_what_lies_across_its_pieces),
		cmocka_unit_test(numbers_compare_across_signs_and_sizes),
		cmocka_unit_test(addresses_match_networks),
		cmocka_unit_test(buffers_are_compared_by_bytes),
		cmocka_unit_test(what_is_not_known_is_unknown_and_for_falco_no),
		cmocka_unit_test(a_nul_ends_a_text_only_for_falco),
		cmocka_unit_test(lists_any_and_either_answer_by_their_kind),
		cmocka_unit_test(modifiers_join_the_answers),
		cmocka_unit_test(two_fields_compare_with_each_other),
		cmocka_unit_test(wrong_conditions_are_refused_with_words),
		cmocka_unit_test(services_are_ports_where_that_is_asked),
		cmocka_unit_test(pmatch_walks_components_and_globs_in_them),
		cmocka_unit_test(a_path_tree_answers_as_each_of_its_paths_does),
		cmocka_unit_test(a_glob_matches_what_fnmatch_matches),
		cmocka_unit_test(a_bracket_that_is_not_closed_is_a_byte),
		cmocka_unit_test(many_stars_cost_no_more_than_their_product),
		cmocka_unit_test(sets_hold_what_they_were_given_and_nothing_else),
		cmocka_unit_test(prefixes_answer_as_a_loop_over_them_does),
		cmocka_unit_test(the_memory_of_a_condition_is_told),
	};

	return cmocka_run_group_tests_name("match", tests, NULL, NULL);
}
