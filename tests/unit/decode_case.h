/* decode_case.h - one record, its event, and what is claimed about it: for the tests of the
 * decoder. */
#ifndef AMBER_TESTS_UNIT_DECODE_CASE_H
#define AMBER_TESTS_UNIT_DECODE_CASE_H

#include "record/decode.h"
#include "test.h"
#include "wire_build.h"

static struct decoder decoder = {.offset_ns = 1700000000000000000};
static struct wire_build build;
static struct event ev;

static inline void decode(void)
{
	struct err e = ERR_INIT;

	memset(&ev, 0xee, sizeof(ev));
	if (decode_record(&decoder, wire_end(&build), &ev, &e) != 0)
		fail_msg("%s", e.text);
}

static inline int refused(struct span record)
{
	struct err e = ERR_INIT;

	return decode_record(&decoder, record, &ev, &e);
}

#define assert_bytes(span_, text)                                                                \
	do {                                                                                     \
		struct span is_ = (span_);                                                       \
		if (!span_is(is_, (text)))                                                       \
			fail_msg("'%.*s' is not '%s'", (int)is_.n, (const char *)is_.p, (text)); \
	} while (0)
#define assert_text(field, text)  assert_bytes(ev.value[FIELD_##field].bytes, text)
#define assert_u64(field, number) assert_int_equal(ev.value[FIELD_##field].u, (uint64_t)(number))

#endif
