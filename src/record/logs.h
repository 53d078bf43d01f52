/* logs.h - follows the log files of containers, so that what they printed outlives docker rm.
 *
 * A file is held open from logs_follow on: lines written before it was unlinked are still read.
 * Rotated files (json-file's NAME.1, .2 ...; the kubelet's rename) are read to their end before
 * their successor.  What cannot be read is a gap: "log_truncated" (the file was cut), "log_lost"
 * (more than the quota, or a rotation that went too fast), "log_garbled" (not of the format),
 * "log_line_cut" (longer than LIMIT_LOG_LINE: the head is kept), "log_missing".
 *
 * One thread does all the reading; the calls below only hand work to it. */
#ifndef AMBER_RECORD_LOGS_H
#define AMBER_RECORD_LOGS_H

#include "record/keep_out.h"
#include "record/log_line.h"

struct logs_options {
	uint64_t lines_per_s; /* of one container; 0: 20,000, twice that in a burst */
	uint64_t bytes_per_s; /* of one container, as in the file; 0: 8 MB, 64 MB in a burst */
};

struct logs_stats {
	uint64_t lines, bytes; /* emitted; read */
	uint64_t followed;     /* files now */
	uint64_t lost;	       /* lines over the quota */
};

struct logs;

/* `out` is borrowed and outlives it.  Caller owns *ret. */
int logs_open(const struct logs_options *options, struct keep_out *out, struct logs **ret,
	      struct err *e);

/* Reads every file to its end, stops, says the gaps; NULL is allowed. */
void logs_close(struct logs *logs);

/* Follows `path`, which may not exist yet, for the container of `who` (id and cgroup_id).  Lines
 * with a time before `since_ns` (real_ns; 0: from the start) are passed over.  A container that is
 * followed already goes on: a restart takes back logs_finish.  The file is opened before the call
 * returns when it is there; a symbolic link or anything but a regular file is -ELOOP or -EINVAL. */
int logs_follow(struct logs *logs, const struct keep_who *who, const char *path,
		enum log_format format, uint64_t since_ns, struct err *e);

/* The container is dead: reads on until nothing was written for a while (the daemon writes after
 * the death), then closes. */
void logs_finish(struct logs *logs, struct span id);

void logs_stats_get(struct logs *logs, struct logs_stats *ret_stats);

#endif
