/* fuzz_regex.c - regular expressions of rules: the pattern, a NUL, and the text to match. */
#include <stdlib.h>

#include "base/limits.h"
#include "detect/regex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
	size_t n = nul ? (size_t)(nul - data) : size, rest = nul ? size - n - 1 : 0;
	struct span text = span_make(nul ? nul + 1 : data, rest < 512 ? rest : 512);
	struct regex *r = NULL;
	struct err e = ERR_INIT;
	int first, code = regex_new(span_make(data, n), &r, &e);

	if (code < 0) {
		if (e.code != -code || e.text[0] == 0)
			abort(); /* a refusal says why */
		return 0;
	}
	first = regex_match(r, text);
	if (regex_match(r, text) != first || regex_bytes(r) > (2u << 20))
		abort();
	regex_free(r);
	return 0;
}
