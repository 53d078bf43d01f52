/* path.c - see path.h. */
#include "base/path.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"

int path_print(char *ret_path, struct err *e, const char *format, ...)
{
	char path[LIMIT_PATH];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof(path))
		return err_set(e, ENAMETOOLONG, "path is longer than %u bytes: '%.60s...'",
			       LIMIT_PATH - 1, path);
	memcpy(ret_path, path, (size_t)n + 1);
	return 0;
}

struct span path_base(struct span path)
{
	const uint8_t *slash = path.n ? memrchr(path.p, '/', path.n) : NULL;
	size_t skip = slash ? (size_t)(slash - path.p) + 1 : 0;

	return span_make(path.p + skip, path.n - skip);
}

/* Code points that change how the text around them is read: C1 controls, line and paragraph
 * separators, bidirectional marks and overrides (Unicode 15, table 2-5; CVE-2021-42574). */
static bool deceives(const uint8_t *p, size_t n)
{
	if (n == 2)
		return p[0] == 0xc2 && p[1] < 0xa0;
	if (n == 3 && p[0] == 0xe2 && p[1] == 0x80)
		return (p[2] >= 0x8b && p[2] <= 0x8f) || (p[2] >= 0xa8 && p[2] <= 0xae);
	if (n == 3 && p[0] == 0xe2 && p[1] == 0x81)
		return p[2] >= 0xa0 && p[2] <= 0xaf;
	return n == 3 && p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf;
}

static size_t readable_run(struct span s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] >= 0x20 && s.p[n] < 0x7f && s.p[n] != '\\')
		n++;
	return n;
}

static void escape_byte(struct buf *b, uint8_t byte)
{
	switch (byte) {
	case '\n':
		buf_add_text(b, "\\n");
		break;
	case '\t':
		buf_add_text(b, "\\t");
		break;
	case '\r':
		buf_add_text(b, "\\r");
		break;
	case '\\':
		buf_add_text(b, "\\\\");
		break;
	default:
		buf_addf(b, "\\x%02x", byte);
	}
}

void path_escape(struct buf *b, struct span bytes)
{
	while (bytes.n) {
		size_t n = readable_run(bytes);

		if (n == 0 && bytes.p[0] >= 0x80) {
			size_t most = bytes.n < 4 ? bytes.n : 4;

			for (n = most; n > 1 && !span_is_utf8(span_make(bytes.p, n)); n--)
				;
			/* Shorten to the first character: a longer run may hold a deceiver. */
			for (size_t k = 2; k < n; k++)
				if (span_is_utf8(span_make(bytes.p, k)))
					n = k;
			if (n < 2 || deceives(bytes.p, n))
				n = 0;
		}
		if (n) {
			buf_add(b, bytes.p, n);
		} else {
			escape_byte(b, bytes.p[0]);
			n = 1;
		}
		bytes = span_make(bytes.p + n, bytes.n - n);
	}
}
