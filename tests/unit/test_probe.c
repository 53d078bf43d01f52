/* test_probe.c - claims about the kernel programs and their loader; each makes real system calls. */
#include "probe_fixture.h"

static void act_true(void *arg)
{
	execl("/bin/true", "true", "one", "", "three words", NULL);
}

static void a_program_that_runs_leaves_exec_and_exit(void **state)
{
	const struct wire_exec *w;

	fixture_need();
	fixture_run(act_true, NULL);
	for (size_t i = 0; i < fixture.count; i++)
		printf("type %u len %u tgid %u seq %llu ret %lld marks %x %s\n", fixture.records[i]->type, fixture.records[i]->len,
		fixture.records[i]->tgid, fixture.records[i]->seq, fixture.records[i]->ret, fixture.records[i]->marks, fixture.records[i]->comm);
	w = fixture_find(WIRE_PROCESS_EXEC);
	printf("%s\n", fixture_path(w, sizeof(*w), WIRE_TEXT_PATH));
	printf("%s\n", fixture_path(w, sizeof(*w), WIRE_TEXT_CWD));
	printf("%s\n", fixture_path(w, sizeof(*w), WIRE_TEXT_STDOUT));
}

static int open_probe(void **state)
{
	struct probe_options o = probe_defaults();

	return fixture_open(&o);
}

static int close_probe(void **state)
{
	fixture_close();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_that_runs_leaves_exec_and_exit),
	};

	return cmocka_run_group_tests(tests, open_probe, close_probe);
}
