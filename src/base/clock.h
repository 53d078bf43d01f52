/* clock.h - time: the boot clock for order, the real clock for people.
 *
 * boot_ns is CLOCK_BOOTTIME (what the kernel stamps events with), real_ns is nanoseconds since
 * 1970-01-01 UTC.  All printed times are UTC. */
#ifndef AMBER_BASE_CLOCK_H
#define AMBER_BASE_CLOCK_H

#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

#define NSEC_PER_SEC 1000000000ull
#define CLOCK_TEXT   32 /* bytes of a printed time with its NUL */

uint64_t clock_boot_ns(void);
uint64_t clock_real_ns(void);

/* real_ns minus boot_ns, measured now, accurate to about a microsecond.  It changes when the real
 * clock is stepped or slewed. */
int64_t clock_offset_ns(void);

/* The kernel's boot id as 36 characters and NUL, from /proc/sys/kernel/random/boot_id. */
int clock_boot_id(char ret_id[37], struct err *e);

/* RFC 3339 in UTC with nanoseconds: "2026-11-24T07:43:00.123456789Z". */
void clock_print(uint64_t real_ns, char ret_text[CLOCK_TEXT]);

/* Reads what clock_print wrote, fewer digits of a second, a plain date, "now", or an age such as
 * "15m" or "2d" (before now).  -EINVAL with an example when it is none of these. */
int clock_parse(const char *text, uint64_t *ret_real_ns, struct err *e);

/* Reads a length of time: 500ms, 30s, 15m, 4h, 2d; a bare number is seconds. */
int clock_parse_span(const char *text, uint64_t *ret_ns, struct err *e);

#endif
