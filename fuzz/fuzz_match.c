/* fuzz_match.c - values of rules and events: an operator, a kind, values divided by NUL, the last
 * of which is what they are compared with. */
#include <stdlib.h>

#include "base/limits.h"
#include "detect/lineage.h"
#include "detect/match.h"
#include "detect/transform.h"

#define VALUES 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare(const struct match_spec *spec, struct detect_value value)
{
	AUTO(match) struct match *m = NULL;
	struct err e = ERR_INIT;
	int code = match_compile(spec, &m, &e);

	if (code < 0) {
		if (e.code != -code || e.text[0] == 0)
			abort(); /* a refusal says why */
		return;
	}
	if (match_test(m, &value, MATCH_FALCO) == TRUTH_UNKNOWN)
		abort(); /* Falco knows no unknown */
	(void)match_test(m, &value, MATCH_AMBER);
	(void)match_bytes(m);
}

static void change(struct span *values, size_t n)
{
	AUTO(detect_scratch) struct detect_scratch s = {0};
	struct detect_value args[3];
	struct err e = ERR_INIT;
	struct span comm;
	char room[64];
	uint32_t pid;

	if (detect_scratch_init(&s, &e) < 0)
		return;
	for (size_t i = 0; i < 3; i++)
		args[i] = detect_text(values[i % n]);
	for (unsigned t = TRANSFORM_TOLOWER; t <= TRANSFORM_LEN; t++)
		(void)transform_apply((enum transform)t, args, 1, &s);
	(void)transform_apply(TRANSFORM_CONCAT, args, 3, &s);
	(void)transform_apply(TRANSFORM_GETOPT, args, 2, &s);
	(void)transform_apply(TRANSFORM_GETOPT, args, 3, &s);
	(void)detect_ancestor_at(values[0], 3, &pid, &comm, room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span values[VALUES];
	struct match_spec spec = {.values = values};
	struct detect_value value;
	size_t n = 0;

	if (size < 3)
		return 0;
	spec.op = (enum match_op)(data[0] % (MATCH_REGEX + 1));
	spec.modifier = (enum match_modifier)(data[1] % 4);
	spec.kind = (enum detect_kind)(data[2] % (DETECT_NET + 1));
	for (data += 3, size -= 3; n < VALUES;) {
		const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
		size_t length = nul ? (size_t)(nul - data) : size;

		values[n++] = span_make(data, length);
		if (!nul)
			break;
		data = nul + 1;
		size -= length + 1;
	}
	value = detect_text(values[n - 1]);
	if (spec.kind == DETECT_ADDR || spec.kind == DETECT_NET)
		value = detect_addr(values[n - 1]);
	else if (spec.kind == DETECT_U64)
		value = detect_u64(values[n - 1].n);
	spec.n = n - 1;
	compare(&spec, value);
	change(values, n);
	return 0;
}
