/* fuzz_condition.c - conditions: what parses prints to something that parses to the same. */
#include "detect/condition.h"
#include "detect/condition_types.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void ignore(void *ctx, const struct cond_node *node, enum cond_verdict verdict,
		   const char *hint, const char *text)
{
	size_t *told = ctx;

	*told += (size_t)verdict + strlen(hint) + strlen(text) + node->at;
}

static void check(const struct condition *c)
{
	AUTO(condition) struct condition again;
	AUTO(buf) struct buf b;
	struct cond_fault fault;
	struct err e = ERR_INIT;
	struct event_set set;
	size_t told = 0;
	const struct cond_judge judge = {&told, ignore};

	condition_init(&again);
	buf_init(&b, LIMIT_CONDITION);
	condition_check_types(c, &judge);
	condition_events(c, &set);
	condition_print(&b, c);
	if (b.failed)
		return; /* escapes made it too long */
	if (condition_parse(&again, buf_span(&b), 0, &fault, &e) < 0 || !condition_same(c, &again))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO(condition) struct condition c;
	struct cond_fault fault;
	struct err e = ERR_INIT;

	condition_init(&c);
	if (condition_parse(&c, span_make(p, n), 0, &fault, &e) == 0)
		check(&c);
	else if (fault.at > n || !e.text[0])
		abort();
	return 0;
}
