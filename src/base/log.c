/* log.c - see log.h. */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"

static _Atomic int most = LOG_LEVEL_INFO;

static const struct {
	const char *name, *colour;
	int priority; /* syslog(3) */
} levels[] = {
	[LOG_LEVEL_ERROR] = {"error: ", "\033[1;31m", 3},
	[LOG_LEVEL_WARNING] = {"warning: ", "\033[33m", 4},
	[LOG_LEVEL_INFO] = {"", "", 6},
	[LOG_LEVEL_DEBUG] = {"debug: ", "\033[2m", 7},
};

void log_set_level(enum log_level level)
{
	most = (int)level;
}

void log_line(enum log_level level, const char *format, ...)
{
	bool colour = isatty(STDERR_FILENO) && !getenv("NO_COLOR");
	char text[2048];
	va_list args;

	if ((int)level > most)
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args); /* a cut line is still a line */
	va_end(args);
	if (getenv("JOURNAL_STREAM"))
		(void)fprintf(stderr, "<%d>%s%s\n", levels[level].priority, levels[level].name,
			      text);
	else if (colour)
		(void)fprintf(stderr, "amber: %s%s%s%s\n", levels[level].colour, levels[level].name,
			      *levels[level].colour ? "\033[0m" : "", text);
	else
		(void)fprintf(stderr, "amber: %s%s\n", levels[level].name, text);
}
