/* test.h - cmocka, and what it needs included first. */
#ifndef AMBER_TESTS_UNIT_TEST_H
#define AMBER_TESTS_UNIT_TEST_H

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#endif
