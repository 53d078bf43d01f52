/* test_ruleset_memory.c - claims about loading rules when an allocation fails, each in turn.
 *
 * Linked with --wrap for malloc and its kin: only calls of our own code are counted and refused. */
#include "detect/ruleset.h"
#include "test.h"

void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__real_realloc(void *p, size_t n);
void *__real_reallocarray(void *p, size_t count, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_reallocarray(void *p, size_t count, size_t n);

static unsigned calls, refused; /* refused: the call that fails, 0 none */

static bool refuse(void)
{
	return ++calls == refused;
}

void *__wrap_malloc(size_t n)
{
	return refuse() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t count, size_t n)
{
	return refuse() ? NULL : __real_calloc(count, n);
}

void *__wrap_realloc(void *p, size_t n)
{
	return refuse() ? NULL : __real_realloc(p, n);
}

void *__wrap_reallocarray(void *p, size_t count, size_t n)
{
	return refuse() ? NULL : __real_reallocarray(p, count, n);
}

static int load(struct ruleset *s, unsigned fail, struct err *e)
{
	static const char *const names[] = {"base.yaml", "local.yaml"};
	struct ruleset_options options = {.threshold = PRIORITY_DEBUG};
	const char *dir = getenv("AMBER_TEST_RULES");
	char path[LIMIT_PATH];
	int r = 0;

	ruleset_init(s);
	calls = 0;
	refused = fail;
	for (size_t i = 0; i < ARRAY_LEN(names) && r == 0; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir ? dir : "tests/rules", names[i]);
		r = ruleset_add_file(s, path, e);
	}
	if (r == 0)
		r = ruleset_compile(s, &options, e);
	refused = 0;
	return r;
}

static void every_failed_allocation_is_told(void **state)
{
	unsigned all;

	{
		AUTO(ruleset) struct ruleset s;
		struct err e = ERR_INIT;

		assert_int_equal(load(&s, 0, &e), 0);
		assert_int_equal(s.rule_n, 3);
		all = calls;
	}
	assert_true(all > 100);
	for (unsigned i = 1; i <= all; i++) {
		AUTO(ruleset) struct ruleset s;
		struct err e = ERR_INIT;
		int r = load(&s, i, &e);

		if (r != -ENOMEM || !e.text[0])
			fail_msg("allocation %u of %u: %d '%s'", i, all, r, e.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_failed_allocation_is_told),
	};

	return cmocka_run_group_tests_name("ruleset memory", tests, NULL, NULL);
}
