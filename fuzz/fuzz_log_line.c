/* fuzz_log_line.c - the reader of container log lines; the first byte chooses the format. */
#include "base/hash.h"
#include "record/log_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum log_format format = size && data[0] == 'c' ? LOG_FORMAT_CRI : LOG_FORMAT_JSON;
	struct log_line line;
	struct buf scratch;

	if (size == 0)
		return 0;
	buf_init(&scratch, LOG_RAW_BYTES);
	if (log_line_parse(format, span_make(data + 1, size - 1), &scratch, &line) == 0) {
		uint64_t sum = hash64(line.text); /* every byte that it points to is there */

		if (sum == hash64(line.stream) && !span_eq(line.text, line.stream))
			abort();
	}
	buf_fini(&scratch);
	return 0;
}
