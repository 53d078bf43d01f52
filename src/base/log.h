/* log.h - talk for people, on stderr.  Only cmd/ and serve/ talk; library code returns errors. */
#ifndef AMBER_BASE_LOG_H
#define AMBER_BASE_LOG_H

#include <stdbool.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

/* The most talkative level that is printed; LOG_LEVEL_INFO at first. */
void log_set_level(enum log_level level);

/* One line "amber: text", coloured by level on a terminal.  Under systemd (JOURNAL_STREAM set)
 * it carries the "<N>" priority prefix of sd-daemon(3) instead of a colour.  Thread-safe. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)	 log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)	 log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)	 log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
