/* test_ruleset.c - claims about files of rules and what becomes of them. */
#include "detect/ruleset.h"
#include "test.h"

static void load(struct ruleset *s, const char *const *texts, size_t n)
{
	struct ruleset_options options = {.threshold = PRIORITY_DEBUG};
	struct err e = ERR_INIT;
	char name[32];

	ruleset_init(s);
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "%zu.yaml", i);
		if (ruleset_add_text(s, name, span_of(texts[i]), &e) < 0)
			fail_msg("%s", e.text);
	}
	if (ruleset_compile(s, &options, &e) < 0)
		fail_msg("%s", e.text);
}

static void load_one(struct ruleset *s, const char *text)
{
	load(s, &text, 1);
}

static void print_diagnostics(const struct ruleset *s)
{
	for (size_t i = 0; i < s->diagnostics.n; i++) {
		const struct diagnostic *d = &s->diagnostics.items[i];

		print_message("%u:%u:%u %s: %.*s; %.*s\n", d->place.file, d->place.line,
			      d->place.column, d->severity == SEVERITY_ERROR ? "error" : "warning",
			      (int)d->text.n, d->text.p, (int)d->hint.n, d->hint.p);
	}
}

/* A diagnostic with that place and these words must be there. */
static void expect_told(const struct ruleset *s, enum severity severity, unsigned line,
			unsigned column, const char *words)
{
	for (size_t i = 0; i < s->diagnostics.n; i++) {
		const struct diagnostic *d = &s->diagnostics.items[i];

		if (d->severity == severity && d->place.line == line && d->place.column == column &&
		    span_contains(d->text, span_of(words)))
			return;
	}
	print_diagnostics(s);
	fail_msg("not told: %u:%u %s", line, column, words);
}

static void expect_errors(const struct ruleset *s, size_t errors)
{
	if (s->diagnostics.errors == errors)
		return;
	print_diagnostics(s);
	fail_msg("%zu errors, not %zu", s->diagnostics.errors, errors);
}

static void expect_condition(const struct ruleset *s, const char *rule, const char *printed)
{
	const struct rule *r = ruleset_find(s, span_of(rule));
	AUTO(buf) struct buf b;

	buf_init(&b, 1 << 20);
	if (!r) {
		print_diagnostics(s);
		fail_msg("no rule '%s'", rule);
		return;
	}
	condition_print(&b, &r->condition);
	assert_string_equal(buf_text(&b), printed);
}

#define RULE(name, condition)          \
	"- rule: " name "\n"           \
	"  desc: d\n"                  \
	"  condition: " condition "\n" \
	"  output: o\n"                \
	"  priority: INFO\n"

/* One file from several parts; the last one is NULL. */
static __attribute__((sentinel)) void load_parts(struct ruleset *s, ...)
{
	AUTO(buf) struct buf b;
	const char *part;
	va_list args;

	buf_init(&b, 1 << 20);
	va_start(args, s);
	while ((part = va_arg(args, const char *)) != NULL)
		buf_add_text(&b, part);
	va_end(args);
	load_one(s, buf_text(&b));
}

static void add_file(struct ruleset *s, const char *path)
{
	struct err e = ERR_INIT;

	if (ruleset_add_file(s, path, &e) < 0)
		fail_msg("%s", e.text);
}

static const char *rules_dir(void)
{
	const char *dir = getenv("AMBER_TEST_RULES");

	return dir ? dir : "tests/rules";
}

static void load_files(struct ruleset *s, unsigned n)
{
	static const char *const names[] = {"base.yaml", "local.yaml"};
	struct ruleset_options options = {.threshold = PRIORITY_DEBUG};
	struct err e = ERR_INIT;
	char path[LIMIT_PATH];

	ruleset_init(s);
	for (unsigned i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", rules_dir(), names[i]);
		add_file(s, path);
	}
	assert_int_equal(ruleset_compile(s, &options, &e), 0);
}

static void a_file_in_the_usual_style_loads(void **state)
{
	AUTO(ruleset) struct ruleset s;
	const struct rule *r;

	load_files(&s, 1);
	expect_errors(&s, 0);
	assert_int_equal(s.diagnostics.warnings, 0);
	assert_int_equal(s.rule_n, 3);
	expect_condition(
		&s, "Shell in container",
		"(evt.type in (execve, execveat) and container.id != host and proc.name in "
		"(ash, bash, csh, ksh, sh, tcsh, zsh, dash) and proc.tty != 0 and not "
		"evt.num = 0) and not (proc.pname = sshd and proc.cmdline startswith "
		"\"bash -l\" or proc.pname = cron and proc.cmdline startswith sh) and not "
		"container.image.repository in ()");
	expect_condition(&s, "Write below etc",
			 "(evt.type in (open, openat, openat2) and evt.is_open_write = true and "
			 "fd.typechar = f and fd.num >= 0) and fd.name startswith /etc and not "
			 "proc.name in (ash, bash, csh, ksh, sh, tcsh, zsh, dash, vi, vim, nano, "
			 "\"less more\")");
	r = ruleset_find(&s, span_of("Shell in container"));
	assert_int_equal(r->priority, PRIORITY_NOTICE);
	assert_int_equal(r->tag_n, 4);
	assert_true(r->enabled);
	assert_true(span_is(r->source, "syscall"));
	assert_string_equal(buf_text((struct buf *)&r->desc),
			    "A shell with a terminal was started in a container.");
	assert_int_equal(event_set_count(&r->events), 2);
	assert_false(ruleset_find(&s, span_of("Off by default"))->enabled);
}

static void a_second_file_changes_the_first(void **state)
{
	AUTO(ruleset) struct ruleset s;
	const struct rule *r;

	load_files(&s, 2);
	expect_errors(&s, 0);
	expect_condition(
		&s, "Shell in container",
		"(evt.type in (execve, execveat) and container.id != host and proc.name in (ash, "
		"bash, csh, ksh, sh, tcsh, zsh, dash, fish) and proc.tty != 0 and not "
		"container.image.repository = registry.local/tools and not proc.pname = "
		"entrypoint) and not (proc.pname = sshd and proc.cmdline startswith \"bash -l\" or "
		"proc.pname = cron and proc.cmdline startswith sh or proc.pname = agent and "
		"proc.cmdline startswith \"sh -c\") and not container.image.repository in "
		"(registry.local/debug)");
	r = ruleset_find(&s, span_of("Shell in container"));
	assert_int_equal(r->priority, PRIORITY_WARNING);
	assert_int_equal(r->tag_n, 5);
	assert_true(span_is(r->tags[4], "site"));
	assert_true(ruleset_find(&s, span_of("Off by default"))->enabled);
	assert_ptr_equal(r, &s.rules[0]); /* keeps its place */
}

static void outputs_are_parsed_into_pieces(void **state)
{
	AUTO(ruleset) struct ruleset s;
	const struct rule *r;
	const struct output *o;

	load_files(&s, 1);
	r = ruleset_find(&s, span_of("Write below etc"));
	o = &r->output;
	assert_int_equal(o->n, 7);
	assert_true(span_is(output_text(o, &o->pieces[0]), "File below /etc written (file="));
	assert_true(o->pieces[1].is_field);
	assert_true(span_is(output_text(o, &o->pieces[1]), "fd.name"));
	assert_true(span_is(output_text(o, &o->pieces[3]), "toupper(proc.name)"));
	assert_int_equal(o->tree.nodes[o->pieces[3].node].kind, COND_TRANSFORM);
	assert_true(span_is(output_text(o, &o->pieces[5]), "proc.aname[2]"));
	assert_true(span_is(output_text(o, &o->pieces[6]), ")"));
	r = ruleset_find(&s, span_of("Shell in container"));
	o = &r->output;
	assert_int_equal(o->pieces[7].width, 8);
	assert_true(span_is(output_text(o, &o->pieces[7]), "proc.tty"));
}

static void text_is_appended_as_text(void **state)
{
	AUTO(ruleset) struct ruleset s;

	load_parts(&s, RULE("r", "evt.type = open or evt.type = close"),
		   "- rule: r\n"
		   "  condition: and proc.name = x\n"
		   "  append: true\n"
		   "- macro: m\n"
		   "  condition: evt.type = a or evt.type = b\n"
		   "- macro: m\n"
		   "  condition: and proc.name = y\n"
		   "  override: {condition: append}\n",
		   RULE("q", "evt.type = open and m"), NULL);
	expect_condition(&s, "r", "evt.type = open or evt.type = close and proc.name = x");
	expect_told(&s, SEVERITY_WARNING, 8, 11, "deprecated");
	expect_told(&s, SEVERITY_ERROR, 10, 25, "unknown event type 'a'");
}

static void macros_see_what_is_above_them(void **state)
{
	AUTO(ruleset) struct ruleset s, again;

	load_parts(&s,
		   "- macro: a\n"
		   "  condition: b and evt.type = open\n"
		   "- macro: b\n"
		   "  condition: proc.name = x\n",
		   RULE("r", "a"), RULE("q", "b"), NULL);
	expect_errors(&s, 1);
	expect_told(&s, SEVERITY_ERROR, 2, 14, "unknown macro 'b'");
	assert_null(ruleset_find(&s, span_of("r")));
	expect_condition(&s, "q", "proc.name = x");
	/* Defined again after b, a sees it and keeps its place. */
	load_parts(&again,
		   "- macro: a\n"
		   "  condition: evt.type = open\n"
		   "- macro: b\n"
		   "  condition: proc.name = x\n"
		   "- macro: a\n"
		   "  condition: b and evt.type = close\n",
		   RULE("r", "a"), NULL);
	expect_errors(&again, 0);
	expect_condition(&again, "r", "proc.name = x and evt.type = close");
}

static void rules_see_macros_below_them(void **state)
{
	AUTO(ruleset) struct ruleset s;

	load_parts(&s, RULE("r", "m and evt.type = open"),
		   "- macro: m\n"
		   "  condition: proc.name = x\n",
		   NULL);
	expect_errors(&s, 0);
	expect_condition(&s, "r", "proc.name = x and evt.type = open");
}

static void cycles_of_macros_are_told(void **state)
{
	AUTO(ruleset) struct ruleset s;

	load_parts(&s,
		   "- macro: a\n"
		   "  condition: evt.type = open\n"
		   "- macro: b\n"
		   "  condition: a and proc.name = x\n"
		   "- macro: a\n"
		   "  condition: evt.type = close and b\n",
		   RULE("r", "a"),
		   "- macro: c\n"
		   "  condition: c\n",
		   RULE("q", "c"), NULL);
	expect_told(&s, SEVERITY_ERROR, 4, 14, "cycle");
	expect_told(&s, SEVERITY_ERROR, 13, 14, "unknown macro 'c'");
	assert_int_equal(s.rule_n, 0);
}

static void lists_are_replaced_as_words(void **state)
{
	AUTO(ruleset) struct ruleset s;

	load_parts(&s,
		   "- list: l\n"
		   "  items: [a, 'b c', '\"10.0.0.0/8\"']\n"
		   "- list: none\n"
		   "  items: []\n"
		   "- list: outer\n"
		   "  items: [l, none, d]\n"
		   "- list: more\n"
		   "  items: [outer, e]\n",
		   RULE("r1", "proc.name in (l) and proc.pname=l_x and proc.args = l.l"),
		   RULE("r2", "proc.name in (x, none, y) and proc.pname in (none, z)"),
		   RULE("r3", "proc.name in (more, none)"),
		   RULE("r4", "proc.cmdline contains \"x l y\""), NULL);
	expect_errors(&s, 1);
	expect_condition(&s, "r1",
			 "proc.name in (a, \"b c\", 10.0.0.0/8) and proc.pname = l_x and "
			 "proc.args = l.l");
	expect_condition(&s, "r2", "proc.name in (x, y) and proc.pname in (z)");
	expect_condition(&s, "r3", "proc.name in (a, \"b c\", 10.0.0.0/8, d, e)");
	assert_null(
		ruleset_find(&s, span_of("r4"))); /* quotes of an item end the text, as in Falco */
}

static void lists_in_a_wrong_order_are_told(void **state)
{
	AUTO(ruleset) struct ruleset s;

	load_parts(&s,
		   "- list: a\n"
		   "  items: [x, b]\n"
		   "- list: b\n"
		   "  items: [y]\n"
		   "- list: c\n"
		   "  items: [d]\n"
		   "- list: d\n"
		   "  items: [c]\n"
		   "- list: e\n"
		   "  items: [e]\n",
		   RULE("r", "proc.name in (a)"), RULE("q", "proc.name in (c, e)"), NULL);
	expect_told(&s, SEVERITY_WARNING, 2, 14, "list 'b' is defined later");
	expect_told(&s, SEVERITY_ERROR, 8, 11, "cycle");
	expect_condition(&s, "r", "proc.name in (x, y)");
	expect_condition(&s, "q", "proc.name in (e)");
}

static void exceptions_become_conditions(void **state)
{
	AUTO(ruleset) struct ruleset s;

	load_parts(&s,
		   "- list: known\n"
		   "  items: [a, b]\n",
		   RULE("r", "evt.type = open or evt.type = close"),
		   "  exceptions:\n"
		   "    - name: one\n"
		   "      fields: proc.name\n"
		   "      values: [x, y z, known]\n"
		   "    - name: rows\n"
		   "      fields: [tolower(proc.name), fd.name]\n"
		   "      values:\n"
		   "        - [x, /a]\n"
		   "        - [y, /b c]\n"
		   "    - name: in\n"
		   "      fields: [proc.name, fd.name]\n"
		   "      comps: [in, pmatch]\n"
		   "      values:\n"
		   "        - [[a, b], [/x, /y]]\n"
		   "        - [known, (/z)]\n"
		   "    - name: mod\n"
		   "      fields: proc.name\n"
		   "      comps: startswith anyof\n"
		   "      values: [k-, e-]\n"
		   "    - name: without\n"
		   "      fields: [proc.name]\n",
		   NULL);
	expect_errors(&s, 0);
	expect_condition(
		&s, "r",
		"(evt.type = open or evt.type = close) and not proc.name in (x, \"y z\", a, "
		"b) and not (tolower(proc.name) = x and fd.name = /a or tolower(proc.name) = "
		"y and fd.name = \"/b c\") and not (proc.name in (a, b) and fd.name pmatch "
		"(/x, /y) or proc.name in (a, b) and fd.name pmatch (/z)) and not proc.name "
		"startswith anyof (k-, e-)");
}

static void wrong_exceptions_are_told(void **state)
{
	AUTO(ruleset) struct ruleset s;

	load_parts(&s, RULE("a", "evt.type = open"),
		   "  exceptions:\n"
		   "    - name: x\n"
		   "      fields: [proc.name, fd.name]\n"
		   "      values:\n"
		   "        - [x]\n",
		   RULE("b", "evt.type = open"),
		   "  exceptions:\n"
		   "    - name: x\n"
		   "      fields: proc.name\n"
		   "      comps: =\n"
		   "      values: [x]\n",
		   RULE("c", "evt.type = open"),
		   "  exceptions:\n"
		   "    - name: x\n"
		   "      fields: [proc.nme]\n"
		   "      values:\n"
		   "        - [x]\n",
		   RULE("d", "evt.type = open) or (evt.type = close"),
		   "  exceptions:\n"
		   "    - name: x\n"
		   "      fields: [proc.name]\n"
		   "      values:\n"
		   "        - [x]\n"
		   "- rule: c\n"
		   "  exceptions:\n"
		   "    - name: x\n"
		   "      fields: [proc.name]\n"
		   "  override: {exceptions: append}\n",
		   NULL);
	expect_told(&s, SEVERITY_ERROR, 10, 11, "not as long as 'fields'");
	expect_told(&s, SEVERITY_ERROR, 19, 14, "list of values");
	expect_told(&s, SEVERITY_ERROR, 28, 16, "unknown field 'proc.nme'");
	expect_told(&s, SEVERITY_ERROR, 33, 29, "unexpected ')'");
	expect_told(&s, SEVERITY_ERROR, 43, 7, "only values can be added");
}

static void places_are_those_of_the_file(void **state)
{
	AUTO(ruleset) struct ruleset s;

	load_parts(&s,
		   "- rule: r\n"
		   "  desc: d\n"
		   "  output: \"a \\\"%proc.nme\\\"\"\n"
		   "  priority: x\n"
		   "  condition: >\n"
		   "    evt.type = open\n"
		   "    and (proc.name = x\n"
		   "         or fd.nam = y)\n"
		   "- rule: q\n"
		   "  desc: d\n"
		   "  output: 'it''s %fd.foo'\n"
		   "  priority: INFO\n"
		   "  condition: \"evt.type = open and\\n\\tproc.args == \\\"x\\\" andd y\"\n"
		   "- list: l\n"
		   "  items:\n"
		   "    - open\n"
		   "    - opn\n"
		   "- rule: p\n"
		   "  desc: d\n"
		   "  output: o\n"
		   "  priority: INFO\n"
		   "  condition: evt.type in\n"
		   "    (close,\n"
		   "    l)\n",
		   NULL);
	expect_told(&s, SEVERITY_ERROR, 3, 17, "unknown field 'proc.nme'");
	expect_told(&s, SEVERITY_ERROR, 4, 13, "no priority");
	expect_told(&s, SEVERITY_ERROR, 8, 13, "unknown field 'fd.nam'");
	expect_told(&s, SEVERITY_ERROR, 11, 19, "unknown field 'fd.foo'");
	expect_told(&s, SEVERITY_ERROR, 13, 57, "unexpected 'andd'");
	expect_told(&s, SEVERITY_ERROR, 17, 7, "unknown event type 'opn'");
}

static void unknown_fields_can_be_forgiven(void **state)
{
	AUTO(ruleset) struct ruleset s;

	load_parts(&s, RULE("a", "ka.verb = get"), "  skip-if-unknown-filter: true\n",
		   RULE("b", "ka.verb = get"), RULE("c", "fd.num startswith 1"),
		   "  skip-if-unknown-filter: true\n", NULL);
	expect_errors(&s, 2);
	assert_int_equal(s.skipped_unknown, 1);
	assert_int_equal(s.rule_n, 0);
}

static void other_sources_and_priorities_are_counted(void **state)
{
	static const char first[] = RULE("a", "ka.verb = get");
	static const char second[] = RULE("b", "evt.type = open");
	struct ruleset_options options = {.threshold = PRIORITY_NOTICE};
	AUTO(ruleset) struct ruleset s;
	AUTO(buf) struct buf b;
	struct err e = ERR_INIT;

	buf_init(&b, 4096);
	buf_addf(&b, "%s  source: k8s_audit\n%s", first, second);
	ruleset_init(&s);
	assert_int_equal(ruleset_add_text(&s, "t", buf_span(&b), &e), 0);
	assert_int_equal(ruleset_compile(&s, &options, &e), 0);
	expect_errors(&s, 0);
	assert_int_equal(s.skipped_source, 1);
	assert_int_equal(s.skipped_priority, 1);
	expect_told(&s, SEVERITY_WARNING, 6, 11, "k8s_audit");
}

static void rules_that_never_or_always_match_are_told(void **state)
{
	AUTO(ruleset) struct ruleset s;

	load_parts(&s, RULE("a", "evt.type = open and evt.type = close"),
		   RULE("b", "proc.name = x"), RULE("c", "proc.name = x"),
		   "  warn_evttypes: false\n", RULE("d", "not evt.type = open"), NULL);
	expect_errors(&s, 0);
	assert_int_equal(s.diagnostics.warnings, 3);
	expect_told(&s, SEVERITY_WARNING, 1, 9, "never match");
	expect_told(&s, SEVERITY_WARNING, 6, 9, "too many");
	expect_told(&s, SEVERITY_WARNING, 17, 9, "too many");
}

static void keys_are_checked(void **state)
{
	AUTO(ruleset) struct ruleset s;

	load_parts(&s, RULE("a", "evt.type = open"),
		   "  conditon: x\n"
		   "  desc: twice\n"
		   "- rule: b\n"
		   "  desc: d\n"
		   "- list: l\n"
		   "- macro: m\n"
		   "  items: []\n"
		   "- list: 'a b'\n"
		   "  items: []\n"
		   "- what: x\n"
		   "- 5\n"
		   "- rule: a\n"
		   "  condition: x\n"
		   "  output: y\n"
		   "  override: {condition: append}\n"
		   "- rule: a\n"
		   "  priority: x\n"
		   "  override: {priority: append}\n"
		   "- rule: a\n"
		   "  output: y\n"
		   "  override: {output: add}\n"
		   "- rule: a\n"
		   "  output: y\n"
		   "  append: true\n"
		   "  override: {output: append}\n"
		   "- rule: z\n"
		   "  condition: x\n"
		   "  override: {condition: append}\n"
		   "- rule: a\n"
		   "  enabled: maybe\n"
		   "- rule: a\n"
		   "  enabled: no\n"
		   "- rule: a\n"
		   "  tags: x\n"
		   "  override: {tags: append}\n",
		   NULL);
	expect_told(&s, SEVERITY_WARNING, 6, 3, "unknown key 'conditon'");
	expect_told(&s, SEVERITY_WARNING, 7, 3, "twice");
	expect_told(&s, SEVERITY_ERROR, 8, 3, "a rule needs 'condition'");
	expect_told(&s, SEVERITY_ERROR, 10, 3, "a list needs 'items'");
	expect_told(&s, SEVERITY_ERROR, 11, 3, "a macro needs 'condition'");
	expect_told(&s, SEVERITY_WARNING, 12, 3, "unknown key 'items'");
	expect_told(&s, SEVERITY_WARNING, 13, 9, "no blanks");
	expect_told(&s, SEVERITY_WARNING, 15, 3, "unknown item");
	expect_told(&s, SEVERITY_ERROR, 16, 3, "must be a mapping");
	expect_told(&s, SEVERITY_ERROR, 19, 11, "does not name 'output'");
	expect_told(&s, SEVERITY_ERROR, 23, 24, "cannot be appended to");
	expect_told(&s, SEVERITY_ERROR, 26, 22, "does not know 'add'");
	expect_told(&s, SEVERITY_ERROR, 29, 11, "cannot be mixed");
	expect_told(&s, SEVERITY_ERROR, 31, 9, "not defined before");
	expect_told(&s, SEVERITY_ERROR, 35, 12, "true or false");
	expect_told(&s, SEVERITY_ERROR, 39, 9, "must be a list");
	assert_false(ruleset_find(&s, span_of("a"))->enabled);
}

static size_t errors_of(const char *text)
{
	AUTO(ruleset) struct ruleset s;

	load_one(&s, text);
	return s.diagnostics.errors;
}

static void requirements_are_checked(void **state)
{
	assert_int_equal(errors_of("- required_engine_version: 26\n"), 0);
	assert_int_equal(errors_of("- required_engine_version: 0.57.0\n"), 0);
	assert_int_equal(errors_of("- required_engine_version: 0.62.0\n"), 0);
	assert_int_equal(errors_of("- required_engine_version: 0.62.1\n"), 1);
	assert_int_equal(errors_of("- required_engine_version: 0.63.0\n"), 1);
	assert_int_equal(errors_of("- required_engine_version: 63\n"), 1);
	assert_int_equal(errors_of("- required_engine_version: 1.0.0\n"), 1);
	assert_int_equal(errors_of("- required_engine_version: new\n"), 1);
	assert_int_equal(errors_of("- required_engine_version: [1]\n"), 1);
	assert_int_equal(errors_of("- required_plugin_versions:\n"
				   "  - {name: container, version: 0.2.2}\n"),
			 0);
	assert_int_equal(errors_of("- required_plugin_versions:\n"
				   "  - {name: container, version: 0.9.0}\n"),
			 1);
	assert_int_equal(errors_of("- required_plugin_versions:\n  - {name: k8saudit, version: "
				   "0.1.0}\n  - {name: x}\n  - 5\n"),
			 3);
	assert_int_equal(errors_of("- required_plugin_versions:\n  - name: other\n    version: "
				   "0.1.0\n    alternatives:\n      - {name: container, version: "
				   "0.1.0}\n"),
			 0);
	assert_int_equal(errors_of("- required_plugin_versions: x\n"), 1);
}

static void broken_yaml_is_told_with_its_place(void **state)
{
	AUTO(ruleset) struct ruleset a, b, c, d, e;

	load_parts(&a,
		   "- rule: x\n"
		   "  desc: [a\n",
		   NULL);
	expect_errors(&a, 1);
	expect_told(&a, SEVERITY_ERROR, 3, 1, "broken YAML");
	load_parts(&b,
		   "- rule: x\n"
		   "\tdesc: a\n",
		   NULL);
	expect_errors(&b, 1);
	load_parts(&c, "rule: x\n", NULL);
	expect_told(&c, SEVERITY_ERROR, 1, 1, "list of items");
	load_parts(&d, "- rule: \xff\xfe\n", NULL);
	expect_told(&d, SEVERITY_ERROR, 1, 9, "broken YAML");
	load_parts(&e,
		   "- list: a\n"
		   "  items: *nothing\n",
		   NULL);
	expect_told(&e, SEVERITY_ERROR, 2, 10, "no anchor");
}

static void anchors_and_documents_work(void **state)
{
	AUTO(ruleset) struct ruleset s;

	load_parts(&s,
		   "\xef\xbb\xbf---\n"
		   "- list: a\n"
		   "  items: &x [p, q]\n"
		   "- list: b\n"
		   "  items: *x\n"
		   "---\n"
		   "---\n",
		   RULE("r", "proc.name in (a) and proc.pname in (b)"), NULL);
	expect_errors(&s, 0);
	expect_condition(&s, "r", "proc.name in (p, q) and proc.pname in (p, q)");
}

static void append_repeated(struct buf *b, const char *text, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		buf_add_text(b, text);
}

static void hostile_files_end_in_an_error(void **state)
{
	static const struct {
		const char *head, *body, *tail;
		unsigned n;
	} cases[] = {
		{"- list: a\n  items: ", "[", "", 100000},
		{"", "{a: ", "", 100000},
		{"- list: a\n  items: &x [a]\n", "- list: b\n  items: *x\n", "", 2000},
		{"# ", "0123456789abcdef", "", (10 << 16) + 1},
		{"- macro: m\n  condition: ", "(", "", 10000},
		{"- macro: m\n  condition: ", "not (", "", 10000},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(ruleset) struct ruleset s;
		AUTO(buf) struct buf b;

		buf_init(&b, 64 << 20);
		buf_add_text(&b, cases[i].head);
		append_repeated(&b, cases[i].body, cases[i].n);
		buf_add_text(&b, cases[i].tail);
		load_one(&s, buf_text(&b));
		if (s.diagnostics.errors != 1)
			fail_msg("case %zu: %zu errors", i, s.diagnostics.errors);
	}
}

static void a_file_of_ten_megabytes_loads(void **state)
{
	AUTO(ruleset) struct ruleset s;
	AUTO(buf) struct buf b;

	buf_init(&b, 64 << 20);
	buf_add_text(&b, RULE("r", "proc.name in (l) and evt.type = open"));
	buf_add_text(&b, "- list: l\n  items:\n");
	append_repeated(&b,
			"    - an item that is about one hundred bytes long so that there are not "
			"too many of them in it ...\n",
			96000);
	load_one(&s, buf_text(&b));
	expect_errors(&s, 0);
	assert_int_equal(s.rule_n, 1);
}

/* m1: m0 and m0, m2: m1 and m1 ...: what would be 2^40 checks. */
static void macros_that_explode_are_refused(void **state)
{
	AUTO(ruleset) struct ruleset s;
	AUTO(buf) struct buf b;

	buf_init(&b, 1 << 20);
	buf_add_text(&b, "- macro: m0\n  condition: proc.name = x\n");
	for (unsigned i = 1; i < 40; i++)
		buf_addf(&b, "- macro: m%u\n  condition: m%u and m%u\n", i, i - 1, i - 1);
	load_one(&s, buf_text(&b));
	expect_errors(&s, 1);
	assert_true(span_contains(s.diagnostics.items[0].text, span_of("parts")));
}

static void long_chains_of_macros_need_no_stack(void **state)
{
	AUTO(ruleset) struct ruleset s;
	AUTO(buf) struct buf b;

	buf_init(&b, 8 << 20);
	/* Each is defined twice, so that each sees the one behind it. */
	for (unsigned i = 0; i < 20000; i++)
		buf_addf(&b, "- macro: m%u\n  condition: proc.name = x\n", i);
	for (unsigned i = 0; i < 20000; i++)
		buf_addf(&b, "- macro: m%u\n  condition: m%u\n", i, (i + 1) % 20000);
	load_one(&s, buf_text(&b));
	assert_true(s.diagnostics.errors > 0);
	assert_true(span_contains(s.diagnostics.items[0].text, span_of("cycle")) ||
		    s.diagnostics.n > 1);
}

static void origins_lead_back(void **state)
{
	AUTO(ruleset) struct ruleset s;
	const struct rule *r;
	unsigned list = 0, macro = 0;

	load_files(&s, 2);
	r = ruleset_find(&s, span_of("Shell in container"));
	for (size_t i = 0; i < r->condition.n; i++) {
		const struct cond_node *n = &r->condition.nodes[i];
		struct rule_origin o = ruleset_origin(&s, n);

		assert_true(o.place.line > 0);
		if (n->kind == COND_VALUE && span_is(condition_text(&r->condition, n), "fish")) {
			assert_true(span_is(o.list, "shell_binaries"));
			assert_int_equal(o.place.file, 1);
			assert_int_equal(o.place.line, 3);
			assert_int_equal(o.place.column, 11);
			list++;
		}
		macro += span_is(o.macro, "spawned_process");
	}
	assert_true(list > 0 && macro > 0);
}

static void priorities_have_names(void **state)
{
	enum rule_priority p;

	assert_true(rule_priority_parse(span_of("wArNiNg"), &p) && p == PRIORITY_WARNING);
	assert_true(rule_priority_parse(span_of("info"), &p) && p == PRIORITY_INFORMATIONAL);
	assert_false(rule_priority_parse(span_of("warn"), &p));
	assert_false(rule_priority_parse(span_of(""), &p));
	for (unsigned i = 0; i < PRIORITIES; i++)
		assert_true(rule_priority_parse(span_of(rule_priority_name((enum rule_priority)i)),
						&p) &&
			    p == i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_in_the_usual_style_loads),
		cmocka_unit_test(a_second_file_changes_the_first),
		cmocka_unit_test(outputs_are_parsed_into_pieces),
		cmocka_unit_test(text_is_appended_as_text),
		cmocka_unit_test(macros_see_what_is_above_them),
		cmocka_unit_test(rules_see_macros_below_them),
		cmocka_unit_test(cycles_of_macros_are_told),
		cmocka_unit_test(lists_are_replaced_as_words),
		cmocka_unit_test(lists_in_a_wrong_order_are_told),
		cmocka_unit_test(exceptions_become_conditions),
		cmocka_unit_test(wrong_exceptions_are_told),
		cmocka_unit_test(places_are_those_of_the_file),
		cmocka_unit_test(unknown_fields_can_be_forgiven),
		cmocka_unit_test(other_sources_and_priorities_are_counted),
		cmocka_unit_test(rules_that_never_or_always_match_are_told),
		cmocka_unit_test(keys_are_checked),
		cmocka_unit_test(requirements_are_checked),
		cmocka_unit_test(broken_yaml_is_told_with_its_place),
		cmocka_unit_test(anchors_and_documents_work),
		cmocka_unit_test(hostile_files_end_in_an_error),
		cmocka_unit_test(a_file_of_ten_megabytes_loads),
		cmocka_unit_test(macros_that_explode_are_refused),
		cmocka_unit_test(long_chains_of_macros_need_no_stack),
		cmocka_unit_test(origins_lead_back),
		cmocka_unit_test(priorities_have_names),
	};

	return cmocka_run_group_tests_name("ruleset", tests, NULL, NULL);
}
