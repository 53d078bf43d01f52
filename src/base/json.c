/* json.c - see json.h. */
#include "base/json.h"

#include <inttypes.h>
#include <math.h>

static void escaped(struct buf *b, struct span s)
{
	size_t plain = 0;

	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
			continue;
		buf_add(b, s.p + plain, i - plain);
		plain = i + 1;
		if (c == '"' || c == '\\')
			buf_addf(b, "\\%c", c);
		else if (c == '\n')
			buf_add_text(b, "\\n");
		else
			buf_addf(b, "\\u%04x", c);
	}
	buf_add(b, s.p + plain, s.n - plain);
}

static void begin(struct json *j, const char *name)
{
	if (j->comma)
		buf_add_u8(j->out, ',');
	j->comma = true;
	if (!name)
		return;
	buf_add_u8(j->out, '"');
	escaped(j->out, span_of(name));
	buf_add_text(j->out, "\":");
}

static void open_with(struct json *j, const char *name, char bracket)
{
	begin(j, name);
	buf_add_u8(j->out, (uint8_t)bracket);
	j->comma = false;
}

static void close_with(struct json *j, char bracket)
{
	buf_add_u8(j->out, (uint8_t)bracket);
	j->comma = true;
}

void json_object(struct json *j, const char *name)
{
	open_with(j, name, '{');
}

void json_object_end(struct json *j)
{
	close_with(j, '}');
}

void json_array(struct json *j, const char *name)
{
	open_with(j, name, '[');
}

void json_array_end(struct json *j)
{
	close_with(j, ']');
}

void json_text(struct json *j, const char *name, const char *value)
{
	if (value)
		json_bytes(j, name, span_of(value));
	else
		json_null(j, name);
}

void json_u64(struct json *j, const char *name, uint64_t value)
{
	begin(j, name);
	buf_addf(j->out, "%" PRIu64, value);
}

void json_i64(struct json *j, const char *name, int64_t value)
{
	begin(j, name);
	buf_addf(j->out, "%" PRId64, value);
}

void json_double(struct json *j, const char *name, double value)
{
	begin(j, name);
	if (isfinite(value))
		buf_addf(j->out, "%.17g", value);
	else
		buf_add_text(j->out, "null");
}

void json_bool(struct json *j, const char *name, bool value)
{
	begin(j, name);
	buf_add_text(j->out, value ? "true" : "false");
}

void json_null(struct json *j, const char *name)
{
	begin(j, name);
	buf_add_text(j->out, "null");
}

/* Writes `s` with U+FFFD for each byte that is part of no character. */
static void repaired(struct buf *b, struct span s)
{
	size_t i = 0;

	while (i < s.n) {
		size_t n = s.n - i < 4 ? s.n - i : 4;

		if (s.p[i] < 0x80) {
			n = 1;
		} else {
			while (n && !span_is_utf8(span_make(s.p + i, n)))
				n--;
		}
		if (n)
			escaped(b, span_make(s.p + i, n));
		else
			buf_add_text(b, "\xef\xbf\xbd");
		i += n ? n : 1;
	}
}

static void add_hex(struct json *j, const char *name, struct span value)
{
	static const char digits[] = "0123456789abcdef";

	if (j->comma)
		buf_add_u8(j->out, ',');
	buf_addf(j->out, "\"%s_hex\":\"", name);
	for (size_t i = 0; i < value.n; i++) {
		buf_add_u8(j->out, (uint8_t)digits[value.p[i] >> 4]);
		buf_add_u8(j->out, (uint8_t)digits[value.p[i] & 15]);
	}
	buf_add_u8(j->out, '"');
}

void json_bytes(struct json *j, const char *name, struct span value)
{
	bool whole = span_is_utf8(value);

	begin(j, name);
	buf_add_u8(j->out, '"');
	if (whole)
		escaped(j->out, value);
	else
		repaired(j->out, value);
	buf_add_u8(j->out, '"');
	if (!whole && name)
		add_hex(j, name, value);
}
