/* err.c - see err.h. */
#include "base/err.h"

#include <stdio.h>
#include <string.h>

const char *err_words(int code)
{
	const char *words = strerrordesc_np(code);

	return words ? words : "unknown error";
}

static void append(struct err *e, const char *text)
{
	size_t n = strlen(e->text);

	(void)snprintf(e->text + n, sizeof(e->text) - n, "%s", text); /* cut text is still text */
}

int err_set(struct err *e, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(e->text, sizeof(e->text), format, args); /* cut text is still text */
	va_end(args);
	e->code = code;
	return -code;
}

int err_sys(struct err *e, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(e->text, sizeof(e->text), format, args); /* cut text is still text */
	va_end(args);
	append(e, ": ");
	size_t at = strlen(e->text);
	append(e, err_words(code));
	if (e->text[at] >= 'A' && e->text[at] <= 'Z')
		e->text[at] += 'a' - 'A';
	e->code = code;
	return -code;
}

int err_prefix(struct err *e, const char *format, ...)
{
	char head[LIMIT_ERR_TEXT], tail[LIMIT_ERR_TEXT];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(head, sizeof(head), format, args); /* cut text is still text */
	va_end(args);
	memcpy(tail, e->text, sizeof(tail));
	e->text[0] = '\0';
	append(e, head);
	append(e, ": ");
	append(e, tail);
	return -e->code;
}

int err_hint(struct err *e, const char *format, ...)
{
	char advice[LIMIT_ERR_TEXT];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(advice, sizeof(advice), format, args); /* cut text is still text */
	va_end(args);
	append(e, "; ");
	append(e, advice);
	return -e->code;
}

void err_clear(struct err *e)
{
	e->code = 0;
	e->text[0] = '\0';
}
