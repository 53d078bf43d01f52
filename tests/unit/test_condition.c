/* test_condition.c - claims about conditions: grammar, places of errors, fields, types, events. */
#include "detect/condition.h"
#include "detect/condition_types.h"
#include "detect/field.h"
#include "test.h"

static int parse(struct condition *c, const char *text, struct cond_fault *fault, struct err *e)
{
	condition_init(c);
	return condition_parse(c, span_of(text), 0, fault, e);
}

static void expect_print(const char *text, const char *printed)
{
	AUTO(condition) struct condition c, again;
	AUTO(buf) struct buf b, twice;
	struct cond_fault fault;
	struct err e = ERR_INIT;

	condition_init(&again);
	buf_init(&b, 1 << 20);
	buf_init(&twice, 1 << 20);
	if (parse(&c, text, &fault, &e) < 0)
		fail_msg("'%s': %s", text, e.text);
	condition_print(&b, &c);
	assert_string_equal(buf_text(&b), printed);
	assert_int_equal(condition_parse(&again, buf_span(&b), 0, &fault, &e), 0);
	assert_true(condition_same(&c, &again));
	condition_print(&twice, &again);
	assert_true(span_eq(buf_span(&b), buf_span(&twice)));
}

static void expect_fault(const char *text, uint32_t at, const char *words, const char *hint)
{
	AUTO(condition) struct condition c;
	struct cond_fault fault;
	struct err e = ERR_INIT;

	assert_true(parse(&c, text, &fault, &e) < 0);
	if (!strstr(e.text, words))
		fail_msg("'%s': '%s' is not '%s'", text, e.text, words);
	if (!strstr(fault.hint, hint))
		fail_msg("'%s': hint '%s' is not '%s'", text, fault.hint, hint);
	if (fault.at != at)
		fail_msg("'%s': at %u, not %u", text, fault.at, at);
}

static void conditions_print_to_one_form(void **state)
{
	static const char *const cases[][2] = {
		{"proc.name=sh", "proc.name = sh"},
		{"proc.name == sh", "proc.name = sh"},
		{"  evt.type in(open,openat ) ", "evt.type in (open, openat)"},
		{"evt.type in ()", "evt.type in ()"},
		{"evt.type in open", "evt.type in open"},
		{"a and b or c and d", "a and b or c and d"},
		{"a and (b or c)", "a and (b or c)"},
		{"(a and b) and c", "(a and b) and c"},
		{"a or(b)or c", "a or b or c"},
		{"a and(b)", "a and b"},
		{"((a))", "a"},
		{"not a", "not a"},
		{"not not a", "a"},
		{"not not not a", "not a"},
		{"not(a)", "not a"},
		{"not not(a or b)", "a or b"},
		{"not (not a)", "not (not a)"},
		{"not (a and b)", "not (a and b)"},
		{"nothing and orange or android", "nothing and orange or android"},
		{"proc.aname[2] exists", "proc.aname[2] exists"},
		{"proc.env[\"a b\"] exists", "proc.env[\"a b\"] exists"},
		{"container.mount.dest['/etc'] exists", "container.mount.dest[/etc] exists"},
		{"fd.num >= 0x10 and fd.num<-1", "fd.num >= 0x10 and fd.num < -1"},
		{"proc.duration > 1.5e+3", "proc.duration > 1.5e+3"},
		{"proc.name = \"a \\\"b\\\" \\\\ \\n\"", "proc.name = \"a \\\"b\\\" \\\\ \\n\""},
		{"proc.name = 'it\\'s'", "proc.name = \"it's\""},
		{"proc.name contains \"\\ x\"", "proc.name contains \\x"},
		{"proc.name = \"\"", "proc.name = \"\""},
		{"proc.name startswith anyof (a, 'b c')",
		 "proc.name startswith anyof (a, \"b c\")"},
		{"proc.name = oneof", "proc.name = \"oneof\""},
		{"proc.name = oneof and a", "proc.name = \"oneof\" and a"},
		{"proc.name != allof (a)", "proc.name != allof (a)"},
		{"proc.name in oneof", "proc.name in oneof"},
		{"tolower( proc.name ) = sh", "tolower(proc.name) = sh"},
		{"toupper(basename(fd.name)) = X", "toupper(basename(fd.name)) = X"},
		{"proc.name = val(proc.pname)", "proc.name = val(proc.pname)"},
		{"proc.name in tolower(proc.pname)", "proc.name in tolower(proc.pname)"},
		{"proc.name = val", "proc.name = val"},
		{"concat(proc.name, '/', fd.name) = a/b",
		 "concat(proc.name, \"/\", fd.name) = a/b"},
		{"join((proc.name, 'x.y'), \"-\") = q", "join((proc.name, \"x.y\"), \"-\") = q"},
		{"len(fd.types) > 2", "len(fd.types) > 2"},
		{"evt.dir = <", "evt.dir = <"},
		{"fd.name glob /a/*[x]", "fd.name glob /a/*[x]"},
		{"proc.cmdline\ncontains\n\"x\"", "proc.cmdline contains x"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		expect_print(cases[i][0], cases[i][1]);
}

static void errors_name_the_place_and_the_way_out(void **state)
{
	expect_fault("", 0, "empty", "evt.type");
	expect_fault("  \n", 0, "empty", "");
	expect_fault("proc.name starswith sh", 10, "operator", "'startswith'");
	expect_fault("proc.name not in (a)", 10, "operator", "before the field");
	expect_fault("proc.name =", 11, "value is missing before the end", "");
	expect_fault("proc.name = (a, b)", 12, "one value", "in (a, b)");
	expect_fault("proc.name contains (a)", 19, "one value", "anyof");
	expect_fault("proc.name in", 12, "list is missing", "in (a, b)");
	expect_fault("proc.name in (a b)", 16, "not closed", "comma");
	expect_fault("proc.name in (a, )", 17, "value is missing", "quotes");
	expect_fault("a b", 2, "unexpected 'b'", "'and' or 'or'");
	expect_fault("a = b", 2, "unexpected '='", "dot");
	expect_fault("proc.name in a, b", 14, "unexpected ','", "parentheses");
	expect_fault("a or (a and b", 5, "not closed", ")");
	expect_fault("a)", 1, "unexpected ')'", "'('");
	expect_fault("a and", 2, "unexpected 'and'", "");
	expect_fault("a and ", 6, "missing before the end", "");
	expect_fault("and a", 0, "missing before 'and'", "");
	expect_fault("a or or b", 5, "missing before 'or'", "");
	expect_fault("fd.num > x", 9, "number", "");
	expect_fault("fd.num > 3x", 9, "number", "");
	expect_fault("proc.name = 'x", 12, "not closed", "quote");
	expect_fault("proc.name = 'a\\qb'", 14, "escape", "backslashes");
	expect_fault("proc.name = 'a\\\"b'", 14, "escape", "backslashes");
	expect_fault("proc.aname[ = x", 11, "argument", "");
	expect_fault("proc.aname[2 = x", 10, "not closed", "]");
	expect_fault("tolowr(proc.name) = x", 0, "transformer", "'tolower'");
	expect_fault("val(proc.name) = x", 0, "on the right", "alone");
	expect_fault("tolower(proc.name = x", 18, "not closed", ")");
}

static char *nested(const char *open, const char *inside, const char *close, unsigned n)
{
	size_t a = strlen(open), b = strlen(inside), c = strlen(close);
	char *text = malloc((a + c) * n + b + 1), *p = text;

	assert_non_null(text);
	for (unsigned i = 0; i < n; i++, p += a)
		memcpy(p, open, a);
	memcpy(p, inside, b);
	p += b;
	for (unsigned i = 0; i < n; i++, p += c)
		memcpy(p, close, c);
	*p = '\0';
	return text;
}

static void nesting_is_bounded_and_needs_no_stack(void **state)
{
	static const char *const opens[] = {"(", "not (", "a and (b or ", "tolower("};
	static const unsigned depths[] = {1001, 10000, 300000};

	for (size_t i = 0; i < ARRAY_LEN(opens); i++) {
		for (size_t d = 0; d < ARRAY_LEN(depths); d++) {
			AUTO(free)
			char *text = nested(opens[i], i == 3 ? "proc.name" : "x", ")", depths[d]);
			AUTO(condition) struct condition c;
			struct cond_fault fault;
			struct err e = ERR_INIT;

			assert_true(parse(&c, text, &fault, &e) < 0);
			assert_non_null(strstr(e.text, "deep"));
			assert_true(fault.at > 0 && fault.hint[0]);
		}
	}
	{
		AUTO(free) char *text = nested("not (", "x", ")", 900);
		AUTO(condition) struct condition c;
		AUTO(buf) struct buf b;
		struct cond_fault fault;
		struct err e = ERR_INIT;

		buf_init(&b, 1 << 20);
		assert_int_equal(parse(&c, text, &fault, &e), 0);
		condition_print(&b, &c);
		assert_int_equal(b.n, 899 * strlen("not ()") + strlen("not x"));
	}
}

static void every_node_has_its_place(void **state)
{
	AUTO(condition) struct condition c;
	struct cond_fault fault;
	struct err e = ERR_INIT;
	const char *text = "a and not (proc.name in (x, 'y'))";
	unsigned seen = 0;

	assert_int_equal(parse(&c, text, &fault, &e), 0);
	for (size_t i = 0; i < c.n; i++) {
		const struct cond_node *n = &c.nodes[i];
		struct span value = condition_text(&c, n);

		assert_int_equal(n->origin, 0);
		if (n->kind == COND_VALUE || n->kind == COND_FIELD || n->kind == COND_MACRO) {
			assert_memory_equal(text + n->at + (n->flags & COND_QUOTED ? 1 : 0),
					    value.p, value.n);
			seen++;
		}
	}
	assert_int_equal(seen, 4);
}

struct verdicts {
	unsigned wrong, unknown, doubt;
	char text[LIMIT_ERR_TEXT], hint[LIMIT_ERR_TEXT];
	uint32_t at;
};

static void heard(void *ctx, const struct cond_node *node, enum cond_verdict verdict,
		  const char *hint, const char *text)
{
	struct verdicts *v = ctx;

	v->wrong += verdict == COND_WRONG;
	v->unknown += verdict == COND_UNKNOWN;
	v->doubt += verdict == COND_DOUBT;
	v->at = node->at;
	(void)snprintf(v->text, sizeof(v->text), "%s", text);
	(void)snprintf(v->hint, sizeof(v->hint), "%s", hint);
}

static struct verdicts judge(const char *text)
{
	AUTO(condition) struct condition c;
	struct verdicts v = {0};
	struct cond_judge j = {&v, heard};
	struct cond_fault fault;
	struct err e = ERR_INIT;

	if (parse(&c, text, &fault, &e) < 0)
		fail_msg("'%s': %s", text, e.text);
	condition_check_types(&c, &j);
	return v;
}

static void operators_fit_types(void **state)
{
	static const char *const good[] = {
		"fd.num >= 0 and fd.num in (1, 2) and fd.num intersects (1)",
		"user.loginuid != -1",
		"evt.is_open_read = true and evt.is_open_write exists",
		"proc.name pmatch (/a) and proc.name regex x.* and proc.name iglob x*",
		"evt.buffer bcontains 7f454c46 and evt.buffer contains x",
		"fd.sip in (10.0.0.1, \"::1\") and fd.snet in (\"10.0.0.0/8\", \"fe80::/10\")",
		"fd.net != \"127.0.0.0/8\" and fd.sport in (80, http)",
		"fd.types in (file) and fd.types[0] = file",
		"evt.rawarg.data bstartswith 00ff and evt.rawarg[1] > 3",
		"evt.arg.flags contains O_CREAT and evt.arg[0] = x and evt.arg[fd] = y",
		"container.label.app = x and container.label[a/b] = y and proc.env[PATH] exists",
		"proc.name = val(proc.pname) and len(proc.name) > 3",
		"proc.name = anyof (a, b) and fd.num = anyof (1, 2)",
		"k8s.ns.name = kube-system and container.image.repository endswith /x",
		"proc.fdusage > 1.5 and proc.duration <= 1000000000",
	};
	static const char *const bad[] = {
		"fd.num startswith 1",
		"fd.num = abc",
		"fd.num = 1.5",
		"evt.is_open_read > 1",
		"evt.is_open_read = yes",
		"proc.name bcontains 00",
		"evt.buffer bcontains 0g",
		"evt.buffer bcontains 0",
		"fd.sip > 1",
		"fd.sip = 10.0.0",
		"fd.snet = 10.0.0.1",
		"fd.snet = 10.0.0.0/33",
		"fd.sport = 70000",
		"fd.types = file",
		"fd.types contains x",
		"fd.types != anyof (file)",
		"user.uid = -1",
		"proc.name = val(fd.num)",
		"proc.name = val(proc.aname)",
		"tolower(proc.aname) = x",
		"tolower(fd.num) = 1",
		"evt.type = val(proc.name)",
		"tolower(evt.type) = open",
		"proc.name[1] = x",
		"proc.aname[x] = y",
		"evt.arg = x",
		"evt.outputtime = x",
		"len(proc.name) = x",
		"proc.name = tolower(proc.pname, proc.name)",
		"fd.sport = val(fd.port)",
	};
	static const char *const unknown[] = {"proc.nme = x", "evt.type = opn", "a.b exists",
					      "evt.type in (open, nonsense)"};

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct verdicts v = judge(good[i]);

		if (v.wrong + v.unknown + v.doubt)
			fail_msg("'%s': %s", good[i], v.text);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (judge(bad[i]).wrong != 1)
			fail_msg("'%s' has %u errors", bad[i], judge(bad[i]).wrong);
	for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
		if (judge(unknown[i]).unknown != 1 || judge(unknown[i]).wrong)
			fail_msg("'%s' is not just unknown", unknown[i]);
	assert_string_equal(judge("proc.nme = x").hint, "did you mean 'proc.name'?");
	assert_string_equal(judge("evt.type = opnat").hint, "did you mean 'openat'?");
	assert_int_equal(judge("a and proc.nme = x").at, 6);
}

static void doubtful_checks_are_warnings(void **state)
{
	assert_int_equal(judge("evt.dir = <").doubt, 1);
	assert_int_equal(judge("evt.latency > 5").doubt, 1);
	assert_int_equal(judge("proc.name = <NA>").doubt, 1);
	assert_int_equal(judge("container.healthcheck exists").doubt, 1);
}

/* Few types are listed, of many the number is told. */
static void expect_events(const char *text, const char *names)
{
	AUTO(condition) struct condition c;
	AUTO(buf) struct buf b;
	struct cond_fault fault;
	struct event_set set;
	struct err e = ERR_INIT;

	buf_init(&b, 1 << 16);
	assert_int_equal(parse(&c, text, &fault, &e), 0);
	condition_events(&c, &set);
	if (event_set_count(&set) == event_name_n)
		buf_add_text(&b, "all");
	else if (event_set_count(&set) > 10)
		buf_addf(&b, "all but %zu", event_name_n - event_set_count(&set));
	else
		for (unsigned i = 0; i < event_name_n; i++)
			if (event_set_has(&set, i))
				buf_addf(&b, "%s%s", b.n ? " " : "", event_names[i]);
	if (strcmp(b.n ? buf_text(&b) : "", names) != 0)
		fail_msg("'%s': '%s', not '%s'", text, b.n ? buf_text(&b) : "", names);
}

static void event_types_follow_the_condition(void **state)
{
	expect_events("evt.type = open", "open");
	expect_events("evt.type in (open, close)", "close open");
	expect_events("evt.type != open", "all but 1");
	expect_events("not evt.type = open", "all but 1");
	expect_events("not not evt.type = open", "open");
	expect_events("not evt.type != open", "open");
	expect_events("proc.name = x", "all");
	expect_events("not proc.name = x", "all");
	expect_events("evt.type = open and proc.name = x", "open");
	expect_events("evt.type = open and not proc.name = x", "open");
	expect_events("evt.type = open or proc.name = x", "all");
	expect_events("evt.type = open and evt.type = close", "");
	expect_events("evt.type = open or evt.type = close", "close open");
	expect_events("not (evt.type = open and proc.name = x)", "all");
	expect_events("not (evt.type = open or proc.name = x)", "all but 1");
	expect_events("not (not evt.type in (open, close) or proc.name = x)", "close open");
	expect_events("evt.type exists", "all");
	expect_events("not evt.type exists", "");
	expect_events("evt.type startswith op", "all");
	expect_events("evt.type = open and a_macro", "open");
	expect_events("evt.type in () and proc.name = x", "");
	expect_events("not evt.type in ()", "all");
	expect_events("evt.type = open and proc.name in ()", "");
	expect_events("evt.type = open and not proc.name in ()", "open");
	expect_events("evt.type = anyof (open, close)", "close open");
	expect_events("evt.type = allof (open, close)", "");
	expect_events("evt.type != allof (open, close)", "all but 2");
	expect_events("evt.type != anyof (open, close)", "all");
	expect_events("evt.type != oneof (open, close)", "close open");
}

static void fields_are_sorted_and_found(void **state)
{
	size_t plugin = 0;
	struct field_use use;
	struct err e = ERR_INIT;
	size_t len;

	for (size_t i = 0; i < field_n; i++) {
		plugin += fields[i].flags & FFLAG_PLUGIN ? 1 : 0;
		assert_ptr_equal(field_find(span_of(fields[i].name)), &fields[i]);
		if (i)
			assert_true(strcmp(fields[i - 1].name, fields[i].name) < 0);
	}
	assert_int_equal(field_n - plugin, 236 - 3); /* three are called NA */
	assert_int_equal(plugin, 61);
	for (size_t i = 1; i < event_name_n; i++)
		assert_true(strcmp(event_names[i - 1], event_names[i]) < 0);
	assert_null(field_find(span_of("proc.nam")));
	assert_int_equal(field_parse(span_of("proc.aname[3]"), &use, &e), 0);
	assert_true(use.has_arg && span_is(use.arg, "3"));
	assert_int_equal(field_parse(span_of("evt.arg.flags"), &use, &e), 0);
	assert_string_equal(use.field->name, "evt.arg");
	assert_true(span_is(use.arg, "flags"));
	assert_int_equal(field_parse(span_of("proc.env['A B']"), &use, &e), 0);
	assert_true(span_is(use.arg, "A B"));
	assert_int_equal(field_parse(span_of("proc.name[1]"), &use, &e), -EINVAL);
	assert_int_equal(field_parse(span_of("proc.aname[1"), &use, &e), -EINVAL);
	assert_int_equal(field_parse(span_of("evt.arg[]"), &use, &e), -EINVAL);
	assert_int_equal(field_parse(span_of("nothing.at.all"), &use, &e), -ENOENT);
	assert_int_equal(field_parse_prefix(span_of("proc.name.x"), &use, &len, &e), 0);
	assert_int_equal(len, 9);
	assert_int_equal(field_parse_prefix(span_of("evt.arg.name)"), &use, &len, &e), 0);
	assert_int_equal(len, 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions_print_to_one_form),
		cmocka_unit_test(errors_name_the_place_and_the_way_out),
		cmocka_unit_test(nesting_is_bounded_and_needs_no_stack),
		cmocka_unit_test(every_node_has_its_place),
		cmocka_unit_test(operators_fit_types),
		cmocka_unit_test(doubtful_checks_are_warnings),
		cmocka_unit_test(event_types_follow_the_condition),
		cmocka_unit_test(fields_are_sorted_and_found),
	};

	return cmocka_run_group_tests_name("condition", tests, NULL, NULL);
}
