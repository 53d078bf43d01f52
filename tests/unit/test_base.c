/* test_base.c - claims about src/base. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/map.h"
#include "base/path.h"
#include "test.h"

static void a_full_buffer_stays_failed(void **state)
{
	struct err e = ERR_INIT;
	struct buf b;

	buf_init(&b, 8);
	buf_add_text(&b, "12345678");
	assert_int_equal(buf_check(&b, "a name", &e), 0);
	buf_add_text(&b, "9");
	buf_add_text(&b, "");
	assert_int_equal(buf_check(&b, "a name", &e), -E2BIG);
	assert_string_equal(e.text, "a name is larger than 8 bytes");
	assert_int_equal(b.n, 8);
	buf_fini(&b);
}

static void varints_come_back(void **state)
{
	static const uint64_t values[] = {0, 1, 127, 128, 300, UINT32_MAX, UINT64_MAX};
	struct buf b;

	buf_init(&b, 1024);
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		buf_add_varint(&b, values[i]);
	struct cursor c = cursor_of(buf_span(&b));
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		uint64_t value = 42;

		assert_true(cursor_varint(&c, &value));
		assert_true(value == values[i]);
		assert_true(unzigzag(zigzag((int64_t)value)) == (int64_t)value);
	}
	assert_int_equal(cursor_left(&c), 0);
	buf_fini(&b);
}

static void a_cursor_does_not_move_when_it_fails(void **state)
{
	const uint8_t bytes[] = {1, 2, 3};
	struct cursor c = cursor_of(span_make(bytes, sizeof(bytes)));
	uint32_t value = 7;

	assert_false(cursor_u32(&c, &value));
	assert_int_equal(value, 7);
	assert_int_equal(cursor_left(&c), 3);
	const uint8_t endless[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02};
	uint64_t big;
	c = cursor_of(span_make(endless, sizeof(endless)));
	assert_false(cursor_varint(&c, &big));
	assert_int_equal(cursor_left(&c), sizeof(endless));
}

static void assert_escaped(const char *raw, const char *printed)
{
	struct buf b;

	buf_init(&b, 1024);
	path_escape(&b, span_of(raw));
	assert_string_equal(buf_text(&b), printed);
	buf_fini(&b);
}

static void hostile_names_cannot_drive_a_terminal(void **state)
{
	assert_escaped("plain-\xc3\xa9", "plain-\xc3\xa9");
	assert_escaped("\033[2J", "\\x1b[2J");
	assert_escaped("a\nb\\", "a\\nb\\\\");
	assert_escaped("\xff\xfe", "\\xff\\xfe");
	assert_escaped("x\xe2\x80\xaey", "x\\xe2\\x80\\xaey");
	assert_escaped("\xc2\x9b", "\\xc2\\x9b");
	assert_escaped("\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80");
}

static void json_keeps_bytes_that_are_no_text(void **state)
{
	struct buf b;

	buf_init(&b, 1024);
	struct json j = json_to(&b);
	json_object(&j, NULL);
	json_bytes(&j, "path", span_of("a\xff\"\n"));
	json_u64(&j, "n", 5);
	json_object_end(&j);
	assert_string_equal(
		buf_text(&b),
		"{\"path\":\"a\xef\xbf\xbd\\\"\\n\",\"path_hex\":\"61ff220a\",\"n\":5}");
	buf_fini(&b);
}

static void times_are_read_as_printed(void **state)
{
	struct err e = ERR_INIT;
	char text[CLOCK_TEXT];
	uint64_t ns = 1795506180123456789ull, back = 0;

	clock_print(ns, text);
	assert_int_equal(clock_parse(text, &back, &e), 0);
	assert_true(back == ns);
	assert_int_equal(clock_parse_span("15m", &back, &e), 0);
	assert_true(back == 900 * NSEC_PER_SEC);
	assert_int_equal(clock_parse("yesterday", &back, &e), -EINVAL);
}

static void sha256_matches_the_standard(void **state)
{
	uint8_t digest[SHA256_BYTES];
	char text[SHA256_TEXT];

	sha256_of(span_of("abc"), digest);
	hex_print(span_make(digest, sizeof(digest)), text);
	assert_string_equal(text,
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void a_map_keeps_what_was_not_removed(void **state)
{
	struct map m;

	map_init(&m);
	for (uint64_t i = 0; i < 5000; i++)
		assert_int_equal(map_put(&m, i * 64, i), 0);
	for (uint64_t i = 0; i < 5000; i += 3)
		assert_true(map_remove(&m, i * 64));
	for (uint64_t i = 0; i < 5000; i++) {
		uint64_t *value = map_find(&m, i * 64);

		if (i % 3 == 0)
			assert_null(value);
		else
			assert_true(value && *value == i);
	}
	map_fini(&m);
}

static void interned_keys_come_back(void **state)
{
	struct intern t;
	uint32_t number;
	char key[16];

	intern_init(&t);
	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < 3000; i++) {
			(void)snprintf(key, sizeof(key), "key-%u", i);
			assert_int_equal(intern_get(&t, span_of(key), &number), 0);
			assert_int_equal(number, i);
			assert_true(span_is(intern_key(&t, number), key));
		}
	intern_clear(&t);
	assert_false(intern_find(&t, span_of("key-1"), &number));
	intern_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_buffer_stays_failed),
		cmocka_unit_test(varints_come_back),
		cmocka_unit_test(a_cursor_does_not_move_when_it_fails),
		cmocka_unit_test(hostile_names_cannot_drive_a_terminal),
		cmocka_unit_test(json_keeps_bytes_that_are_no_text),
		cmocka_unit_test(times_are_read_as_printed),
		cmocka_unit_test(sha256_matches_the_standard),
		cmocka_unit_test(a_map_keeps_what_was_not_removed),
		cmocka_unit_test(interned_keys_come_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
