/* log_line.h - one line of a container's log file as its runtime wrote it.
 *
 * json-file: {"log":"text\n","stream":"stdout","time":"RFC3339"} (moby, daemon/logger/jsonfilelog);
 * a text without a newline at its end is a part of a longer line.  CRI: RFC3339 STREAM TAGS TEXT,
 * first tag P (part) or F (full) (kubernetes, cri-api "Container Logging"). */
#ifndef AMBER_RECORD_LOG_LINE_H
#define AMBER_RECORD_LOG_LINE_H

#include "base/buf.h"

enum log_format {
	LOG_FORMAT_JSON,
	LOG_FORMAT_CRI,
};

#define LOG_RAW_BYTES (256u << 10) /* of one line in the file, escapes and all */

struct log_line {
	uint64_t real_ns;
	struct span stream; /* "stdout", "stderr" */
	struct span text;   /* without the newline at its end; hostile bytes */
	bool partial;	    /* the line goes on in the next one of its stream */
};

/* Reads one line (no newline at its end).  ret->text points into `line` or `scratch`, which is
 * cleared first and needs a maximum of LOG_RAW_BYTES.  -EINVAL when the line is not of the format,
 * -ENOMEM. */
int log_line_parse(enum log_format format, struct span line, struct buf *scratch,
		   struct log_line *ret);

/* RFC 3339 with up to nine digits of a second and Z or an offset.  -EINVAL. */
int log_time_parse(struct span text, uint64_t *ret_real_ns);

#endif
