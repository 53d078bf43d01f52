/* fuzz_hold_argv.c - the reader of a runtime's argv; arguments are divided by NUL. */
#include "record/hold_argv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span argv[HOLD_ARGV_COUNT];
	struct hold_argv out;
	size_t argc = 0;

	while (size && argc < HOLD_ARGV_COUNT) {
		const uint8_t *end = memchr(data, 0, size);
		size_t n = end ? (size_t)(end - data) : size;

		argv[argc++] = span_make(data, n);
		data += n + (end ? 1 : 0);
		size -= n + (end ? 1 : 0);
	}
	(void)hold_argv_parse(argv, argc, &out); /* must not read beyond the arguments */
	return 0;
}
